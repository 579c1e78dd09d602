// General_Category of Unicode: what kind of character a code point is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::text {

/// The values under their short names in the Unicode standard, table 4-4.
enum class GeneralCategory : std::uint8_t {
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Cs,
  Co,
  Cn
};

/// All code points from `first` to the next run's are of one category.
struct CategoryRun {
  char32_t first;
  GeneralCategory category;
};

struct CategoryRange {
  char32_t first;
  char32_t last;
  GeneralCategory category;
};

/// All of Unicode 16, ascending, from U+0000.
std::span<const CategoryRun> category_runs();

/// What Unicode 15.0 to 16.0 assigned: libraries with older tables take these for unassigned.
std::span<const CategoryRange> newer_category_ranges();

/// The short name: "Lu".
std::string_view short_name(GeneralCategory category);

}  // namespace hearth::text
