#include "runtime/stock_executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "engine/kept_sequence.h"
#include "onnx/model_file.h"
#include "runtime/kv_cache.h"
#include "runtime/test_feeding.h"
#include "runtime/test_models.h"

namespace hearth::runtime {
namespace {

using engine::Segment;

std::unique_ptr<StockExecutor> load(const std::filesystem::path& folder,
                                    const SessionOptions& options = {}) {
  const auto model = open_model_folder(folder);
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return nullptr;
  auto executor = StockExecutor::load(*model, options);
  EXPECT_TRUE(executor) << executor.error().message;
  return executor ? std::move(*executor) : nullptr;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

double spread(const std::vector<float>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return static_cast<double>(*high) - *low;
}

TEST(StockExecutor, ChunksAndSingleStepsGiveTheLogitsOfOneCall) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(20, 512);
  const auto whole = feed_whole(*executor, tokens);
  ASSERT_EQ(whole.size(), 512u);
  ASSERT_GT(spread(whole), 0.1);
  EXPECT_LT(largest_difference(whole, feed(*executor, tokens, {7, 9, 4}, 20).logits),
            1e-4 * spread(whole));
  EXPECT_LT(
      largest_difference(whole, feed(*executor, tokens, std::vector<std::size_t>(20, 1), 1).logits),
      1e-4 * spread(whole));
}

/// The logits of every token: fed one by one, or all behind the first `held` in one step.
std::vector<float> one_by_one(engine::Executor& executor, const std::vector<TokenId>& tokens,
                              std::int64_t prompt_tokens) {
  const auto id = executor.open_sequence({prompt_tokens, static_cast<std::int64_t>(tokens.size())});
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

std::vector<float> all_at_once(engine::Executor& executor, const std::vector<TokenId>& tokens,
                               std::size_t held, std::size_t rows, std::int64_t prompt_tokens) {
  const auto id = executor.open_sequence({prompt_tokens, static_cast<std::int64_t>(tokens.size())});
  EXPECT_TRUE(id) << id.error().message;
  const std::span<const TokenId> all = tokens;
  if (held > 0) {
    EXPECT_TRUE(executor.run({{Segment{*id, all.first(held), false}}}));
  }
  const auto result =
      executor.run({{Segment{*id, all.subspan(held), true, static_cast<std::int64_t>(rows)}}});
  EXPECT_TRUE(result) << result.error().message;
  executor.close_sequence(*id);
  return result ? result->logits : std::vector<float>{};
}

TEST(StockExecutor, TheLogitsOfEveryRowAreThoseOfSingleSteps) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(20, 512);
  const auto expected = one_by_one(*executor, tokens, 20);
  ASSERT_EQ(expected.size(), 20u * 512);
  for (const auto& [held, rows] : {std::pair<std::size_t, std::size_t>{0, 20}, {0, 7}, {5, 15}}) {
    const std::vector<float> last(expected.end() - static_cast<std::ptrdiff_t>(rows * 512),
                                  expected.end());
    const auto logits = all_at_once(*executor, tokens, held, rows, 20);
    ASSERT_EQ(logits.size(), last.size());
    EXPECT_LT(largest_difference(last, logits), 1e-4 * spread(expected)) << held << " " << rows;
  }
}

TEST(StockExecutor, RowsThatAreSpreadOverSeveralCallsComeInTheirOrder) {
  // 20 tokens are held when 300 more cross the rotary threshold: a call of 300 rows and one of 20,
  // and the wanted rows begin in the middle of the first.
  const TemporaryFolder folder;
  onnx::DecoderConfig config = tiny_config(true);
  config.max_position_embeddings = 512;
  const auto executor = load(make_model(folder.path(), config, onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(320, 512);
  const auto expected = one_by_one(*executor, tokens, 320);
  const std::vector<float> last(expected.end() - 300 * 512, expected.end());
  const auto logits = all_at_once(*executor, tokens, 20, 300, 20);
  ASSERT_EQ(logits.size(), last.size());
  EXPECT_LT(largest_difference(last, logits), 1e-4 * spread(expected));
}

TEST(StockExecutor, WithoutACacheTheSameLogitsComeFromRecomputing) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32);
  SessionOptions uncached;
  uncached.enable_kv_cache = false;
  const auto executor = load(model, uncached);
  const auto reference = load(model);
  ASSERT_TRUE(executor && reference);
  const auto tokens = some_tokens(12, 512);
  const Fed fed = feed(*executor, tokens, {5, 6, 1}, 11);
  const auto expected = feed_whole(*reference, tokens);
  EXPECT_LT(largest_difference(expected, fed.logits), 1e-4 * spread(expected));
  EXPECT_EQ(fed.recomputed, 11);
}

TEST(StockExecutor, InterleavedSequencesDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false)));
  ASSERT_TRUE(executor);
  const auto first_tokens = some_tokens(8, 512);
  const std::vector<TokenId> second_tokens = {5, 4, 3, 2, 1};
  const auto first_alone = feed(*executor, first_tokens, {7, 1}, 7).logits;
  const auto second_alone = feed(*executor, second_tokens, {4, 1}, 4).logits;

  const auto first = executor->open_sequence({7, 8});
  const auto second = executor->open_sequence({4, 5});
  ASSERT_TRUE(first && second);
  const std::span<const TokenId> a = first_tokens;
  const std::span<const TokenId> b = second_tokens;
  ASSERT_TRUE(
      executor->run({{Segment{*first, a.first(7), false}, Segment{*second, b.first(4), true}}}));
  const auto both =
      executor->run({{Segment{*second, b.last(1), true}, Segment{*first, a.last(1), true}}});
  ASSERT_TRUE(both);
  ASSERT_EQ(both->logits.size(), 1024u);
  EXPECT_TRUE(std::equal(second_alone.begin(), second_alone.end(), both->logits.begin()));
  EXPECT_TRUE(std::equal(first_alone.begin(), first_alone.end(), both->logits.begin() + 512));
  executor->close_sequence(*first);
  executor->close_sequence(*second);
}

