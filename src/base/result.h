// What an operation that can fail returns: a value, or an Error that says what, where and what to
// do.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace hearth {

/// The kinds of failure a caller can react to. One table in the application maps each to an exit
/// code, later ones to an HTTP status.
enum class ErrorCode {
  kInvalidArgument,    ///< the caller's input is wrong: flags, settings, a request
  kNotFound,           ///< a file, folder, model or name does not exist
  kCorrupt,            ///< a file exists but its content cannot be trusted
  kUnsupported,        ///< valid, but nothing here can run it
  kContextTooLong,     ///< the prompt cannot fit the model's context
  kResourceExhausted,  ///< out of memory or disk
  kIo,                 ///< the operating system refused an operation
  kCancelled,          ///< the user or the caller asked to stop
  kInternal,           ///< a bug of Hearth's, or of a library it uses
};

/// A failure in words meant for a person. `message` names the thing at fault (file, key, flag),
/// what was expected and found, and where it helps, what to do.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning a failure: `return fail(ErrorCode::kNotFound, "...")`.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The same failure seen from one level up: "while doing X: message".
inline tl::unexpected<Error> fail_within(const std::string& context, const Error& inner) {
  return tl::unexpected<Error>(Error{inner.code, context + ": " + inner.message});
}

}  // namespace hearth

#define HEARTH_CONCAT_INNER(a, b) a##b
#define HEARTH_CONCAT(a, b) HEARTH_CONCAT_INNER(a, b)

/// `HEARTH_TRY(auto x, may_fail());` binds the value or returns the error to the caller.
#define HEARTH_TRY(lhs, expr) HEARTH_TRY_IMPL(HEARTH_CONCAT(hearth_try_, __LINE__), lhs, expr)
#define HEARTH_TRY_IMPL(tmp, lhs, expr)                          \
  auto tmp = (expr);                                             \
  if (!tmp) return tl::unexpected<::hearth::Error>(tmp.error()); \
  lhs = std::move(*tmp)

/// The same for operations without a value.
#define HEARTH_TRY_VOID(expr)                                          \
  do {                                                                 \
    if (auto hearth_try_void = (expr); !hearth_try_void)               \
      return tl::unexpected<::hearth::Error>(hearth_try_void.error()); \
  } while (false)
