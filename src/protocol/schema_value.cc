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
  if (prefix_.narrow(choices(), byte)) return JsonValue::Step::kTaken;
  return prefix_.is_whole(choices()) ? JsonValue::Step::kEnded : JsonValue::Step::kRefused;
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
      node_ = frame().items;
      return begin_value(byte);
    case Stage::kAfter:
      if (byte == (frame().object != 0 ? '}' : ']')) return close();
      return byte == ',' && begin_next();
    default:
      return begin_value(byte);
  }
}

bool SchemaValue::begin_value(char byte) {
  const JsonSchema::Node& node = schema_->nodes[node_];
  if (node.choices != 0) {
    stage_ = Stage::kChoice;
    prefix_.begin(choices().size());
    return prefix_.narrow(choices(), byte);
  }
  const bool object = byte == '{' && node.object != 0 && (node.types & json_type::kObject) != 0;
  const bool array = byte == '[' && node.items != 0 && (node.types & json_type::kArray) != 0;
  if (depth_ < kDepthMax && (object || array)) {
    open(node, object);
    return true;
  }
  stage_ = Stage::kFree;
  value_ = JsonValue(node.types);
  return value_.push(byte) == JsonValue::Step::kTaken;
}

void SchemaValue::open(const JsonSchema::Node& node, bool is_object) {
  frames_[depth_++] = {0, is_object ? node.object : JsonSchema::Id{0}, node.items};
  stage_ = is_object ? Stage::kFirstKey : Stage::kFirstElement;
  prefix_.begin(object().keys.size());
}

/// Behind the comma: an element, or a key if there is one left.
bool SchemaValue::begin_next() {
  if (frame().object == 0) {
    node_ = frame().items;
    stage_ = Stage::kBegin;
    return true;
  }
  stage_ = Stage::kKey;
  prefix_.begin(object().keys.size());
  for (std::size_t i = 0; i < object().keys.size(); ++i) {
    if (!is_used(frame(), i)) return true;
  }
  return false;
}

bool SchemaValue::push_key(char byte) {
  stage_ = Stage::kKey;
  if (!prefix_.narrow(object().keys, byte)) return false;
  bool possible = false;
  for (std::size_t i = prefix_.first(); i < prefix_.end(); ++i) {
    possible = possible || !is_used(frame(), i);
  }
  if (prefix_.is_whole(object().keys)) {
    frame().used |= std::uint64_t{1} << prefix_.first();
    node_ = object().properties[prefix_.first()].node;
    stage_ = Stage::kColon;
  }
  return possible;
}

bool SchemaValue::close() {
  for (std::size_t i = 0; i < object().properties.size(); ++i) {
    if (object().properties[i].required && !is_used(frame(), i)) return false;
  }
  --depth_;
  end_value();
  return true;
}

}  // namespace hearth::protocol