// The long table belongs to the whole sequence: the oracle is one call with everything in it.
TEST(StockExecutor, CrossingIntoTheLongRotaryTableRecomputes) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(true), onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(40, 512);
  const std::vector<TokenId> at_threshold(tokens.begin(), tokens.begin() + 32);
  const std::vector<TokenId> beyond(tokens.begin(), tokens.begin() + 33);

  std::vector<std::size_t> stepwise = {30};
  stepwise.insert(stepwise.end(), 10, 1);
  const Fed crossed = feed(*executor, tokens, stepwise, 30);
  const auto expected = feed_whole(*executor, tokens);
  EXPECT_EQ(crossed.recomputed, 32);
  EXPECT_LT(largest_difference(expected, crossed.logits), 1e-4 * spread(expected));

  const Fed below = feed(*executor, at_threshold, {30, 1, 1}, 30);
  EXPECT_EQ(below.recomputed, 0);
  EXPECT_LT(largest_difference(feed_whole(*executor, at_threshold), below.logits),
            1e-4 * spread(below.logits));
  EXPECT_EQ(feed(*executor, beyond, {30, 1, 1, 1}, 30).recomputed, 32);
}

TEST(StockExecutor, LongPromptsUseTheLongTableFromTheirFirstChunk) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(true), onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(50, 512);
  const auto expected = feed_whole(*executor, tokens);
  const Fed chunked = feed(*executor, tokens, {10, 10, 25, 5}, 50);
  EXPECT_EQ(chunked.recomputed, 0);
  EXPECT_LT(largest_difference(expected, chunked.logits), 1e-4 * spread(expected));

  // Control: had the first chunks used the short table, the difference would be visible.
  const auto stale =
      load(make_model(folder.path() / "other", tiny_config(false), onnx::Precision::kFp32));
  ASSERT_TRUE(stale);
  EXPECT_GT(largest_difference(expected, feed_whole(*stale, tokens)), 1e-2 * spread(expected));
}

