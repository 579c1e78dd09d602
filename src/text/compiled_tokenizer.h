// The compiled form of a tokenizer.json: its tables as they lie in memory, mapped instead of read.
// Loading 200,000 entries and as many merges then takes milliseconds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/bpe_model.h"

namespace hearth::text {

/// Which tokenizer.json a compiled file was made from: changes with any byte of it.
struct SourceDigest {
  std::uint64_t size_bytes = 0;
  std::uint64_t hash_low = 0;
  std::uint64_t hash_high = 0;

  static SourceDigest of(std::string_view tokenizer_json);
  bool operator==(const SourceDigest&) const = default;
};

struct CompiledTokenizer {
  BpeModel model;
  std::string rest;  ///< tokenizer.json without model.vocab and model.merges
};

/// Replaces `path` in one step. Errors as of write_file_atomically().
Result<void> write_compiled_tokenizer(const std::filesystem::path& path, const SourceDigest& source,
                                      const BpeModel& model, std::string_view rest);

/// Maps the file. kCorrupt when it was made from another tokenizer.json or by another version of
/// this code, on another kind of machine, or when a byte of it has changed; kNotFound, kIo.
Result<CompiledTokenizer> map_compiled_tokenizer(const std::filesystem::path& path,
                                                 const SourceDigest& source);

}  // namespace hearth::text
