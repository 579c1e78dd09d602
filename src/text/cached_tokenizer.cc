#include "text/cached_tokenizer.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/mapped_file.h"
#include "text/compiled_tokenizer.h"
#include "text/tokenizer_data.h"

namespace hearth::text {
namespace {

namespace fs = std::filesystem;

// Below this, reading the file is as fast.
constexpr std::size_t kCompiledFromBytes = std::size_t{1} << 20;

std::vector<fs::path> places(const fs::path& tokenizer_json, const fs::path& cache_folder,
                             const SourceDigest& source) {
  std::vector<fs::path> paths = {tokenizer_json.parent_path() / "tokenizer.hearth"};
  if (!cache_folder.empty()) {
    paths.push_back(cache_folder / "tokenizers" /
                    fmt::format("{:016x}{:016x}.hearth", source.hash_high, source.hash_low));
  }
  return paths;
}

Result<TokenizerData> read_compiled(const fs::path& path, const SourceDigest& source,
                                    const std::string& name) {
  HEARTH_TRY(CompiledTokenizer compiled, map_compiled_tokenizer(path, source));
  HEARTH_TRY(const Json rest, parse_json(compiled.rest, path.string()));
  return read_tokenizer_rest(rest, std::move(compiled.model), name);
}

void write_compiled(const std::vector<fs::path>& paths, const SourceDigest& source,
                    const TokenizerContent& content) {
  for (const fs::path& path : paths) {
    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    const auto written = write_compiled_tokenizer(path, source, content.data.model, content.rest);
    if (written) return;
    log::debug("the compiled tokenizer is not kept there: " + written.error().message);
  }
}

}  // namespace

Result<Tokenizer> load_tokenizer_cached(const fs::path& tokenizer_json,
                                        const fs::path& cache_folder) {
  HEARTH_TRY(const auto file, MappedFile::open(tokenizer_json));
  const std::string name = tokenizer_json.string();
  if (file->bytes().size() < kCompiledFromBytes) return Tokenizer::from_json(file->bytes(), name);
  const SourceDigest source = SourceDigest::of(file->bytes());
  const std::vector<fs::path> paths = places(tokenizer_json, cache_folder, source);
  for (const fs::path& path : paths) {
    auto data = read_compiled(path, source, name);
    if (data) return Tokenizer::of(std::move(*data));
    if (data.error().code != ErrorCode::kNotFound) log::debug(data.error().message);
  }
  HEARTH_TRY(TokenizerContent content, read_tokenizer_json(file->bytes(), name));
  write_compiled(paths, source, content);
  return Tokenizer::of(std::move(content.data));
}

}  // namespace hearth::text
