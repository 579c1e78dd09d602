#include "runtime/accelerated_executor.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/kept_sequence.h"
#include "kernels/attention.h"
#include "kernels/registry.h"
#include "onnx/model_file.h"
#include "runtime/open_executor.h"
#include "runtime/packed_weights.h"
#include "runtime/test_feeding.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

using engine::Segment;
using engine::SequenceId;

std::unique_ptr<AcceleratedExecutor> load(const std::filesystem::path& folder,
                                          const SessionOptions& options = {}) {
  const auto model = open_model_folder(folder);
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return nullptr;
  auto executor = AcceleratedExecutor::load(*model, options);
  EXPECT_TRUE(executor) << executor.error().message;
  return executor ? std::move(*executor) : nullptr;
}

std::unique_ptr<StockExecutor> load_stock(const std::filesystem::path& folder) {
  const auto model = open_model_folder(folder);
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return nullptr;
  auto executor = StockExecutor::load(*model, {});
  return executor ? std::move(*executor) : nullptr;
}

double spread(const std::vector<float>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return static_cast<double>(*high) - *low;
}

/// Root of the mean squared difference, as a share of the reference's spread.
double relative_error(const std::vector<float>& reference, const std::vector<float>& values) {
  EXPECT_EQ(reference.size(), values.size());
  if (reference.size() != values.size() || values.empty()) return 1;
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += std::pow(static_cast<double>(values[i]) - reference[i], 2);
  }
  return std::sqrt(sum / static_cast<double>(values.size())) / spread(reference);
}

/// int8 activations and a bf16 cache here, int8 activations of another rounding in ONNX Runtime.
constexpr double kStockBound = 0.02;

std::vector<SessionOptions> every_isa() {
  std::vector<SessionOptions> all;
  for (const auto isa : {kernels::Isa::kPortable, kernels::Isa::kAvx2, kernels::Isa::kAvx512Vnni,
                         kernels::Isa::kAmx}) {
    if (!kernels::kernels_for(isa)) continue;
    SessionOptions options;
    options.accelerated.isa = isa;
    all.push_back(options);
  }
  return all;
}

TEST(AcceleratedExecutor, AgreesWithTheStockExecutorOnEveryInstructionSetBitForBit) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  const auto stock = load_stock(model);
  const auto tokens = some_tokens(40, 512);
  const auto expected = feed_whole(*stock, tokens);
  ASSERT_GT(spread(expected), 0.1);
  std::vector<float> first;
  for (const SessionOptions& options : every_isa()) {
    const auto executor = load(model, options);
    ASSERT_TRUE(executor);
    const auto logits = feed_whole(*executor, tokens);
    EXPECT_LT(relative_error(expected, logits), kStockBound) << executor->report().isa;
    if (first.empty()) first = logits;
    EXPECT_EQ(logits, first) << executor->report().isa;
  }
  const auto other = feed_whole(*stock, some_tokens(40, 512, 14));
  EXPECT_GT(relative_error(expected, other), 5 * kStockBound) << "control: other tokens";
}

/// Sixteen threads that spin on two cores, each watched, take minutes.
std::vector<std::int64_t> thread_counts() {
#if defined(__SANITIZE_THREAD__)
  return {1, 2, 3};
#else
  return {1, 2, 3, 16};
#endif
}

/// The logits of every row from single steps, for several sequences.
std::vector<float> one_by_one(engine::Executor& executor, const std::vector<TokenId>& tokens) {
  const auto count = static_cast<std::int64_t>(tokens.size());
  const auto id = executor.open_sequence({count, count});
  EXPECT_TRUE(id) << id.error().message;
  std::vector<float> logits;
  for (const TokenId& token : tokens) {
    const auto row = executor.run({{Segment{*id, {&token, 1}, true}}});
    EXPECT_TRUE(row) << row.error().message;
    logits.insert(logits.end(), row->logits.begin(), row->logits.end());
  }
  executor.close_sequence(*id);
  return logits;
}

