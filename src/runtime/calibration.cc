#include "runtime/calibration.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/check.h"
#include "onnx/piece_work.h"
#include "onnx/second_moments.h"
#include "runtime/kv_cache.h"
#include "runtime/ort_session.h"

namespace hearth::runtime {
namespace {

/// The graph with `values` among its outputs, as the bytes of a model file.
std::string with_outputs(const ::onnx::ModelProto& model, const std::vector<std::string>& values) {
  ::onnx::ModelProto copy = model;
  std::set<std::string> outputs;
  for (const auto& output : copy.graph().output()) outputs.insert(output.name());
  for (const std::string& value : values) {
    if (outputs.insert(value).second) copy.mutable_graph()->add_output()->set_name(value);
  }
  return copy.SerializeAsString();
}

/// The rows of a [1, tokens, width] value, as floats.
Result<std::vector<float>> rows_of(const Ort::Value& value, const onnx::InputValue& input,
                                   std::int64_t tokens) {
  const auto info = value.GetTensorTypeAndShapeInfo();
  const std::size_t count = info.GetElementCount();
  const auto shape = info.GetShape();
  if (shape.empty() || shape.back() != input.width ||
      static_cast<std::int64_t>(count) % input.width != 0) {
    return fail(ErrorCode::kCorrupt, "the value '" + input.name + "' has rows of " +
                                         std::to_string(shape.empty() ? 0 : shape.back()) +
                                         " numbers for " + std::to_string(tokens) +
                                         " tokens, the product behind it expects " +
                                         std::to_string(input.width));
  }
  std::vector<float> rows(count);
  if (info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    std::copy_n(value.GetTensorData<float>(), count, rows.begin());
  } else if (info.GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    std::transform(value.GetTensorData<Ort::Float16_t>(),
                   value.GetTensorData<Ort::Float16_t>() + count, rows.begin(),
                   [](Ort::Float16_t half) { return half.ToFloat(); });
  } else {
    return fail(ErrorCode::kUnsupported, "the value '" + input.name + "' is of no float type");
  }
  return rows;
}

/// Adds the rows of each value to its sum.
Result<void> add_rows(std::span<const Ort::Value> values, std::span<const onnx::InputValue> inputs,
                      std::int64_t tokens, int threads, std::vector<onnx::SecondMoments>& sums) {
  onnx::WrittenBytes none;
  return onnx::run_pieces(inputs.size(), threads, none, {}, [&]() -> onnx::PieceFn {
    return [&](std::size_t i) -> Result<std::uint64_t> {
      // No exception may leave a thread.
      HEARTH_TRY(const auto rows, guard_ort("reading what the calibration text made",
                                            [&] { return rows_of(values[i], inputs[i], tokens); }));
      sums[i].add(rows);
      return 0;
    };
  });
}

}  // namespace

struct Calibration::State {
  OrtSession ort;
  onnx::DecoderGraphInfo graph;
  onnx::DecoderIoNames io;
  KvShape kv;
  std::size_t stretch_tokens = kCalibrationStretchTokens;
  std::vector<std::string> past_names;
  CalibrationOptions options;

