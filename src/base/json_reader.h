// Typed reading of JSON configuration: every error names the file, the key and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace hearth {

using Json = nlohmann::json;
/// Keeps the order of keys: for tool definitions and everything that a model reads.
using OrderedJson = nlohmann::ordered_json;

/// Parses text; a syntax error names `source` and the byte offset. Nesting deeper than 128 levels
/// is refused.
Result<Json> parse_json(std::string_view text, std::string_view source);
Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view source);

/// A view of one object inside a parsed file. Holds references: the Json must outlive the reader.
/// `where()` reads like `genai_config.json: model.decoder`.
class JsonReader {
 public:
  JsonReader(const Json& value, std::string source) : value_(&value), source_(std::move(source)) {}

  /// The object under `key`; an error when missing or of another type.
  Result<JsonReader> object(std::string_view key) const;

  /// Required scalars: missing, of another type or out of [min, max] are errors.
  Result<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max) const;
  Result<double> number(std::string_view key, double min, double max) const;
  Result<std::string> string(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;

  /// Optional scalars: absent or null gives `fallback`; a wrong type is still an error.
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                  std::int64_t max) const;
  Result<double> number_or(std::string_view key, double fallback, double min, double max) const;
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  /// An integer or a list of integers, as eos_token_id is in published files; empty when absent.
  Result<std::vector<std::int64_t>> integers(std::string_view key, std::int64_t min,
                                             std::int64_t max) const;

  bool has(std::string_view key) const;
  const Json& json() const { return *value_; }
  std::string where(std::string_view key = {}) const;

 private:
  const Json* find(std::string_view key) const;
  tl::unexpected<Error> wrong(std::string_view key, const std::string& expected) const;

  const Json* value_;
  std::string source_;
  std::string path_;
};

}  // namespace hearth
