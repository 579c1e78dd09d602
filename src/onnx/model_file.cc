// Bounded parsing and atomic writing of ONNX model files.
#include "onnx/model_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <new>
#include <set>
#include <string>

#include "base/file.h"
#include "onnx/graph_view.h"

namespace hearth::onnx {
namespace {

using ::google::protobuf::io::CodedInputStream;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;

/// Protobuf messages inside messages: a subgraph costs three levels, everything else a few more.
constexpr int kProtobufDepthMax = 3 * kSubgraphDepthMax + 16;

std::string size_text(std::span<const std::byte> bytes) {
  return with_thousands(bytes.size()) + " bytes";
}

/// Where the outermost fields stop making sense, in words: most damage is a download cut short.
std::string locate_damage(std::span<const std::byte> bytes) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  while (true) {
    const int field_start = input.CurrentPosition();
    const std::string at = " at byte " + with_thousands(static_cast<std::uint64_t>(field_start));
    const std::uint32_t tag = input.ReadTagNoLastTag();
    if (tag == 0) {
      return static_cast<std::size_t>(field_start) == bytes.size()
                 ? "; the damage is inside a field"
                 : "; no valid field begins" + at;
    }
    const std::string field = "; field " + std::to_string(tag >> 3) + at;
    std::uint64_t value = 0;
    bool valid = false;
    switch (tag & 7) {
      case 0:
        valid = input.ReadVarint64(&value);
        break;
      case 1:
        valid = input.Skip(8);
        break;
      case 5:
        valid = input.Skip(4);
        break;
      case 2: {
        if (!input.ReadVarint64(&value)) break;
        const auto rest = bytes.size() - static_cast<std::size_t>(input.CurrentPosition());
        if (value > rest) {
          return field + " claims " + with_thousands(value) + " bytes where " +
                 with_thousands(rest) + " are left: the file is truncated; download it again";
        }
        valid = input.Skip(static_cast<int>(value));
        break;
      }
      default:
        break;
    }
    if (!valid) return field + " is malformed";
  }
}

/// Checks what must hold before anyone walks the model recursively.
class ModelWalk {
 public:
  explicit ModelWalk(const ModelProto& model) {
    for (const auto& import : model.opset_import()) domains_.insert(canonical(import.domain()));
  }

  Result<void> graph(const GraphProto& graph, int depth) {
    if (depth > kSubgraphDepthMax) {
      return fail(ErrorCode::kCorrupt, "graphs are nested more than " +
                                           std::to_string(kSubgraphDepthMax) +
                                           " levels deep (subgraph_depth_max)");
    }
    for (const NodeProto& node : graph.node()) HEARTH_TRY_VOID(this->node(node, depth));
    return {};
  }

  Result<void> node(const NodeProto& node, int depth) {
    if (node.op_type().empty()) {
      return fail(ErrorCode::kCorrupt, "node '" + node.name() + "' has no operator");
    }
    if (!domains_.contains(canonical(node.domain()))) {
      return fail(ErrorCode::kCorrupt, describe(node) + " is of the domain '" + node.domain() +
                                           "', of which the model imports no operator set");
    }
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) HEARTH_TRY_VOID(graph(attribute.g(), depth + 1));
      for (const GraphProto& body : attribute.graphs()) HEARTH_TRY_VOID(graph(body, depth + 1));
    }
    return {};
  }

  void import_all(const ::onnx::FunctionProto& function) {
    for (const auto& import : function.opset_import()) domains_.insert(canonical(import.domain()));
  }

 private:
  static std::string canonical(const std::string& domain) {
    return domain == "ai.onnx" ? std::string() : domain;
  }

  std::set<std::string> domains_;
};

Result<void> check_model(const ModelProto& model) {
  if (!model.has_graph()) {
    return fail(ErrorCode::kCorrupt, "is not an ONNX model: it holds no graph");
  }
  if (model.graph().node_size() == 0) {
    return fail(ErrorCode::kCorrupt, "holds a graph without nodes");
  }
  if (model.opset_import_size() == 0) {
    return fail(ErrorCode::kCorrupt, "imports no operator set; it may be truncated");
  }
  if (model.ir_version() <= 0) return fail(ErrorCode::kCorrupt, "states no IR version");
  ModelWalk walk(model);
  HEARTH_TRY_VOID(walk.graph(model.graph(), 1));
  for (const auto& function : model.functions()) {
    ModelWalk function_walk(model);
    function_walk.import_all(function);
    for (const NodeProto& node : function.node()) HEARTH_TRY_VOID(function_walk.node(node, 1));
  }
  return {};
}

}  // namespace

Result<ModelProto> parse_model(std::span<const std::byte> bytes, std::string_view source) {
  const std::string name(source);
  if (bytes.size() > kModelFileBytesMax) {
    return fail(ErrorCode::kCorrupt, name + " has " + size_text(bytes) + ", more than the " +
                                         with_thousands(kModelFileBytesMax) +
                                         " a model file can have (model_file_bytes_max)");
  }
  if (bytes.empty()) return fail(ErrorCode::kCorrupt, name + " is empty; download it again");
  try {
    ModelProto model;
    CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                           static_cast<int>(bytes.size()));
    input.SetRecursionLimit(kProtobufDepthMax);
    if (!model.ParseFromCodedStream(&input) || !input.ConsumedEntireMessage()) {
      return fail(ErrorCode::kCorrupt, name + " (" + size_text(bytes) +
                                           ") is not a valid ONNX model" + locate_damage(bytes));
    }
    if (auto sound = check_model(model); !sound) {
      return fail(sound.error().code,
                  name + " (" + size_text(bytes) + "): " + sound.error().message);
    }
    return model;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                "not enough memory to parse " + name + " (" + size_text(bytes) + ")");
  }
}

Result<ModelProto> read_model(const std::filesystem::path& path) {
  HEARTH_TRY(const std::string content, read_file(path, kModelFileBytesMax));
  return parse_model(std::as_bytes(std::span(content)), path.string());
}

Result<void> write_model(const std::filesystem::path& path, const ModelProto& model) {
  if (model.ByteSizeLong() > kModelFileBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                path.string() + " would have " + with_thousands(model.ByteSizeLong()) +
                    " bytes, a model file can have " + with_thousands(kModelFileBytesMax) +
                    ": its weights must be external data");
  }
  try {
    std::string content;
    {
      ::google::protobuf::io::StringOutputStream stream(&content);
      ::google::protobuf::io::CodedOutputStream output(&stream);
      output.SetSerializationDeterministic(true);
      model.SerializeToCodedStream(&output);
    }
    return write_file_atomically(path, content);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "not enough memory to write " + path.string());
  }
}

}  // namespace hearth::onnx
