// encode_texts TOKENIZER.json encode|decode: ids of many texts, or texts of many lists of ids, for
// comparison with another library.
//
// Standard input and output are records, a count in four bytes and then that many items. A text is
// counted in bytes, a list of ids in ids of four bytes each; all numbers are little-endian. A text
// that is not UTF-8 gives the count 2^32-1 and no items.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace hearth {
namespace {

static_assert(std::endian::native == std::endian::little, "records are copied as they are");

constexpr std::uint32_t kRefused = std::numeric_limits<std::uint32_t>::max();

// Reads one record; false at the end of the input.
template <typename Item>
bool read_record(std::vector<Item>& items) {
  std::uint32_t count = 0;
  if (std::fread(&count, sizeof count, 1, stdin) != 1) return false;
  items.resize(count);
  return std::fread(items.data(), sizeof(Item), count, stdin) == count;
}

template <typename Item>
void write_record(std::span<const Item> items) {
  const auto count = static_cast<std::uint32_t>(items.size());
  std::fwrite(&count, sizeof count, 1, stdout);
  std::fwrite(items.data(), sizeof(Item), items.size(), stdout);
}

void encode_all(const text::Tokenizer& tokenizer) {
  std::vector<char> bytes;
  std::vector<std::uint32_t> wide;
  while (read_record(bytes)) {
    const auto ids = tokenizer.encode({bytes.data(), bytes.size()});
    if (!ids) {
      std::fwrite(&kRefused, sizeof kRefused, 1, stdout);
      continue;
    }
    wide.assign(ids->begin(), ids->end());
    write_record(std::span<const std::uint32_t>(wide));
  }
}

Result<void> decode_all(const text::Tokenizer& tokenizer) {
  std::vector<std::uint32_t> wide;
  while (read_record(wide)) {
    const std::vector<TokenId> ids(wide.begin(), wide.end());
    HEARTH_TRY(const std::string text, tokenizer.decode(ids));
    write_record(std::span<const char>(text));
  }
  return {};
}

Result<void> run(const std::string& file, std::string_view direction) {
  HEARTH_TRY(const auto tokenizer, text::Tokenizer::load(file));
  if (direction == "decode") return decode_all(tokenizer);
  encode_all(tokenizer);
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  const std::string_view direction = argc == 3 ? argv[2] : "";
  if (direction != "encode" && direction != "decode") {
    std::cerr << "usage: encode_texts TOKENIZER.json encode|decode < RECORDS > RECORDS\n";
    return 2;
  }
  const auto done = hearth::run(argv[1], direction);
  if (!done) std::cerr << "encode_texts: " << done.error().message << "\n";
  return done && std::fflush(stdout) == 0 ? 0 : 1;
}
