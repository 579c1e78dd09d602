// What templates can use without defining it: filters, tests, methods, attributes and operators.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// What one rendering may still use; every loop and copy is charged to it.
class Budget {
 public:
  Budget(std::size_t steps_max, std::size_t bytes_max)
      : steps_max_(steps_max), bytes_max_(bytes_max) {}

  /// One step and the handling of `bytes`. kResourceExhausted when the steps are used up.
  Result<void> charge(std::size_t bytes = 0);

  /// The same for text that is kept: also refused when longer than the output may be.
  Result<void> charge_text(std::size_t bytes);

 private:
  std::size_t steps_max_;
  std::size_t bytes_max_;
  std::size_t steps_ = 0;
};

/// Evaluated arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The arguments in the order of `parameters`; nothing where not given. kUnsupported for a name
  /// that is not among them or too many values.
  Result<std::vector<std::optional<Value>>> bind(
      std::initializer_list<std::string_view> parameters) const;
};

/// All of these report kUnsupported for a name that is not known and kInvalidArgument for operands
/// of the wrong kind; messages name the filter, test or method.
Result<Value> apply_filter(std::string_view name, const Value& input, const Arguments& arguments,
                           Budget& budget);
Result<bool> apply_test(std::string_view name, const Value& input, const Arguments& arguments);
Result<Value> call_method(const Value& self, std::string_view name, const Arguments& arguments,
                          Budget& budget);

/// object.name: a method, else an entry; undefined when there is neither.
Result<Value> get_attribute(const Value& object, const std::string& name);

/// object[key]: an entry or item, else a method; undefined when there is none.
Result<Value> get_item(const Value& object, const Value& key);

/// object[start:stop:step]; none of the three for a bound that was left out.
Result<Value> get_slice(const Value& object, const Value& start, const Value& stop,
                        const Value& step);

/// The operators + - * / // % and ~.
Result<Value> binary(std::string_view op, const Value& left, const Value& right, Budget& budget);

/// == != < <= > >= in, not in.
Result<bool> compare(std::string_view op, const Value& left, const Value& right);

/// The items of a list, the keys of a dict, the characters of a string; none of undefined.
Result<std::shared_ptr<const List>> iterate(const Value& value);

/// Number of characters, items or entries.
Result<std::size_t> length_of(const Value& value);

/// White space as Python's str.strip() sees it removed from both ends, or the characters given.
std::string_view strip(std::string_view text, bool left, bool right,
                       std::optional<std::string_view> characters = std::nullopt);

}  // namespace hearth::text::jinja
