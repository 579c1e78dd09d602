#include "app/doctor/report.h"

#include <gtest/gtest.h>

#include <map>

namespace hearth::app {
namespace {

using Statuses = std::map<std::string, ExecutionProviderStatus>;

Statuses explain(const runtime::ExecutionProviderChoice& choice,
                 const std::vector<std::string>& available, const ProbeExecutionProvider& probe) {
  Statuses statuses;
  for (auto& status : explain_execution_providers(choice, available, probe)) {
    statuses[status.name] = status;
  }
  return statuses;
}

TEST(ExecutionProviders, TheFirstThatWorksIsInUse) {
  const ProbeExecutionProvider only_cpu = [](const std::string& name) {
    return std::optional<std::string>(name == "cpu" ? "" : "no driver");
  };
  const Statuses statuses = explain({}, {"cuda", "cpu"}, only_cpu);
  EXPECT_EQ(statuses.at("cuda").usable, false);
  EXPECT_EQ(statuses.at("cuda").reason, "no driver");
  EXPECT_EQ(statuses.at("coreml").usable, false);
  EXPECT_NE(statuses.at("coreml").reason.find("built without it"), std::string::npos);
  EXPECT_EQ(statuses.at("cpu").usable, true);
  EXPECT_TRUE(statuses.at("cpu").in_use);

  const ProbeExecutionProvider all = [](const std::string&) { return std::string(); };
  EXPECT_TRUE(explain({}, {"cuda", "cpu"}, all).at("cuda").in_use);
  EXPECT_FALSE(explain({}, {"cuda", "cpu"}, all).at("cpu").in_use);
  const runtime::ExecutionProviderChoice no_gpu{{}, false, {}};
  EXPECT_TRUE(explain(no_gpu, {"cuda", "cpu"}, all).at("cpu").in_use);
}

TEST(ExecutionProviders, WithoutAModelNothingIsClaimed) {
  const ProbeExecutionProvider none = [](const std::string&) { return std::nullopt; };
  const Statuses statuses = explain({}, {"cuda", "cpu"}, none);
  EXPECT_EQ(statuses.at("cuda").usable, std::nullopt);
  EXPECT_FALSE(statuses.at("cuda").in_use);
  EXPECT_EQ(statuses.at("dml").usable, false);
}

TEST(DoctorReport, SpeedLimitIsBandwidthOverBytesRead) {
  DoctorReport report;
  EXPECT_EQ(report.tokens_per_second_max(), std::nullopt);
  report.bandwidth = Bandwidth{24e9, 2, 512'000'000, true};
  EXPECT_EQ(report.tokens_per_second_max(), std::nullopt);
  report.model.emplace();
  EXPECT_EQ(report.tokens_per_second_max(), std::nullopt);
  report.model->graph.bytes_read_per_token = 2'400'000'000;
  EXPECT_DOUBLE_EQ(*report.tokens_per_second_max(), 10.0);
}

TEST(DoctorReport, ShowsEverySettingWithWhereItCameFrom) {
  DoctorReport report;
  report.settings.put(SettingId::kTemperature, 0.3, {OriginLevel::kAgent, "agent 'coder'"});
  report.problems.push_back({ErrorCode::kCorrupt, "it is broken"});
  const std::string text = doctor_text(report);
  EXPECT_NE(text.find("0.3 — from agent 'coder'"), std::string::npos);
  EXPECT_NE(text.find("PROBLEM: it is broken"), std::string::npos);
  const OrderedJson json = doctor_json(report);
  EXPECT_EQ(json["settings"].size(), setting_table().size());
  EXPECT_EQ(json["problems"], OrderedJson::array({"it is broken"}));
  for (const Setting& row : setting_table()) {
    EXPECT_NE(text.find("  " + std::string(row.name) + " "), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace hearth::app
