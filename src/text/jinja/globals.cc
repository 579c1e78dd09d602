// The functions that templates find: Jinja's own, and those that Hugging Face adds.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

// As Jinja's sandbox limits range().
constexpr std::size_t kRangeMax = 100'000;

Result<Value> call_range(const Call& call) {
  std::int64_t bounds[3] = {0, 0, 1};
  const auto& given = call.all.positional;
  for (std::size_t i = 0; i < given.size(); ++i) {
    HEARTH_TRY(bounds[given.size() == 1 ? 1 : i], call.whole_or(i, 0));
  }
  const auto [start, stop, step] = bounds;
  if (step == 0) return call.wrong("the step is 0");
  // As many numbers as fit between the bounds, which may be further apart than 64 bits can say.
  const long double distance = static_cast<long double>(stop) - start;
  const auto count = static_cast<long double>(kRangeMax);
  if (distance / step > count) {
    return fail(ErrorCode::kResourceExhausted,
                "more than " + std::to_string(kRangeMax) + " numbers");
  }
  if (distance / step > 0) {
    HEARTH_TRY_VOID(
        call.budget.charge(static_cast<std::size_t>(distance / step + 1) * sizeof(Value)));
  }
  return Value::range(start, stop, step);
}

/// The entries of dict(mapping or pairs, name=value, ...).
Result<std::vector<std::pair<Value, Value>>> dict_entries(const Call& call) {
  std::vector<std::pair<Value, Value>> entries;
  if (call.all.positional.size() > 1) return call.wrong("takes one argument without a name");
  if (!call.all.positional.empty()) {
    const Value& from = call.all.positional[0];
    if (from.is_undefined()) return call.wrong("the entries of " + from.describe());
    if (const Dict* dict = from.as_dict()) {
      HEARTH_TRY_VOID(call.budget.charge(dict->entries.size() * 2 * sizeof(Value)));
      entries = dict->entries;
    } else {
      HEARTH_TRY(const auto pairs, iterate(from, call.budget));
      for (const Value& item : pairs->items) {
        HEARTH_TRY(const auto pair, iterate(item, call.budget));
        if (pair->items.size() != 2) return call.wrong("needs pairs of key and value");
        entries.emplace_back(pair->items[0], pair->items[1]);
      }
    }
  }
  for (const auto& [name, value] : call.all.named) {
    entries.emplace_back(Value::string(name), value);
  }
  return entries;
}

Result<Value> call_dict(const Call& call) {
  HEARTH_TRY(auto entries, dict_entries(call));
  return Value::dict(std::move(entries));
}

Result<Value> call_namespace(const Call& call) {
  HEARTH_TRY(const auto entries, dict_entries(call));
  Namespace space;
  for (const auto& [key, value] : entries) {
    if (value.as_namespace() != nullptr) {
      return fail(ErrorCode::kUnsupported, "a namespace cannot hold a namespace");
    }
    if (key.is_string()) space.entries.insert_or_assign(*key.as_string(), value);
  }
  return Value::name_space(std::move(space));
}

Result<Value> call_raise_exception(const Call& call) {
  HEARTH_TRY_VOID(call.budget.charge_text(call.at(0).text_weight()));
  return call.wrong("the template refuses the conversation: " + to_text(call.at(0)));
}

Result<Value> call_strftime_now(const Call& call) {
  HEARTH_TRY(const std::string* format, call.text(0));
  HEARTH_TRY_VOID(call.budget.charge_text(format->size() * 64));
  HEARTH_TRY(std::string text, format_time(call.runtime.clock(), *format));
  return Value::string(std::move(text));
}

/// What joiner() gives: nothing when first called, then the separator.
Result<Value> call_separator(const Call& call) {
  const Callable& joiner = *call.self.as_callable();
  return (*joiner.calls)++ == 0 ? Value::string("") : joiner.self.as_list()->items[0];
}

constexpr Function kSeparator{"joiner", {}, call_separator};

/// An object that counts its calls.
Value counted(const Function& function, Value values) {
  Callable callable;
  callable.function = &function;
  callable.self = std::move(values);
  callable.calls = std::make_shared<std::size_t>(0);
  return Value::callable(std::move(callable));
}

Result<Value> call_joiner(const Call& call) {
  HEARTH_TRY(Value separator, Value::list({call.value_or(0, Value::string(", "))}));
  return counted(kSeparator, std::move(separator));
}

/// The value that it is the turn of.
const Value& current_of(const Callable& cycler) {
  const auto& values = cycler.self.as_list()->items;
  return values[*cycler.calls % values.size()];
}

Result<Value> cycler_next(const Call& call) {
  const Callable& cycler = *call.self.as_callable();
  const Value value = current_of(cycler);
  ++*cycler.calls;
  return value;
}

Result<Value> cycler_reset(const Call& call) {
  *call.self.as_callable()->calls = 0;
  return Value::none();
}

constexpr Function kCyclerNext{"next", {}, cycler_next};
constexpr Function kCyclerReset{"reset", {}, cycler_reset};
// A cycler is an object with methods, which cannot be called itself.
constexpr Function kCycler{"cycler", {}, nullptr};

Result<Value> call_cycler(const Call& call) {
  if (call.all.positional.empty() || !call.all.named.empty()) return call.wrong("needs values");
  HEARTH_TRY(Value values, Value::list(call.all.positional));
  return counted(kCycler, std::move(values));
}

constexpr Function kGlobals[] = {
    {"cycler", {.takes_rest = true}, call_cycler},
    {"dict", {.takes_rest = true}, call_dict},
    {"joiner", {.names = {"sep"}}, call_joiner},
    {"namespace", {.takes_rest = true}, call_namespace},
    {"raise_exception", {.names = {"message"}, .required = 1}, call_raise_exception},
    {"range", {.names = {"start", "stop", "step"}, .required = 1, .by_position = true}, call_range},
    {"strftime_now", {.names = {"format"}, .required = 1}, call_strftime_now},
    // Known, and refused.
    {"lipsum", {}, nullptr},
};

}  // namespace

std::optional<Value> cycler_attribute(const Callable& callable, const Value& object,
                                      std::string_view name) {
  if (callable.function != &kCycler) return std::nullopt;
  if (name == "current") return current_of(callable);
  if (name == "next") return Value::method(kCyclerNext, object);
  if (name == "reset") return Value::method(kCyclerReset, object);
  return std::nullopt;
}

std::span<const Function> global_functions() { return kGlobals; }

}  // namespace hearth::text::jinja
