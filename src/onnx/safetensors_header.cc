// Reading and checking a safetensors header, without a tree of JSON values in between: a header may
// be as long as 100 MB.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "onnx/safetensors.h"

namespace hearth::onnx {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kRankMax = 32;
constexpr const char* kMetadataName = "__metadata__";

/// The format's types and the bits of one element.
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 22> kTypes = {
    {{"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
     {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
     {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
     {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
     {"I64", 64},        {"U64", 64}}};

/// Takes the parser's events and refuses the first that has no place in a header. Depths: 1 in the
/// header, 2 in a tensor or in the metadata, 3 in a list.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  std::string problem;  ///< of the event that was refused

  bool start_object(std::size_t /*elements*/) override {
    if (depth_ == 2 || in_list_) return refuse("must not hold an object");
    if (depth_ == 1) {
      in_metadata_ = name_ == kMetadataName;
      seen_keys_.clear();
    }
    ++depth_;
    return true;
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata_) {
      for (const char* key : {"dtype", "shape", "data_offsets"}) {
        key_ = key;
        if (!seen_keys_.contains(key)) return refuse("is missing");
      }
      tensor_.name = name_;
      header.tensors.push_back(std::exchange(tensor_, {}));
    }
    key_.clear();
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 1) {
      name_ = text;
      key_.clear();
      return seen_names_.insert(text).second || refuse("is there twice");
    }
    key_ = text;
    if (!seen_keys_.insert(text).second) return refuse("is there twice");
    if (in_metadata_) return true;
    return text == "dtype" || text == "shape" || text == "data_offsets" ||
           refuse("is not a key of the format");
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata_) {
      header.metadata[key_] = text;
      return true;
    }
    if (depth_ != 2 || in_list_ || key_ != "dtype") return refuse("must not be a text");
    tensor_.type = text;
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (depth_ != 2 || in_metadata_ || in_list_ || key_ == "dtype") {
      return refuse("must not be a list");
    }
    in_list_ = true;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    in_list_ = false;
    return key_ != "data_offsets" || offsets_ == 2 || refuse("must be two numbers");
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_list_) return refuse("must not be a number");
    if (key_ == "shape") {
      if (value > std::uint64_t{INT64_MAX}) return refuse("holds a number beyond 2^63");
      if (tensor_.shape.size() == kRankMax) return refuse("has more than 32 dimensions");
      tensor_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (offsets_ == 2) return refuse("must be two numbers");
    (offsets_++ == 0 ? tensor_.begin : tensor_.end) = value;
    return true;
  }

  bool number_integer(number_integer_t /*value*/) override {
    return refuse("must not hold a negative number");
  }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    return refuse("must hold whole numbers, found " + text.substr(0, 40));
  }
  bool null() override { return refuse("must not hold null"); }
  bool boolean(bool /*value*/) override { return refuse("must not hold true or false"); }
  bool binary(binary_t& /*value*/) override { return refuse("must not hold bytes"); }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    problem = "the header is not valid JSON at its byte " + std::to_string(position);
    return false;
  }

 private:
  bool refuse(const std::string& what) {
    problem = "the header";
    if (!name_.empty() || depth_ > 1) problem = "'" + name_.substr(0, 200) + "'";
    if (!key_.empty()) problem += ": " + key_.substr(0, 200);
    problem += " " + what;
    return false;
  }

  int depth_ = 0;
  bool in_list_ = false;
  bool in_metadata_ = false;
  int offsets_ = 0;
  std::string name_;
  std::string key_;
  SafeTensor tensor_;
  std::set<std::string> seen_names_;
  std::set<std::string> seen_keys_;
};

/// Bytes that type and shape need; nothing when that overflows or is no whole number.
std::optional<std::uint64_t> needed_bytes(const SafeTensor& tensor, std::uint64_t bits) {
  std::uint64_t product = bits;
  for (const std::int64_t dim : tensor.shape) {
    if (__builtin_mul_overflow(product, static_cast<std::uint64_t>(dim), &product)) {
      return std::nullopt;
    }
  }
  if (product % 8 != 0) return std::nullopt;
  return product / 8;
}