TEST(AcceleratedExecutor, TheLogitsOfEveryRowAreThoseOfSingleStepsBitForBit) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4));
  ASSERT_TRUE(executor);
  const auto first = some_tokens(30, 512);
  const auto second = some_tokens(9, 512, 77);
  const auto third = some_tokens(4, 512, 5);
  const std::span<const TokenId> all = first;
  const auto a = executor->open_sequence({30, 30});
  const auto b = executor->open_sequence({9, 9});
  const auto c = executor->open_sequence({4, 4});
  ASSERT_TRUE(a && b && c);
  ASSERT_TRUE(executor->run({{Segment{*a, all.first(10), false}}}));
  // Of the first the last 20, of the second nothing, of the third the last two.
  const auto result = executor->run({{Segment{*a, all.subspan(10), true, 20},
                                      Segment{*b, second, false}, Segment{*c, third, true, 2}}});
  ASSERT_TRUE(result) << result.error().message;
  const auto rows_of_first = one_by_one(*executor, first);
  const auto rows_of_third = one_by_one(*executor, third);
  std::vector<float> expected(rows_of_first.end() - 20 * 512, rows_of_first.end());
  expected.insert(expected.end(), rows_of_third.end() - 2 * 512, rows_of_third.end());
  EXPECT_EQ(result->logits, expected);
}

TEST(AcceleratedExecutor, RowsThatAreSpreadOverSeveralPiecesComeInTheirOrder) {
  // 20 tokens are held when 300 more cross the rotary threshold: 300 rows run, then 20, and the
  // wanted rows begin in the middle of the first.
  const TemporaryFolder folder;
  onnx::DecoderConfig config = tiny_config(true);
  config.max_position_embeddings = 512;
  const auto executor = load(make_model(folder.path(), config, onnx::Precision::kInt4));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(320, 512);
  const auto rows = one_by_one(*executor, tokens);
  const std::span<const TokenId> all = tokens;
  const auto id = executor->open_sequence({20, 320});
  const auto other = executor->open_sequence({3, 3});
  ASSERT_TRUE(id && other);
  ASSERT_TRUE(executor->run({{Segment{*id, all.first(20), false}}}));
  const auto three = some_tokens(3, 512, 5);
  const auto result =
      executor->run({{Segment{*id, all.subspan(20), true, 300}, Segment{*other, three, true, 3}}});
  ASSERT_TRUE(result) << result.error().message;
  std::vector<float> expected(rows.end() - 300 * 512, rows.end());
  const auto others = one_by_one(*executor, three);
  expected.insert(expected.end(), others.begin(), others.end());
  EXPECT_EQ(result->logits, expected);
}

SessionOptions with_cache(kernels::KvElement element) {
  SessionOptions options;
  options.accelerated.kv_element = element;
  return options;
}

TEST(AcceleratedExecutor, KeepsKeysAndValuesAsAsked) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  const auto tokens = some_tokens(100, 512);
  const auto logits_of = [&](const SessionOptions& options) {
    const auto executor = load(model, options);
    EXPECT_EQ(executor->report().kv_cache, kernels::name_of(options.accelerated.kv_element));
    return feed_whole(*executor, tokens);
  };
  const auto exact = logits_of(with_cache(kernels::KvElement::kFloat32));
  const double bf16 = relative_error(exact, logits_of({}));
  const double int8 = relative_error(exact, logits_of(with_cache(kernels::KvElement::kInt8)));
  EXPECT_GT(bf16, 0);
  EXPECT_GT(int8, bf16);
  EXPECT_LT(int8, kStockBound);
  std::vector<float> first;
  for (SessionOptions options : every_isa()) {
    options.accelerated.kv_element = kernels::KvElement::kInt8;
    const auto logits = logits_of(options);
    if (first.empty()) first = logits;
    EXPECT_EQ(logits, first) << kernels::name_of(*options.accelerated.isa);
  }
}

