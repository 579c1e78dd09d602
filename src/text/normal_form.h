// Unicode's four normalization forms of UTF-8 text, as the `tokenizers` library computes them.
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

/// Composed or decomposed; with K also by compatibility mappings ("ﬁ" to "fi").
enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

/// Brings valid UTF-8 into a normalization form. False, and `out` untouched, when it is in that
/// form already: such text is only looked at, and what lies below the first code point that could
/// change at many bytes per step. O(n log n), on hostile runs of combining marks too.
///
/// Characters assigned after Unicode 9 stay as they are and combine with nothing, because the
/// library's tables end there.
bool to_normal_form(NormalForm form, std::string_view utf8, std::string& out);

/// True for the marks that the library's StripAccents removes: general category M in Unicode 9.
bool is_combining_mark(char32_t code_point);

}  // namespace hearth::text
