// Turns a configuration into a plan: the finished graph, and where every tensor's bytes come from.
#include "onnx/decoder_builder.h"

#include "onnx/decoder_nodes.h"
#include "onnx/graph_maker.h"
#include "onnx/model_file.h"
#include "onnx/tensor_job.h"

namespace hearth::onnx {
namespace {

/// Switches that contradict the precision or each other.
Result<void> check_combination(const DecoderConfig& config, Precision precision) {
  HEARTH_TRY_VOID(check_decoder_config(config, "the configuration"));
  const bool quantised = precision == Precision::kInt4 || precision == Precision::kInt8;
  const auto refuse = [&](const char* what) {
    return fail(ErrorCode::kInvalidArgument, std::string(what) + " (precision is " +
                                                 std::string(precision_name(precision)) + ")");
  };
  if (!quantised && config.switches.quantised_embedding) {
    return refuse("quantised_embedding needs precision int4 or int8");
  }
  if (!quantised && config.switches.asymmetric) {
    return refuse("asymmetric needs precision int4 or int8");
  }
  if (config.switches.quantised_embedding && config.hidden_size % config.switches.block_size != 0) {
    return refuse("quantised_embedding needs hidden_size to be a multiple of block_size");
  }
  if (config.switches.fp16_io && precision == Precision::kFp32) {
    return refuse("fp16_io contradicts precision fp32");
  }
  return {};
}

}  // namespace

DecoderPlan::DecoderPlan() = default;
DecoderPlan::DecoderPlan(DecoderPlan&&) noexcept = default;
DecoderPlan& DecoderPlan::operator=(DecoderPlan&&) noexcept = default;
DecoderPlan::~DecoderPlan() = default;

Result<DecoderPlan> DecoderPlan::make(const DecoderConfig& config, Precision precision) {
  HEARTH_TRY_VOID(check_combination(config, precision));
  DecoderPlan plan;
  plan.config_ = config;
  plan.precision_ = precision;
  plan.model_.set_ir_version(7);
  plan.model_.set_producer_name("onnxruntime-genai");
  plan.model_.set_producer_version("0.0.0");
  plan.model_.add_opset_import()->set_version(14);
  auto* microsoft = plan.model_.add_opset_import();
  microsoft->set_domain(kMicrosoft);
  microsoft->set_version(1);
  DecoderGraphBuilder builder(plan.config_, precision, *plan.model_.mutable_graph());
  builder.build();
  plan.jobs_ = builder.finish(plan.data_bytes_);
  if (plan.model_bytes() > kModelFileBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                "the rotary tables inside the graph exceed what a model file can hold; lower "
                "max_position_embeddings");
  }
  return plan;
}

}  // namespace hearth::onnx