void expect_chunks_steps_and_threads_do_not_matter(kernels::KvElement element) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  const auto tokens = some_tokens(90, 512);
  std::vector<float> whole;
  for (const std::int64_t threads : thread_counts()) {
    SessionOptions options = with_cache(element);
    options.intra_op_num_threads = threads;
    const auto executor = load(model, options);
    ASSERT_TRUE(executor);
    if (whole.empty()) whole = feed_whole(*executor, tokens);
    EXPECT_EQ(whole, feed_whole(*executor, tokens)) << threads;
    EXPECT_EQ(whole, feed(*executor, tokens, {7, 33, 49, 1}, 89).logits) << threads;
    EXPECT_EQ(whole, feed(*executor, tokens, std::vector<std::size_t>(90, 1), 1).logits) << threads;
  }
}

TEST(AcceleratedExecutor, ChunksStepsAndThreadsDoNotChangeABit) {
  expect_chunks_steps_and_threads_do_not_matter(kernels::KvElement::kBf16);
  expect_chunks_steps_and_threads_do_not_matter(kernels::KvElement::kInt8);
}

TEST(AcceleratedExecutor, SequencesOfAnyLengthsShareAStepAndDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  const auto executor = load(model);
  ASSERT_TRUE(executor);
  std::vector<std::vector<TokenId>> prompts;
  std::vector<std::vector<float>> alone;
  for (const int size : {1, 70, 3, 120, 17}) {
    prompts.push_back(some_tokens(size, 512, size));
    alone.push_back(feed_whole(*executor, prompts.back()));
  }
  std::vector<SequenceId> ids;
  std::vector<std::size_t> fed(prompts.size(), 0);
  for (const auto& prompt : prompts) {
    const auto size = static_cast<std::int64_t>(prompt.size());
    const auto id = executor->open_sequence({size, size});
    ASSERT_TRUE(id);
    ids.push_back(*id);
  }
  std::map<std::size_t, std::vector<float>> together;
  for (std::size_t step = 0; together.size() < prompts.size(); ++step) {
    engine::StepPlan plan;
    std::vector<std::size_t> ends;
    for (std::size_t i = prompts.size(); i-- > 0;) {
      const std::size_t left = prompts[i].size() - fed[i];
      const std::size_t count = std::min<std::size_t>(left, 5 + 11 * i + step % 3);
      if (count == 0) continue;
      plan.segments.push_back(
          {ids[i], std::span(prompts[i]).subspan(fed[i], count), count == left});
      if (count == left) ends.push_back(i);
      fed[i] += count;
    }
    const auto result = executor->run(plan);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->logits.size(), ends.size() * 512);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const auto begin = result->logits.begin() + static_cast<std::ptrdiff_t>(i * 512);
      together[ends[i]].assign(begin, begin + 512);
    }
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(together[i], alone[i]) << i;
  for (const SequenceId id : ids) executor->close_sequence(id);
}

