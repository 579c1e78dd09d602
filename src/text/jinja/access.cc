// Parts of values: attributes, items, slices, iteration.
#include <algorithm>
#include <cstring>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/wrong.h"
#include "text/utf8.h"

namespace hearth::text::jinja {
namespace {

Value loop_attribute(const LoopState& loop, const std::string& name) {
  const std::size_t size = loop.items->items.size();
  if (name == "index") return Value::size(loop.index + 1);
  if (name == "index0") return Value::size(loop.index);
  if (name == "revindex") return Value::size(size - loop.index);
  if (name == "revindex0") return Value::size(size - loop.index - 1);
  if (name == "first") return Value::boolean(loop.index == 0);
  if (name == "last") return Value::boolean(loop.index + 1 == size);
  if (name == "length") return Value::size(size);
  if (name == "depth") return Value::size(loop.depth);
  if (name == "depth0") return Value::size(loop.depth - 1);
  if (name == "previtem" && loop.index > 0) return loop.items->items[loop.index - 1];
  if (name == "nextitem" && loop.index + 1 < size) return loop.items->items[loop.index + 1];
  return Value::undefined("loop." + name);
}

/// The attributes of what groupby() gives: (grouper, list).
const Value* group_attribute(const List& list, std::string_view name) {
  if (list.kind != ListKind::kGroup) return nullptr;
  if (name == "grouper") return &list.items[0];
  return name == "list" ? &list.items[1] : nullptr;
}

/// What the sandbox hides, whatever it is.
bool is_private(std::string_view name) { return name.starts_with('_'); }

/// A method or attribute of the object itself; nothing when it has none of that name.
std::optional<Value> own_attribute(const Value& object, const std::string& name) {
  if (const LoopState* loop = object.as_loop()) {
    if (const Value value = loop_attribute(*loop, name); !value.is_undefined()) return value;
  }
  if (Namespace* space = object.as_namespace()) {
    const auto found = space->entries.find(name);
    if (found != space->entries.end()) return found->second;
  }
  if (const List* list = object.as_list()) {
    if (const Value* value = group_attribute(*list, name)) return *value;
  }
  if (const Callable* callable = object.as_callable())
    return cycler_attribute(*callable, object, name);
  if (const Function* method = find_method(object, name)) {
    return Value::method(*method, object);
  }
  return std::nullopt;
}

const Value* entry(const Value& object, const Value& key) {
  const Dict* dict = object.as_dict();
  return dict == nullptr ? nullptr : dict->find(key);
}

/// A Python index into `size` items; nothing when out of range.
std::optional<std::size_t> index_in(std::int64_t index, std::size_t size) {
  if (index < 0) index += static_cast<std::int64_t>(size);
  if (index < 0 || index >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

/// The views of dicts have no items to ask for by place.
bool is_indexable(const List& list) {
  return list.kind != ListKind::kKeys && list.kind != ListKind::kValues &&
         list.kind != ListKind::kItems;
}

Result<std::optional<Value>> item_at(const Value& object, std::int64_t index, Budget& budget) {
  if (const List* list = object.as_list(); list != nullptr && is_indexable(*list)) {
    const auto at = index_in(index, list->items.size());
    return at ? std::optional<Value>(list->items[*at]) : std::nullopt;
  }
  if (const std::string* text = object.as_string()) {
    HEARTH_TRY_VOID(budget.charge(text->size()));
    const auto at = index_in(index, utf8_length(*text));
    if (!at) return std::nullopt;
    std::string_view rest = *text;
    for (std::size_t i = 0; i < *at; ++i) rest.remove_prefix(utf8_step(rest).length);
    return Value::string(std::string(rest.substr(0, utf8_step(rest).length)), object.is_markup());
  }
  return std::nullopt;
}

/// Methods that would change a list or dict, which the sandbox hides.
bool is_mutator(const Value& object, std::string_view name) {
  constexpr std::string_view kOfLists[] = {"append", "clear",  "extend",  "insert",
                                           "pop",    "remove", "reverse", "sort"};
  constexpr std::string_view kOfDicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
  const auto among = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (object.as_dict() != nullptr) return among(kOfDicts);
  const List* list = object.as_list();
  return list != nullptr && list->kind == ListKind::kList && among(kOfLists);
}

/// A key for an error message: short ones as they are.
std::string shown(const Value& key) {
  constexpr std::size_t kShort = 64;
  if (const std::string* text = key.as_string(); text != nullptr && text->size() <= kShort) {
    return "'" + *text + "'";
  }
  return key.is_number() ? "[" + to_text(key) + "]" : "[" + key.describe() + "]";
}

Value missing(const Value& object, const Value& key) {
  return Value::undefined(shown(key) + " of " + object.describe());
}

/// The places that a slice takes: `first`, then every `stride` up to before `last`.
struct SlicePlaces {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t stride = 1;

  template <class Take>
  void each(Take take) const {
    for (std::int64_t i = first; stride > 0 ? i < last : i > last;) {
      take(static_cast<std::size_t>(i));
      // A step larger than what is left ends the slice (and must not overflow).
      if (stride > 0 ? stride >= last - i : stride <= last - i) break;
      i += stride;
    }
  }
};

Result<SlicePlaces> slice_places(const Value& start, const Value& stop, const Value& step,
                                 std::int64_t size) {
  for (const Value* bound : {&start, &stop, &step}) {
    if (!bound->is_none() && !bound->is_whole()) {
      return wrong("a slice with " + bound->describe() + " as bound");
    }
  }
  SlicePlaces places;
  places.stride = step.is_none() ? 1 : to_integer(step);
  if (places.stride == 0) return wrong("a slice with step 0");
  const bool forward = places.stride > 0;
  const auto clamp = [&](const Value& bound, std::int64_t absent) {
    if (bound.is_none()) return absent;
    std::int64_t at = to_integer(bound);
    if (at < 0) at = at < -size ? -1 : at + size;
    if (forward) return std::clamp<std::int64_t>(at, 0, size);
    return std::clamp<std::int64_t>(at, -1, size - 1);
  };
  places.first = clamp(start, forward ? 0 : size - 1);
  places.last = clamp(stop, forward ? size : -1);
  return places;
}

}  // namespace

Result<Value> get_attribute(const Value& object, const Value& name) {
  const std::string& text = *name.as_string();
  if (object.is_undefined()) return wrong("'." + text + "' of " + object.describe());
  if (is_private(text) || is_mutator(object, text)) {
    return Value::undefined("'" + text + "' of " + object.describe() + ", hidden by the sandbox");
  }
  if (auto own = own_attribute(object, text)) return std::move(*own);
  if (const Value* value = entry(object, name)) return *value;
  return missing(object, name);
}

Result<Value> get_item(const Value& object, const Value& key, Budget& budget) {
  if (object.is_undefined()) {
    return wrong(shown(key) + " of " + object.describe());
  }
  if (const Value* value = entry(object, key)) return *value;
  if (key.is_whole()) {
    HEARTH_TRY(auto item, item_at(object, to_integer(key), budget));
    if (item) return std::move(*item);
  }
  if (const std::string* name = key.as_string(); name != nullptr && !is_private(*name)) {
    if (auto own = own_attribute(object, *name)) return std::move(*own);
  }
  return missing(object, key);
}

Result<Value> get_slice(const Value& object, const Value& start, const Value& stop,
                        const Value& step, Budget& budget) {
  if (const std::string* text = object.as_string()) {
    HEARTH_TRY_VOID(budget.charge(text->size() * sizeof(std::string_view) / 2));
    const std::vector<std::string_view> all = characters(*text);
    HEARTH_TRY(const SlicePlaces places,
               slice_places(start, stop, step, static_cast<std::int64_t>(all.size())));
    std::string out;
    places.each([&](std::size_t i) { out += all[i]; });
    return Value::string(std::move(out), object.is_markup());
  }
  const List* list = object.as_list();
  if (list == nullptr || !is_indexable(*list)) return wrong("a slice of " + object.describe());
  HEARTH_TRY(const SlicePlaces places,
             slice_places(start, stop, step, static_cast<std::int64_t>(list->items.size())));
  if (list->kind == ListKind::kRange) {
    const auto [from, to, by] = list->range;
    return Value::range(from + places.first * by, from + places.last * by, by * places.stride);
  }
  std::vector<Value> items;
  places.each([&](std::size_t i) { items.push_back(list->items[i]); });
  HEARTH_TRY_VOID(budget.charge(items.size() * sizeof(Value)));
  return Value::list(std::move(items),
                     list->kind == ListKind::kGroup ? ListKind::kTuple : list->kind);
}

Result<std::shared_ptr<const List>> iterate(const Value& value) {
  if (const auto* list = value.get<std::shared_ptr<const List>>()) return *list;
  std::vector<Value> items;
  if (const Dict* dict = value.as_dict()) {
    items.reserve(dict->entries.size());
    for (const auto& [key, unused] : dict->entries) items.push_back(key);
  } else if (const std::string* text = value.as_string()) {
    for (const std::string_view c : characters(*text)) {
      items.push_back(Value::string(std::string(c), value.is_markup()));
    }
  } else if (Iterator* iterator = value.as_iterator()) {
    const auto& all = iterator->items->items;
    items.assign(all.begin() + static_cast<std::ptrdiff_t>(iterator->next), all.end());
    iterator->next = all.size();
  } else if (!value.is_undefined()) {
    return wrong(value.describe() + " cannot be iterated over");
  }
  HEARTH_TRY(const Value list, Value::list(std::move(items)));
  return *list.get<std::shared_ptr<const List>>();
}

Result<std::shared_ptr<const List>> iterate(const Value& value, Budget& budget) {
  if (const std::string* text = value.as_string()) {
    HEARTH_TRY_VOID(budget.charge(text->size() * (sizeof(Value) + sizeof(String))));
  } else if (const Dict* dict = value.as_dict()) {
    HEARTH_TRY_VOID(budget.charge(dict->entries.size() * sizeof(Value)));
  } else if (const Iterator* iterator = value.as_iterator()) {
    HEARTH_TRY_VOID(budget.charge(iterator->items->items.size() * sizeof(Value)));
  }
  return iterate(value);
}

Result<std::size_t> length_of(const Value& value) {
  if (const List* list = value.as_list()) return list->items.size();
  if (const Dict* dict = value.as_dict()) return dict->entries.size();
  if (const std::string* text = value.as_string()) return utf8_length(*text);
  if (const LoopState* loop = value.as_loop()) return loop->items->items.size();
  if (value.is_undefined()) return 0;
  return wrong(value.describe() + " has no length");
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_step(text).length;
    out.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool is_python_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

std::string_view strip(std::string_view text, bool left, bool right,
                       std::optional<std::string_view> chars) {
  const auto removable = [&](std::string_view character) {
    if (chars) return chars->find(character) != std::string_view::npos;
    return is_python_space(utf8_step(character).code_point);
  };
  while (left && !text.empty() && removable(text.substr(0, utf8_step(text).length))) {
    text.remove_prefix(utf8_step(text).length);
  }
  const auto last_character = [&] {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    return text.substr(begin);
  };
  while (right && !text.empty() && removable(last_character())) {
    text.remove_suffix(last_character().size());
  }
  return text;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace hearth::text::jinja