// With position_ids the graph looks at the highest position of a call, so the whole prompt must
// come in one.
TEST(StockExecutor, LongPromptsOfGraphsWithPositionsAreComputedWhole) {
  const TemporaryFolder folder;
  onnx::DecoderConfig config = tiny_config(true);
  config.switches.position_ids = true;
  const auto executor = load(make_model(folder.path(), config, onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto tokens = some_tokens(50, 512);
  const auto expected = feed_whole(*executor, tokens);
  EXPECT_LT(largest_difference(expected, feed(*executor, tokens, {10, 10, 25, 4, 1}, 49).logits),
            1e-4 * spread(expected));
  std::vector<std::size_t> stepwise = {45};
  stepwise.insert(stepwise.end(), 5, 1);
  EXPECT_LT(largest_difference(expected, feed(*executor, tokens, stepwise, 45).logits),
            1e-4 * spread(expected));
  stepwise.assign({30});
  stepwise.insert(stepwise.end(), 20, 1);
  const Fed crossed = feed(*executor, tokens, stepwise, 30);
  EXPECT_EQ(crossed.recomputed, 32);
  EXPECT_LT(largest_difference(expected, crossed.logits), 1e-4 * spread(expected));
}

/// What a sequence says about a prompt that begins with tokens it holds.
struct Rewound {
  std::int64_t kept = 0;
  std::vector<float> logits;
};

/// Fills a sequence with `before`, in `pieces`, rewinds it to what `after` has in common with it,
/// and feeds the rest in chunks of `chunk`.
Rewound rewind_and_feed(StockExecutor& executor, const std::vector<TokenId>& before,
                        const std::vector<std::size_t>& pieces, std::int64_t prompt_tokens,
                        const std::vector<TokenId>& after, std::size_t chunk) {
  Rewound rewound;
  const auto id = executor.open_sequence({prompt_tokens, static_cast<std::int64_t>(before.size())});
  EXPECT_TRUE(id);
  std::span<const TokenId> rest = before;
  for (const std::size_t piece : pieces) {
    EXPECT_TRUE(executor.run({{Segment{*id, rest.first(piece), piece == rest.size()}}}));
    rest = rest.subspan(piece);
  }
  const auto alike = engine::reusable_tokens(before, after);
  const auto tokens = static_cast<std::int64_t>(after.size());
  const auto kept = executor.rewind_sequence(*id, {tokens, tokens}, alike);
  EXPECT_TRUE(kept) << kept.error().message;
  rewound.kept = kept.value_or(0);
  rest = std::span(after).subspan(static_cast<std::size_t>(rewound.kept));
  while (!rest.empty()) {
    const auto count = std::min(chunk, rest.size());
    const auto result = executor.run({{Segment{*id, rest.first(count), count == rest.size()}}});
    EXPECT_TRUE(result) << result.error().message;
    rewound.logits = result->logits;
    rest = rest.subspan(count);
  }
  executor.close_sequence(*id);
  return rewound;
}

/// `tokens` up to `same`, then others.
std::vector<TokenId> other_end(std::vector<TokenId> tokens, std::size_t same, std::size_t size) {
  tokens.resize(same);
  while (tokens.size() < size) {
    tokens.push_back(static_cast<TokenId>((tokens.size() * 31 + 5) % 400));
  }
  return tokens;
}

// Longer than before (the buffer grows), shorter, much shorter (it shrinks), and the very same.
TEST(StockExecutor, ARewoundSequenceGivesTheLogitsOfAFreshOne) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32));
  ASSERT_TRUE(executor);
  const auto before = some_tokens(60, 512);
  for (const auto& [same, size] :
       {std::pair<std::size_t, std::size_t>{60, 100}, {40, 120}, {25, 30}, {3, 9}, {60, 60}}) {
    const auto after = other_end(before, same, size);
    const Rewound rewound = rewind_and_feed(*executor, before, {50, 9, 1}, 50, after, 16);
    EXPECT_EQ(rewound.kept, static_cast<std::int64_t>(std::min(same, size - 1)));
    const auto expected = feed_whole(*executor, after);
    EXPECT_LT(largest_difference(expected, rewound.logits), 1e-4 * spread(expected))
        << same << " of " << size;
  }
  const auto other = feed_whole(*executor, other_end(before, 39, 120));
  EXPECT_GT(largest_difference(other, feed_whole(*executor, other_end(before, 40, 120))),
            1e-2 * spread(other))
      << "control: one token more or less would be seen";
}

TEST(StockExecutor, RewindingAcrossTheRotaryThresholdKeepsNothing) {
  for (const bool positions : {false, true}) {
    const TemporaryFolder folder;
    onnx::DecoderConfig config = tiny_config(true);
    config.switches.position_ids = positions;
    const auto executor = load(make_model(folder.path(), config, onnx::Precision::kFp32));
    ASSERT_TRUE(executor);
    const auto long_one = some_tokens(60, 512);
    const auto short_one = some_tokens(20, 512);
    const auto check = [&](const std::vector<TokenId>& before,
                           const std::vector<std::size_t>& pieces, std::int64_t prompt_tokens,
                           const std::vector<TokenId>& after, std::int64_t kept) {
      const Rewound rewound = rewind_and_feed(*executor, before, pieces, prompt_tokens, after, 10);
      EXPECT_EQ(rewound.kept, kept) << before.size() << " to " << after.size();
      const auto expected = feed_whole(*executor, after);
      EXPECT_LT(largest_difference(expected, rewound.logits), 1e-4 * spread(expected))
          << before.size() << " to " << after.size();
    };
    check(short_one, {20}, 20, other_end(short_one, 20, 40), 0);  // short table to long
    check(long_one, {60}, 60, other_end(long_one, 20, 30), 0);    // long to short
    check(long_one, {60}, 60, other_end(long_one, 20, 50), 20);   // stays long
    check(long_one, {60}, 60, other_end(long_one, 55, 90), 55);
    // The answer crossed the threshold; the next prompt is long from its first token, as the
    // sequence is by now.
    std::vector<std::size_t> answer(30, 1);
    answer.insert(answer.begin(), 30);
    check(long_one, answer, 30, other_end(long_one, 60, 80), 60);
    check(short_one, {19, 1}, 19, other_end(short_one, 20, 32), 19 + 1);
  }
}

