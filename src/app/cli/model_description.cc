#include "app/cli/model_description.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/command.h"
#include "base/file.h"
#include "onnx/tensor_size.h"

namespace hearth::app {
namespace {

std::string property_row(const char* name, const std::string& value) {
  return fmt::format("{:<18}{}\n", name, value);
}

std::string exact_size(std::uint64_t bytes) {
  return fmt::format("{} ({} bytes)", size_in_words(bytes), with_thousands(bytes));
}

std::string precisions(const onnx::DecoderGraphInfo& graph) {
  std::string text;
  for (const auto& [name, count] : graph.matmul_precisions) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", count, name);
  }
  return text.empty() ? "none recognised" : text;
}

std::string sampling_in_words(const runtime::SearchDefaults& search) {
  if (!search.do_sample) return "greedy";
  return fmt::format("temperature {}, top-p {}, top-k {}, repetition penalty {}",
                     search.temperature, search.top_p, search.top_k, search.repetition_penalty);
}

}  // namespace

std::string precision_in_words(const onnx::DecoderGraphInfo& graph) {
  const auto& counts = graph.matmul_precisions;
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "unknown precision" : most->first;
}

std::uint64_t cache_bytes_per_token(const onnx::DecoderGraphInfo& graph) {
  const auto values =
      static_cast<std::uint64_t>(2 * graph.layers * graph.kv_heads * graph.head_dim);
  const auto bits =
      static_cast<std::uint64_t>(onnx::element_bits(graph.cache_element_type).value_or(0));
  return values * bits / 8;
}

OrderedJson model_json(const runtime::ModelFolder& model) {
  const runtime::GenaiConfig& config = model.config;
  const onnx::DecoderGraphInfo& graph = model.graph;
  OrderedJson json = {
      {"name", model.name},
      {"folder", model.folder.string()},
      {"model_file", model.model_file.filename().string()},
      {"type", config.model_type},
      {"size_bytes", model.size_bytes},
      {"weight_bytes", graph.weight_bytes},
      {"bytes_read_per_token", graph.bytes_read_per_token},
      {"cache_bytes_per_token", cache_bytes_per_token(graph)},
      {"context_tokens", config.context_length},
      {"vocabulary", config.vocab_size},
      {"layers", config.num_hidden_layers},
      {"hidden_size", config.hidden_size},
      {"query_heads", config.num_attention_heads},
      {"kv_heads", config.num_key_value_heads},
      {"head_size", config.head_size},
      {"logits_type", onnx::element_type_name(graph.logits_element_type)},
      {"cache_type", onnx::element_type_name(graph.cache_element_type)},
      {"position_ids_input", graph.has_position_ids},
      {"stop_tokens", model.stop_ids},
      {"chat_template", model.chat_template.has_value()},
      {"bos_token", model.bos_token},
      {"eos_token", model.eos_token},
      {"matrices", OrderedJson::object()},
      {"sampling",
       {{"do_sample", config.search.do_sample},
        {"temperature", config.search.temperature},
        {"top_p", config.search.top_p},
        {"top_k", config.search.top_k},
        {"repetition_penalty", config.search.repetition_penalty}}},
  };
  for (const auto& [name, count] : graph.matmul_precisions) json["matrices"][name] = count;
  json["long_rope_threshold_tokens"] =
      graph.long_rope ? OrderedJson(graph.long_rope->threshold_tokens) : OrderedJson(nullptr);
  return json;
}

std::string model_text(const runtime::ModelFolder& model) {
  const runtime::GenaiConfig& config = model.config;
  const onnx::DecoderGraphInfo& graph = model.graph;
  std::string text = property_row("model", fmt::format("{} ({})", model.name, config.model_type));
  text += property_row("folder", model.folder.string());
  text += property_row("size on disk", exact_size(model.size_bytes));
  text += property_row("weights", exact_size(graph.weight_bytes));
  text += property_row("read per token", exact_size(graph.bytes_read_per_token));
  text += property_row("cache per token", exact_size(cache_bytes_per_token(graph)));
  text += property_row("matrices", precisions(graph));
  text += property_row(
      "shape", fmt::format("{} layers, hidden {}, {} query and {} key-value heads of {}, "
                           "vocabulary {}",
                           config.num_hidden_layers, config.hidden_size, config.num_attention_heads,
                           config.num_key_value_heads, config.head_size, config.vocab_size));
  text += property_row("types", fmt::format("logits {}, cache {}",
                                            onnx::element_type_name(graph.logits_element_type),
                                            onnx::element_type_name(graph.cache_element_type)));
  text += property_row("context", fmt::format("{} tokens", config.context_length));
  if (graph.long_rope) {
    text += property_row("rotary tables", fmt::format("two; the long one beyond {} tokens",
                                                      graph.long_rope->threshold_tokens));
  }
  text += property_row("stop tokens", fmt::format("{}", fmt::join(model.stop_ids, ", ")));
  text += property_row("chat template", model.chat_template ? "yes" : "no");
  text += property_row("sampling", sampling_in_words(config.search));
  return text;
}

}  // namespace hearth::app
