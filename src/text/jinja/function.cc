// Calls of functions: arguments are bound to the declared parameters.
#include "text/jinja/function.h"

#include <algorithm>

namespace hearth::text::jinja {

std::size_t Signature::size() const {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), std::string_view()) -
                                  names.begin());
}

Result<void> Call::bind() {
  const Signature& signature = function_.signature;
  const std::size_t size = signature.size();
  if (all.positional.size() > size && !signature.takes_rest) {
    return wrong("takes at most " + std::to_string(size) + " arguments, got " +
                 std::to_string(all.positional.size()));
  }
  for (std::size_t i = 0; i < std::min(size, all.positional.size()); ++i) {
    bound_[i] = &all.positional[i];
  }
  const auto names_end = signature.names.begin() + static_cast<std::ptrdiff_t>(size);
  for (const auto& [name, value] : all.named) {
    const auto found = std::find(signature.names.begin(), names_end, name);
    if (found == names_end || signature.by_position) {
      if (signature.takes_rest) continue;
      return wrong("has no argument " + name + "=");
    }
    const Value*& place = bound_[static_cast<std::size_t>(found - signature.names.begin())];
    if (place != nullptr) return wrong("got the argument " + name + "= twice");
    place = &value;
  }
  for (std::size_t i = 0; i < signature.required; ++i) {
    if (!given(i)) return wrong("needs the argument " + std::string(signature.names[i]));
  }
  return {};
}

Value Call::value_or(std::size_t i, const Value& fallback) const {
  return given(i) ? at(i) : fallback;
}

Result<const std::string*> Call::text(std::size_t i) const {
  if (const std::string* text = at(i).as_string()) return text;
  return wrong(std::string(function_.signature.names[i]) + " must be a string, not " +
               at(i).describe());
}

Result<std::int64_t> Call::whole_or(std::size_t i, std::int64_t fallback) const {
  if (!given(i)) return fallback;
  if (at(i).is_whole()) return to_integer(at(i));
  return wrong(std::string(function_.signature.names[i]) + " must be a whole number, not " +
               at(i).describe());
}

Result<std::int64_t> Call::whole_up_to(std::size_t i, std::int64_t fallback,
                                       std::int64_t max) const {
  HEARTH_TRY(const std::int64_t value, whole_or(i, fallback));
  if (value <= max) return value;
  return fail(ErrorCode::kResourceExhausted,
              std::string(function_.signature.names[i]) + " of more than " + std::to_string(max));
}

Result<Value> call_function(const Function& function, std::string_view kind, const Value& self,
                            const Arguments& arguments, Runtime& runtime) {
  const auto named = [&] { return "the " + std::string(kind) + " " + std::string(function.name); };
  HEARTH_TRY_VOID(runtime.budget.charge());
  if (function.run == nullptr) {
    return fail(ErrorCode::kUnsupported, named() + " is not supported");
  }
  Call call(function, self, arguments, runtime);
  if (const auto bound = call.bind(); !bound) return fail_within(named(), bound.error());
  auto value = function.run(call);
  if (!value) return fail_within(named(), value.error());
  return value;
}

const Function* find_row(std::span<const Function> table, std::string_view name) {
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Function& function) { return function.name == name; });
  return row == table.end() ? nullptr : &*row;
}

}  // namespace hearth::text::jinja
