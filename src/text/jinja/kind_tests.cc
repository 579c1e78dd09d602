// Tests: value is name, value is name(argument).
#include <optional>

#include "text/jinja/builtins.h"
#include "text/jinja/characters.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

bool is_constant(const Value& value, bool constant) {
  const bool* b = value.get<bool>();
  return b != nullptr && *b == constant;
}

bool is_sequence(const Value& value) {
  const List* list = value.as_list();
  const bool has_items = list != nullptr && (list->kind == ListKind::kList || list->is_tuple() ||
                                             list->kind == ListKind::kRange);
  // Jinja's undefined has a length and takes subscripts; that is all it asks of a sequence.
  return has_items || value.is_string() || value.as_dict() != nullptr || value.is_undefined();
}

/// Jinja's undefined can be called, as far as Python sees; it then fails.
bool is_callable(const Value& value) {
  return value.as_callable() != nullptr || value.as_loop() != nullptr || value.is_undefined();
}

bool is_iterable(const Value& value) {
  return is_sequence(value) || value.as_list() != nullptr || value.as_iterator() != nullptr ||
         value.as_loop() != nullptr;
}

Result<bool> is_same(const Value& a, const Value& b) {
  // Small values have one object each in Python; of the others, sharing is not something to rely
  // on.
  const auto single = [](const Value& v) { return v.is_none() || v.is_bool() || v.is_undefined(); };
  if (single(a) || single(b)) return a.type_name() == b.type_name() && equal(a, b);
  if (a.as_namespace() != nullptr || b.as_namespace() != nullptr) return equal(a, b);
  if (a.type_name() != b.type_name()) return false;
  return equal(a, b);
}

Result<bool> divides(const Call& call, const Value& divisor, std::int64_t rest) {
  HEARTH_TRY(const Value left, binary(BinaryOp::kModulo, call.self, divisor, call.budget));
  return equal(left, Value::integer(rest));
}

template <bool (*holds)(const Value&)>
Result<Value> kind(const Call& call) {
  return Value::boolean(holds(call.self));
}

template <CompareOp op>
Result<Value> comparison(const Call& call) {
  HEARTH_TRY(const bool holds, compare(op, call.self, call.at(0), call.budget));
  return Value::boolean(holds);
}

template <LetterCase wanted>
Result<Value> has_case(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge(call.self.text_weight() * kClassCost));
  return Value::boolean(is_all(to_text(call.self), wanted));
}

/// Whether there is a filter or test of that name; looked up in a dict, so keys only.
template <const Function* (*find)(std::string_view)>
Result<Value> known_name(const Call& call) {
  if (!is_hashable(call.self)) return call.wrong(call.self.describe() + " cannot be a name");
  return Value::boolean(call.self.is_string() && find(*call.self.as_string()) != nullptr);
}

Result<Value> to_value(const Result<bool>& holds) {
  if (!holds) return tl::unexpected<Error>(holds.error());
  return Value::boolean(*holds);
}

constexpr Signature kOther{.names = {"other"}, .required = 1};

constexpr Function kTests[] = {
    {"boolean", {}, kind<[](const Value& v) { return v.is_bool(); }>},
    {"callable", {}, kind<is_callable>},
    {"defined", {}, kind<[](const Value& v) { return !v.is_undefined(); }>},
    {"divisibleby",
     {.names = {"num"}, .required = 1},
     [](const Call& call) { return to_value(divides(call, call.at(0), 0)); }},
    {"eq", kOther, comparison<CompareOp::kEqual>},
    {"equalto", kOther, comparison<CompareOp::kEqual>},
    {"==", kOther, comparison<CompareOp::kEqual>},
    {"escaped", {}, kind<[](const Value& v) { return v.is_markup(); }>},
    {"even", {}, [](const Call& call) { return to_value(divides(call, Value::integer(2), 0)); }},
    {"false", {}, kind<[](const Value& v) { return is_constant(v, false); }>},
    {"filter", {}, known_name<find_filter>},
    {"float", {}, kind<[](const Value& v) { return v.is_float(); }>},
    {"ge", kOther, comparison<CompareOp::kGreaterEqual>},
    {">=", kOther, comparison<CompareOp::kGreaterEqual>},
    {"gt", kOther, comparison<CompareOp::kGreater>},
    {"greaterthan", kOther, comparison<CompareOp::kGreater>},
    {">", kOther, comparison<CompareOp::kGreater>},
    {"in", {.names = {"seq"}, .required = 1}, comparison<CompareOp::kIn>},
    {"integer", {}, kind<[](const Value& v) { return v.is_integer(); }>},
    {"iterable", {}, kind<is_iterable>},
    {"le", kOther, comparison<CompareOp::kLessEqual>},
    {"<=", kOther, comparison<CompareOp::kLessEqual>},
    {"lower", {}, has_case<LetterCase::kLower>},
    {"lt", kOther, comparison<CompareOp::kLess>},
    {"lessthan", kOther, comparison<CompareOp::kLess>},
    {"<", kOther, comparison<CompareOp::kLess>},
    {"mapping", {}, kind<[](const Value& v) { return v.as_dict() != nullptr; }>},
    {"ne", kOther, comparison<CompareOp::kNotEqual>},
    {"!=", kOther, comparison<CompareOp::kNotEqual>},
    {"none", {}, kind<[](const Value& v) { return v.is_none(); }>},
    {"number", {}, kind<[](const Value& v) { return v.is_number(); }>},
    {"odd", {}, [](const Call& call) { return to_value(divides(call, Value::integer(2), 1)); }},
    {"sameas", kOther, [](const Call& call) { return to_value(is_same(call.self, call.at(0))); }},
    {"sequence", {}, kind<is_sequence>},
    {"string", {}, kind<[](const Value& v) { return v.is_string(); }>},
    {"test", {}, known_name<find_test>},
    {"true", {}, kind<[](const Value& v) { return is_constant(v, true); }>},
    {"undefined", {}, kind<[](const Value& v) { return v.is_undefined(); }>},
    {"upper", {}, has_case<LetterCase::kUpper>},
};

}  // namespace

const Function* find_test(std::string_view name) { return find_row(kTests, name); }

Result<bool> apply_test(std::string_view name, const Value& input, const Arguments& arguments,
                        Runtime& runtime) {
  const Function* test = find_test(name);
  if (test == nullptr) {
    return fail(ErrorCode::kUnsupported, "the test " + std::string(name) + " is not supported");
  }
  HEARTH_TRY(const Value holds, call_function(*test, "test", input, arguments, runtime));
  return holds.truthy();
}

}  // namespace hearth::text::jinja
