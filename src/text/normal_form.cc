// Normalization forms: text is cut at characters that never change nor combine with what is before
// them; only what lies between is decomposed, ordered and composed, with utf8proc's tables.
#include "text/normal_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "text/normal_form_table.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

constexpr bool composes(NormalForm form) {
  return form == NormalForm::kNfc || form == NormalForm::kNfkc;
}
constexpr bool uses_compatibility(NormalForm form) {
  return form == NormalForm::kNfkc || form == NormalForm::kNfkd;
}

/// The first byte that a character which the form could change or move can have. All continuation
/// bytes are below.
constexpr unsigned char first_byte_of_concern(NormalForm form) {
  if (form == NormalForm::kNfc) return 0xCC;  // U+0300
  if (form == NormalForm::kNfd) return 0xC3;  // U+00C0
  return 0xC2;                                // U+00A0
}

/// Offset of the first byte of at least `limit`; the size of the text when there is none.
std::size_t find_byte_from(std::string_view text, std::size_t at, unsigned char limit) {
  if (at < text.size() && static_cast<unsigned char>(text[at]) >= limit) return at;
  constexpr std::size_t kBlock = 64;  // the inner loop has a fixed length, for vector instructions
  for (; at + kBlock <= text.size(); at += kBlock) {
    unsigned char largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      largest = std::max(largest, static_cast<unsigned char>(text[at + i]));
    }
    if (largest >= limit) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < limit) ++at;
  return at;
}

bool is_newer_than_unicode_9(char32_t c) {
  const auto* const range = std::lower_bound(
      std::begin(kNewerThanUnicode9), std::end(kNewerThanUnicode9), c,
      [](const CodePointRange& entry, char32_t value) { return entry.last < value; });
  return range != std::end(kNewerThanUnicode9) && range->first <= c;
}

bool is_hangul_syllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }
bool is_later_jamo(char32_t c) {
  return (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2);
}

/// Letters of Latin, Greek, Cyrillic and Vietnamese that decompose and compose again ("é"), so that
/// NFC leaves them: not all there are, but those that text is full of.
bool is_composed_letter(char32_t c) {
  return c < 0x300 || (c >= 0x388 && c <= 0x3CE) || (c >= 0x400 && c <= 0x482) ||
         (c >= 0x1E00 && c <= 0x1EFF);
}

enum class Role {
  kInert,   ///< never changes, and nothing combines with it
  kStable,  ///< does not change by itself, and does not combine with what is before it
  kOther,
};

Role role_of(NormalForm form, char32_t c) {
  if (c < 0xA0) return Role::kStable;
  if (is_hangul_syllable(c)) return composes(form) ? Role::kStable : Role::kOther;
  if (composes(form) && is_later_jamo(c)) return Role::kOther;
  const utf8proc_property_t* const property =
      utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  constexpr std::uint16_t kNone = 0xFFFF;
  const bool decomposes = property->decomp_seqindex != kNone &&
                          (property->decomp_type == 0 || uses_compatibility(form));
  // utf8proc marks characters that compose with one before them by this bit.
  const bool composes_backwards =
      composes(form) && property->comb_index != kNone && (property->comb_index & 0x8000) != 0;
  const bool is_plain = property->combining_class == 0 && !decomposes && !composes_backwards;
  if (is_plain) return Role::kStable;
  if (is_newer_than_unicode_9(c)) return Role::kInert;
  return form == NormalForm::kNfc && is_composed_letter(c) ? Role::kStable : Role::kOther;
}

/// Working memory for one call.
class Normalization {
 public:
  explicit Normalization(NormalForm form) : form_(form) {}