// A model whose embedding has one row of NaN: the sequence that holds that token is ruined, its
// neighbours in the same steps and in blocks it has left are not.
TEST(AcceleratedExecutor, APoisonedNeighbourIsNotFelt) {
  const TemporaryFolder folder;
  const auto path = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  constexpr TokenId kPoison = 500;
  {
    const auto model = onnx::read_model(path / "model.onnx");
    ASSERT_TRUE(model);
    std::fstream data(path / "model.onnx.data", std::ios::in | std::ios::out | std::ios::binary);
    for (const auto& tensor : model->graph().initializer()) {
      if (tensor.dims_size() != 2 || tensor.dims(0) != 512) continue;
      for (const auto& entry : tensor.external_data()) {
        if (entry.key() != "offset") continue;
        const std::vector<float> row(256, std::nanf(""));
        data.seekp(std::stoll(entry.value()) + kPoison * 256 * 4);
        data.write(reinterpret_cast<const char*>(row.data()), 256 * 4);
      }
    }
  }
  const auto healthy = some_tokens(33, 480);
  auto sick = some_tokens(40, 480, 99);
  sick[3] = kPoison;
  for (const auto element : {kernels::KvElement::kBf16, kernels::KvElement::kInt8}) {
    const auto executor = load(path, with_cache(element));
    ASSERT_TRUE(executor);
    const auto expected = feed_whole(*executor, healthy);
    ASSERT_TRUE(std::all_of(expected.begin(), expected.end(),
                            [](float value) { return std::isfinite(value); }));
    const auto ruined = feed_whole(*executor, sick);
    EXPECT_TRUE(std::isnan(ruined.front())) << "control: the poison works";
    EXPECT_EQ(feed_whole(*executor, healthy), expected) << "in blocks that held poison";
    const auto a = executor->open_sequence({33, 33});
    const auto b = executor->open_sequence({40, 40});
    ASSERT_TRUE(a && b);
    const auto both = executor->run({{Segment{*b, sick, true}, Segment{*a, healthy, true}}});
    ASSERT_TRUE(both);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), both->logits.begin() + 512));
    executor->close_sequence(*a);
    executor->close_sequence(*b);
  }
}

TEST(AcceleratedExecutor, CrossingIntoTheLongRotaryTableRecomputes) {
  for (const bool positions : {false, true}) {
    const TemporaryFolder folder;
    onnx::DecoderConfig config = tiny_config(true);
    config.switches.position_ids = positions;
    const auto path = make_model(folder.path(), config, onnx::Precision::kInt4);
    const auto executor = load(path);
    const auto stock = load_stock(path);
    ASSERT_TRUE(executor && stock);
    const auto tokens = some_tokens(40, 512);
    const auto expected = feed_whole(*executor, tokens);
    EXPECT_LT(relative_error(feed_whole(*stock, tokens), expected), kStockBound);
    std::vector<std::size_t> stepwise(10, 1);
    stepwise.insert(stepwise.begin(), 30);
    const Fed crossed = feed(*executor, tokens, stepwise, 30);
    EXPECT_EQ(crossed.recomputed, 32);
    EXPECT_EQ(crossed.logits, expected);
    EXPECT_EQ(feed(*executor, tokens, {10, 25, 5}, 40).logits, expected);
    const auto short_ones = some_tokens(32, 512);
    EXPECT_LT(relative_error(feed_whole(*stock, short_ones), feed_whole(*executor, short_ones)),
              kStockBound);
  }
}

TEST(AcceleratedExecutor, ARewoundSequenceGivesTheLogitsOfAFreshOne) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(true), onnx::Precision::kInt4));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(100, 512);
  struct Case {
    std::size_t before, same, after;
    std::int64_t kept;
  };
  for (const Case& c : {Case{20, 20, 30, 20}, Case{30, 12, 25, 12}, Case{20, 20, 40, 0},
                        Case{60, 20, 30, 0}, Case{60, 55, 90, 55}, Case{60, 20, 50, 20}}) {
    const std::vector<TokenId> before(tokens.begin(), tokens.begin() + static_cast<long>(c.before));
    std::vector<TokenId> after(tokens.begin(), tokens.begin() + static_cast<long>(c.same));
    while (after.size() < c.after) after.push_back(static_cast<TokenId>(after.size() * 31 % 400));
    const auto size = static_cast<std::int64_t>(c.before);
    const auto id = executor->open_sequence({size, size});
    ASSERT_TRUE(id);
    ASSERT_TRUE(executor->run({{Segment{*id, before, false}}}));
    const auto after_size = static_cast<std::int64_t>(c.after);
    const auto kept =
        executor->rewind_sequence(*id, {after_size, after_size}, static_cast<std::int64_t>(c.same));
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, c.kept) << c.before << " to " << c.after;
    const auto rest = std::span(after).subspan(static_cast<std::size_t>(*kept));
    const auto result = executor->run({{Segment{*id, rest, true}}});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->logits, feed_whole(*executor, after)) << c.before << " to " << c.after;
    executor->close_sequence(*id);
  }
}

