// Turning text and JSON into checked values, and values back into words.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "app/settings/setting.h"
#include "base/ascii.h"

namespace hearth::app {
namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  if (text.size() <= kShownMax) return fmt::format("\"{}\"", text);
  return fmt::format("\"{}...\"", text.substr(0, kShownMax));
}

tl::unexpected<Error> wrong(const Setting& row, std::string_view where, const std::string& found) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}; expected {}", where, found, allowed_in_words(row)));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<bool> parse_boolean(std::string_view text) {
  const std::string word = ascii_lowered(text);
  if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

/// The whole text as a number, or nothing.
template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

/// Settings with choices compare without regard to case and keep the table's spelling.
std::optional<std::string> find_choice(const Setting& row, std::string_view text) {
  for (const std::string_view choice : row.choices) {
    if (ascii_lowered(choice) == ascii_lowered(text)) return std::string(choice);
  }
  return std::nullopt;
}

Result<SettingValue> checked_integer(const Setting& row, std::int64_t value, std::string_view where,
                                     const std::string& found) {
  if (value < row.integer_min || value > row.integer_max) return wrong(row, where, found);
  return SettingValue{value};
}

Result<SettingValue> checked_number(const Setting& row, double value, std::string_view where,
                                    const std::string& found) {
  const bool high_enough = row.above_number_min ? value > row.number_min : value >= row.number_min;
  if (!high_enough || !(value <= row.number_max)) return wrong(row, where, found);
  return SettingValue{value};
}

Result<SettingValue> checked_choices(const Setting& row, const std::vector<std::string>& words,
                                     std::string_view where, const std::string& found) {
  std::vector<std::string> values;
  for (const std::string& word : words) {
    const auto choice = find_choice(row, word);
    if (!choice) return wrong(row, where, found);
    for (const std::string& earlier : values) {
      if (earlier == *choice) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("{} names {} twice", where, *choice));
      }
    }
    values.push_back(*choice);
  }
  if (values.empty()) return wrong(row, where, found);
  return SettingValue{std::move(values)};
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    const auto comma = text.find(',');
    words.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string allowed_in_words(const Setting& row) {
  switch (row.type) {
    case SettingType::kText:
      return "a text that is not empty";
    case SettingType::kTexts:
      return "a text that is not empty";
    case SettingType::kChoice:
      return fmt::format("one of {}", fmt::join(row.choices, ", "));
    case SettingType::kChoices:
      return fmt::format("a list of {}, each at most once", fmt::join(row.choices, ", "));
    case SettingType::kBoolean:
      return "true or false";
    case SettingType::kInteger:
      if (row.integer_max == std::numeric_limits<std::int64_t>::max() && row.integer_min == 0) {
        return "a whole number from 0 to 9223372036854775807";
      }
      return fmt::format("a whole number from {} to {}", row.integer_min, row.integer_max);
    case SettingType::kNumber:
      return row.above_number_min
                 ? fmt::format("a number above {}, at most {}", row.number_min, row.number_max)
                 : fmt::format("a number from {} to {}", row.number_min, row.number_max);
  }
  return {};
}

std::string value_in_words(const SettingValue& value) {
  struct Words {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("{}", fmt::join(v, ", "));
    }
  };
  return std::visit(Words{}, value);
}

Result<SettingValue> parse_setting_text(const Setting& row, std::string_view text,
                                        std::string_view where) {
  const std::string found = quoted(text);
  switch (row.type) {
    case SettingType::kText:
      if (text.empty()) return wrong(row, where, found);
      return SettingValue{std::string(text)};
    case SettingType::kTexts:
      if (text.empty()) return wrong(row, where, found);
      return SettingValue{std::vector<std::string>{std::string(text)}};
    case SettingType::kChoice:
      if (auto choice = find_choice(row, trimmed(text))) return SettingValue{*std::move(choice)};
      return wrong(row, where, found);
    case SettingType::kChoices:
      return checked_choices(row, split_at_commas(text), where, found);
    case SettingType::kBoolean:
      if (const auto value = parse_boolean(trimmed(text))) return SettingValue{*value};
      return wrong(row, where, found);
    case SettingType::kInteger:
      if (const auto value = parse_whole<std::int64_t>(trimmed(text))) {
        return checked_integer(row, *value, where, found);
      }
      return wrong(row, where, found);
    case SettingType::kNumber:
      if (const auto value = parse_whole<double>(trimmed(text))) {
        return checked_number(row, *value, where, found);
      }
      return wrong(row, where, found);
  }
  return wrong(row, where, found);
}

Result<SettingValue> parse_setting_json(const Setting& row, const Json& value,
                                        std::string_view where) {
  const std::string found = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  switch (row.type) {
    case SettingType::kText:
    case SettingType::kTexts:
    case SettingType::kChoice:
      if (!value.is_string()) return wrong(row, where, found);
      return parse_setting_text(row, value.get_ref<const std::string&>(), where);
    case SettingType::kChoices: {
      if (!value.is_array()) return wrong(row, where, found);
      std::vector<std::string> words;
      for (const Json& item : value) {
        if (!item.is_string()) return wrong(row, where, found);
        words.push_back(item.get<std::string>());
      }
      return checked_choices(row, words, where, found);
    }
    case SettingType::kBoolean:
      if (!value.is_boolean()) return wrong(row, where, found);
      return SettingValue{value.get<bool>()};
    case SettingType::kInteger: {
      if (!value.is_number_integer()) return wrong(row, where, found);
      constexpr auto kMax = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
      if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMax) {
        return wrong(row, where, found);
      }
      return checked_integer(row, value.get<std::int64_t>(), where, found);
    }
    case SettingType::kNumber:
      if (!value.is_number()) return wrong(row, where, found);
      return checked_number(row, value.get<double>(), where, found);
  }
  return wrong(row, where, found);
}

std::string names_in_words(const Setting& row) {
  std::vector<std::string_view> names;
  if (!row.flag.empty()) names.push_back(row.flag);
  names.insert(names.end(), row.environment.begin(), row.environment.end());
  if (!row.file_key.empty()) names.push_back(row.file_key);
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<void> check_available(const Setting& row, const SettingValue& value,
                             std::string_view origin) {
  if (row.available || (row.only && *row.only == value)) return {};
  std::string advice = "leave it out";
  if (row.only) advice += fmt::format(" or set it to {}", value_in_words(*row.only));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} \"{}\" ({}) is not available yet; {} (all names of this setting: {})",
                          row.name, value_in_words(value), origin, advice, names_in_words(row)));
}

}  // namespace hearth::app
