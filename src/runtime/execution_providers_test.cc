#include "runtime/execution_providers.h"

#include <gtest/gtest.h>

namespace hearth::runtime {
namespace {

using Names = std::vector<std::string>;

const Names kAll = {"cuda", "webgpu", "cpu", "tensorrt"};

Names planned(const Names& asked, const Names& available, bool gpu = true) {
  ExecutionProviderChoice choice;
  choice.names = asked;
  choice.gpu_acceleration = gpu;
  const auto plan = plan_execution_providers(choice, available);
  EXPECT_TRUE(plan);
  return plan ? plan->names : Names{};
}

TEST(PlanExecutionProviders, DetectionFollowsTheDocumentedOrderAndNeverPicksTensorRt) {
  EXPECT_EQ(planned({}, kAll), (Names{"cuda", "webgpu", "cpu"}));
  EXPECT_EQ(planned({}, {"cpu"}), (Names{"cpu"}));
}

TEST(PlanExecutionProviders, TheUsersOrderIsKeptAndTheCpuIsAlwaysLast) {
  EXPECT_EQ(planned({"webgpu", "cuda"}, kAll), (Names{"webgpu", "cuda", "cpu"}));
  EXPECT_EQ(planned({"tensorrt", "cuda", "cpu"}, kAll), (Names{"tensorrt", "cuda", "cpu"}));
  EXPECT_EQ(planned({"cpu", "cuda"}, kAll), (Names{"cpu"}));
  EXPECT_EQ(planned({"cuda", "cuda"}, kAll), (Names{"cuda", "cpu"}));
}

TEST(PlanExecutionProviders, WhatTheLibraryLacksIsSaidAndTheNextIsUsed) {
  ExecutionProviderChoice choice;
  choice.names = {"coreml", "webgpu"};
  const auto plan = plan_execution_providers(choice, kAll);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->names, (Names{"webgpu", "cpu"}));
  ASSERT_EQ(plan->messages.size(), 1u);
  EXPECT_NE(plan->messages[0].find("coreml: this ONNX Runtime"), std::string::npos);
  EXPECT_NE(plan->messages[0].find("cuda, webgpu, cpu"), std::string::npos);
}

TEST(PlanExecutionProviders, WithoutGpuAccelerationOnlyTheCpuIsLeft) {
  EXPECT_EQ(planned({"cuda", "webgpu"}, kAll, false), (Names{"cpu"}));
  EXPECT_EQ(planned({}, kAll, false), (Names{"cpu"}));
}

TEST(PlanExecutionProviders, UnknownNamesAreErrors) {
  ExecutionProviderChoice choice;
  choice.names = {"gpu"};
  const auto plan = plan_execution_providers(choice, kAll);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(plan.error().message.find("\"gpu\""), std::string::npos);
}

TEST(AvailableExecutionProviders, TheCpuIsAlwaysThere) {
  const Names available = available_execution_providers();
  EXPECT_NE(std::find(available.begin(), available.end(), "cpu"), available.end());
}

}  // namespace
}  // namespace hearth::runtime