TEST(AcceleratedExecutor, EverySyntheticVariantRunsOrSaysWhyNot) {
  struct Variant {
    const char* name;
    onnx::Precision precision;
    void (*set)(onnx::GraphSwitches&);
    const char* refusal;  // nothing: it runs
  };
  const Variant variants[] = {
      {"int8", onnx::Precision::kInt8, [](auto&) {}, nullptr},
      {"asymmetric", onnx::Precision::kInt4, [](auto& s) { s.asymmetric = true; }, nullptr},
      {"asymmetric int8", onnx::Precision::kInt8, [](auto& s) { s.asymmetric = true; }, nullptr},
      {"block 16", onnx::Precision::kInt4, [](auto& s) { s.block_size = 16; }, nullptr},
      {"block 128", onnx::Precision::kInt4, [](auto& s) { s.block_size = 128; }, nullptr},
      {"block 256", onnx::Precision::kInt8, [](auto& s) { s.block_size = 256; }, nullptr},
      {"positions", onnx::Precision::kInt4, [](auto& s) { s.position_ids = true; }, nullptr},
      {"qk norm", onnx::Precision::kInt4, [](auto& s) { s.qk_norm = true; }, nullptr},
      {"bias", onnx::Precision::kInt4, [](auto& s) { s.qkv_bias = true; }, nullptr},
      {"embedding", onnx::Precision::kInt4, [](auto& s) { s.quantised_embedding = true; }, nullptr},
      {"fp16 io", onnx::Precision::kInt4, [](auto& s) { s.fp16_io = true; }, "float16"},
      {"fp32", onnx::Precision::kFp32, [](auto&) {}, "(MatMul) is computed by ONNX Runtime"},
      {"fp16", onnx::Precision::kFp16, [](auto&) {}, "float16"},
  };
  for (const Variant& variant : variants) {
    for (const bool long_rope : {false, true}) {
      SCOPED_TRACE(std::string(variant.name) + (long_rope ? ", LongRoPE" : ""));
      const TemporaryFolder folder;
      onnx::DecoderConfig config = tiny_config(long_rope);
      variant.set(config.switches);
      const auto path = make_model(folder.path(), config, variant.precision);
      const auto model = open_model_folder(path);
      ASSERT_TRUE(model) << model.error().message;
      auto executor = AcceleratedExecutor::load(*model, {});
      if (variant.refusal != nullptr) {
        ASSERT_FALSE(executor);
        EXPECT_EQ(executor.error().code, ErrorCode::kUnsupported);
        EXPECT_NE(executor.error().message.find(variant.refusal), std::string::npos)
            << executor.error().message;
        continue;
      }
      ASSERT_TRUE(executor) << executor.error().message;
      const auto stock = load_stock(path);
      const auto tokens = some_tokens(45, 512);
      const auto logits = feed_whole(**executor, tokens);
      EXPECT_LT(relative_error(feed_whole(*stock, tokens), logits), kStockBound);
      EXPECT_EQ(feed(**executor, tokens, {20, 24, 1}, 45).logits, logits);
    }
  }
}

