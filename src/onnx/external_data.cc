// Locations of external tensors and the check that every tensor has its bytes.
#include "onnx/external_data.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "onnx/model_file.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

namespace fs = std::filesystem;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::SparseTensorProto;
using ::onnx::TensorProto;

tl::unexpected<Error> corrupt_tensor(const TensorProto& tensor, const std::string& message) {
  return fail(ErrorCode::kCorrupt, "tensor '" + tensor.name() + "' " + message);
}

/// A plain decimal number: no sign, no spaces, nothing after it.
Result<std::uint64_t> external_number(const TensorProto& tensor, const std::string& key,
                                      const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return corrupt_tensor(
        tensor, "has the external " + key + " '" + text + "', a decimal number was expected");
  }
  return value;
}

/// Empty when the location is a plain path below the model's folder, else what is wrong with it.
std::string location_fault(const std::string& location) {
  if (location.empty()) return "is empty";
  if (location.find('\0') != std::string::npos) return "holds a zero byte";
  const fs::path path(location);
  if (path.is_absolute() || location.front() == '\\') return "is absolute";
  if (location.find('\\') != std::string::npos) return "holds a backslash";
  for (const auto& part : path) {
    if (part == "..") return "climbs out of the model's folder";
  }
  return path.filename().empty() ? "names no file" : "";
}

/// The number of typed elements a tensor of `count` elements needs in the field its type uses, or
/// nothing when that type has no typed field.
struct TypedField {
  int size;
  std::uint64_t needed;
};

std::optional<TypedField> typed_field(const TensorProto& tensor, std::uint64_t count) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return TypedField{tensor.float_data_size(), count};
    case TensorProto::COMPLEX64:
      return TypedField{tensor.float_data_size(), 2 * count};
    case TensorProto::DOUBLE:
      return TypedField{tensor.double_data_size(), count};
    case TensorProto::COMPLEX128:
      return TypedField{tensor.double_data_size(), 2 * count};
    case TensorProto::INT64:
      return TypedField{tensor.int64_data_size(), count};
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return TypedField{tensor.uint64_data_size(), count};
    case TensorProto::STRING:
      return TypedField{tensor.string_data_size(), count};
    case kUint4:
    case kInt4:
    case kFloat4E2M1:
      return TypedField{tensor.int32_data_size(), count / 2 + count % 2};
    case kUint2:
    case kInt2:
      return TypedField{tensor.int32_data_size(), count / 4 + (count % 4 != 0)};
    default:
      if (!element_bits(tensor.data_type())) return std::nullopt;
      return TypedField{tensor.int32_data_size(), count};
  }
}

int typed_elements(const TensorProto& tensor) {
  return tensor.float_data_size() + tensor.double_data_size() + tensor.int64_data_size() +
         tensor.uint64_data_size() + tensor.string_data_size() + tensor.int32_data_size();
}

using TensorVisitor = std::function<Result<void>(const TensorProto&)>;

Result<void> visit_graph(const GraphProto& graph, int depth, const TensorVisitor& visit);

Result<void> visit_sparse(const SparseTensorProto& sparse, const TensorVisitor& visit) {
  HEARTH_TRY_VOID(visit(sparse.values()));
  return visit(sparse.indices());
}

Result<void> visit_attribute(const AttributeProto& attribute, int depth,
                             const TensorVisitor& visit) {
  if (attribute.has_t()) HEARTH_TRY_VOID(visit(attribute.t()));
  for (const TensorProto& tensor : attribute.tensors()) HEARTH_TRY_VOID(visit(tensor));
  if (attribute.has_sparse_tensor())
    HEARTH_TRY_VOID(visit_sparse(attribute.sparse_tensor(), visit));
  for (const auto& sparse : attribute.sparse_tensors())
    HEARTH_TRY_VOID(visit_sparse(sparse, visit));
  if (attribute.has_g()) HEARTH_TRY_VOID(visit_graph(attribute.g(), depth + 1, visit));
  for (const GraphProto& body : attribute.graphs()) {
    HEARTH_TRY_VOID(visit_graph(body, depth + 1, visit));
  }
  return {};
}

