// Value: what a template computes with; Python's semantics where templates can see them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
struct Dict;
struct Function;
struct Iterator;
struct List;
struct LoopState;
struct MacroNode;
struct Namespace;
struct Callable;
struct Scope;

/// A name, attribute or key that does not exist. Prints as nothing, is false, and fails when looked
/// into; `hint` says what was missing.
struct Undefined {
  std::shared_ptr<const std::string> hint;
};
struct None {};

/// Valid UTF-8. `is_markup` is Jinja's mark of text that is safe in HTML: added to other text, it
/// escapes that.
struct String {
  std::string text;
  bool is_markup = false;
};

/// How deep lists and dicts may be nested.
inline constexpr std::size_t kValueDepthMax = 200;
/// The most that one value may weigh, in bytes.
inline constexpr std::size_t kValueWeightMax = std::size_t{1} << 27;

/// Python's sequences that are all there at once.
enum class ListKind { kList, kTuple, kGroup, kRange, kKeys, kValues, kItems };

/// A value; copies are cheap (strings and containers are shared and immutable, except for
/// namespaces, iterators and the like, which no other value may hold, so that no cycle can be
/// made).
class Value {
 public:
  using Data =
      std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const String>,
                   std::shared_ptr<const List>, std::shared_ptr<const Dict>,
                   std::shared_ptr<Iterator>, std::shared_ptr<Namespace>,
                   std::shared_ptr<LoopState>, std::shared_ptr<const Callable>>;

  Value() : data_(Undefined{}) {}
  explicit Value(Data data) : data_(std::move(data)) {}
  static Value undefined(std::string hint);
  static Value none() { return Value(Data(None{})); }
  static Value boolean(bool b) { return Value(Data(b)); }
  static Value integer(std::int64_t i) { return Value(Data(i)); }
  static Value size(std::size_t i) { return integer(static_cast<std::int64_t>(i)); }
  static Value number(double d) { return Value(Data(d)); }
  static Value string(std::string s, bool is_markup = false);
  static Value string(std::string_view s) { return string(std::string(s)); }
  static Value string(const char* s) { return string(std::string(s)); }
  static Value callable(Callable c);
  static Value function(const Function& function);
  static Value method(const Function& method, Value self);
  static Value name_space(Namespace n);

  /// kUnsupported beyond kValueDepthMax or kValueWeightMax, and when one of the mutable kinds is
  /// among the parts.
  static Result<Value> list(std::vector<Value> items, ListKind kind = ListKind::kList);

  /// Of entries with the same key the last one's value counts, at the first one's place.
  /// kInvalidArgument for a key that Python cannot hash.
  static Result<Value> dict(std::vector<std::pair<Value, Value>> entries);

  /// The numbers from start to before stop, `step` (not 0) apart; the caller bounds their count.
  static Value range(std::int64_t start, std::int64_t stop, std::int64_t step);

  /// A generator: gives each item once.
  static Result<Value> iterator(std::vector<Value> items);

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
  bool is_whole() const { return is_integer() || is_bool(); }
  bool is_float() const { return get<double>() != nullptr; }
  bool is_number() const { return is_whole() || is_float(); }
  bool is_string() const { return get<std::shared_ptr<const String>>() != nullptr; }
  bool is_markup() const;

  /// nullptr when the value is of another kind.
  const std::string* as_string() const;
  const List* as_list() const;
  const Dict* as_dict() const;
  Iterator* as_iterator() const;
  Namespace* as_namespace() const;
  LoopState* as_loop() const;
  const Callable* as_callable() const;

  /// Where this value is the only owner of its text: a way to add to it without a copy. nullptr
  /// when it is shared or no plain string.
  std::string* own_text();

  std::size_t depth() const;

  /// About how many bytes this value takes; what is mentioned twice counts twice.
  std::size_t weight() const;

  /// At least as many bytes as printing it takes.
  std::size_t text_weight() const;

  /// Python's truth: false for undefined, None, False, 0, 0.0, "" and empty containers.
  bool truthy() const;

  /// The name of the kind in Python: "str", "int", "dict", ...
  std::string_view type_name() const;

  /// "a value of type str", for error messages; names what an undefined value should have been.
  std::string describe() const;

 private:
  Data data_;
};

/// Immutable after construction. `depth` counts nesting and `weight` the bytes of all that is
/// inside, counted once for each mention: destruction recurses, and printing a list of lists that
/// mention one another would otherwise take exponential time.
struct List {
  std::vector<Value> items;
  std::size_t depth = 1;
  std::size_t weight = 1;
  ListKind kind = ListKind::kList;
  std::array<std::int64_t, 3> range{};  ///< of kRange: start, stop and step, as they print

  /// A tuple for comparison, indexing and printing.
  bool is_tuple() const { return kind == ListKind::kTuple || kind == ListKind::kGroup; }
};

/// Immutable after construction.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;  ///< in order of insertion, no key twice
  std::size_t depth = 1;
  std::size_t weight = 1;
  std::vector<std::uint32_t> sorted;  ///< places in `entries` by key; empty for small dicts

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
};

/// What a generator still has to give.
struct Iterator {
  std::shared_ptr<const List> items;
  std::size_t next = 0;
};

/// The result of namespace(): the one value that templates may change.
struct Namespace {
  std::map<std::string, Value, std::less<>> entries;
};

/// The `loop` variable of one running loop.
struct LoopState {
  std::shared_ptr<const List> items;
  std::size_t index = 0;
  std::size_t depth = 1;
  const void* statement = nullptr;  ///< of a recursive loop: what loop(...) runs again
  std::weak_ptr<Scope> outer;       ///< of a recursive loop: where it stands
  std::vector<Value> last_changed;  ///< the arguments of loop.changed() when it was last called
  bool was_changed = false;
};

/// Something that can be called: a function of the language, a method bound to its object, or a
/// macro with the scope that it was defined in (weak: the scope holds the macro).
struct Callable {
  const Function* function = nullptr;
  Value self;                          ///< of a method; the values of joiner() and cycler()
  const MacroNode* macro = nullptr;    ///< owned by the program
  std::weak_ptr<Scope> scope;          ///< of a macro
  std::shared_ptr<std::size_t> calls;  ///< of joiner() and cycler(): how often they were called
};

/// Python's ==: numbers by value, containers by content.
bool equal(const Value& a, const Value& b);

/// Python's <; kInvalidArgument for kinds that have no order.
Result<bool> less(const Value& a, const Value& b);

/// A total order over what can be a key, which agrees with equal(); less than, equal to or greater
/// than 0.
int order_keys(const Value& a, const Value& b);

/// True for what Python can hash.
bool is_hashable(const Value& value);

/// Numbers as int64 when all are whole (True is 1), as double otherwise.
double to_double(const Value& number);
std::int64_t to_integer(const Value& whole_number);

/// str(value), as an output tag prints it.
std::string to_text(const Value& value);
void append_text(const Value& value, std::string& out);

/// repr(value), as it prints inside of a list.
std::string to_repr(const Value& value);

/// repr() of a float.
std::string float_text(double value);

/// The arguments of json.dumps().
struct JsonStyle {
  bool indents = false;  ///< a line for each item, with `indent` for each level
  std::string indent;
  bool sort_keys = false;
  bool ensure_ascii = false;
  std::string item_separator = ", ";  ///< "," where there is an indent
  std::string key_separator = ": ";
};

/// json.dumps(value). kInvalidArgument for what JSON does not have (undefined, functions, ...).
Result<std::string> to_json(const Value& value, const JsonStyle& style);

}  // namespace hearth::text::jinja