Result<void> check_tensor(const SafeTensor& tensor, std::uint64_t data_bytes,
                          std::string_view source) {
  const auto refuse = [&](const std::string& what) {
    return fail(ErrorCode::kCorrupt,
                std::string(source) + ": '" + tensor.name.substr(0, 200) + "': " + what);
  };
  const auto type = std::find_if(kTypes.begin(), kTypes.end(),
                                 [&](const auto& row) { return row.first == tensor.type; });
  if (type == kTypes.end()) {
    return refuse("dtype is '" + tensor.type.substr(0, 40) + "', which the format does not know");
  }
  const std::string range =
      "[" + with_thousands(tensor.begin) + ", " + with_thousands(tensor.end) + "]";
  if (tensor.begin > tensor.end) return refuse("data_offsets " + range + " end before they begin");
  if (tensor.end > data_bytes) {
    return refuse("data_offsets " + range + " reach beyond the file, which has " +
                  with_thousands(data_bytes) + " bytes of data; it may be truncated");
  }
  const auto needed = needed_bytes(tensor, type->second);
  if (!needed) {
    return refuse(describe_shape(tensor) + " has no size that a file can hold");
  }
  if (*needed != tensor.end - tensor.begin) {
    return refuse(describe_shape(tensor) + " needs " + with_thousands(*needed) +
                  " bytes, data_offsets " + range + " give it " +
                  with_thousands(tensor.end - tensor.begin));
  }
  return {};
}

/// Tensors in the order of their bytes fill [0, data_bytes) without hole or overlap.
Result<void> check_tiling(const std::vector<SafeTensor>& tensors, std::uint64_t data_bytes,
                          std::string_view source) {
  std::uint64_t at = 0;
  const std::string* previous = nullptr;
  for (const SafeTensor& tensor : tensors) {
    if (tensor.begin != at) {
      const std::string before =
          previous == nullptr ? "the header" : "'" + previous->substr(0, 200) + "'";
      return fail(ErrorCode::kCorrupt,
                  std::string(source) + ": '" + tensor.name.substr(0, 200) + "' begins at byte " +
                      with_thousands(tensor.begin) + " of the data, but " + before + " ends at " +
                      with_thousands(at) +
                      (tensor.begin < at ? ": they share bytes" : ": there is a hole"));
    }
    at = tensor.end;
    previous = &tensor.name;
  }
  if (at != data_bytes) {
    return fail(ErrorCode::kCorrupt, std::string(source) + ": the tensors end at byte " +
                                         with_thousands(at) + " of the data, which has " +
                                         with_thousands(data_bytes) + " bytes");
  }
  return {};
}

}  // namespace

std::int64_t SafeTensor::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t dim : shape) product *= dim;
  return product;
}

std::string describe_shape(const SafeTensor& tensor) {
  std::string text = tensor.type + "[";
  for (const std::int64_t dim : tensor.shape) {
    if (text.back() != '[') text += ", ";
    text += std::to_string(dim);
  }
  return text + "]";
}

Result<std::uint64_t> safetensors_head_bytes(std::string_view start, std::uint64_t file_bytes,
                                             std::string_view source) {
  const auto refuse = [&](const std::string& what) {
    return fail(ErrorCode::kCorrupt, std::string(source) + ": " + what);
  };
  if (start.size() < kLengthBytes || file_bytes < kLengthBytes) {
    return refuse("has fewer than the 8 bytes a safetensors file begins with");
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::uint64_t{static_cast<unsigned char>(start[i])} << (8 * i);
  }
  if (length > kSafetensorsHeaderBytesMax) {
    return refuse("says that its header has " + with_thousands(length) + " bytes; at most " +
                  with_thousands(kSafetensorsHeaderBytesMax) +
                  " are allowed: is it a safetensors file?");
  }
  if (length > file_bytes - kLengthBytes) {
    return refuse("says that its header has " + with_thousands(length) +
                  " bytes, but the whole file has " + with_thousands(file_bytes) +
                  ": it is truncated");
  }
  return kLengthBytes + length;
}

Result<SafetensorsHeader> parse_safetensors_head(std::string_view head, std::uint64_t file_bytes,
                                                 std::string_view source) {
  HEARTH_TRY(const std::uint64_t head_bytes, safetensors_head_bytes(head, file_bytes, source));
  if (head.size() != head_bytes) {
    return fail(ErrorCode::kCorrupt, std::string(source) + ": the header ends too early");
  }
  const std::string_view text = head.substr(kLengthBytes);
  if (text.empty() || text.front() != '{') {
    return fail(ErrorCode::kCorrupt, std::string(source) + ": the header must begin with {");
  }
  HeaderEvents events;
  if (!nlohmann::json::sax_parse(text, &events)) {
    return fail(ErrorCode::kCorrupt, std::string(source) + ": " + events.problem);
  }
  const std::uint64_t data_bytes = file_bytes - head_bytes;
  for (const SafeTensor& tensor : events.header.tensors) {
    HEARTH_TRY_VOID(check_tensor(tensor, data_bytes, source));
  }
  // Empty tensors come before the one that begins at the same byte.
  std::sort(events.header.tensors.begin(), events.header.tensors.end(),
            [](const SafeTensor& a, const SafeTensor& b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  HEARTH_TRY_VOID(check_tiling(events.header.tensors, data_bytes, source));
  for (SafeTensor& tensor : events.header.tensors) {
    tensor.begin += head_bytes;
    tensor.end += head_bytes;
  }
  return std::move(events.header);
}

}  // namespace hearth::onnx
