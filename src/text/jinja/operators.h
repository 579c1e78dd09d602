// Operators and access to parts of values, with Python's rules.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

enum class BinaryOp { kAdd, kSubtract, kConcat, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

/// How templates write the operator.
std::string_view spelling(BinaryOp op);

/// kInvalidArgument for operands that the operator does not take, kUnsupported for numbers beyond
/// 64 bits. `left` is given up: text that nobody else holds is added to in place.
Result<Value> binary(BinaryOp op, Value left, const Value& right, Budget& budget);

/// The operators of two numbers; kConcat is none of them.
Result<Value> arithmetic(BinaryOp op, const Value& left, const Value& right);

/// -value and +value.
Result<Value> negate(const Value& value);
Result<Value> plus(const Value& value);

Result<bool> compare(CompareOp op, const Value& left, const Value& right, Budget& budget);

/// object.name: a method, else an entry; undefined when there is neither.
Result<Value> get_attribute(const Value& object, const Value& name);

/// object[key]: an entry or item, else a method; undefined when there is none.
Result<Value> get_item(const Value& object, const Value& key, Budget& budget);

/// object[start:stop:step]; none of the three for a bound that was left out.
Result<Value> get_slice(const Value& object, const Value& start, const Value& stop,
                        const Value& step, Budget& budget);

/// The items of a list, the keys of a dict, the characters of a string, what is left in a
/// generator (which then has nothing left); none of undefined.
Result<std::shared_ptr<const List>> iterate(const Value& value);

/// The same after charging for the copies that it makes.
Result<std::shared_ptr<const List>> iterate(const Value& value, Budget& budget);

/// Number of characters, items or entries.
Result<std::size_t> length_of(const Value& value);

/// The characters of a string, each as its own view.
std::vector<std::string_view> characters(std::string_view text);

/// As text.find(part, from), in time that a hostile text cannot make quadratic.
std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);

/// White space for Python's str.strip() and \s: Unicode's and U+001C to U+001F.
bool is_python_space(char32_t c);

/// White space, or the characters given, removed from one or both ends.
std::string_view strip(std::string_view text, bool left, bool right,
                       std::optional<std::string_view> characters = std::nullopt);

/// The text with what HTML treats specially escaped, as markupsafe does.
std::string escape_html(std::string_view text);

}  // namespace hearth::text::jinja
