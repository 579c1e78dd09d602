// Threads that share pieces of work.
#include "onnx/piece_work.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <new>

namespace hearth::onnx {
namespace {

TEST(PieceWork, EachPieceIsDoneOnce) {
  std::array<std::atomic<int>, 100> done{};
  WrittenBytes written{.done = 0, .total = 200};
  const auto result = run_pieces(done.size(), 4, written, {}, [&]() -> PieceFn {
    return [&](std::size_t piece) -> Result<std::uint64_t> {
      ++done[piece];
      return 2;
    };
  });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(written.done, 200U);
  for (const auto& count : done) EXPECT_EQ(count, 1);
}

TEST(PieceWork, AWorkerThatCannotBeMadeIsAnErrorInEveryThread) {
  for (const int threads : {1, 3}) {
    WrittenBytes written{.done = 0, .total = 1};
    const auto result =
        run_pieces(10, threads, written, {}, []() -> PieceFn { throw std::bad_alloc(); });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  }
}

TEST(PieceWork, APieceWithoutMemoryAndACancellationEndTheWork) {
  WrittenBytes written{.done = 0, .total = 10};
  const auto greedy = run_pieces(10, 2, written, {}, []() -> PieceFn {
    return [](std::size_t) -> Result<std::uint64_t> { throw std::bad_alloc(); };
  });
  ASSERT_FALSE(greedy);
  EXPECT_EQ(greedy.error().code, ErrorCode::kResourceExhausted);
  const ProgressFn stop = [](std::uint64_t, std::uint64_t) { return false; };
  const auto cancelled = run_pieces(10, 2, written, stop, []() -> PieceFn {
    return [](std::size_t) -> Result<std::uint64_t> { return 1; };
  });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace hearth::onnx
