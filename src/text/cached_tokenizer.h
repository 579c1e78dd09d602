// Loading a tokenizer.json by way of its compiled form, which is made on the first use.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "text/tokenizer.h"

namespace hearth::text {

/// Tokenizer::load(), in milliseconds from the second time on. The compiled form of a large file is
/// kept beside it, as "tokenizer.hearth", or where that folder cannot be written to, in
/// `cache_folder` (empty: nowhere). One that is stale, damaged or of another version is made again;
/// that it cannot be written is no error. Any number of processes may do so at once.
Result<Tokenizer> load_tokenizer_cached(const std::filesystem::path& tokenizer_json,
                                        const std::filesystem::path& cache_folder = {});

}  // namespace hearth::text
