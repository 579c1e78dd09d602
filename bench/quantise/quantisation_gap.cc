// How much of round-to-nearest's loss other quantisations of the same model avoid:
//   quantisation_gap TEXT REFERENCE RTN [OTHER...]
// TEXT is a text file of conversations as the model's template writes them, the others are model
// folders. Teacher-forced perplexity of the answers (what stands between <|assistant|> and <|end|>,
// all that such a model learns to write) and KL divergence from REFERENCE on the same tokens,
// through ONNX Runtime, in stretches of 1024 tokens; the share of the
// gap that is closed, with a 95 % interval from 2000 paired resamples of the
// stretches.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include "base/file.h"
#include "runtime/kv_cache.h"
#include "runtime/model_folder.h"
#include "runtime/ort_session.h"

namespace hearth {
namespace {

constexpr std::size_t kStretchTokens = 1024;
constexpr int kResamples = 2000;

using Rows = std::vector<std::vector<float>>;  // [tokens][vocab], log-probabilities

/// A text and which of its tokens are scored.
struct Text {
  std::vector<TokenId> tokens;
  std::vector<bool> scored;
};

/// What one folder makes of each stretch.
struct Measured {
  std::vector<double> losses;  ///< sum of -log p over the stretch's scored tokens
  std::vector<double> divergences;
};

struct Model {
  runtime::ModelFolder folder;
  runtime::OrtSession ort;
};

Result<Model> open(const std::string& path) {
  Model model;
  HEARTH_TRY(model.folder, runtime::open_model_folder(path));
  HEARTH_TRY(model.ort, runtime::open_ort_session(model.folder.model_file, {}));
  return model;
}

void to_log_probabilities(std::vector<float>& row) {
  const float largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float value : row) sum += double{std::exp(value - largest)};
  for (float& value : row) value -= largest + static_cast<float>(std::log(sum));
}

/// The three integer inputs of a prompt; owns what the tensors show.
struct PromptInputs {
  explicit PromptInputs(std::span<const TokenId> tokens) {
    for (const TokenId token : tokens) {
      positions.push_back(static_cast<std::int64_t>(ids.size()));
      ids.push_back(token);
      mask.push_back(1);
    }
  }

  static Ort::Value tensor(std::vector<std::int64_t>& data) {
    const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::int64_t dims[] = {1, static_cast<std::int64_t>(data.size())};
    return Ort::Value::CreateTensor<std::int64_t>(cpu, data.data(), data.size(), dims, 2);
  }

  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> mask;
  std::vector<std::int64_t> positions;
};

Result<Rows> run(Model& model, std::span<const TokenId> tokens) {
  const auto& io = model.folder.config.io;
  PromptInputs inputs(tokens);
  const Ort::Value ids = PromptInputs::tensor(inputs.ids);
  const Ort::Value mask = PromptInputs::tensor(inputs.mask);
  const Ort::Value positions = PromptInputs::tensor(inputs.positions);
  Ort::IoBinding binding(model.ort.session);
  binding.BindInput(io.input_ids.c_str(), ids);
  if (model.folder.graph.has_attention_mask) {
    binding.BindInput(io.attention_mask.c_str(), mask);
  }
  if (model.folder.graph.has_position_ids) {
    binding.BindInput(io.position_ids.c_str(), positions);
  }
  HEARTH_TRY(const auto kv, runtime::kv_shape(model.folder.graph));
  const auto empty = runtime::KvCache::growing(kv);
  for (std::int64_t layer = 0; layer < kv.layers; ++layer) {
    HEARTH_TRY(const std::string key, onnx::layer_name(io.past_key, layer));
    HEARTH_TRY(const std::string value, onnx::layer_name(io.past_value, layer));
    binding.BindInput(key.c_str(), empty.past(layer, 0));
    binding.BindInput(value.c_str(), empty.past(layer, 1));
  }
  binding.BindOutput(io.logits.c_str(),
                     Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault));
  model.ort.session.Run(Ort::RunOptions{nullptr}, binding);
  const auto outputs = binding.GetOutputValues();
  const auto vocab = static_cast<std::size_t>(model.folder.graph.vocab_size);
  const float* logits = outputs.front().GetTensorData<float>();
  Rows rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    rows.emplace_back(logits + i * vocab, logits + (i + 1) * vocab);
    to_log_probabilities(rows.back());
  }
  return rows;
}

