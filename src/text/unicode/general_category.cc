#include "text/unicode/general_category.h"

#include "text/unicode/general_category_table.h"

namespace hearth::text {

std::span<const CategoryRun> category_runs() { return table::kCategoryRuns; }

std::span<const CategoryRange> newer_category_ranges() { return table::kNewerRanges; }

std::string_view short_name(GeneralCategory category) {
  constexpr std::string_view kNames =
      "LuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCoCn";
  return kNames.substr(2 * static_cast<std::size_t>(category), 2);
}

}  // namespace hearth::text