TEST(StockExecutor, GrowingCachesAreCutAndGoOn) {
  const TemporaryFolder folder;
  const auto executor = load(make_concatenating_model(folder.path()));
  ASSERT_TRUE(executor);
  const std::vector<TokenId> before = {3, 1, 4, 1, 5, 9, 2, 6};
  for (const auto& after :
       {std::vector<TokenId>{3, 1, 4, 1, 7, 7}, {3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, {3, 2}, before}) {
    const Rewound rewound = rewind_and_feed(*executor, before, {4, 2, 1, 1}, 4, after, 3);
    EXPECT_EQ(rewound.kept, engine::reusable_tokens(before, after));
    const auto expected = feed_whole(*executor, after);
    EXPECT_LT(largest_difference(expected, rewound.logits), 1e-5 * spread(expected));
  }
}

TEST(StockExecutor, WithoutACacheNothingIsKept) {
  const TemporaryFolder folder;
  const auto model = make_model(folder.path(), tiny_config(false), onnx::Precision::kFp32);
  SessionOptions uncached;
  uncached.enable_kv_cache = false;
  const auto executor = load(model, uncached);
  ASSERT_TRUE(executor);
  const auto before = some_tokens(12, 512);
  const auto after = other_end(before, 8, 14);
  const Rewound rewound = rewind_and_feed(*executor, before, {12}, 12, after, 5);
  EXPECT_EQ(rewound.kept, 0);
  const auto expected = feed_whole(*executor, after);
  EXPECT_LT(largest_difference(expected, rewound.logits), 1e-4 * spread(expected));
}

TEST(StockExecutor, RewindingBeyondTheContextIsRefused) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false)));
  ASSERT_TRUE(executor);
  const auto id = executor->open_sequence({1, 2});
  ASSERT_TRUE(id);
  const auto refused = executor->rewind_sequence(*id, {1, 129}, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kContextTooLong);
  executor->close_sequence(*id);
}

TEST(NextCapacity, GrowsByHalfAndShrinksWhatLiesIdle) {
  EXPECT_EQ(next_capacity(100, 80, 1000), 100);
  EXPECT_EQ(next_capacity(100, 100, 1000), 100);
  EXPECT_EQ(next_capacity(100, 101, 1000), 150);
  EXPECT_EQ(next_capacity(100, 700, 1000), 700);
  EXPECT_EQ(next_capacity(900, 950, 1000), 1000);
  EXPECT_EQ(next_capacity(1000, 250, 1000), 1000);
  EXPECT_EQ(next_capacity(1000, 249, 1000), 249);
}

TEST(StockExecutor, LogitsOfAnotherWidthOrTypeThanDeclaredAreErrors) {
  for (const char* what : {"wide", "bfloat16"}) {
    const TemporaryFolder folder;
    const auto path = make_concatenating_model(folder.path());
    auto model = onnx::read_model(path / "model.onnx");
    ASSERT_TRUE(model);
    auto* graph = model->mutable_graph();
    auto* type = graph->mutable_output(0)->mutable_type()->mutable_tensor_type();
    if (std::string(what) == "wide") {
      // A width that ONNX Runtime cannot infer: the projection's columns are gathered by a shape it
      // learns late.
      type->mutable_shape()->mutable_dim(2)->set_dim_value(16);
      graph->mutable_node(graph->node_size() - 1)->set_output(0, "narrow");
      auto* node = graph->add_node();
      node->set_op_type("Concat");
      node->add_input("narrow");
      node->add_input("narrow");
      node->add_output("logits");
      auto* axis = node->add_attribute();
      axis->set_name("axis");
      axis->set_type(::onnx::AttributeProto::INT);
      axis->set_i(2);
      for (auto& initializer : *graph->mutable_initializer()) {
        if (initializer.name() != "projection") continue;
        auto* input = graph->add_input();
        input->set_name("projection");  // an initializer that may be overridden has no fixed shape
        input->mutable_type()->mutable_tensor_type()->set_elem_type(::onnx::TensorProto::FLOAT);
      }
    } else {
      type->set_elem_type(::onnx::TensorProto::BFLOAT16);
      graph->mutable_node(graph->node_size() - 1)->set_output(0, "exact");
      auto* node = graph->add_node();
      node->set_op_type("Cast");
      node->add_input("exact");
      node->add_output("logits");
      auto* to = node->add_attribute();
      to->set_name("to");
      to->set_type(::onnx::AttributeProto::INT);
      to->set_i(::onnx::TensorProto::BFLOAT16);
    }
    ASSERT_TRUE(onnx::write_model(path / "model.onnx", *model));
    const auto opened = open_model_folder(path);
    if (!opened) continue;  // refused at the door: as good
    auto executor = StockExecutor::load(*opened, {});
    if (!executor) continue;  // ONNX Runtime noticed: as good
    const auto id = (*executor)->open_sequence({3, 3});
    ASSERT_TRUE(id);
    const std::vector<TokenId> tokens = {1, 2, 3};
    const auto result = (*executor)->run({{Segment{*id, tokens, true}}});
    ASSERT_FALSE(result) << what;
    EXPECT_NE(result.error().message.find("logits"), std::string::npos) << result.error().message;
  }
}