/// Every name of the graph replaced by a random one and the nodes shuffled; the names that
/// genai_config.json gives are returned as they are called now.
onnx::DecoderIoNames disguise(::onnx::ModelProto& model, const onnx::DecoderIoNames& names,
                              std::int64_t layers) {
  std::mt19937 random(5);
  std::map<std::string, std::string> renamed{{"", ""}};
  const auto other = [&](const std::string& name) {
    auto [at, added] = renamed.emplace(name, "");
    if (added) at->second = "v" + std::to_string(random());
    return at->second;
  };
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string number = std::to_string(layer);
    renamed[*onnx::layer_name(names.past_key, layer)] = "a." + number;
    renamed[*onnx::layer_name(names.past_value, layer)] = "b." + number;
    renamed[*onnx::layer_name(names.present_key, layer)] = "c." + number;
    renamed[*onnx::layer_name(names.present_value, layer)] = "d." + number;
  }
  const auto rename_graph = [&](auto&& self, ::onnx::GraphProto& graph) -> void {
    graph.set_name(other("graph " + graph.name()));
    for (auto& tensor : *graph.mutable_initializer()) tensor.set_name(other(tensor.name()));
    for (auto& value : *graph.mutable_input()) value.set_name(other(value.name()));
    for (auto& value : *graph.mutable_output()) value.set_name(other(value.name()));
    for (auto& value : *graph.mutable_value_info()) value.set_name(other(value.name()));
    for (auto& node : *graph.mutable_node()) {
      node.set_name(other("node " + node.name()));
      for (auto& name : *node.mutable_input()) name = other(name);
      for (auto& name : *node.mutable_output()) name = other(name);
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) self(self, *attribute.mutable_g());
      }
    }
    for (int i = graph.node_size() - 1; i > 0; --i) {
      graph.mutable_node()->SwapElements(
          i, static_cast<int>(random() % (static_cast<unsigned>(i) + 1)));
    }
  };
  rename_graph(rename_graph, *model.mutable_graph());
  onnx::DecoderIoNames now;
  now.input_ids = renamed.at(names.input_ids);
  now.attention_mask = names.attention_mask.empty() ? "" : renamed.at(names.attention_mask);
  now.position_ids = names.position_ids.empty() ? "" : renamed.at(names.position_ids);
  now.logits = renamed.at(names.logits);
  now.past_key = "a.%d";
  now.past_value = "b.%d";
  now.present_key = "c.%d";
  now.present_value = "d.%d";
  return now;
}

TEST(AcceleratedExecutor, NamesAndOrderOfNodesDoNotMatter) {
  for (const bool positions : {false, true}) {
    const TemporaryFolder folder;
    onnx::DecoderConfig config = tiny_config(true);
    config.switches.position_ids = positions;
    config.switches.qk_norm = positions;
    config.switches.quantised_embedding = !positions;
    const auto path = make_model(folder.path(), config, onnx::Precision::kInt4);
    const auto tokens = some_tokens(45, 512);
    const auto plain = load(path);
    ASSERT_TRUE(plain);
    const auto expected = feed_whole(*plain, tokens);
    auto folder_info = open_model_folder(path);
    auto model = onnx::read_model(path / "model.onnx");
    ASSERT_TRUE(folder_info && model);
    folder_info->config.io = disguise(*model, folder_info->config.io, folder_info->graph.layers);
    ASSERT_TRUE(onnx::write_model(path / "model.onnx", *model));
    folder_info->model_digest = Digest::of(*read_file(path / "model.onnx"));
    auto disguised = AcceleratedExecutor::load(*folder_info, {});
    ASSERT_TRUE(disguised) << disguised.error().message;
    EXPECT_EQ(feed_whole(**disguised, tokens), expected);
  }
}

