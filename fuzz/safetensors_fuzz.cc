// Any bytes as a safetensors file, and any text as its header: refused with words, or a header that
// keeps its promises.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz_check.h"
#include "json_mutator.h"
#include "onnx/safetensors.h"

namespace {

using hearth::onnx::SafeTensor;
using hearth::onnx::SafetensorsHeader;

/// Bits of an element by the number at the end of the type's name, as people read it: another way
/// than the table of the reader.
unsigned bits_of(const std::string& type) {
  if (type == "BOOL") return 8;
  const auto digits = type.find_first_of("0123456789");
  return static_cast<unsigned>(std::stoul(type.substr(digits)));
}

void check_accepted(const SafetensorsHeader& header, std::uint64_t head_bytes,
                    std::uint64_t file_bytes) {
  std::set<std::string> names;
  std::uint64_t at = head_bytes;
  for (const SafeTensor& tensor : header.tensors) {
    FUZZ_CHECK(names.insert(tensor.name).second);
    FUZZ_CHECK(tensor.begin == at && tensor.end >= tensor.begin);
    unsigned __int128 bits = bits_of(tensor.type);
    for (const std::int64_t dim : tensor.shape) {
      FUZZ_CHECK(dim >= 0);
      bits *= static_cast<std::uint64_t>(dim);
    }
    FUZZ_CHECK(bits == static_cast<unsigned __int128>(tensor.end - tensor.begin) * 8);
    FUZZ_CHECK(tensor.elements() >= 0);
    at = tensor.end;
  }
  FUZZ_CHECK(at == file_bytes);
}

void read_head(std::string_view head, std::uint64_t file_bytes) {
  const auto head_bytes = hearth::onnx::safetensors_head_bytes(head, file_bytes, "m.safetensors");
  if (!head_bytes) {
    FUZZ_CHECK(head_bytes.error().message.find("m.safetensors") == 0);
    return;
  }
  FUZZ_CHECK(*head_bytes <= file_bytes);
  const auto header = hearth::onnx::parse_safetensors_head(head.substr(0, *head_bytes), file_bytes,
                                                           "m.safetensors");
  if (!header) {
    FUZZ_CHECK(header.error().message.find("m.safetensors") == 0);
    return;
  }
  check_accepted(*header, *head_bytes, file_bytes);
  const bool cube = std::any_of(
      header->tensors.begin(), header->tensors.end(),
      [](const SafeTensor& tensor) { return tensor.type == "BF16" && tensor.shape.size() == 3; });
  planted_bug_if(cube && header->tensors.size() == 3);
}

/// The header with offsets that follow from its types and shapes, where these make sense: few
/// changes of a shape would otherwise get past the offsets. Returns the bytes of data as well.
std::pair<std::string, std::uint64_t> laid_out(std::string_view text) {
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  std::uint64_t end = 0;
  if (!json.is_object()) return {};
  for (auto& tensor : json) {
    if (!tensor.is_object() || !tensor.contains("dtype") || !tensor["dtype"].is_string()) continue;
    const auto type = tensor["dtype"].get<std::string>();
    if (type.find_first_of("0123456789") >= 4 || !tensor.contains("shape")) continue;
    std::uint64_t bits = bits_of(type);
    for (const auto& dim : tensor["shape"]) {
      bits *= dim.is_number_unsigned() ? dim.get<std::uint64_t>() % 4096 : 1;
    }
    tensor["data_offsets"] = {end, end + bits / 8};
    end += bits / 8;
  }
  return {json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), end};
}

/// `text` behind its right length.
std::string with_length(std::string_view text) {
  std::string head;
  for (int i = 0; i < 8; ++i) {
    head += static_cast<char>(static_cast<std::uint64_t>(text.size()) >> (8 * i) & 0xff);
  }
  return head.append(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read_head(input, input.size());
  // The same as a header of the right length.
  const std::string head = with_length(input);
  read_head(head, head.size());
  const auto [text, data_bytes] = laid_out(input);
  const std::string whole = with_length(text);
  read_head(whole, whole.size() + data_bytes);
  return 0;
}
