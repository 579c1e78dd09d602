// StopMatcher: an Aho-Corasick automaton whose depth says how much text must be held back.
#include "text/stop_matcher.h"

namespace hearth::text {
namespace {

constexpr std::size_t kStopBytesMax = std::size_t{64} << 10;

}  // namespace

Result<StopMatcher> StopMatcher::create(std::vector<std::string> stops) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (stops[i].empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  "stop string " + std::to_string(i + 1) + " is empty");
    }
    total += stops[i].size();
  }
  if (total > kStopBytesMax) {
    return fail(ErrorCode::kInvalidArgument, "the stop strings have " + std::to_string(total) +
                                                 " bytes together, more than the " +
                                                 std::to_string(kStopBytesMax) + " allowed");
  }
  return StopMatcher(std::move(stops));
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)), nodes_(1) {
  for (std::size_t i = 0; i < stops_.size(); ++i) {
    std::int32_t node = 0;
    for (const char c : stops_[i]) {
      std::int32_t next = child(node, c);
      if (next < 0) {
        next = static_cast<std::int32_t>(nodes_.size());
        const std::size_t depth = nodes_[static_cast<std::size_t>(node)].depth + 1;
        nodes_[static_cast<std::size_t>(node)].children.emplace_back(c, next);
        nodes_.push_back({{}, 0, -1, depth});
      }
      node = next;
    }
    std::int32_t& match = nodes_[static_cast<std::size_t>(node)].match;
    if (match < 0) match = static_cast<std::int32_t>(i);
  }
  link_failures();
}

std::int32_t StopMatcher::child(std::int32_t node, char c) const {
  for (const auto& [label, next] : nodes_[static_cast<std::size_t>(node)].children) {
    if (label == c) return next;
  }
  return -1;
}

std::int32_t StopMatcher::step(std::int32_t node, char c) const {
  for (;;) {
    const std::int32_t next = child(node, c);
    if (next >= 0) return next;
    if (node == 0) return 0;
    node = nodes_[static_cast<std::size_t>(node)].fail;
  }
}

void StopMatcher::link_failures() {
  std::vector<std::int32_t> order{0};  // breadth first: failures of shorter states are known
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::int32_t parent = order[i];
    for (const auto& [c, node] : nodes_[static_cast<std::size_t>(parent)].children) {
      Node& state = nodes_[static_cast<std::size_t>(node)];
      if (parent != 0) state.fail = step(nodes_[static_cast<std::size_t>(parent)].fail, c);
      if (state.match < 0) state.match = nodes_[static_cast<std::size_t>(state.fail)].match;
      order.push_back(node);
    }
  }
}

StopResult StopMatcher::push(std::string_view text) {
  StopResult result;
  if (found_) return result;
  for (const char c : text) {
    state_ = step(state_, c);
    held_ += c;
    const Node& state = nodes_[static_cast<std::size_t>(state_)];
    if (state.match >= 0) {
      found_ = static_cast<std::size_t>(state.match);
      result.matched = found_;
      held_.resize(held_.size() - stops_[*found_].size());
      result.text += held_;
      held_.clear();
      return result;
    }
  }
  const std::size_t keep = nodes_[static_cast<std::size_t>(state_)].depth;
  result.text = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return result;
}

std::string StopMatcher::flush() {
  state_ = 0;
  return std::exchange(held_, {});
}

}  // namespace hearth::text