TEST(AcceleratedExecutor, PassesCanBeLeftOut) {
  const TemporaryFolder folder;
  const auto path = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  const auto model = open_model_folder(path);
  ASSERT_TRUE(model);
  const auto tokens = some_tokens(30, 512);
  const auto with = [&](const onnx::PassSwitches& switches) {
    return AcceleratedExecutor::load(*model, {}, switches);
  };
  auto all = with({});
  ASSERT_TRUE(all);
  const auto with_all = feed_whole(**all, tokens);
  onnx::PassSwitches switches;
  switches.norm_linear = false;
  auto fewer = with(switches);
  ASSERT_TRUE(fewer) << fewer.error().message;
  const auto expected = feed_whole(**fewer, tokens);  // with the library's norms
  EXPECT_LT(relative_error(with_all, expected), 1e-3);
  switches.join_linears = false;
  switches.fold_reshape = false;
  fewer = with(switches);
  ASSERT_TRUE(fewer) << fewer.error().message;
  EXPECT_EQ(feed_whole(**fewer, tokens), expected);
  switches.gated_silu = false;
  fewer = with(switches);
  ASSERT_TRUE(fewer) << fewer.error().message;
  EXPECT_LT(relative_error(expected, feed_whole(**fewer, tokens)), 1e-3);
  switches = {};
  switches.quant_linear = false;
  const auto refused = with(switches);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("MatMulNBits"), std::string::npos);
  switches.allow_library_products = true;
  auto library = with(switches);
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_LT(relative_error(expected, feed_whole(**library, tokens)), kStockBound);
  switches = {};
  switches.paged_attention = false;
  EXPECT_FALSE(with(switches));
}

TEST(AcceleratedExecutor, WeightsAreReadOnceAStepWhateverTheRows) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4));
  ASSERT_TRUE(executor);
  const auto bytes_of = [&](std::size_t rows) {
    const std::uint64_t before = executor->weight_bytes_read();
    feed_whole(*executor, some_tokens(static_cast<int>(rows), 512));
    return executor->weight_bytes_read() - before;
  };
  const std::uint64_t one = bytes_of(1);
  EXPECT_GT(one, 0u);
  EXPECT_LE(one, executor->packed_bytes());
  for (const std::size_t rows : {2, 8, 16}) EXPECT_EQ(bytes_of(rows), one) << rows;
}

TEST(AcceleratedExecutor, MoreThanThePoolHoldsIsRefused) {
  const TemporaryFolder folder;
  SessionOptions options;
  options.accelerated.kv_pool_bytes_max = 1;  // one block
  const auto executor =
      load(make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4), options);
  ASSERT_TRUE(executor);
  const auto refused = executor->open_sequence({65, 65});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  const auto beyond = executor->open_sequence({1, 129});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, ErrorCode::kContextTooLong);
  const auto fits = executor->open_sequence({64, 64});
  ASSERT_TRUE(fits);
  EXPECT_FALSE(executor->open_sequence({1, 1}));
  executor->close_sequence(*fits);
  const auto again = executor->open_sequence({1, 1});
  ASSERT_TRUE(again);
  executor->close_sequence(*again);
}

TEST(AcceleratedExecutor, TheSameMemoryHoldsMoreTokensInInt8) {
  const TemporaryFolder folder;
  const auto path = make_model(folder.path(), tiny_config(false), onnx::Precision::kInt4);
  // 2 layers, keys and values, 2 heads of 64, blocks of 64 tokens, a scale of 4 bytes each.
  constexpr std::uint64_t kInt8Block = std::uint64_t{2} * 2 * 2 * 64 * (64 + 4);
  SessionOptions options = with_cache(kernels::KvElement::kInt8);
  options.accelerated.kv_pool_bytes_max = 2 * kInt8Block;
  const auto executor = load(path, options);
  ASSERT_TRUE(executor);
  const auto fits = executor->open_sequence({128, 128});
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_FALSE(executor->open_sequence({1, 1}));
  executor->close_sequence(*fits);
  options.accelerated.kv_pool_bytes_max -= 1;
  EXPECT_FALSE(load(path, options)->open_sequence({65, 65}));
  options.accelerated.kv_pool_bytes_max += 1;
  options.accelerated.kv_element = kernels::KvElement::kBf16;
  EXPECT_FALSE(load(path, options)->open_sequence({65, 65}));
}

