// Parser: from a template's source to its syntax tree.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/ast.h"

namespace hearth::text::jinja {

/// kCorrupt for what is no Jinja, kUnsupported for Jinja that is not interpreted here; both name
/// `name`, line and construct. Nesting is limited to 100 levels.
Result<Program> parse(std::string_view source, std::string name);

}  // namespace hearth::text::jinja
