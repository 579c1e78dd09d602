// What templates can use without defining it: one table each of filters, tests, methods and
// functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/jinja/function.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// nullptr for names that Jinja does not know.
const Function* find_filter(std::string_view name);
const Function* find_test(std::string_view name);

/// The tables that find_filter() joins.
std::span<const Function> text_filters();
std::span<const Function> number_filters();
std::span<const Function> sequence_filters();
std::span<const Function> ordering_filters();
std::span<const Function> html_filters();

/// The method of that name on this kind of value; nullptr when Python has none.
const Function* find_method(const Value& self, std::string_view name);
std::span<const Function> string_methods();
std::span<const Function> split_methods();
std::span<const Function> character_methods();

/// range(), dict(), namespace(), ... A row whose name is in a template's variables is hidden by it.
std::span<const Function> global_functions();

/// current, next() and reset() of what cycler() gave; nothing for other callables.
std::optional<Value> cycler_attribute(const Callable& callable, const Value& object,
                                      std::string_view name);

/// Applies a method; for text that is marked as safe, as markupsafe does: arguments are escaped
/// and the result is marked.
Result<Value> call_method(const Function& method, const Value& self, const Arguments& arguments,
                          Runtime& runtime);

/// A filter or test by name, as map('upper') and select('odd') call them.
Result<Value> apply_filter(std::string_view name, const Value& input, const Arguments& arguments,
                           Runtime& runtime);
Result<bool> apply_test(std::string_view name, const Value& input, const Arguments& arguments,
                        Runtime& runtime);

/// How filters with attribute= reach into an item: "a.b.0" step by step; a missing one is
/// `fallback` where there is one that is not None.
class AttributePath {
 public:
  /// `attribute` is a string, a whole number or None (the item itself).
  static Result<AttributePath> parse(const Value& attribute,
                                     std::optional<Value> fallback = std::nullopt);

  Result<Value> of(const Value& item, Budget& budget) const;

 private:
  std::vector<Value> keys_;
  std::optional<Value> fallback_;
};

/// Python's int(text, base) and float(text); nothing where Python raises ValueError. kUnsupported
/// for whole numbers beyond 64 bits.
Result<std::optional<std::int64_t>> parse_whole(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);

/// int(number): cut off. nothing for nan and infinities; kUnsupported beyond 64 bits.
Result<std::optional<std::int64_t>> cut_off(double number);

}  // namespace hearth::text::jinja
