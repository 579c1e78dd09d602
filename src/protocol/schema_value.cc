#include "protocol/schema_value.h"

namespace hearth::protocol {

JsonValue::Step SchemaValue::push(char byte) {
  using Step = JsonValue::Step;
  if (stage_ == Stage::kFree || stage_ == Stage::kChoice) {
    const Step step = push_inside(byte);
    if (step != Step::kEnded) return step;
    end_value();
  }
  if (stage_ == Stage::kDone) return Step::kEnded;
  const bool inside_key = stage_ == Stage::kKey && prefix_.size() > 0;
  if (depth_ > 0 && !inside_key && JsonSpaces::is_space(byte)) {
    return spaces_.push(byte) ? Step::kTaken : Step::kRefused;
  }
  spaces_.reset();
  return push_token(byte) ? Step::kTaken : Step::kRefused;
}

/// A number, of an enum's too, ends only with what comes behind it.
JsonValue::Step SchemaValue::push_inside(char byte) {
  if (stage_ == Stage::kFree) return value_.push(byte);
  const Spellings& choices = node_at(node_).choices;
  if (prefix_.narrow(choices, byte)) return JsonValue::Step::kTaken;
  return prefix_.is_whole(choices) ? JsonValue::Step::kEnded : JsonValue::Step::kRefused;
}

bool SchemaValue::push_token(char byte) {
  switch (stage_) {
    case Stage::kFirstKey:
      if (byte == '}') return close();
      [[fallthrough]];
    case Stage::kKey:
      return push_key(byte);
    case Stage::kColon:
      stage_ = Stage::kBegin;
      return byte == ':';
    case Stage::kFirstElement:
      if (byte == ']') return close();
      node_ = node_at(frame().node).items;
      return begin_value(byte);
    case Stage::kAfter:
      if (byte == (frame().is_object ? '}' : ']')) return close();
      return byte == ',' && begin_next();
    default:
      return begin_value(byte);
  }
}

bool SchemaValue::begin_value(char byte) {
  const JsonSchema::Node& node = node_at(node_);
  if (!node.choices.empty()) {
    stage_ = Stage::kChoice;
    prefix_.begin(node.choices.size());
    return prefix_.narrow(node.choices, byte);
  }
  const bool followed = depth_ < depth_max;
  if (followed && byte == '{' && node.closed && (node.types & json_type::kObject) != 0) {
    return open(true, Stage::kFirstKey);
  }
  if (followed && byte == '[' && node.items != JsonSchema::kAnything &&
      (node.types & json_type::kArray) != 0) {
    return open(false, Stage::kFirstElement);
  }
  stage_ = Stage::kFree;
  value_ = JsonValue(node.types);
  return value_.push(byte) == JsonValue::Step::kTaken;
}

bool SchemaValue::open(bool is_object, Stage next) {
  frames_[depth_++] = {0, node_, is_object};
  prefix_.begin(node_at(node_).keys.size());
  stage_ = next;
  return true;
}

/// Behind the comma: an element, or a key if there is one left.
bool SchemaValue::begin_next() {
  const JsonSchema::Node& node = node_at(frame().node);
  if (!frame().is_object) {
    node_ = node.items;
    stage_ = Stage::kBegin;
    return true;
  }
  stage_ = Stage::kKey;
  prefix_.begin(node.keys.size());
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (!is_used(frame(), i)) return true;
  }
  return false;
}

bool SchemaValue::push_key(char byte) {
  const JsonSchema::Node& node = node_at(frame().node);
  stage_ = Stage::kKey;
  if (!prefix_.narrow(node.keys, byte)) return false;
  bool possible = false;
  for (std::size_t i = prefix_.first(); i < prefix_.end(); ++i) {
    possible = possible || !is_used(frame(), i);
  }
  if (prefix_.is_whole(node.keys)) {
    frame().used |= std::uint64_t{1} << prefix_.first();
    node_ = node.properties[prefix_.first()].node;
    stage_ = Stage::kColon;
  }
  return possible;
}

bool SchemaValue::close() {
  const JsonSchema::Node& node = node_at(frame().node);
  if (frame().is_object) {
    for (std::size_t i = 0; i < node.properties.size(); ++i) {
      if (node.properties[i].required && !is_used(frame(), i)) return false;
    }
  }
  --depth_;
  end_value();
  return true;
}

}  // namespace hearth::protocol
