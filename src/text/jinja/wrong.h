#pragma once

#include <string>

#include "base/result.h"

namespace hearth::text::jinja {

/// What a template may not do, where Python raises.
inline tl::unexpected<Error> wrong(const std::string& message) {
  return fail(ErrorCode::kInvalidArgument, message);
}

}  // namespace hearth::text::jinja
