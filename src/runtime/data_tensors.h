// The tensors that a graph keeps in its data files, above all the rows of the embedding: mapped
// here and lent to the session, so that the pages a long prompt has touched can be given back.
#pragma once

#include <onnx/onnx_pb.h>
#include <onnxruntime_cxx_api.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"

namespace hearth::runtime {

/// Must outlive the sessions it lends to.
class DataTensors {
 public:
  /// Maps what the graph's initializers need of the files in `folder`. Tensors that cannot be lent
  /// (not aligned, of a type of its own packing) are left to ONNX Runtime. kCorrupt when a file is
  /// shorter than its tensors; kNotFound, kIo. Throws what ONNX Runtime throws.
  static Result<DataTensors> open(const ::onnx::ModelProto& model,
                                  const std::filesystem::path& folder);

  void lend_to(Ort::SessionOptions& options) const;

  /// Gives back the pages that were read so far; they come again when they are used.
  void forget() const;

 private:
  struct Lent {
    std::string name;
    Ort::Value value;
  };

  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  std::vector<Lent> lent_;
};

}  // namespace hearth::runtime