  /// The normal form of a run of characters.
  const std::string& run(std::string_view utf8) {
    code_points_.clear();
    while (!utf8.empty()) {
      const Utf8Step step = utf8_step(utf8);
      decompose(step.code_point);
      utf8.remove_prefix(step.length);
    }
    order();
    if (composes(form_)) {
      const utf8proc_ssize_t length = utf8proc_normalize_utf32(
          code_points_.data(), static_cast<utf8proc_ssize_t>(code_points_.size()), options());
      HEARTH_CHECK(length >= 0);
      code_points_.resize(static_cast<std::size_t>(length));
    }
    out_.clear();
    for (const utf8proc_int32_t c : code_points_) utf8_append(out_, static_cast<char32_t>(c));
    return out_;
  }

 private:
  utf8proc_option_t options() const {
    const int options = UTF8PROC_STABLE |
                        (composes(form_) ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                        (uses_compatibility(form_) ? UTF8PROC_COMPAT : 0);
    return static_cast<utf8proc_option_t>(options);
  }

  void decompose(char32_t c) {
    constexpr std::size_t kLongest = 18;  // U+FDFA's compatibility decomposition
    const std::size_t at = code_points_.size();
    code_points_.resize(at + kLongest);
    int boundary = 0;
    const utf8proc_ssize_t length = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(c), code_points_.data() + at, kLongest, options(), &boundary);
    HEARTH_CHECK(length >= 0 && static_cast<std::size_t>(length) <= kLongest);
    code_points_.resize(at + static_cast<std::size_t>(length));
  }

  /// Orders runs of combining marks by their classes. utf8proc would, in quadratic time.
  void order() {
    const auto class_of = [](utf8proc_int32_t c) {
      return utf8proc_get_property(c)->combining_class;
    };
    const auto is_starter = [&](utf8proc_int32_t c) { return class_of(c) == 0; };
    for (auto begin = code_points_.begin(); begin != code_points_.end();) {
      begin = std::find_if_not(begin, code_points_.end(), is_starter);
      const auto end = std::find_if(begin, code_points_.end(), is_starter);
      std::stable_sort(begin, end, [&](utf8proc_int32_t a, utf8proc_int32_t b) {
        return class_of(a) < class_of(b);
      });
      begin = end;
    }
  }

  NormalForm form_;
  std::vector<utf8proc_int32_t> code_points_;
  std::string out_;
};

}  // namespace

bool to_normal_form(NormalForm form, std::string_view utf8, std::string& out) {
  Normalization normalization(form);
  bool changed = false;
  std::size_t copied = 0;  // of `utf8`, into `out`
  std::size_t begin = 0;   // of the run that may have to be normalized
  bool has_other = false;  // the run holds more than one stable character
  const auto close_run = [&](std::size_t end) {
    if (!has_other) return;
    has_other = false;
    const std::string_view run = utf8.substr(begin, end - begin);
    const std::string& normalized = normalization.run(run);
    if (normalized == run) return;
    if (!changed) out.clear();
    changed = true;
    out += utf8.substr(copied, begin - copied);
    out += normalized;
    copied = end;
  };
  for (std::size_t at = 0; at < utf8.size();) {
    if (!has_other) {
      const std::size_t next = find_byte_from(utf8, at, first_byte_of_concern(form));
      if (next > at) begin = next - 1;  // what comes may combine with the character before it
      while (begin > 0 && (static_cast<unsigned char>(utf8[begin]) & 0xC0) == 0x80) --begin;
      at = next;
      if (at == utf8.size()) break;
    }
    const Utf8Step step = utf8_step(utf8.substr(at));
    const Role role = role_of(form, step.code_point);
    if (role == Role::kOther) {
      has_other = true;
    } else {
      close_run(at);
      begin = role == Role::kInert ? at + step.length : at;
    }
    at += step.length;
  }
  close_run(utf8.size());
  if (changed) out += utf8.substr(copied);
  return changed;
}

bool is_combining_mark(char32_t c) {
  if (c == 0x1CF2 || c == 0x1CF3) return true;  // letters since Unicode 12
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
          category == UTF8PROC_CATEGORY_ME) &&
         !is_newer_than_unicode_9(c);
}

}  // namespace hearth::text
