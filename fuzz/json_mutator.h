// Mutations that keep JSON valid, so that the fuzzer reaches what lies behind the parser. Included
// once by a target.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace json_mutator {

using Json = nlohmann::ordered_json;
using Random = std::minstd_rand;

inline std::size_t pick(Random& random, std::size_t count) { return random() % count; }

inline Json parse(const std::uint8_t* data, std::size_t size) {
  return Json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
}

/// Every value inside, the whole included.
inline void collect(Json& value, std::vector<Json*>& found) {
  found.push_back(&value);
  if (value.is_structured()) {
    for (Json& inner : value) collect(inner, found);
  }
}

inline Json interesting(Random& random) {
  static const std::vector<Json> values = {0,
                                           1,
                                           2,
                                           3,
                                           -1,
                                           50,
                                           2147483648LL,
                                           9223372036854775807LL,
                                           0.5,
                                           1e308,
                                           true,
                                           false,
                                           nullptr,
                                           "",
                                           "%d",
                                           "../x",
                                           "a.%d.b",
                                           Json::array(),
                                           Json::object(),
                                           Json::array({1, 2})};
  return values[pick(random, values.size())];
}

inline void mutate(Json& root, Random& random) {
  std::vector<Json*> all;
  collect(root, all);
  Json& target = *all[pick(random, all.size())];
  switch (pick(random, 5)) {
    case 0:
      target = interesting(random);
      break;
    case 1: {
      const Json copy = *all[pick(random, all.size())];
      target = copy;
      break;
    }
    case 2:
      if (target.is_array() && !target.empty()) {
        const Json copy = target[pick(random, target.size())];
        target.push_back(copy);
      } else if (target.is_number_integer()) {
        target = target.get<std::int64_t>() ^ (std::int64_t{1} << pick(random, 20));
      }
      break;
    case 3:
      if (target.is_structured() && !target.empty()) {
        target.erase(
            std::next(target.begin(), static_cast<std::ptrdiff_t>(pick(random, target.size()))));
      }
      break;
    default:
      if (target.is_number() || target.is_boolean()) target = Json::array({target, target});
  }
}

/// Puts one value of `other` into `root`, at the place it has there.
inline void cross(Json& root, const Json& other, Random& random) {
  const Json flat = other.flatten();
  if (!flat.is_object() || flat.empty()) return;
  const auto chosen =
      std::next(flat.begin(), static_cast<std::ptrdiff_t>(pick(random, flat.size())));
  Json::json_pointer place(chosen.key());
  for (std::size_t up = pick(random, 3); up > 0 && !place.empty(); --up) place.pop_back();
  if (place.empty() || !root.is_object()) return;
  try {
    root[place] = other.at(place);
  } catch (const Json::exception&) {
    // The place does not exist here, and another kind of value is in its way.
  }
}

inline std::size_t write(const Json& value, std::uint8_t* data, std::size_t max_size) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > max_size) return 0;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace json_mutator

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  json_mutator::Random random(seed);
  json_mutator::Json value = json_mutator::parse(data, size);
  // A quarter of the mutations is left to bytes: broken JSON has to be met as well.
  if (value.is_discarded() || random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  json_mutator::mutate(value, random);
  const std::size_t written = json_mutator::write(value, data, max_size);
  return written > 0 ? written : LLVMFuzzerMutate(data, size, max_size);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                                 const std::uint8_t* data2, std::size_t size2,
                                                 std::uint8_t* out, std::size_t max_size,
                                                 unsigned int seed) {
  json_mutator::Random random(seed);
  json_mutator::Json value = json_mutator::parse(data1, size1);
  const json_mutator::Json other = json_mutator::parse(data2, size2);
  if (value.is_discarded() || other.is_discarded()) return 0;
  json_mutator::cross(value, other, random);
  return json_mutator::write(value, out, max_size);
}
