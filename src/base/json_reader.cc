#include "base/json_reader.h"

#include <cmath>
#include <limits>
#include <utility>

namespace hearth {
namespace {

constexpr int kDepthMax = 128;

std::string type_in_words(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return "the text \"" + value.get<std::string>().substr(0, 40) + "\"";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return value.dump();
  }
}

std::string number_in_words(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string range_in_words(const char* what, double min, double max) {
  if (max >= 9e18) return std::string(what) + " of at least " + number_in_words(min);
  return std::string(what) + " from " + number_in_words(min) + " to " + number_in_words(max);
}

template <class AnyJson>
Result<AnyJson> parse(std::string_view text, std::string_view source) {
  // Brackets are counted first: the parser builds and destroys deep values recursively.
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDepthMax) {
        return fail(ErrorCode::kCorrupt, std::string(source) + ": nested deeper than " +
                                             std::to_string(kDepthMax) + " levels at byte " +
                                             std::to_string(i));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  try {
    return AnyJson::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    if (error.byte > text.size()) {
      return fail(ErrorCode::kCorrupt,
                  std::string(source) + ": not valid JSON: " +
                      (text.empty()
                           ? "it is empty"
                           : "it ends too early, after " + std::to_string(text.size()) + " bytes"));
    }
    return fail(ErrorCode::kCorrupt, std::string(source) + ": not valid JSON at byte " +
                                         std::to_string(error.byte) + " of " +
                                         std::to_string(text.size()));
  } catch (const nlohmann::json::exception& error) {  // such as a number beyond double's range
    return fail(ErrorCode::kCorrupt, std::string(source) + ": not valid JSON: " + error.what());
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view source) {
  return parse<Json>(text, source);
}

Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view source) {
  return parse<OrderedJson>(text, source);
}

std::string JsonReader::where(std::string_view key) const {
  std::string text = source_ + ": ";
  text += path_;
  if (!path_.empty() && !key.empty()) text += '.';
  text += key;
  return text;
}

const Json* JsonReader::find(std::string_view key) const {
  if (!value_->is_object()) return nullptr;
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonReader::has(std::string_view key) const { return find(key) != nullptr; }

tl::unexpected<Error> JsonReader::wrong(std::string_view key, const std::string& expected) const {
  const Json* value = find(key);
  return fail(
      ErrorCode::kInvalidArgument,
      where(key) + (value == nullptr ? " is missing; expected " + expected
                                     : " is " + type_in_words(*value) + "; expected " + expected));
}

Result<JsonReader> JsonReader::object(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_object()) return wrong(key, "an object");
  JsonReader inner(*value, source_);
  inner.path_ = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  return inner;
}

Result<std::int64_t> JsonReader::integer(std::string_view key, std::int64_t min,
                                         std::int64_t max) const {
  const auto expected = [&] {
    return range_in_words("a whole number", static_cast<double>(min), static_cast<double>(max));
  };
  const Json* value = find(key);
  if (value == nullptr || !value->is_number_integer()) return wrong(key, expected());
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return wrong(key, expected());
  }
  const auto number = value->get<std::int64_t>();
  if (number < min || number > max) return wrong(key, expected());
  return number;
}

Result<double> JsonReader::number(std::string_view key, double min, double max) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_number())
    return wrong(key, range_in_words("a number", min, max));
  const auto number = value->get<double>();
  if (!(number >= min && number <= max)) return wrong(key, range_in_words("a number", min, max));
  return number;
}

Result<std::string> JsonReader::string(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) return wrong(key, "a text");
  return value->get<std::string>();
}

Result<bool> JsonReader::boolean(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_boolean()) return wrong(key, "true or false");
  return value->get<bool>();
}

Result<std::int64_t> JsonReader::integer_or(std::string_view key, std::int64_t fallback,
                                            std::int64_t min, std::int64_t max) const {
  if (!has(key)) return fallback;
  return integer(key, min, max);
}

Result<double> JsonReader::number_or(std::string_view key, double fallback, double min,
                                     double max) const {
  if (!has(key)) return fallback;
  return number(key, min, max);
}

Result<std::string> JsonReader::string_or(std::string_view key, std::string fallback) const {
  if (!has(key)) return fallback;
  return string(key);
}

Result<bool> JsonReader::boolean_or(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  return boolean(key);
}

Result<std::vector<std::int64_t>> JsonReader::integers(std::string_view key, std::int64_t min,
                                                       std::int64_t max) const {
  const Json* value = find(key);
  if (value == nullptr) return std::vector<std::int64_t>{};
  const Json list = value->is_array() ? *value : Json::array({*value});
  std::vector<std::int64_t> numbers;
  for (const Json& item : list) {
    const Json wrapped = {{std::string(key), item}};
    JsonReader reader(wrapped, source_);
    reader.path_ = path_;
    HEARTH_TRY(const std::int64_t number, reader.integer(key, min, max));
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace hearth
