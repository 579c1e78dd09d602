// SymbolTable: names as numbers.
#include "text/jinja/ast.h"

namespace hearth::text::jinja {

SymbolTable::SymbolTable() {
  for (const char* name : {"loop", "caller", "varargs", "kwargs", "block text"}) intern(name);
}

Symbol SymbolTable::intern(std::string_view name) {
  const auto [entry, is_new] =
      symbols_.try_emplace(std::string(name), static_cast<Symbol>(names_.size()));
  if (is_new) names_.emplace_back(name);
  return entry->second;
}

const Symbol* SymbolTable::find(const std::string& name) const {
  const auto found = symbols_.find(name);
  return found == symbols_.end() ? nullptr : &found->second;
}

}  // namespace hearth::text::jinja
