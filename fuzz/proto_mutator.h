// Mutations that keep a protobuf message well formed, so that the fuzzer reaches what lies behind
// the parser. Works on any message through protobuf's reflection.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace proto_mutator {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Random = std::minstd_rand;

inline std::size_t pick(Random& random, std::size_t count) { return random() % count; }

/// Every message inside, the whole included; and every text, to choose names from.
inline void collect(Message& message, std::vector<Message*>& messages,
                    std::vector<std::string>& texts) {
  messages.push_back(&message);
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Message* inner = field->is_repeated()
                             ? reflection.MutableRepeatedMessage(&message, field, i)
                             : reflection.MutableMessage(&message, field);
        collect(*inner, messages, texts);
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        texts.push_back(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                             : reflection.GetString(message, field));
      }
    }
  }
}

inline std::int64_t interesting(Random& random) {
  static constexpr std::int64_t kValues[] = {
      0, 1, 2, 3, 4, 7, 8, -1, 255, 4096, INT64_C(1) << 31, INT64_MAX};
  return kValues[pick(random, std::size(kValues))];
}

/// Sets one element of a repeated field, or the field itself when `index` is negative.
inline void set_scalar(Message& message, const FieldDescriptor* field, int index,
                       const std::vector<std::string>& texts, Random& random) {
  const Reflection& r = *message.GetReflection();
  const std::int64_t number = interesting(random);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = texts.empty() || random() % 8 == 0
                                   ? std::to_string(number)
                                   : texts[pick(random, texts.size())];
      index < 0 ? r.SetString(&message, field, text)
                : r.SetRepeatedString(&message, field, index, text);
      break;
    }
    case FieldDescriptor::CPPTYPE_INT64:
      index < 0 ? r.SetInt64(&message, field, number)
                : r.SetRepeatedInt64(&message, field, index, number);
      break;
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto small = static_cast<std::int32_t>(number);
      index < 0 ? r.SetInt32(&message, field, small)
                : r.SetRepeatedInt32(&message, field, index, small);
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* type = field->enum_type();
      const int value =
          type->value(static_cast<int>(pick(random, static_cast<std::size_t>(type->value_count()))))
              ->number();
      index < 0 ? r.SetEnumValue(&message, field, value)
                : r.SetRepeatedEnumValue(&message, field, index, value);
      break;
    }
    default:
      break;  // the formats fuzzed here decide nothing by their floating-point fields
  }
}

inline void mutate_repeated(Message& message, const FieldDescriptor* field,
                            const std::vector<std::string>& texts, Random& random) {
  const Reflection& r = *message.GetReflection();
  const int count = r.FieldSize(message, field);
  const int at = static_cast<int>(pick(random, static_cast<std::size_t>(count)));
  switch (random() % 4) {
    case 0:
      r.SwapElements(&message, field, at, count - 1);
      r.RemoveLast(&message, field);
      break;
    case 1:
      r.SwapElements(&message, field, at,
                     static_cast<int>(pick(random, static_cast<std::size_t>(count))));
      break;
    default:
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        set_scalar(message, field, at, texts, random);
      } else {
        // A copy, usually renamed: the same name twice is refused before anything interesting
        // happens.
        Message* copy = r.AddMessage(&message, field);
        copy->CopyFrom(r.GetRepeatedMessage(message, field, at));
        const FieldDescriptor* name = copy->GetDescriptor()->FindFieldByName("name");
        if (name != nullptr && random() % 4 != 0) {
          copy->GetReflection()->SetString(copy, name, "c" + std::to_string(random() % 10));
        }
      }
  }
}

/// One random change somewhere inside.
inline void mutate(Message& root, Random& random) {
  std::vector<Message*> messages;
  std::vector<std::string> texts;
  collect(root, messages, texts);
  Message& message = *messages[pick(random, messages.size())];
  const Reflection& reflection = *message.GetReflection();
  if (random() % 4 == 0) {  // any field, also one that is not set
    const auto* type = message.GetDescriptor();
    const FieldDescriptor* field =
        type->field(static_cast<int>(pick(random, static_cast<std::size_t>(type->field_count()))));
    if (!field->is_repeated()) set_scalar(message, field, -1, texts, random);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  if (fields.empty()) return;
  const FieldDescriptor* field = fields[pick(random, fields.size())];
  if (field->is_repeated()) {
    mutate_repeated(message, field, texts, random);
  } else if (random() % 3 == 0) {
    reflection.ClearField(&message, field);
  } else {
    set_scalar(message, field, -1, texts, random);
  }
}

}  // namespace proto_mutator
