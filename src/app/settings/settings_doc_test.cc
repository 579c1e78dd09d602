// docs/settings.md is the table in words: this test renders it and compares, and writes it anew
// when HEARTH_UPDATE_DOCS is set.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "app/settings/setting.h"
#include "base/file.h"

namespace hearth::app {
namespace {

constexpr std::string_view kBegin = "<!-- settings:begin -->\n";
constexpr std::string_view kEnd = "<!-- settings:end -->\n";

std::string code_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text.empty() ? "none" : text;
}

std::string availability(const Setting& row) {
  if (row.available) return "";
  if (!row.only) return "**Not available yet.**";
  return fmt::format("**Only `{}` for now.**", value_in_words(*row.only));
}

std::string render(const Setting& row) {
  std::vector<std::string> variables(row.environment.begin(), row.environment.end());
  std::string text = fmt::format("### {}\n\n{}", row.name, row.meaning);
  if (!row.available) text += " " + availability(row);
  text += "\n\n";
  if (!row.flag.empty()) text += fmt::format("- flag: `{}`\n", row.flag);
  if (!variables.empty()) text += fmt::format("- environment: {}\n", code_list(variables));
  if (!row.file_key.empty()) text += fmt::format("- file: `{}`\n", row.file_key);
  text += fmt::format("- allowed: {}\n- default: {}\n\n", allowed_in_words(row), row.default_words);
  return text;
}

std::string render_table() {
  std::string text;
  for (const Setting& row : setting_table()) text += render(row);
  return text;
}

TEST(SettingsManual, IsTheTable) {
  const std::string path = std::string(HEARTH_SOURCE_DIR) + "/docs/settings.md";
  const auto manual = read_file(path);
  ASSERT_TRUE(manual) << manual.error().message;
  const auto begin = manual->find(kBegin);
  const auto end = manual->find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const auto start = begin + kBegin.size();
  if (std::getenv("HEARTH_UPDATE_DOCS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(
        path, manual->substr(0, start) + "\n" + render_table() + manual->substr(end)));
    return;
  }
  EXPECT_EQ(manual->substr(start, end - start), "\n" + render_table())
      << "run the test once with HEARTH_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace hearth::app
