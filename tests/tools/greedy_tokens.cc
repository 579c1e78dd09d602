// greedy_tokens MODEL_FOLDER PROMPTS.jsonl MAX_TOKENS: greedy continuations, for comparison with
// another runtime. Each input line is {"ids": [...]}, each output line {"ids": [...]} with the
// generated tokens, stop token left out.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "base/json_reader.h"
#include "engine/generate.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth {
namespace {

Result<void> continue_prompts(const std::string& folder, std::istream& prompts,
                              std::int64_t max_tokens) {
  HEARTH_TRY(const runtime::ModelFolder model, runtime::open_model_folder(folder));
  HEARTH_TRY(const auto executor, runtime::StockExecutor::load(model, {}));
  const std::atomic<bool> never{false};
  std::string line;
  while (std::getline(prompts, line)) {
    HEARTH_TRY(const Json json, parse_json(line, "prompts"));
    HEARTH_TRY(const auto ids,
               JsonReader(json, "prompts").integers("ids", 0, executor->vocab_size() - 1));
    engine::GenerateRequest request;
    request.prompt.assign(ids.begin(), ids.end());
    request.stop_ids = model.stop_ids;
    request.max_tokens = max_tokens;
    HEARTH_TRY(const auto outcome, engine::generate(
                                       *executor, request, [](TokenId) { return true; }, never));
    std::cout << Json{{"ids", outcome.tokens}}.dump() << "\n";
  }
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: greedy_tokens MODEL_FOLDER PROMPTS.jsonl MAX_TOKENS\n";
    return 2;
  }
  std::ifstream prompts(argv[2]);
  if (!prompts) {
    std::cerr << "cannot read " << argv[2] << "\n";
    return 1;
  }
  const auto done = hearth::continue_prompts(argv[1], prompts, std::atoll(argv[3]));
  if (!done) std::cerr << "greedy_tokens: " << done.error().message << "\n";
  return done ? 0 : 1;
}
