// Any bytes as text for one tokenizer of each family: what is encoded comes back, whole and in a
// stream; hand-written scanners cut as PCRE2 does; a text that grows gets the same ids; what is not
// UTF-8 is refused at the right byte.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_check.h"
#include "text/incremental_encoder.h"
#include "text/regex.h"
#include "text/scan/scanner.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace {

using hearth::TokenId;
using hearth::text::Regex;
using hearth::text::Span;
using hearth::text::StreamDecoder;
using hearth::text::Tokenizer;
namespace scan = hearth::text::scan;

// The byte-level alphabet as UTF-8: bytes that print stand for themselves, others for U+0100 on.
std::string alphabet(int byte) {
  const auto prints = [](int b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  };
  int code = byte;
  if (!prints(byte)) {
    code = 0x100;
    for (int b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// All bytes, some merges of the kind that real vocabularies have, and two added tokens.
Tokenizer tiny_tokenizer(std::string_view pattern) {
  std::string vocabulary;
  int next = 0;
  for (int byte = 0; byte < 256; ++byte, ++next) {
    vocabulary += quoted(alphabet(byte)) + ":" + std::to_string(next) + ",";
  }
  constexpr std::array<std::array<std::string_view, 2>, 12> kMerges = {{{"t", "h"},
                                                                        {"th", "e"},
                                                                        {"Ġ", "the"},
                                                                        {"Ġ", "Ġ"},
                                                                        {"ĠĠ", "ĠĠ"},
                                                                        {"Ċ", "Ċ"},
                                                                        {"'", "s"},
                                                                        {"1", "2"},
                                                                        {"12", "3"},
                                                                        {"Ã", "©"},
                                                                        {"a", "a"},
                                                                        {"aa", "aa"}}};
  std::string merges;
  for (const auto& [left, right] : kMerges) {
    const std::string joined = std::string(left) + std::string(right);
    vocabulary += quoted(joined) + ":" + std::to_string(next++) + ",";
    merges += std::string(merges.empty() ? "" : ",") + "[" + quoted(std::string(left)) + "," +
              quoted(std::string(right)) + "]";
  }
  vocabulary.pop_back();
  const auto added = [&](const char* content) {
    return "{\"id\":" + std::to_string(next++) + ",\"content\":\"" + content +
           R"(","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})";
  };
  const std::string first = added("<|end|>");
  const std::string json =
      R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)" + first + "," +
      added("<|end|>>") +
      R"(],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":)" +
      quoted(std::string(pattern)) +
      R"(},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},)"
      R"("post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},)"
      R"("model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,)"
      R"("fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{)" +
      vocabulary + R"(},"merges":[)" + merges + "]}}";
  auto tokenizer = Tokenizer::from_json(json, "tiny");
  FUZZ_CHECK(tokenizer.has_value());
  return *tokenizer;
}

struct Subject {
  scan::Family family;
  Tokenizer tokenizer;
  Regex regex;
};

const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = [] {
    std::vector<Subject> made;
    for (const auto family :
         {scan::Family::kGpt2, scan::Family::kLlama3, scan::Family::kQwen2, scan::Family::kO200k}) {
      auto regex = Regex::compile(scan::pattern_of(family));
      FUZZ_CHECK(regex.has_value());
      made.push_back({family, tiny_tokenizer(scan::pattern_of(family)), std::move(*regex)});
    }
    return made;
  }();
  return all;
}

// The byte at which valid UTF-8 ends, found by the table of the Unicode standard (table 3-7).
std::optional<std::size_t> first_invalid(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    const std::size_t length = lead < 0x80                    ? 1
                               : lead >= 0xC2 && lead <= 0xDF ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0) return i;
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t k = 1; k < length; ++k) {
      const unsigned c = byte(i + k);
      if (c < (k == 1 ? low : 0x80) || c > (k == 1 ? high : 0xBF)) return i;
    }
    i += length;
  }
  return std::nullopt;
}

void check_scanner(const Subject& subject, std::string_view text) {
  Regex::Matcher matcher(subject.regex, text);
  std::size_t offset = 0;
  std::array<std::string_view, 7> pieces;
  while (const std::size_t count = scan::next_pieces(subject.family, text, offset, pieces)) {
    for (std::size_t i = 0; i < count; ++i) {
      Span span;
      const auto found = matcher.next(span);
      FUZZ_CHECK(found.has_value() && *found);
      FUZZ_CHECK(pieces[i].data() == text.data() + span.begin);
      FUZZ_CHECK(pieces[i].size() == span.end - span.begin);
    }
  }
  Span span;
  const auto more = matcher.next(span);
  FUZZ_CHECK(more.has_value() && !*more);
}

void check_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text);
  FUZZ_CHECK(ids.has_value());
  for (const TokenId id : *ids) FUZZ_CHECK(id >= 0 && tokenizer.has_id(id));
  const auto whole = tokenizer.decode(*ids);
  FUZZ_CHECK(whole.has_value() && *whole == text);
  StreamDecoder stream(tokenizer, /*skip_special=*/false);
  std::string streamed;
  for (const TokenId id : *ids) {
    const auto part = stream.push(id);
    FUZZ_CHECK(part.has_value());
    FUZZ_CHECK(!first_invalid(*part));
    streamed += *part;
  }
  streamed += stream.flush();
  FUZZ_CHECK(streamed == text);
}

// The text as it may have been before: cut at some character, then whole.
void check_growing(const Tokenizer& tokenizer, std::string_view text) {
  std::size_t cut = text.size() / 2;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  hearth::text::IncrementalEncoder growing(tokenizer);
  for (const std::string_view part : {text.substr(0, cut), text, text.substr(0, cut)}) {
    const auto whole = tokenizer.encode(part);
    const auto ids = growing.encode(part);
    FUZZ_CHECK(whole.has_value() && ids.has_value());
    FUZZ_CHECK(std::equal(ids->begin(), ids->end(), whole->begin(), whole->end()));
  }
}

void check_refused(const Tokenizer& tokenizer, std::string_view text, std::size_t offset) {
  const auto ids = tokenizer.encode(text);
  FUZZ_CHECK(!ids && ids.error().code == hearth::ErrorCode::kInvalidArgument);
  FUZZ_CHECK(ids.error().message.find(std::to_string(offset)) != std::string::npos);
  hearth::text::EncodeOptions lenient;
  lenient.replace_invalid = true;
  const auto replaced = tokenizer.encode(text, lenient);
  FUZZ_CHECK(replaced.has_value());
  const auto decoded = tokenizer.decode(*replaced);
  FUZZ_CHECK(decoded.has_value() && !first_invalid(*decoded));
  FUZZ_CHECK(decoded->substr(0, offset) == text.substr(0, offset));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<std::size_t> invalid = first_invalid(text);
  for (const Subject& subject : subjects()) {
    if (invalid) {
      check_refused(subject.tokenizer, text, *invalid);
      continue;
    }
    check_scanner(subject, text);
    check_round_trip(subject.tokenizer, text);
    check_growing(subject.tokenizer, text);
  }
  planted_bug_if(!invalid && text.find("<|end|>>") != std::string_view::npos &&
                 text.find("\xE2\x80\x83") != std::string_view::npos);
  return 0;
}
