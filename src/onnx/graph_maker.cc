// The mechanics of writing a GraphProto.
#include "onnx/graph_maker.h"

#include <map>

#include "base/check.h"
#include "onnx/tensor_size.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::ValueInfoProto;

const std::string kConstantPrefix = "/model/constants/TensorProto.INT64/";

std::string with_part(std::string name, const std::string& replacement) {
  const std::string part = "constants";
  return name.replace(name.find(part), part.size(), replacement);
}

/// The numbers in the last part of a constant's name.
std::vector<std::int64_t> numbers_of(const std::string& name) {
  std::vector<std::int64_t> numbers;
  std::size_t at = name.rfind('/') + 1;
  while (at < name.size()) {
    std::size_t used = 0;
    numbers.push_back(std::stoll(name.substr(at), &used));
    at += used + 2;
  }
  return numbers;
}

TensorProto make_tensor(const std::string& name, std::int32_t type,
                        const std::vector<std::int64_t>& dims) {
  TensorProto tensor;
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_data_type(type);
  tensor.set_name(name);
  tensor.set_data_location(TensorProto::EXTERNAL);
  return tensor;
}

void set_external(TensorProto& tensor, const std::string& key, const std::string& value) {
  auto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

}  // namespace

std::string tensor_path(const std::string& node_path) {
  std::string name = node_path.substr(1);
  for (char& c : name) {
    if (c == '/') c = '.';
  }
  return name;
}

void set_int(NodeProto& node, const std::string& name, std::int64_t value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(AttributeProto::INT);
  attribute->set_i(value);
}

void set_float(NodeProto& node, const std::string& name, float value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(AttributeProto::FLOAT);
  attribute->set_f(value);
}

void declare(ValueInfoProto& value, const std::string& name, std::int32_t type,
             const Shape* shape) {
  value.set_name(name);
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  if (shape == nullptr) return;
  auto* dims = tensor->mutable_shape();
  for (const Dim& dim : *shape) {
    if (const auto* number = std::get_if<std::int64_t>(&dim)) {
      dims->add_dim()->set_dim_value(*number);
    } else {
      dims->add_dim()->set_dim_param(std::get<std::string>(dim));
    }
  }
}

NodeProto& GraphMaker::node(const std::string& op, const std::string& name,
                            const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs, const std::string& domain) {
  for (const std::string& input : inputs) {
    if (input.starts_with(kConstantPrefix)) add_constant(input);
  }
  NodeProto& node = *graph_->add_node();
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  node.set_name(name);
  node.set_op_type(op);
  if (!domain.empty()) node.set_domain(domain);
  return node;
}

std::string GraphMaker::simple(const std::string& op, const std::string& name,
                               const std::vector<std::string>& inputs, std::int32_t type,
                               const Shape& shape) {
  std::string output = name + "/output_0";
  node(op, name, inputs, {output});
  value(output, type, shape);
  return output;
}

void GraphMaker::value(const std::string& name, std::int32_t type, const Shape& shape) {
  declare(*graph_->add_value_info(), name, type, &shape);
}

void GraphMaker::value_of_unknown_shape(const std::string& name, std::int32_t type) {
  declare(*graph_->add_value_info(), name, type, nullptr);
}

std::string GraphMaker::scalar(std::int64_t value) {
  return kConstantPrefix + "0D/" + std::to_string(value);
}

std::string GraphMaker::list(const std::vector<std::int64_t>& values) {
  std::string name = kConstantPrefix + "1D/";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) name += ", ";
    name += std::to_string(values[i]);
  }
  return name;
}

void GraphMaker::add_constant(const std::string& name) {
  if (!constants_.insert(name).second) return;
  const std::vector<std::int64_t> numbers = numbers_of(name);
  auto& attribute =
      *node("Constant", with_part(name, "constant_nodes"), {}, {name}).add_attribute();
  attribute.set_name("value");
  attribute.set_type(AttributeProto::TENSOR);
  TensorProto& tensor = *attribute.mutable_t();
  if (name.starts_with(kConstantPrefix + "1D/")) {
    tensor.add_dims(static_cast<std::int64_t>(numbers.size()));
  }
  tensor.set_data_type(TensorProto::INT64);
  tensor.set_name(with_part(name, "numpy_helper"));
  tensor.set_raw_data(numbers.data(), numbers.size() * sizeof(std::int64_t));
  // The released builder declares lists as scalars too; ONNX Runtime infers the real shape.
  value(name, TensorProto::INT64, {});
}

void GraphMaker::external(TensorJob job, std::int32_t type, const std::vector<std::int64_t>& dims) {
  plain_tensors_.push_back(make_tensor(job.data.name, type, dims));
  jobs_.push_back(std::move(job));
}

void GraphMaker::external_quantised(TensorJob job, std::int32_t scale_type,
                                    const QuantisedDims& dims) {
  quantised_tensors_.push_back(make_tensor(job.data.name, TensorProto::UINT8, dims.packed));
  quantised_tensors_.push_back(make_tensor(job.scales.name, scale_type, dims.scales));
  if (job.format.asymmetric) {
    quantised_tensors_.push_back(
        make_tensor(job.zero_points.name, TensorProto::UINT8, dims.zero_points));
  }
  jobs_.push_back(std::move(job));
}

std::vector<TensorJob> GraphMaker::finish(const std::string& data_file, std::uint64_t& data_bytes) {
  std::map<std::string, TensorPlace> places;
  data_bytes = 0;
  const auto place = [&](TensorProto& tensor) {
    const auto bytes = tensor_bytes(tensor);
    HEARTH_CHECK(bytes.has_value());
    const std::uint64_t offset =
        (data_bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
    set_external(tensor, "location", data_file);
    set_external(tensor, "offset", std::to_string(offset));
    set_external(tensor, "length", std::to_string(*bytes));
    const bool added =
        places.emplace(tensor.name(), TensorPlace{tensor.name(), offset, *bytes}).second;
    HEARTH_CHECK(added);
    data_bytes = offset + *bytes;
    *graph_->add_initializer() = std::move(tensor);
  };
  for (TensorProto& tensor : plain_tensors_) place(tensor);
  for (TensorProto& tensor : quantised_tensors_) place(tensor);
  for (TensorJob& job : jobs_) {
    job.data = places.at(job.data.name);
    if (job.kind != TensorJob::Kind::kQuantised) continue;
    job.scales = places.at(job.scales.name);
    if (job.format.asymmetric) job.zero_points = places.at(job.zero_points.name);
  }
  return std::move(jobs_);
}

}  // namespace hearth::onnx