Result<void> visit_node(const NodeProto& node, int depth, const TensorVisitor& visit) {
  for (const AttributeProto& attribute : node.attribute()) {
    HEARTH_TRY_VOID(visit_attribute(attribute, depth, visit));
  }
  return {};
}

Result<void> visit_graph(const GraphProto& graph, int depth, const TensorVisitor& visit) {
  if (depth > kSubgraphDepthMax) {
    return fail(ErrorCode::kCorrupt, "graphs are nested more than " +
                                         std::to_string(kSubgraphDepthMax) + " levels deep");
  }
  for (const TensorProto& tensor : graph.initializer()) HEARTH_TRY_VOID(visit(tensor));
  for (const auto& sparse : graph.sparse_initializer())
    HEARTH_TRY_VOID(visit_sparse(sparse, visit));
  for (const NodeProto& node : graph.node()) HEARTH_TRY_VOID(visit_node(node, depth, visit));
  return {};
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto [folder_end, file_at] =
      std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return folder_end == folder.end() && file_at != file.end();
}

/// Data files of one model: each is resolved and measured once.
class DataFiles {
 public:
  DataFiles(const fs::path& folder, std::string_view model_name)
      : folder_(folder.empty() ? fs::path(".") : folder) {
    std::error_code error;
    roots_.push_back(fs::canonical(folder_, error));
    const fs::path model = fs::canonical(folder_ / model_name, error);
    if (!error) roots_.push_back(model.parent_path());
  }

  Result<std::uint64_t> size_bytes(const std::string& location) {
    if (const auto known = sizes_.find(location); known != sizes_.end()) return known->second;
    const fs::path path = folder_ / location;
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
      return fail(ErrorCode::kNotFound,
                  "the data file " + path.string() + " does not exist; download it again");
    }
    if (error == std::errc::too_many_symbolic_link_levels) {
      return fail(ErrorCode::kNotFound, "the data file " + path.string() +
                                            " is a link that leads in a circle; download it again");
    }
    if (error) {
      return fail(ErrorCode::kIo, "cannot resolve " + path.string() + ": " + error.message());
    }
    bool inside = false;
    for (const fs::path& root : roots_) inside = inside || (!root.empty() && is_inside(real, root));
    if (!inside) {
      return fail(ErrorCode::kCorrupt, "the data file " + path.string() + " is a link to " +
                                           real.string() + ", outside the model's folder");
    }
    HEARTH_TRY(const std::uint64_t size, file_size_bytes(real));
    sizes_.emplace(location, size);
    return size;
  }

  fs::path path(const std::string& location) const { return folder_ / location; }

 private:
  fs::path folder_;
  std::vector<fs::path> roots_;
  std::map<std::string, std::uint64_t> sizes_;
};

Result<void> check_external_tensor(const TensorProto& tensor, DataFiles& files) {
  HEARTH_TRY(const TensorLocation location, tensor_location(tensor));
  auto size = files.size_bytes(location.file);
  if (!size) {
    return fail(size.error().code, "tensor '" + tensor.name() + "': " + size.error().message);
  }
  if (location.offset > *size || location.length > *size - location.offset) {
    const std::string first = with_thousands(location.offset);
    const std::string end = location.length <= UINT64_MAX - location.offset
                                ? with_thousands(location.offset + location.length)
                                : first + " + " + with_thousands(location.length);
    return fail(ErrorCode::kCorrupt, files.path(location.file).string() + " has " +
                                         with_thousands(*size) + " bytes, tensor '" +
                                         tensor.name() + "' needs bytes " + first + " to " + end +
                                         ": the file is truncated; download it again");
  }
  return {};
}

}  // namespace

bool is_external(const TensorProto& tensor) {
  return tensor.data_location() == TensorProto::EXTERNAL;
}

