// Scope: the variables of one block, and the block around it.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// Owned by the run and by the scopes inside; macros refer to theirs weakly.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> parent_scope) : parent(std::move(parent_scope)) {}

  std::shared_ptr<Scope> parent;

  /// nullptr when this very scope has no such variable.
  const Value* own(Symbol symbol) const {
    if (!places_.empty()) {
      const auto found = places_.find(symbol);
      return found == places_.end() ? nullptr : &variables_[found->second].second;
    }
    for (const auto& [name, value] : variables_) {
      if (name == symbol) return &value;
    }
    return nullptr;
  }

  /// From here outwards.
  const Value* find(Symbol symbol) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
      if (const Value* value = scope->own(symbol)) return value;
    }
    return nullptr;
  }

  void set(Symbol symbol, Value value) {
    if (const Value* old = own(symbol)) {
      const_cast<Value&>(*old) = std::move(value);  // ours: own() only looks into this object
      return;
    }
    variables_.emplace_back(symbol, std::move(value));
    if (variables_.size() <= kLinearMax) return;
    if (places_.empty()) {
      for (std::size_t i = 0; i < variables_.size(); ++i) places_[variables_[i].first] = i;
    }
    places_[symbol] = variables_.size() - 1;
  }

  void clear() {
    variables_.clear();
    places_.clear();
  }

 private:
  /// Few variables are found faster by looking at each.
  static constexpr std::size_t kLinearMax = 16;

  std::vector<std::pair<Symbol, Value>> variables_;
  std::unordered_map<Symbol, std::size_t> places_;  ///< of many variables; empty for few
};

}  // namespace hearth::text::jinja
