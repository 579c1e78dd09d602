// The clock that templates may ask, and dates as text.
#pragma once

#include <ctime>
#include <functional>
#include <string>

#include "base/result.h"

namespace hearth::text::jinja {

/// Gives the local time, broken down.
using LocalClock = std::function<std::tm()>;

/// Python's datetime.strftime() of a time without a zone, in the C locale. kUnsupported for a
/// conversion that does not depend on the date alone (%f, %s, ...) and for widths.
Result<std::string> format_time(const std::tm& time, const std::string& format);

}  // namespace hearth::text::jinja
