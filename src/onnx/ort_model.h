// Runs a model folder through ONNX Runtime's CPU provider, for tests only.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hearth::onnx::testing {

/// One sequence with its cache. Throws Ort::Exception.
class OrtModel {
 public:
  explicit OrtModel(const std::filesystem::path& folder)
      : env_(ORT_LOGGING_LEVEL_WARNING, "test"), session_(nullptr) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetLogSeverityLevel(2);
    session_ = Ort::Session(env_, (folder / "model.onnx").c_str(), options);
    Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      input_names_.emplace_back(session_.GetInputNameAllocated(i, allocator).get());
    }
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      output_names_.emplace_back(session_.GetOutputNameAllocated(i, allocator).get());
    }
    for (std::size_t i = 0; i < input_names_.size(); ++i) {
      if (!input_names_[i].starts_with("past_")) continue;
      const auto info = session_.GetInputTypeInfo(i);
      const auto tensor = info.GetTensorTypeAndShapeInfo();
      auto shape = tensor.GetShape();
      shape[0] = 1;
      shape[2] = 0;
      cache_.emplace(
          input_names_[i],
          Ort::Value::CreateTensor(allocator, shape.data(), shape.size(), tensor.GetElementType()));
    }
  }

  /// Feeds `tokens` after what was fed before; returns the logits of each, [tokens][vocab].
  std::vector<std::vector<double>> feed(const std::vector<std::int64_t>& tokens) {
    Ort::AllocatorWithDefaultOptions allocator;
    const auto total = past_ + static_cast<std::int64_t>(tokens.size());
    std::vector<std::int64_t> ids = tokens;
    std::vector<std::int64_t> mask(static_cast<std::size_t>(total), 1);
    std::vector<std::int64_t> positions;
    for (std::int64_t i = past_; i < total; ++i) positions.push_back(i);
    std::vector<const char*> names;
    std::vector<Ort::Value> values;
    for (const std::string& name : input_names_) {
      names.push_back(name.c_str());
      if (name == "input_ids") {
        values.push_back(row(ids));
      } else if (name == "attention_mask") {
        values.push_back(row(mask));
      } else if (name == "position_ids") {
        values.push_back(row(positions));
      } else {
        values.push_back(std::move(cache_.at(name)));
      }
    }
    std::vector<const char*> outputs;
    for (const std::string& name : output_names_) outputs.push_back(name.c_str());
    auto results = session_.Run(Ort::RunOptions{nullptr}, names.data(), values.data(),
                                values.size(), outputs.data(), outputs.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!output_names_[i].starts_with("present")) continue;
      cache_.insert_or_assign("past_key_values" + output_names_[i].substr(7),
                              std::move(results[i]));
    }
    past_ = total;
    return logits_of(results[0]);
  }

 private:
  static Ort::Value row(std::vector<std::int64_t>& data) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::int64_t shape[] = {1, static_cast<std::int64_t>(data.size())};
    return Ort::Value::CreateTensor<std::int64_t>(memory, data.data(), data.size(), shape, 2);
  }

  static std::vector<std::vector<double>> logits_of(const Ort::Value& value) {
    const auto info = value.GetTensorTypeAndShapeInfo();
    const auto shape = info.GetShape();
    const auto vocab = static_cast<std::size_t>(shape[2]);
    std::vector<std::vector<double>> logits(static_cast<std::size_t>(shape[1]));
    std::size_t at = 0;
    for (auto& token : logits) {
      for (std::size_t i = 0; i < vocab; ++i, ++at) {
        token.push_back(info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                            ? double{value.GetTensorData<float>()[at]}
                            : double{value.GetTensorData<Ort::Float16_t>()[at].ToFloat()});
      }
    }
    return logits;
  }

  Ort::Env env_;
  Ort::Session session_;
  std::vector<std::string> input_names_;
  std::vector<std::string> output_names_;
  std::map<std::string, Ort::Value> cache_;
  std::int64_t past_ = 0;
};

}  // namespace hearth::onnx::testing
