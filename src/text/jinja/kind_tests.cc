// Tests: value is name, value is name(argument).
#include <optional>

#include "text/jinja/builtins.h"

namespace hearth::text::jinja {
namespace {

/// Tests without argument; nothing when the name is not among them.
std::optional<bool> kind_test(std::string_view name, const Value& v) {
  const bool* boolean = v.get<bool>();
  if (name == "defined") return !v.is_undefined();
  if (name == "undefined") return v.is_undefined();
  if (name == "none") return v.is_none();
  if (name == "boolean") return boolean != nullptr;
  if (name == "true") return boolean != nullptr && *boolean;
  if (name == "false") return boolean != nullptr && !*boolean;
  if (name == "string") return v.as_string() != nullptr;
  if (name == "number") return v.is_number();
  if (name == "integer") return v.is_integer();
  if (name == "float") return v.is_float();
  if (name == "mapping") return v.as_dict() != nullptr;
  if (name == "callable") return v.as_callable() != nullptr;
  const bool container =
      v.as_string() != nullptr || v.as_list() != nullptr || v.as_dict() != nullptr;
  if (name == "iterable") return container || v.is_undefined();
  // Jinja's undefined has a length and takes subscripts; that is all it asks of a sequence.
  if (name == "sequence") return container || v.is_undefined();
  return std::nullopt;
}

std::string_view operator_of(std::string_view test) {
  if (test == "eq" || test == "equalto" || test == "sameas") return "==";
  if (test == "ne") return "!=";
  if (test == "lt" || test == "lessthan") return "<";
  if (test == "le") return "<=";
  if (test == "gt" || test == "greaterthan") return ">";
  if (test == "ge") return ">=";
  if (test == "in") return "in";
  return {};
}

}  // namespace

Result<bool> apply_test(std::string_view name, const Value& input, const Arguments& arguments) {
  if (const auto answer = kind_test(name, input)) {
    HEARTH_TRY(const auto none, arguments.bind({}));
    return *answer;
  }
  const auto one_argument = [&]() -> Result<Value> {
    HEARTH_TRY(const auto args, arguments.bind({"other"}));
    if (args[0]) return *args[0];
    return fail(ErrorCode::kInvalidArgument,
                "the test " + std::string(name) + " needs an argument");
  };
  if (const std::string_view op = operator_of(name); !op.empty()) {
    HEARTH_TRY(const Value other, one_argument());
    return compare(op, input, other);
  }
  const bool parity = name == "odd" || name == "even";
  if (parity || name == "divisibleby") {
    Value divisor = Value::integer(2);
    if (!parity) {
      HEARTH_TRY(divisor, one_argument());
    }
    if (!input.is_integer() || !divisor.is_integer() || to_integer(divisor) == 0) {
      return fail(ErrorCode::kInvalidArgument,
                  "the test " + std::string(name) + " needs whole numbers");
    }
    // The most negative number divides by -1 without rest, but the instruction traps.
    const bool divides = to_integer(divisor) == -1 || to_integer(input) % to_integer(divisor) == 0;
    return name == "odd" ? !divides : divides;
  }
  return fail(ErrorCode::kUnsupported, "the test " + std::string(name) + " is not supported");
}

}  // namespace hearth::text::jinja
