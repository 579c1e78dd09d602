// Any bytes as genai_config.json: refused with words, or a configuration that keeps its promises.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz_check.h"
#include "json_mutator.h"
#include "runtime/model_folder.h"

namespace {

void check_accepted(const hearth::runtime::GenaiConfig& config) {
  FUZZ_CHECK(!config.model_file_name.empty());
  FUZZ_CHECK(config.model_file_name.find('/') == std::string::npos);
  FUZZ_CHECK(config.model_file_name != ".." && config.model_file_name != ".");
  FUZZ_CHECK(config.context_length > 0);
  FUZZ_CHECK(config.vocab_size > 0);
  FUZZ_CHECK(config.num_hidden_layers > 0);
  FUZZ_CHECK(config.num_key_value_heads > 0);
  for (const hearth::TokenId id : config.eos_token_ids) FUZZ_CHECK(id >= 0);
  FUZZ_CHECK(std::isfinite(config.search.temperature));
  FUZZ_CHECK(std::isfinite(config.search.top_p));
  FUZZ_CHECK(std::isfinite(config.search.repetition_penalty));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = hearth::runtime::parse_genai_config(text, "genai_config.json");
  if (!config) {
    FUZZ_CHECK(config.error().message.find("genai_config.json") != std::string::npos);
    return 0;
  }
  check_accepted(*config);
  planted_bug_if(config->eos_token_ids.size() == 3 && config->search.do_sample);
  return 0;
}
