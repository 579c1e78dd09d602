// Value: what a template computes with; Python's semantics where templates can see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::text::jinja {

class Value;
struct MacroNode;

/// A name, attribute or key that does not exist. Prints as nothing, is false, and fails when looked
/// into; `hint` says what was missing.
struct Undefined {
  std::shared_ptr<const std::string> hint;
};
struct None {};

/// Immutable after construction. `depth` counts nesting and `weight` the bytes of all that is
/// inside, counted once for each mention: destruction recurses, and printing a list of lists that
/// mention one another would otherwise take exponential time.
struct List {
  std::vector<Value> items;
  std::size_t depth = 1;
  std::size_t weight = 1;
  bool is_tuple = false;  ///< prints with parentheses
};
struct Dict {
  std::vector<std::pair<std::string, Value>> entries;  ///< in order of insertion
  std::size_t depth = 1;
  std::size_t weight = 1;

  const Value* find(std::string_view key) const;
};

/// The result of namespace(): the one mutable value. It cannot be put into other values, so that
/// no cycle can be made.
struct Namespace {
  std::vector<std::pair<std::string, Value>> entries;

  Value* find(std::string_view key);
};

/// The `loop` variable of one running loop.
struct LoopState {
  std::shared_ptr<const List> items;
  std::size_t index = 0;
};

/// Something that can be called: a global function, a method bound to its object, or a macro.
struct Callable {
  std::string name;
  std::shared_ptr<const Value> self;  ///< the object of a method, null for functions
  const MacroNode* macro = nullptr;   ///< owned by the program
};

/// How deep lists and dicts may be nested.
inline constexpr std::size_t kValueDepthMax = 200;
/// The most that one value may weigh, in bytes.
inline constexpr std::size_t kValueWeightMax = std::size_t{1} << 27;

/// An immutable value; copies are cheap (strings and containers are shared).
class Value {
 public:
  using Data = std::variant<Undefined, None, bool, std::int64_t, double,
                            std::shared_ptr<const std::string>, std::shared_ptr<const List>,
                            std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                            std::shared_ptr<LoopState>, std::shared_ptr<const Callable>>;

  Value() : data_(Undefined{}) {}
  explicit Value(Data data) : data_(std::move(data)) {}
  static Value undefined(std::string hint);
  static Value none() { return Value(Data(None{})); }
  static Value boolean(bool b) { return Value(Data(b)); }
  static Value integer(std::int64_t i) { return Value(Data(i)); }
  static Value number(double d) { return Value(Data(d)); }
  static Value string(std::string s);
  static Value callable(Callable c);

  /// kUnsupported beyond kValueDepthMax or kValueWeightMax, and when a namespace is among the
  /// parts.
  static Result<Value> list(std::vector<Value> items, bool is_tuple = false);
  static Result<Value> dict(std::vector<std::pair<std::string, Value>> entries);

  /// kUnsupported for whole numbers beyond 64 signed bits and for deep nesting.
  static Result<Value> from_json(const OrderedJson& json);

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  bool is_undefined() const { return get<Undefined>() != nullptr; }
  bool is_none() const { return get<None>() != nullptr; }
  bool is_bool() const { return get<bool>() != nullptr; }
  bool is_integer() const { return get<std::int64_t>() != nullptr; }  ///< bool is not
  bool is_float() const { return get<double>() != nullptr; }
  bool is_number() const { return is_bool() || is_integer() || is_float(); }

  /// nullptr when the value is of another kind.
  const std::string* as_string() const;
  const List* as_list() const;
  const Dict* as_dict() const;
  Namespace* as_namespace() const;
  LoopState* as_loop() const;
  const Callable* as_callable() const;

  std::size_t depth() const;

  /// About how many bytes printing or comparing this value takes.
  std::size_t weight() const;

  /// Python's truth: false for undefined, None, False, 0, 0.0, "" and empty containers.
  bool truthy() const;

  /// The name of the kind in Python: "str", "int", "dict", ...
  std::string_view type_name() const;

  /// "a value of type str", for error messages; names what an undefined value should have been.
  std::string describe() const;

 private:
  Data data_;
};

/// Python's ==: numbers by value, containers by content.
bool equal(const Value& a, const Value& b);

/// Python's <; kInvalidArgument for kinds that have no order.
Result<bool> less(const Value& a, const Value& b);

/// Numbers as int64 when all are whole (True is 1), as double otherwise.
double to_double(const Value& number);
std::int64_t to_integer(const Value& whole_number);

/// str(value), as an output tag prints it.
std::string to_text(const Value& value);

/// repr(value), as it prints inside of a list.
std::string to_repr(const Value& value);

/// The arguments of json.dumps().
struct JsonStyle {
  int indent = -1;  ///< spaces a level; negative for one line
  bool sort_keys = false;
  bool ensure_ascii = false;
  std::string item_separator = ", ";  ///< "," where there is an indent
  std::string key_separator = ": ";
};

/// json.dumps(value). kInvalidArgument for what JSON does not have (undefined, functions, ...).
Result<std::string> to_json(const Value& value, const JsonStyle& style);

}  // namespace hearth::text::jinja
