// Reading safetensors files: values to the bit, and every way in which a file can be wrong.
#include "onnx/safetensors.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "onnx/test_safetensors.h"

namespace hearth::onnx {
namespace {

using testing::safetensors_bytes;
using testing::SafetensorsMaker;
using testing::write_text;

/// What is said about a header with `data_bytes` of data behind it; "accepted" when it is.
std::string said_about(const std::string& header, std::size_t data_bytes) {
  const std::string file = safetensors_bytes(header, std::string(data_bytes, '\0'));
  const auto parsed = parse_safetensors_head(std::string_view(file).substr(0, 8 + header.size()),
                                             file.size(), "m.safetensors");
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(parsed.error().message.find("m.safetensors: "), 0U) << parsed.error().message;
  return parsed.error().message;
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

#define EXPECT_SAID(text, words) EXPECT_NE((text).find(words), std::string::npos) << (text)

TEST(Safetensors, ReadsWhatTheFormatAllows) {
  const std::string header = R"({"b":)" + entry("BF16", "[2,3]", "[4,16]") +
                             R"(,"__metadata__":{"format":"pt","x":"y"},"a":)" +
                             entry("F32", "[]", "[0,4]") + R"(,"empty":)" +
                             entry("F16", "[0,5]", "[4,4]") + "}   ";
  const std::string file = safetensors_bytes(header, std::string(16, '\0'));
  const auto parsed =
      parse_safetensors_head(std::string_view(file).substr(0, 8 + header.size()), file.size(), "m");
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->tensors.size(), 3U);
  EXPECT_EQ(parsed->tensors[0].name, "a");
  EXPECT_EQ(parsed->tensors[0].elements(), 1);
  EXPECT_EQ(parsed->tensors[1].name, "empty");
  EXPECT_EQ(parsed->tensors[1].elements(), 0);
  EXPECT_EQ(describe_shape(parsed->tensors[2]), "BF16[2, 3]");
  EXPECT_EQ(parsed->tensors[2].begin, 8 + header.size() + 4);
  EXPECT_EQ(parsed->tensors[2].end, file.size());
  EXPECT_EQ(parsed->metadata.at("format"), "pt");
}

TEST(Safetensors, RefusesWrongLengths) {
  const auto refusal = [](std::uint64_t length, std::uint64_t file_bytes) {
    std::string start;
    for (int i = 0; i < 8; ++i) start += static_cast<char>(length >> (8 * i) & 0xff);
    const auto bytes = safetensors_head_bytes(start, file_bytes, "m");
    return bytes ? "accepted" : bytes.error().message;
  };
  EXPECT_EQ(refusal(100, 108), "accepted");
  EXPECT_SAID(refusal(101, 108), "the whole file has 108: it is truncated");
  EXPECT_SAID(refusal(100'000'001, 1'000'000'000), "at most 100,000,000");
  EXPECT_SAID(refusal(UINT64_MAX, 108), "18,446,744,073,709,551,615");
  EXPECT_SAID(refusal(UINT64_MAX - 7, 108), "is it a safetensors file?");
  EXPECT_FALSE(safetensors_head_bytes("1234567", 7, "m"));
  EXPECT_FALSE(safetensors_head_bytes("", 0, "m"));
  EXPECT_SAID(said_about("", 0), "must begin with {");
}

TEST(Safetensors, RefusesWrongJson) {
  EXPECT_EQ(said_about("{}", 0), "accepted");
  EXPECT_SAID(said_about(" {}", 0), "must begin with {");
  EXPECT_SAID(said_about("[]", 0), "must begin with {");
  EXPECT_SAID(said_about("{}x", 0), "not valid JSON at its byte 3");
  EXPECT_SAID(said_about(R"({"a":)", 0), "not valid JSON");
  EXPECT_SAID(said_about("{\"\xff\":1}", 0), "not valid JSON");
  EXPECT_SAID(said_about(R"({"a":1})", 0), "'a' must not be a number");
  EXPECT_SAID(said_about(R"({"a":[]})", 0), "'a' must not be a list");
  EXPECT_SAID(said_about(R"({"a":null})", 0), "'a' must not hold null");
  EXPECT_SAID(said_about(R"({"__metadata__":"x"})", 0), "'__metadata__' must not be a text");
  EXPECT_SAID(said_about(R"({"__metadata__":{"k":1}})", 0),
              "'__metadata__': k must not be a number");
  EXPECT_SAID(said_about(R"({"__metadata__":{"k":{}}})", 0), "must not hold an object");
  EXPECT_SAID(said_about(R"({"__metadata__":{"k":"a","k":"b"}})", 0), "k is there twice");
  EXPECT_SAID(said_about(std::string(100000, '{'), 0), "not valid JSON");
  EXPECT_SAID(said_about(R"({"a":)" + std::string(100000, '['), 0), "must not be a list");
}

TEST(Safetensors, RefusesWrongEntries) {
  const std::string good = entry("U8", "[4]", "[0,4]");
  const auto said = [](const std::string& value, std::size_t data_bytes = 4) {
    return said_about(R"({"layer.x":)" + value + "}", data_bytes);
  };
  EXPECT_EQ(said(good), "accepted");
  EXPECT_SAID(said_about(R"({"a":)" + good + R"(,"a":)" + good + "}", 4), "'a' is there twice");
  EXPECT_SAID(said(R"({"dtype":"U8","shape":[4]})"), "'layer.x': data_offsets is missing");
  EXPECT_SAID(said(R"({"shape":[4],"data_offsets":[0,4]})"), "dtype is missing");
  EXPECT_SAID(said(R"({"dtype":"U8","data_offsets":[0,4]})"), "shape is missing");
  EXPECT_SAID(said(R"({"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]})"),
              "dtype is there twice");
  EXPECT_SAID(said(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"extra":1})"),
              "extra is not a key of the format");
  EXPECT_SAID(said(entry("FLOAT", "[4]", "[0,4]")), "dtype is 'FLOAT'");
  EXPECT_SAID(said(entry("U8", "[-4]", "[0,4]")), "'layer.x': shape must not hold a negative");
  EXPECT_SAID(said(entry("U8", "[4.0]", "[0,4]")), "shape must hold whole numbers, found 4.0");
  EXPECT_SAID(said(entry("U8", R"(["4"])", "[0,4]")), "must not be a text");
  EXPECT_SAID(said(entry("U8", "[[4]]", "[0,4]")), "must not be a list");
  EXPECT_SAID(said(entry("U8", "4", "[0,4]")), "shape must not be a number");
  EXPECT_SAID(said(entry("U8", "[4]", "[4]")), "data_offsets must be two numbers");
  EXPECT_SAID(said(entry("U8", "[4]", "[0,4,8]")), "data_offsets must be two numbers");
  EXPECT_SAID(said(entry("U8", "[4]", "[4,0]")), "end before they begin");
  EXPECT_SAID(said(entry("U8", "[4]", "[0,8]")), "reach beyond the file, which has 4");
  EXPECT_SAID(said(entry("U8", "[3]", "[0,4]")), "U8[3] needs 3 bytes");
  EXPECT_SAID(said(entry("F32", "[4]", "[0,4]")), "F32[4] needs 16 bytes");
  EXPECT_SAID(said(entry("U8", "[18446744073709551615]", "[0,4]")), "beyond 2^63");
  EXPECT_SAID(said(entry("U8", "[4294967296,4294967296]", "[0,0]"), 0), "no size");
  EXPECT_SAID(said(entry("F64", "[4611686018427387904,2]", "[0,0]"), 0), "no size");
  EXPECT_SAID(said(entry("F4", "[3]", "[0,2]"), 2), "no size");
  EXPECT_EQ(said(entry("F4", "[4]", "[0,2]"), 2), "accepted");
}

TEST(Safetensors, TensorsFillTheFileExactly) {
  const auto two = [](const std::string& first, const std::string& second, std::size_t bytes) {
    return said_about(R"({"one":)" + first + R"(,"two":)" + second + "}", bytes);
  };
  const std::string first = entry("U8", "[4]", "[0,4]");
  EXPECT_EQ(two(first, entry("U8", "[4]", "[4,8]"), 8), "accepted");
  EXPECT_EQ(two(entry("U8", "[4]", "[4,8]"), first, 8), "accepted") << "any order in the header";
  EXPECT_SAID(two(first, entry("U8", "[4]", "[3,7]"), 7), "'two' begins at byte 3");
  EXPECT_SAID(two(first, entry("U8", "[4]", "[3,7]"), 7), "'one' ends at 4: they share bytes");
  EXPECT_SAID(two(first, first, 4), "share bytes");
  EXPECT_SAID(two(first, entry("U8", "[4]", "[5,9]"), 9), "there is a hole");
  EXPECT_SAID(two(first, entry("U8", "[4]", "[4,8]"), 9), "the tensors end at byte 8");
  EXPECT_SAID(said_about(R"({"one":)" + entry("U8", "[4]", "[1,5]") + "}", 5),
              "the header ends at 0: there is a hole");
  EXPECT_SAID(said_about("{}", 1), "the tensors end at byte 0");
}

TEST(Safetensors, ValuesAreExact) {
  const TemporaryFolder folder;
  SafetensorsMaker maker;
  const float tiny = std::numeric_limits<float>::denorm_min();
  maker.add_f32("f32", {2, 2}, {1.5F, -0.0F, tiny, std::numeric_limits<float>::max()});
  // 1.5, -2^-24 (the smallest), 65504 (the largest), 0.333251953125
  maker.add_16("f16", "F16", {4}, {0x3e00, 0x8001, 0x7bff, 0x3555});
  // 1.5, -2^-133 (the smallest), 3.3895313892515355e38 (the largest), 0.333984375
  maker.add_16("bf16", "BF16", {4}, {0x3fc0, 0x8001, 0x7f7f, 0x3eab});
  maker.write(folder / "m.safetensors");
  const auto file = SafetensorsFile::open(folder / "m.safetensors");
  ASSERT_TRUE(file) << file.error().message;
  const auto values = [&](std::size_t index) {
    std::vector<float> out(4);
    const auto read = file->read_floats(file->header().tensors[index], 0, out);
    EXPECT_TRUE(read) << read.error().message;
    return out;
  };
  const auto f32 = values(0);
  EXPECT_EQ(f32[0], 1.5F);
  EXPECT_TRUE(std::signbit(f32[1]));
  EXPECT_EQ(f32[2], tiny);
  EXPECT_EQ(f32[3], std::numeric_limits<float>::max());
  EXPECT_EQ(values(1), (std::vector<float>{1.5F, std::ldexp(-1.0F, -24), 65504, 0.333251953125F}));
  EXPECT_EQ(values(2), (std::vector<float>{1.5F, std::ldexp(-1.0F, -133), std::ldexp(255.0F, 120),
                                           0.333984375F}));
  std::vector<float> part(2);
  ASSERT_TRUE(file->read_floats(file->header().tensors[2], 2, part));
  EXPECT_EQ(part[1], 0.333984375F);
}

TEST(Safetensors, LongTensorsAreReadInPieces) {
  const TemporaryFolder folder;
  SafetensorsMaker maker;
  std::vector<std::uint16_t> bits(100'003);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i % 0x7f00);
  maker.add_16("x", "BF16", {100'003}, bits);
  maker.write(folder / "m.safetensors");
  const auto file = SafetensorsFile::open(folder / "m.safetensors");
  ASSERT_TRUE(file);
  std::vector<float> out(100'000);
  ASSERT_TRUE(file->read_floats(file->header().tensors[0], 3, out));
  for (std::size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(out[i]), std::uint32_t{bits[i + 3]} << 16) << i;
  }
}

TEST(Safetensors, WhatIsNoNumberIsNamedWithItsPlace) {
  const TemporaryFolder folder;
  SafetensorsMaker maker;
  maker.add_16("a", "BF16", {2, 2}, {0, 0, 0, 0x7fc0});
  maker.add_16("b", "F16", {2, 2}, {0, 0xfc00, 0, 0});
  maker.add("c", "I32", {1}, "1234");
  maker.write(folder / "m.safetensors");
  const auto file = SafetensorsFile::open(folder / "m.safetensors");
  ASSERT_TRUE(file);
  std::vector<float> out(4);
  const auto refusal = [&](std::size_t index, std::size_t count) {
    const auto read =
        file->read_floats(file->header().tensors[index], 0, std::span(out).first(count));
    return read ? "accepted" : read.error().message;
  };
  EXPECT_SAID(refusal(0, 4), "m.safetensors: 'a' holds a NaN at [1, 1]");
  EXPECT_SAID(refusal(1, 4), "'b' holds an infinity at [0, 1]");
  EXPECT_SAID(refusal(2, 1), "'c' is I32[1]; F32, F16 and BF16 can be read");
}

TEST(Safetensors, FilesThatAreNoneAreRefused) {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path) {
    const auto file = SafetensorsFile::open(path);
    return file ? "accepted" : file.error().message;
  };
  SafetensorsMaker maker;
  maker.add_f32("x", {64}, std::vector<float>(64, 1.0F));
  const std::string bytes = maker.bytes();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    write_text(folder / "cut.safetensors", bytes.substr(0, cut));
    EXPECT_SAID(refusal(folder / "cut.safetensors"), "cut.safetensors");
  }
  write_text(folder / "cut.safetensors", bytes);
  EXPECT_EQ(refusal(folder / "cut.safetensors"), "accepted");
  EXPECT_SAID(refusal(folder / "absent"), "absent");
  EXPECT_SAID(refusal(folder.path()), "not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_SAID(refusal(folder / "pipe"), "not a regular file") << "and nobody waits for a writer";
}

TEST(Safetensors, AFileThatShrinksIsNoticed) {
  const TemporaryFolder folder;
  SafetensorsMaker maker;
  maker.add_f32("x", {64}, std::vector<float>(64, 1.0F));
  maker.write(folder / "m.safetensors");
  const auto file = SafetensorsFile::open(folder / "m.safetensors");
  ASSERT_TRUE(file);
  std::filesystem::resize_file(folder / "m.safetensors", file->file_bytes() - 1);
  std::vector<float> out(64);
  const auto read = file->read_floats(file->header().tensors[0], 0, out);
  ASSERT_FALSE(read);
  EXPECT_SAID(read.error().message, "has become shorter");
}

}  // namespace
}  // namespace hearth::onnx