TEST(OpenExecutor, AutoFallsBackAndSaysWhy) {
  const TemporaryFolder folder;
  const auto path = make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32);
  const auto model = open_model_folder(path);
  ASSERT_TRUE(model);
  const auto opened = open_executor(*model, {});
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->report.executor, "stock");
  EXPECT_EQ(opened->report.kv_cache, "");
  EXPECT_NE(opened->report.why_stock.find("MatMul"), std::string::npos);
  SessionOptions pinned;
  pinned.executor = ExecutorChoice::kAccelerated;
  const auto refused = open_executor(*model, pinned);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);

  const TemporaryFolder other;
  const auto quantised =
      open_model_folder(make_model(other.path(), tiny_config(false), onnx::Precision::kInt4));
  ASSERT_TRUE(quantised);
  const auto fast = open_executor(*quantised, {});
  ASSERT_TRUE(fast) << fast.error().message;
  EXPECT_EQ(fast->report.executor, "accelerated") << fast->report.why_stock;
  EXPECT_EQ(fast->report.recipe, "exact");
  EXPECT_EQ(fast->report.kv_cache, "bf16");
  SessionOptions uncached;
  uncached.enable_kv_cache = false;
  const auto stock = open_executor(*quantised, uncached);
  ASSERT_TRUE(stock);
  EXPECT_EQ(stock->report.executor, "stock");
}

class PackedFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = make_model(folder_.path(), tiny_config(true), onnx::Precision::kInt4);
    tokens_ = some_tokens(40, 512);
    expected_ = feed_whole(*load(path_), tokens_);
    ASSERT_TRUE(std::filesystem::exists(packed()));
  }
  std::filesystem::path packed() const { return path_ / "model.onnx.packed"; }
  std::string content() const {
    std::ifstream file(packed(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void replace(const std::string& bytes) const {
    std::filesystem::remove(packed());
    std::ofstream(packed(), std::ios::binary) << bytes;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::vector<TokenId> tokens_;
  std::vector<float> expected_;
};

TEST_F(PackedFile, IsUsedAgainAndRebuiltWhenAnyByteIsWrong) {
  const auto made = std::filesystem::last_write_time(packed());
  EXPECT_EQ(feed_whole(*load(path_), tokens_), expected_);
  EXPECT_EQ(std::filesystem::last_write_time(packed()), made) << "it was written again";
  const std::string good = content();
  // A byte of the header, of the list, and of every entry's first and last kilobyte.
  std::vector<std::size_t> places{0, 9, 20, 70, 100};
  for (std::size_t at = 4096; at < good.size(); at += 40000) places.push_back(at);
  for (const std::size_t at : places) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    replace(bad);
    EXPECT_EQ(feed_whole(*load(path_), tokens_), expected_) << at;
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{50}, good.size() / 2, good.size() - 1}) {
    replace(good.substr(0, size));
    EXPECT_EQ(feed_whole(*load(path_), tokens_), expected_) << size;
    EXPECT_EQ(content(), good);
  }
}

TEST_F(PackedFile, OfAnotherModelIsNotTrusted) {
  const TemporaryFolder other;
  onnx::DecoderConfig config = tiny_config(true);
  config.rope_theta = 500.0;
  const auto second = make_model(other.path(), config, onnx::Precision::kInt4);
  const auto expected = feed_whole(*load(second), tokens_);
  EXPECT_NE(expected, expected_);
  std::filesystem::copy_file(packed(), second / "model.onnx.packed",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(feed_whole(*load(second), tokens_), expected);
}

TEST_F(PackedFile, GoesToTheCacheFolderWhenThereIsOne) {
  std::filesystem::remove(packed());
  SessionOptions options;
  options.accelerated.cache_folder = folder_.path() / "cache";
  std::uint64_t last = 0;
  options.accelerated.on_packing = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
  };
  EXPECT_EQ(feed_whole(*load(path_, options), tokens_), expected_);
  EXPECT_GT(last, 0u);
  EXPECT_FALSE(std::filesystem::exists(packed()));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "cache" / "packed"));
  last = 0;
  EXPECT_EQ(feed_whole(*load(path_, options), tokens_), expected_);
  EXPECT_EQ(last, 0u) << "packed twice";
}

}  // namespace
}  // namespace hearth::runtime