  Result<std::vector<Ort::Value>> run(std::span<const TokenId> tokens,
                                      std::span<const onnx::InputValue> wanted);
};

/// One stretch of the text, from an empty cache; the wanted values in their order.
Result<std::vector<Ort::Value>> Calibration::State::run(std::span<const TokenId> tokens,
                                                        std::span<const onnx::InputValue> wanted) {
  std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
  std::vector<std::int64_t> mask(ids.size(), 1);
  std::vector<std::int64_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  const auto cpu = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto tensor = [&](std::vector<std::int64_t>& data) {
    const std::int64_t dims[] = {1, static_cast<std::int64_t>(data.size())};
    return Ort::Value::CreateTensor<std::int64_t>(cpu, data.data(), data.size(), dims, 2);
  };
  const Ort::Value ids_tensor = tensor(ids);
  const Ort::Value mask_tensor = tensor(mask);
  const Ort::Value positions_tensor = tensor(positions);
  Ort::IoBinding binding(ort.session);
  binding.BindInput(io.input_ids.c_str(), ids_tensor);
  if (graph.has_attention_mask) binding.BindInput(io.attention_mask.c_str(), mask_tensor);
  if (graph.has_position_ids) binding.BindInput(io.position_ids.c_str(), positions_tensor);
  const KvCache empty = KvCache::growing(kv);
  for (std::size_t i = 0; i < past_names.size(); ++i) {
    binding.BindInput(past_names[i].c_str(),
                      empty.past(static_cast<std::int64_t>(i / 2), static_cast<int>(i % 2)));
  }
  for (const onnx::InputValue& value : wanted) binding.BindOutput(value.name.c_str(), cpu);
  ort.session.Run(Ort::RunOptions{nullptr}, binding);
  return binding.GetOutputValues();
}

Calibration::Calibration(std::unique_ptr<State> state) : state_(std::move(state)) {}
Calibration::~Calibration() = default;

std::uint64_t Calibration::memory_bytes() const { return state_->options.moments_bytes; }

Result<std::unique_ptr<Calibration>> Calibration::open(const ModelFolder& folder,
                                                       const ::onnx::ModelProto& model,
                                                       const std::vector<std::string>& inputs,
                                                       CalibrationOptions options) {
  HEARTH_CHECK(!options.tokens.empty() && options.threads >= 1);
  auto state = std::make_unique<State>();
  state->graph = folder.graph;
  state->io = folder.config.io;
  HEARTH_TRY(state->kv, kv_shape(folder.graph));
  std::int64_t longest = folder.config.context_length;
  if (folder.graph.long_rope) {
    longest = std::min(longest, folder.graph.long_rope->threshold_tokens);
  }
  state->stretch_tokens =
      std::min(state->stretch_tokens, static_cast<std::size_t>(std::max<std::int64_t>(1, longest)));
  for (std::int64_t layer = 0; layer < folder.graph.layers; ++layer) {
    for (const auto* pattern : {&state->io.past_key, &state->io.past_value}) {
      HEARTH_TRY(std::string name, onnx::layer_name(*pattern, layer));
      state->past_names.push_back(std::move(name));
    }
  }
  HEARTH_TRY(state->ort, open_observed_session(with_outputs(model, inputs),
                                               folder.model_file.parent_path(), options.threads));
  state->options = std::move(options);
  return std::unique_ptr<Calibration>(new Calibration(std::move(state)));
}

Result<std::vector<std::vector<float>>> Calibration::moments(
    std::span<const onnx::InputValue> inputs) {
  return guard_ort(
      "running the calibration text", [&]() -> Result<std::vector<std::vector<float>>> {
        std::vector<onnx::SecondMoments> sums;
        for (const onnx::InputValue& input : inputs) sums.emplace_back(input.width);
        const std::span<const TokenId> text(state_->options.tokens);
        for (std::size_t done = 0; done < text.size();) {
          const auto stretch =
              text.subspan(done, std::min(state_->stretch_tokens, text.size() - done));
          HEARTH_TRY(const auto values, state_->run(stretch, inputs));
          HEARTH_TRY_VOID(add_rows(values, inputs, static_cast<std::int64_t>(stretch.size()),
                                   state_->options.threads, sums));
          done += stretch.size();
          if (state_->options.progress && !state_->options.progress(done, text.size())) {
            return fail(ErrorCode::kCancelled, "the calibration was cancelled");
          }
        }
        std::vector<std::vector<float>> moments;
        moments.reserve(sums.size());
        for (onnx::SecondMoments& sum : sums) moments.push_back(std::move(sum).take());
        return moments;
      });
}

}  // namespace hearth::runtime
