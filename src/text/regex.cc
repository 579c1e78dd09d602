// Regex over PCRE2's 8-bit library, JIT-compiled where the system allows it.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "text/utf8.h"

namespace hearth::text {
namespace {

std::string pcre2_message(int code) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0) {
    return "PCRE2 error " + std::to_string(code);
  }
  return reinterpret_cast<const char*>(buffer);
}

// Backtracking allowed for one match in a subject. Sensible patterns need a small multiple of its
// length.
std::uint32_t match_limit(std::size_t subject_bytes) {
  const std::uint64_t limit = 10'000'000 + 64 * static_cast<std::uint64_t>(subject_bytes);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limit, std::numeric_limits<std::uint32_t>::max()));
}

/// What stands before an offset of a pattern, which may have been written out to a great length.
std::string around(const std::string& pattern, std::size_t offset) {
  constexpr std::size_t kShown = 40;
  const std::size_t end = std::min(offset, pattern.size());
  const std::size_t begin = end > kShown ? end - kShown : 0;
  return pattern.substr(begin, end - begin);
}

struct CodeDeleter {
  void operator()(const pcre2_code* code) const { pcre2_code_free(const_cast<pcre2_code*>(code)); }
};

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
  HEARTH_TRY(const std::string translated, oniguruma_to_pcre2(pattern));
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  HEARTH_CHECK(context != nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, context);
  pcre2_compile_context_free(context);
  if (code == nullptr) {
    return fail(ErrorCode::kUnsupported, "pattern \"" + std::string(pattern) +
                                             "\" does not compile: " + pcre2_message(error) +
                                             " (near \"" + around(translated, offset) + "\")");
  }
  // Without JIT (memory that must not be executable) PCRE2 interprets: slower, the same matches.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return Regex(std::shared_ptr<const pcre2_code>(code, CodeDeleter{}));
}

struct Regex::Matcher::State {
  std::shared_ptr<const pcre2_code> code;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_jit_stack* stack = nullptr;
  std::string_view subject;
  std::size_t at = 0;
  std::size_t last_end = std::string_view::npos;
};

Regex::Matcher::Matcher(const Regex& regex, std::string_view subject)
    : state_(std::make_unique<State>()) {
  state_->code = regex.code_;
  state_->data = pcre2_match_data_create_from_pattern(regex.code_.get(), nullptr);
  state_->context = pcre2_match_context_create(nullptr);
  state_->stack = pcre2_jit_stack_create(32 << 10, 16 << 20, nullptr);
  HEARTH_CHECK(state_->data != nullptr && state_->context != nullptr);
  if (state_->stack != nullptr) {
    pcre2_jit_stack_assign(state_->context, nullptr, state_->stack);
  }
  reset(subject);
}

Regex::Matcher::~Matcher() {
  pcre2_match_data_free(state_->data);
  pcre2_match_context_free(state_->context);
  if (state_->stack != nullptr) pcre2_jit_stack_free(state_->stack);
}

void Regex::Matcher::reset(std::string_view subject) {
  state_->subject = subject;
  state_->at = 0;
  state_->last_end = std::string_view::npos;
  pcre2_set_match_limit(state_->context, match_limit(subject.size()));
}

Result<bool> Regex::Matcher::next(Span& match) {
  State& s = *state_;
  // PCRE2 wants a pointer even for an empty subject.
  const char* const text = s.subject.data() != nullptr ? s.subject.data() : "";
  while (s.at <= s.subject.size()) {
    const int rc = pcre2_match(s.code.get(), reinterpret_cast<PCRE2_SPTR>(text), s.subject.size(),
                               s.at, PCRE2_NO_UTF_CHECK, s.data, s.context);
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) {
      return fail(ErrorCode::kResourceExhausted, "pre-tokenizer pattern failed at byte " +
                                                     std::to_string(s.at) + " of a piece of " +
                                                     std::to_string(s.subject.size()) +
                                                     " bytes: " + pcre2_message(rc));
    }
    const PCRE2_SIZE* const found = pcre2_get_ovector_pointer(s.data);
    const Span span{found[0], found[1]};
    const bool empty_after_match = span.begin == span.end && span.begin == s.last_end;
    if (span.end > span.begin) {
      s.at = span.end;
    } else {
      s.at = span.end < s.subject.size() ? span.end + utf8_step(s.subject.substr(span.end)).length
                                         : s.subject.size() + 1;
    }
    if (empty_after_match) continue;
    s.last_end = span.end;
    match = span;
    return true;
  }
  s.at = s.subject.size() + 1;
  return false;
}

}  // namespace hearth::text