Result<TensorLocation> tensor_location(const TensorProto& tensor) {
  if (!is_external(tensor)) {
    return fail(ErrorCode::kInvalidArgument, "tensor '" + tensor.name() + "' is not external");
  }
  std::map<std::string, std::string> entries;
  for (const auto& entry : tensor.external_data()) {
    if (!entries.emplace(entry.key(), entry.value()).second) {
      return corrupt_tensor(tensor, "states its external " + entry.key() + " twice");
    }
  }
  TensorLocation location;
  if (!entries.contains("location")) return corrupt_tensor(tensor, "has no external location");
  location.file = entries["location"];
  if (const std::string fault = location_fault(location.file); !fault.empty()) {
    return corrupt_tensor(tensor, "has the external location '" + location.file + "', which " +
                                      fault + "; it must be a path inside the model's folder");
  }
  HEARTH_TRY(location.length, tensor_bytes(tensor));
  if (entries.contains("offset")) {
    HEARTH_TRY(location.offset, external_number(tensor, "offset", entries["offset"]));
  }
  if (entries.contains("length")) {
    HEARTH_TRY(const std::uint64_t length, external_number(tensor, "length", entries["length"]));
    if (length != location.length) {
      return corrupt_tensor(tensor, "has " + with_thousands(length) +
                                        " external bytes, its type and dimensions need " +
                                        with_thousands(location.length));
    }
  }
  return location;
}

Result<void> check_inline_data(const TensorProto& tensor) {
  HEARTH_TRY(const std::uint64_t count, element_count(tensor));
  const int typed = typed_elements(tensor);
  if (tensor.has_raw_data()) {
    HEARTH_TRY(const std::uint64_t needed, tensor_bytes(tensor));
    if (typed != 0) return corrupt_tensor(tensor, "holds its data twice");
    if (tensor.raw_data().size() != needed) {
      return corrupt_tensor(tensor, "holds " + with_thousands(tensor.raw_data().size()) +
                                        " bytes, its type and dimensions need " +
                                        with_thousands(needed));
    }
    return {};
  }
  const auto field = typed_field(tensor, count);
  if (!field) {
    return corrupt_tensor(
        tensor, "has element " + element_type_name(tensor.data_type()) + ", which is not known");
  }
  if (field->size != typed)
    return corrupt_tensor(tensor, "holds data of another type than its own");
  if (static_cast<std::uint64_t>(typed) != field->needed) {
    return corrupt_tensor(tensor, "holds " + with_thousands(static_cast<std::uint64_t>(typed)) +
                                      " elements, its dimensions need " +
                                      with_thousands(field->needed));
  }
  return {};
}

Result<void> for_each_tensor(const ::onnx::ModelProto& model, const TensorVisitor& visit) {
  HEARTH_TRY_VOID(visit_graph(model.graph(), 1, visit));
  for (const auto& function : model.functions()) {
    for (const NodeProto& node : function.node()) HEARTH_TRY_VOID(visit_node(node, 1, visit));
  }
  return {};
}

Result<std::map<std::string, std::uint64_t>> data_file_needs(const ::onnx::ModelProto& model) {
  std::map<std::string, std::uint64_t> needs;
  HEARTH_TRY_VOID(for_each_tensor(model, [&needs](const TensorProto& tensor) -> Result<void> {
    if (!is_external(tensor)) return {};
    HEARTH_TRY(const TensorLocation location, tensor_location(tensor));
    std::uint64_t& bytes = needs[location.file];
    bytes = std::max(bytes, location.offset + location.length);
    return {};
  }));
  return needs;
}

Result<void> check_data_files(const std::map<std::string, std::uint64_t>& needs,
                              const fs::path& folder, std::string_view model_name) {
  try {
    DataFiles files(folder, model_name);
    for (const auto& [location, needed] : needs) {
      HEARTH_TRY(const std::uint64_t size, files.size_bytes(location));
      if (size < needed) {
        return fail(ErrorCode::kCorrupt, files.path(location).string() + " has " +
                                             with_thousands(size) + " bytes, the model needs " +
                                             with_thousands(needed));
      }
    }
    return {};
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, (folder / model_name).string() + ": " + error.what());
  }
}

Result<void> check_external_data(const ::onnx::ModelProto& model, const fs::path& folder,
                                 std::string_view model_name) {
  const std::string context = (folder / model_name).string();
  try {
    DataFiles files(folder, model_name);
    auto checked = for_each_tensor(model, [&files](const TensorProto& tensor) -> Result<void> {
      return is_external(tensor) ? check_external_tensor(tensor, files) : check_inline_data(tensor);
    });
    if (!checked) return fail_within(context, checked.error());
    return {};
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, context + ": " + error.what());
  }
}

}  // namespace hearth::onnx