TEST(StockExecutor, GraphsThatConcatenateTheirCacheRunToo) {
  const TemporaryFolder folder;
  const auto executor = load(make_concatenating_model(folder.path()));
  ASSERT_TRUE(executor);
  const std::vector<TokenId> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  const auto whole = feed_whole(*executor, tokens);
  ASSERT_EQ(whole.size(), 16u);
  const auto stepped = feed(*executor, tokens, {4, 1, 1, 1, 1}, 4).logits;
  EXPECT_LT(largest_difference(whole, stepped), 1e-5 * spread(whole));
  const std::vector<TokenId> other = {2, 1, 4, 1, 5, 9, 2, 6};
  EXPECT_GT(largest_difference(whole, feed_whole(*executor, other)), 1e-3 * spread(whole));
}

TEST(StockExecutor, MoreThanTheContextIsRefused) {
  const TemporaryFolder folder;
  const auto executor = load(make_model(folder.path(), tiny_config(false)));
  ASSERT_TRUE(executor);
  EXPECT_TRUE(executor->open_sequence({1, 128}));
  const auto refused = executor->open_sequence({1, 129});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kContextTooLong);
  EXPECT_NE(refused.error().message.find("129"), std::string::npos);
  EXPECT_NE(refused.error().message.find("128"), std::string::npos);
}

TEST(StockExecutor, AProviderThatCannotStartIsReportedAndTheCpuTakesOver) {
  const TemporaryFolder folder;
  SessionOptions options;
  options.execution_providers.names = {"coreml", "cpu"};
  const auto executor = load(make_model(folder.path(), tiny_config(false)), options);
  ASSERT_TRUE(executor);
  EXPECT_EQ(executor->report().providers, (std::vector<std::string>{"cpu"}));
  ASSERT_EQ(executor->report().messages.size(), 1u);
}

TEST(StockExecutor, EveryPrecisionAndVariantRuns) {
  onnx::DecoderConfig with_positions = tiny_config(false);
  with_positions.switches.position_ids = true;
  onnx::DecoderConfig normed = tiny_config(false);
  normed.switches.qk_norm = true;
  onnx::DecoderConfig biased = tiny_config(false);
  biased.switches.qkv_bias = true;
  onnx::DecoderConfig small_embedding = tiny_config(false);
  small_embedding.switches.quantised_embedding = true;
  const std::pair<onnx::DecoderConfig, onnx::Precision> variants[] = {
      {tiny_config(false), onnx::Precision::kInt8},
      {tiny_config(false), onnx::Precision::kFp16},
      {with_positions, onnx::Precision::kInt4},
      {normed, onnx::Precision::kInt4},
      {biased, onnx::Precision::kInt4},
      {small_embedding, onnx::Precision::kInt4}};
  const auto tokens = some_tokens(10, 512);
  for (const auto& [config, precision] : variants) {
    const TemporaryFolder folder;
    const auto executor = load(make_model(folder.path(), config, precision));
    ASSERT_TRUE(executor) << onnx::precision_name(precision);
    const auto whole = feed_whole(*executor, tokens);
    const auto stepped = feed(*executor, tokens, {6, 1, 1, 1, 1}, 6).logits;
    ASSERT_GT(spread(whole), 0.01);
    EXPECT_LT(largest_difference(whole, stepped), 0.05 * spread(whole));
  }
}

}  // namespace
}  // namespace hearth::runtime