/// Runs the reference when `reference` is empty and fills it, else compares with it.
Result<Measured> measure(const std::string& path, const Text& text, std::vector<Rows>& reference) {
  HEARTH_TRY(Model model, open(path));
  Measured measured;
  const bool is_reference = reference.empty();
  for (std::size_t start = 0; start + 2 <= text.tokens.size(); start += kStretchTokens) {
    const auto stretch =
        std::span(text.tokens).subspan(start, std::min(kStretchTokens, text.tokens.size() - start));
    HEARTH_TRY(Rows rows, run(model, stretch));
    double loss = 0;
    for (std::size_t i = 0; i + 1 < stretch.size(); ++i) {
      if (!text.scored[start + i + 1]) continue;
      loss -= rows[i][static_cast<std::size_t>(stretch[i + 1])];
    }
    measured.losses.push_back(loss);
    if (is_reference) {
      reference.push_back(std::move(rows));
      continue;
    }
    double divergence = 0;
    const Rows& expected = reference[measured.losses.size() - 1];
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      if (!text.scored[start + i + 1]) continue;
      for (std::size_t v = 0; v < rows[i].size(); ++v) {
        divergence += double{std::exp(expected[i][v]) * (expected[i][v] - rows[i][v])};
      }
    }
    measured.divergences.push_back(divergence);
  }
  return measured;
}

double sum_of(const std::vector<double>& values, const std::vector<std::size_t>& chosen) {
  double sum = 0;
  for (const std::size_t i : chosen) sum += values[i];
  return sum;
}

/// "41.3 % (95 %: 35.1 to 47.0)": how much smaller `other` is than `rtn`, both measured from
/// `base`.
std::string smaller(const std::vector<double>& base, const std::vector<double>& rtn,
                    const std::vector<double>& other) {
  std::mt19937_64 random(1);
  const std::size_t n = rtn.size();
  std::vector<std::size_t> chosen(n);
  std::iota(chosen.begin(), chosen.end(), 0U);
  const auto share = [&] {
    const double start = sum_of(base, chosen);
    return 100 * (1 - (sum_of(other, chosen) - start) / (sum_of(rtn, chosen) - start));
  };
  const double whole = share();
  std::vector<double> shares;
  for (int i = 0; i < kResamples; ++i) {
    for (std::size_t& index : chosen) index = random() % n;
    shares.push_back(share());
  }
  std::sort(shares.begin(), shares.end());
  return fmt::format("{:.1f} % (95 %: {:.1f} to {:.1f})", whole, shares[kResamples / 40],
                     shares[kResamples - 1 - kResamples / 40]);
}

/// Empty for the reference and for round-to-nearest itself.
std::string comparison(const std::vector<Measured>& all) {
  if (all.size() < 3) return {};
  const Measured& rtn = all[1];
  const std::vector<double> none(rtn.losses.size(), 0.0);
  return fmt::format("of rtn's gap closed in log perplexity: {}, in KL: {}",
                     smaller(all[0].losses, rtn.losses, all.back().losses),
                     smaller(none, rtn.divergences, all.back().divergences));
}

/// Scores the tokens of answers, the one that ends them included. A stretch's first token has
/// nothing before it and is not scored.
Result<Text> read_text(const std::string& path, const std::string& folder) {
  HEARTH_TRY(const std::string content, read_file(path));
  HEARTH_TRY(const auto model, runtime::open_model_text(folder));
  Text text;
  HEARTH_TRY(text.tokens, model.tokenizer->encode(content));
  const auto begin = model.tokenizer->id_of("<|assistant|>");
  const auto end = model.tokenizer->id_of("<|end|>");
  if (!begin || !end)
    return fail(ErrorCode::kUnsupported, folder + " has no <|assistant|>, <|end|>");
  bool answering = false;
  for (std::size_t i = 0; i < text.tokens.size(); ++i) {
    text.scored.push_back(answering && i % kStretchTokens != 0);
    answering = (answering || text.tokens[i] == *begin) && text.tokens[i] != *end;
  }
  return text;
}

Result<void> compare(const std::vector<std::string>& arguments) {
  HEARTH_TRY(const Text tokens, read_text(arguments[0], arguments[1]));
  const auto predicted =
      static_cast<double>(std::count(tokens.scored.begin(), tokens.scored.end(), true));
  fmt::print("{} tokens, {} of them scored\n", tokens.tokens.size(), predicted);
  std::vector<Rows> reference_rows;
  std::vector<Measured> all;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    HEARTH_TRY(Measured measured, measure(arguments[i], tokens, reference_rows));
    const double loss = std::accumulate(measured.losses.begin(), measured.losses.end(), 0.0);
    const double divergence =
        std::accumulate(measured.divergences.begin(), measured.divergences.end(), 0.0);
    all.push_back(std::move(measured));
    fmt::print("{}  perplexity {:.4f}  KL {:.5f}  {}\n", arguments[i], std::exp(loss / predicted),
               divergence / predicted, comparison(all));
    std::fflush(stdout);
  }
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 3) {
    std::fputs("usage: quantisation_gap TEXT REFERENCE RTN [OTHER...]\n", stderr);
    return 2;
  }
  const auto done = hearth::compare(arguments);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
