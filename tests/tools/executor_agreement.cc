// executor_agreement MODEL_FOLDER PROMPTS.jsonl TOKENS BOUND [RECIPE]: the accelerated executor
// against the stock one. The stock executor continues every prompt greedily, at most to the end of
// the answer (what comes after it nobody sees, and no training told); the accelerated one is fed
// the same tokens and must choose the same one at every step, unless the stock executor's two best
// logits are closer than BOUND times the spread (standard deviation) of that step's logits. Prints
// how often that happened; fails where it is no excuse, and where logits differ by more than
// kErrorMax of their spread in the mean.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "runtime/accelerated_executor.h"
#include "runtime/model_folder.h"
#include "runtime/stock_executor.h"

namespace hearth {
namespace {

constexpr double kErrorMax = 0.05;

struct Agreement {
  std::int64_t tokens = 0;
  std::int64_t same = 0;
  std::int64_t excused = 0;
  std::int64_t wrong = 0;
  double squares = 0;
  double squares_of_reference = 0;
  double greatest_lead = 0;  // of another token, in spreads of the logits
};

std::size_t best(const std::vector<float>& logits) {
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

void compare(const std::vector<float>& stock, const std::vector<float>& ours, double bound,
             Agreement& agreement) {
  double mean = 0;
  for (const float value : stock) mean += value;
  mean /= static_cast<double>(stock.size());
  double squares = 0;
  for (std::size_t i = 0; i < stock.size(); ++i) {
    agreement.squares += std::pow(static_cast<double>(ours[i]) - stock[i], 2);
    squares += std::pow(stock[i] - mean, 2);
  }
  agreement.squares_of_reference += squares;
  const double spread = std::sqrt(squares / static_cast<double>(stock.size()));
  const std::size_t theirs = best(stock);
  const std::size_t mine = best(ours);
  ++agreement.tokens;
  if (theirs == mine) {
    ++agreement.same;
    return;
  }
  const double lead = (static_cast<double>(stock[theirs]) - stock[mine]) / spread;
  ++(lead <= bound ? agreement.excused : agreement.wrong);
  agreement.greatest_lead = std::max(agreement.greatest_lead, lead);
}

Result<void> follow(engine::Executor& stock, engine::Executor& ours,
                    const std::vector<TokenId>& stop_ids, const std::vector<TokenId>& prompt,
                    std::int64_t tokens, double bound, Agreement& agreement) {
  const auto size = static_cast<std::int64_t>(prompt.size());
  HEARTH_TRY(const auto a, stock.open_sequence({size, size + tokens}));
  HEARTH_TRY(const auto b, ours.open_sequence({size, size + tokens}));
  std::vector<TokenId> next = prompt;
  for (std::int64_t i = 0; i < tokens; ++i) {
    HEARTH_TRY(const auto theirs, stock.run({{engine::Segment{a, next, true}}}));
    HEARTH_TRY(const auto mine, ours.run({{engine::Segment{b, next, true}}}));
    compare(theirs.logits, mine.logits, bound, agreement);
    next = {static_cast<TokenId>(best(theirs.logits))};
    if (std::find(stop_ids.begin(), stop_ids.end(), next[0]) != stop_ids.end()) break;
  }
  stock.close_sequence(a);
  ours.close_sequence(b);
  return {};
}

Result<Agreement> run(const std::string& folder, std::istream& prompts, std::int64_t tokens,
                      double bound, runtime::Recipe recipe) {
  HEARTH_TRY(const runtime::ModelFolder model, runtime::open_model_folder(folder));
  HEARTH_TRY(const auto stock, runtime::StockExecutor::load(model, {}));
  runtime::SessionOptions options;
  options.accelerated.recipe = recipe;
  options.accelerated.cache_folder = std::filesystem::temp_directory_path() / "hearth-agreement";
  HEARTH_TRY(const auto ours, runtime::AcceleratedExecutor::load(model, options));
  std::cout << ours->report().isa << ", " << ours->report().recipe << ": ";
  Agreement agreement;
  for (std::string line; std::getline(prompts, line);) {
    HEARTH_TRY(const Json json, parse_json(line, "prompts"));
    HEARTH_TRY(const auto ids,
               JsonReader(json, "prompts").integers("ids", 0, stock->vocab_size() - 1));
    HEARTH_TRY_VOID(
        follow(*stock, *ours, model.stop_ids, {ids.begin(), ids.end()}, tokens, bound, agreement));
  }
  return agreement;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::cerr << "usage: executor_agreement MODEL_FOLDER PROMPTS.jsonl TOKENS BOUND [exact|fast]\n";
    return 2;
  }
  std::ifstream prompts(argv[2]);
  const bool fast = argc == 6 && std::string(argv[5]) == "fast";
  const auto agreement =
      hearth::run(argv[1], prompts, std::atoll(argv[3]), std::atof(argv[4]),
                  fast ? hearth::runtime::Recipe::kFast : hearth::runtime::Recipe::kExact);
  if (!agreement) {
    std::cerr << "executor_agreement: " << agreement.error().message << "\n";
    return 1;
  }
  const double error = std::sqrt(agreement->squares / agreement->squares_of_reference);
  std::cout << agreement->tokens << " tokens, " << agreement->same << " the same, "
            << agreement->excused << " within the bound, " << agreement->wrong
            << " wrong; error of the logits " << 100 * error
            << "% of their spread, another token at most " << 100 * agreement->greatest_lead
            << "% of it behind\n";
  return agreement->wrong == 0 && error < hearth::kErrorMax && agreement->tokens > 0 ? 0 : 1;
}
