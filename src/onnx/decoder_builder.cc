// The released decoder graph, node by node.
#include "onnx/decoder_builder.h"

#include <cmath>
#include <utility>

#include "onnx/graph_maker.h"
#include "onnx/graph_view.h"
#include "onnx/half.h"

namespace hearth::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;

const std::string kMicrosoft{kMicrosoftDomain};
const std::string kMaskPath = "/model/attn_mask_reformat/attn_mask_subgraph";
constexpr const char* kMaskGather = "/model/attn_mask_reformat/attn_mask_subgraph/Gather";
const Dim kBatch = std::string("batch_size");
const Dim kSequence = std::string("sequence_length");

/// "/model/layers.3/attn/o_proj/MatMul" belongs to "model.layers.3.attn.o_proj.MatMul".
std::string tensor_path(const std::string& node_path) {
  std::string name = node_path.substr(1);
  for (char& c : name) {
    if (c == '/') c = '.';
  }
  return name;
}

/// Builds one graph. The methods run in the order in which the released builder makes its nodes.
class DecoderGraphBuilder {
 public:
  DecoderGraphBuilder(const DecoderConfig& config, Precision precision, GraphProto& graph)
      : config_(config),
        precision_(precision),
        half_(config.switches.fp16_io || precision == Precision::kFp16),
        io_type_(half_ ? TensorProto::FLOAT16 : TensorProto::FLOAT),
        graph_(graph),
        maker_(graph) {}

  void build() {
    graph_.set_name("main_graph");
    // Old builders make these first, although they read what comes later: files are not sorted.
    if (config_.switches.position_ids) {
      make_position_ids();
    } else if (config_.has_long_rope()) {
      make_rotary_switch();
    }
    make_mask_reformatting();
    std::string hidden = make_embedding();
    std::string skip;
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) make_layer(layer, hidden, skip);
    make_head(hidden, skip);
    make_inputs_and_outputs();
  }

  std::vector<TensorJob> finish(std::uint64_t& data_bytes) {
    return maker_.finish(kDataFileName, data_bytes);
  }

 private:
  bool quantised() const {
    return precision_ == Precision::kInt4 || precision_ == Precision::kInt8;
  }
  bool packed_qkv() const { return !config_.switches.position_ids && !config_.switches.qk_norm; }
  bool shared_embedding() const {
    return config_.switches.quantised_embedding && config_.tie_word_embeddings;
  }
  QuantFormat format() const {
    return {precision_ == Precision::kInt8 ? 8 : 4, config_.switches.block_size,
            config_.switches.asymmetric, half_ ? ScaleType::kFloat16 : ScaleType::kFloat32};
  }

  /// A job that copies one weight as it is.
  TensorJob rows_job(const std::string& name, const std::vector<WeightId>& parts) const {
    TensorJob job;
    job.parts = parts;
    for (const WeightId& part : parts) job.rows += part.rows;
    job.columns = parts.front().columns;
    job.half = half_;
    job.data.name = name;
    return job;
  }

  void make_vector(const std::string& name, const std::vector<WeightId>& parts) {
    std::int64_t length = 0;
    for (const WeightId& part : parts) length += part.columns;
    maker_.external(rows_job(name, parts), io_type_, {length});
  }

  /// A matrix in the format of MatMulNBits; `by_rows` keeps scales and zero points two-dimensional.
  void make_quantised(const std::string& weight, const std::vector<WeightId>& parts, bool by_rows,
                      bool flat_packed) {
    TensorJob job = rows_job(weight + quantised_suffix(), parts);
    job.kind = TensorJob::Kind::kQuantised;
    job.format = format();
    job.scales.name = weight + "_scales";
    job.zero_points.name = weight + "_zero_points";
    const std::int64_t n = job.rows;
    const std::int64_t blocks = job.format.blocks(job.columns);
    const std::int64_t row_bytes = job.format.row_bytes(job.columns);
    const std::int64_t zero_bytes = job.format.zero_point_row_bytes(job.columns);
    GraphMaker::QuantisedDims dims;
    dims.packed =
        flat_packed ? std::vector{n, row_bytes} : std::vector{n, blocks, row_bytes / blocks};
    dims.scales = by_rows ? std::vector{n, blocks} : std::vector{n * blocks};
    dims.zero_points = by_rows ? std::vector{n, zero_bytes} : std::vector{n * zero_bytes};
    maker_.external_quantised(std::move(job), io_type_, dims);
  }

  std::string quantised_suffix() const { return precision_ == Precision::kInt8 ? "_Q8" : "_Q4"; }

  /// y = x W^T. Returns y's name; `output` overrides it.
  std::string make_matmul(const std::string& path, const std::string& input,
                          const std::vector<WeightId>& parts, std::string output = {}) {
    if (output.empty()) output = path + "/output_0";
    const std::string weight = tensor_path(path) + ".weight";
    std::int64_t n = 0;
    for (const WeightId& part : parts) n += part.rows;
    const std::int64_t k = parts.front().columns;
    if (quantised()) {
      const bool is_shared = shared_embedding() && parts.front().role == WeightRole::kEmbedding;
      make_quantised(weight, parts, is_shared, false);
      std::vector<std::string> inputs{input, weight + quantised_suffix(), weight + "_scales"};
      if (config_.switches.asymmetric) inputs.push_back(weight + "_zero_points");
      NodeProto& node =
          maker_.node("MatMulNBits", path + quantised_suffix(), inputs, {output}, kMicrosoft);
      set_int(node, "K", k);
      set_int(node, "N", n);
      if (config_.switches.accuracy_level > 0) {
        set_int(node, "accuracy_level", config_.switches.accuracy_level);
      }
      set_int(node, "bits", format().bits);
      set_int(node, "block_size", format().block_size);
    } else {
      TensorJob job = rows_job(weight, parts);
      job.kind = TensorJob::Kind::kTransposed;
      maker_.external(std::move(job), io_type_, {k, n});
      maker_.node("MatMul", path, {input, weight}, {output});
    }
    maker_.value(output, io_type_, {kBatch, kSequence, n});
    return output;
  }

  std::string make_bias(const std::string& path, const std::string& input,
                        const std::vector<WeightId>& parts) {
    const std::string name = tensor_path(path) + ".bias";
    make_vector(name, parts);
    std::int64_t width = 0;
    for (const WeightId& part : parts) width += part.columns;
    return maker_.simple("Add", path, {input, name}, io_type_, {kBatch, kSequence, width});
  }

  // --- before the layers -------------------------------------------------------------------------

  /// Constant tables in both branches of an If on the total length.
  void make_rotary_switch() {
    const std::string base = "/model/rotemb_caches_subgraph";
    const std::string greater =
        maker_.simple("Greater", base + "/Greater",
                      {std::string(kMaskGather) + "/output_0",
                       GraphMaker::scalar(config_.original_max_position_embeddings)},
                      TensorProto::BOOL, {});
    NodeProto& node = maker_.node("If", base + "/If", {greater}, {"cos_cache", "sin_cache"});
    add_branch(node, "then_branch", "large", RotaryTable::kLong);
    add_branch(node, "else_branch", "small", RotaryTable::kShort);
    declare_rotary_caches();
  }

  void declare_rotary_caches() {
    const Shape shape{std::string("max_sequence_length"), std::string("head_dim / 2")};
    maker_.value("cos_cache", io_type_, shape);
    maker_.value("sin_cache", io_type_, shape);
  }

  void add_branch(NodeProto& node, const std::string& branch, const std::string& size,
                  RotaryTable table) {
    AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(branch);
    attribute.set_type(AttributeProto::GRAPH);
    GraphProto& body = *attribute.mutable_g();
    const Shape shape{rotary_rows(config_, table), config_.rotary_dim() / 2};
    for (const bool sine : {false, true}) {
      const std::string cache = sine ? "sin_cache" : "cos_cache";
      NodeProto& constant = *body.add_node();
      constant.add_output(cache + "_" + size);
      constant.set_name("/" + size + "/" + cache + "/Constant");
      constant.set_op_type("Constant");
      AttributeProto& value = *constant.add_attribute();
      value.set_name("value");
      value.set_type(AttributeProto::TENSOR);
      fill_inline_table(*value.mutable_t(), table, sine);
    }
    body.set_name(size + "_rotemb_caches_graph");
    for (const char* cache : {"cos_cache_", "sin_cache_"}) {
      declare(*body.add_output(), cache + size, io_type_, &shape);
    }
  }

  void fill_inline_table(TensorProto& tensor, RotaryTable table, bool sine) const {
    const std::int64_t rows = rotary_rows(config_, table);
    tensor.add_dims(rows);
    tensor.add_dims(config_.rotary_dim() / 2);
    tensor.set_data_type(io_type_);
    std::vector<float> values(static_cast<std::size_t>(rows * config_.rotary_dim() / 2));
    fill_rotary_rows(config_, table, sine, 0, values);
    if (!half_) {
      tensor.set_raw_data(values.data(), values.size() * sizeof(float));
      return;
    }
    std::vector<std::uint16_t> halves;
    halves.reserve(values.size());
    for (const float value : values) halves.push_back(to_half(value));
    tensor.set_raw_data(halves.data(), halves.size() * sizeof(std::uint16_t));
  }

  /// One cos and one sin table as external tensors.
  void make_external_caches(RotaryTable table) {
    for (const bool sine : {false, true}) {
      TensorJob job;
      job.kind = TensorJob::Kind::kRotaryTable;
      job.table = table;
      job.sine = sine;
      job.rows = rotary_rows(config_, table);
      job.columns = config_.rotary_dim() / 2;
      job.half = half_;
      job.data.name = sine ? "sin_cache" : "cos_cache";
      const std::vector<std::int64_t> dims{job.rows, job.columns};
      maker_.external(std::move(job), io_type_, dims);
    }
  }

  /// Positions for RotaryEmbedding: shifted into the long part of the joined table once the last
  /// one passes the short part, or only reshaped where there is one table.
  void make_position_ids() {
    const std::string base = "/model/pos_ids_reformat";
    const Shape ids{kBatch, kSequence};
    if (!config_.has_long_rope()) {
      const std::string shape =
          maker_.simple("Shape", base + "/Shape", {"input_ids"}, TensorProto::INT64, {Dim(2)});
      const std::string length = make_gather(base + "/Gather", shape);
      const std::string unsqueezed =
          maker_.simple("Unsqueeze", base + "/Unsqueeze", {length, GraphMaker::list({0})},
                        TensorProto::INT64, {Dim(1)});
      const std::string concat =
          maker_.simple("Concat", base + "/Concat", {GraphMaker::list({-1}), unsqueezed},
                        TensorProto::INT64, {Dim(2)});
      set_int(last_node(), "axis", 0);
      position_ids_ = maker_.simple("Reshape", base + "/Reshape", {"position_ids", concat},
                                    TensorProto::INT64, ids);
      return;
    }
    make_external_caches(RotaryTable::kJoined);
    declare_rotary_caches();
    const std::string boundary = GraphMaker::scalar(config_.original_max_position_embeddings);
    const std::string last =
        maker_.simple("ReduceMax", base + "/ReduceMax", {"position_ids"}, TensorProto::INT64, {});
    set_int(last_node(), "keepdims", 0);
    const std::string is_long = maker_.simple("GreaterOrEqual", base + "/GreaterOrEqual",
                                              {last, boundary}, TensorProto::BOOL, {});
    const std::string as_number = make_cast(base + "/Cast", is_long, TensorProto::INT64);
    const std::string shift =
        maker_.simple("Mul", base + "/Mul", {as_number, boundary}, TensorProto::INT64, {});
    position_ids_ =
        maker_.simple("Add", base + "/Add_1", {shift, "position_ids"}, TensorProto::INT64, ids);
  }

  NodeProto& last_node() { return *graph_.mutable_node(graph_.node_size() - 1); }

  /// Element 1 of a shape.
  std::string make_gather(const std::string& path, const std::string& shape) {
    std::string output =
        maker_.simple("Gather", path, {shape, GraphMaker::scalar(1)}, TensorProto::INT64, {});
    set_int(last_node(), "axis", 0);
    return output;
  }

  std::string make_cast(const std::string& path, const std::string& input, std::int32_t type) {
    std::string output = path + "/output_0";
    set_int(maker_.node("Cast", path, {input}, {output}), "to", type);
    maker_.value_of_unknown_shape(output, type);
    return output;
  }

  /// seqlens_k [batch, 1] and total_sequence_length from the attention mask.
  void make_mask_reformatting() {
    const Shape shape{kBatch, Dim(1)};
    const std::string one = GraphMaker::list({1});
    const std::string sum = maker_.simple("ReduceSum", kMaskPath + "/ReduceSum",
                                          {"attention_mask", one}, TensorProto::INT64, shape);
    const std::string less_one =
        maker_.simple("Sub", kMaskPath + "/Sub", {sum, one}, TensorProto::INT64, shape);
    past_lengths_ =
        maker_.simple("Cast", kMaskPath + "/Sub/Cast", {less_one}, TensorProto::INT32, shape);
    set_int(last_node(), "to", TensorProto::INT32);
    const std::string mask_shape = maker_.simple("Shape", kMaskPath + "/Shape", {"attention_mask"},
                                                 TensorProto::INT64, {Dim(2)});
    const std::string total = make_gather(kMaskGather, mask_shape);
    total_length_ = make_cast(std::string(kMaskGather) + "/Cast", total, TensorProto::INT32);
  }

  WeightId embedding_id() const {
    return {WeightRole::kEmbedding, -1, config_.vocab_size, config_.hidden_size};
  }

  std::string make_embedding() {
    const std::string base = "/model/embed_tokens";
    const Shape shape{kBatch, kSequence, config_.hidden_size};
    if (!config_.switches.quantised_embedding) {
      const std::string weight = "model.embed_tokens.weight";
      maker_.external(rows_job(weight, {embedding_id()}), io_type_,
                      {config_.vocab_size, config_.hidden_size});
      return maker_.simple("Gather", base + "/Gather", {weight, "input_ids"}, io_type_, shape);
    }
    const std::int64_t row_bytes = format().row_bytes(config_.hidden_size);
    std::string weight = "model.embed_tokens.weight";
    std::string packed = weight + quantised_suffix();
    if (shared_embedding()) {
      weight = "lm_head.MatMul.weight";
      packed = maker_.simple(
          "Reshape", base + "/Reshape",
          {weight + quantised_suffix(), GraphMaker::list({config_.vocab_size, row_bytes})},
          TensorProto::UINT8, {config_.vocab_size, row_bytes});
    } else {
      make_quantised(weight, {embedding_id()}, true, true);
    }
    std::vector<std::string> inputs{packed, "input_ids", weight + "_scales"};
    if (config_.switches.asymmetric) inputs.push_back(weight + "_zero_points");
    std::string output = base + "/GatherBlockQuantized/output_0";
    NodeProto& node = maker_.node("GatherBlockQuantized", base + "/GatherBlockQuantized", inputs,
                                  {output}, kMicrosoft);
    set_int(node, "bits", format().bits);
    set_int(node, "block_size", format().block_size);
    set_int(node, "gather_axis", 0);
    set_int(node, "quantize_axis", 1);
    maker_.value(output, io_type_, shape);
    return output;
  }

  // --- one layer ---------------------------------------------------------------------------------

  WeightId layer_weight(WeightRole role, std::int64_t rows, std::int64_t columns) const {
    return {role, layer_, rows, columns};
  }

  /// RMS norm of hidden + skip (of hidden alone where skip is empty). `hidden` becomes the sum,
  /// unless this is the last norm. Returns the normalised value.
  std::string make_norm(const std::string& location, const WeightId& weight_id, std::string& hidden,
                        const std::string& skip, bool is_last) {
    const std::string layer = std::to_string(layer_);
    const std::string path = "/model/layers." + layer + "/" + location + "_layernorm";
    const std::string weight = "model.layers." + layer + "." + location + "_layernorm.weight";
    make_vector(weight, {weight_id});
    const Shape shape{kBatch, kSequence, config_.hidden_size};
    std::string output = path + "/output_0";
    const auto epsilon = static_cast<float>(config_.rms_norm_eps);
    if (skip.empty()) {
      NodeProto& node = maker_.node("SimplifiedLayerNormalization", path + "/LayerNorm",
                                    {hidden, weight}, {output});
      set_float(node, "epsilon", epsilon);
      set_int(node, "axis", -1);
      set_int(node, "stash_type", 1);
      maker_.value(output, io_type_, shape);
      return output;
    }
    const std::string sum = path + "/output_3";
    const std::vector<std::string> outputs =
        is_last ? std::vector<std::string>{output} : std::vector<std::string>{output, "", "", sum};
    NodeProto& node = maker_.node("SkipSimplifiedLayerNormalization", path + "/SkipLayerNorm",
                                  {hidden, skip, weight}, outputs, kMicrosoft);
    set_float(node, "epsilon", epsilon);
    maker_.value(output, io_type_, shape);
    if (!is_last) {
      maker_.value(sum, io_type_, shape);
      hidden = sum;
    }
    return output;
  }

  void make_layer(std::int64_t layer, std::string& hidden, std::string& skip) {
    layer_ = layer;
    const std::int64_t width = config_.hidden_size;
    const std::string attention_in =
        make_norm("input", layer_weight(WeightRole::kInputNorm, 1, width), hidden, skip, false);
    skip = make_attention(attention_in);
    const std::string mlp_in =
        make_norm("post_attention", layer_weight(WeightRole::kPostAttentionNorm, 1, width), hidden,
                  skip, false);
    skip = make_mlp(mlp_in);
  }

  /// What goes into the attention operator; key and value are empty when packed into the query.
  struct Projections {
    std::string query;
    std::string key;
    std::string value;
  };

  Projections make_projections(const std::string& path, const std::string& input) {
    const std::int64_t q = config_.query_width();
    const std::int64_t kv = config_.kv_width();
    const std::int64_t h = config_.hidden_size;
    const WeightId query = layer_weight(WeightRole::kQuery, q, h);
    const WeightId key = layer_weight(WeightRole::kKey, kv, h);
    const WeightId value = layer_weight(WeightRole::kValue, kv, h);
    const WeightId query_bias = layer_weight(WeightRole::kQueryBias, 1, q);
    const WeightId key_bias = layer_weight(WeightRole::kKeyBias, 1, kv);
    const WeightId value_bias = layer_weight(WeightRole::kValueBias, 1, kv);
    Projections out;
    if (packed_qkv()) {
      out.query = make_matmul(path + "/qkv_proj/MatMul", input, {query, key, value});
      if (config_.switches.qkv_bias) {
        out.query =
            make_bias(path + "/qkv_proj/Add", out.query, {query_bias, key_bias, value_bias});
      }
      return out;
    }
    out.query = make_matmul(path + "/q_proj/MatMul", input, {query});
    out.key = make_matmul(path + "/k_proj/MatMul", input, {key});
    out.value = make_matmul(path + "/v_proj/MatMul", input, {value});
    if (config_.switches.qkv_bias) {
      out.query = make_bias(path + "/q_proj/Add", out.query, {query_bias});
      out.key = make_bias(path + "/k_proj/Add", out.key, {key_bias});
      out.value = make_bias(path + "/v_proj/Add", out.value, {value_bias});
    }
    return out;
  }

  /// A norm over each head of a projection.
  std::string make_head_norm(const std::string& path, const std::string& input, WeightRole role,
                             std::int64_t heads) {
    const std::int64_t dim = config_.head_dim;
    const std::string weight = tensor_path(path) + ".layernorm.weight";
    make_vector(weight, {layer_weight(role, 1, dim)});
    // Two symbols: ONNX Runtime takes values of the same symbolic shape for equally large.
    const Shape by_head{
        kBatch,
        std::string("sequence_length * ") +
            (role == WeightRole::kQueryNorm ? "num_attention_heads" : "num_key_value_heads"),
        dim};
    const std::string split = maker_.simple(
        "Reshape", path + "/Reshape_1", {input, GraphMaker::list({0, -1, dim})}, io_type_, by_head);
    const std::string norm = path + "/SimplifiedLayerNormalization";
    NodeProto& node =
        maker_.node("SimplifiedLayerNormalization", norm, {split, weight}, {norm + "/output_0"});
    set_float(node, "epsilon", static_cast<float>(config_.rms_norm_eps));
    set_int(node, "axis", -1);
    set_int(node, "stash_type", 1);
    maker_.value(norm + "/output_0", io_type_, by_head);
    return maker_.simple("Reshape", path + "/Reshape_2",
                         {norm + "/output_0", GraphMaker::list({0, -1, heads * dim})}, io_type_,
                         {kBatch, kSequence, heads * dim});
  }

  std::string make_rotary(const std::string& path, const std::string& input, std::int64_t heads) {
    const std::string output = path + "/output_0";
    NodeProto& node =
        maker_.node("RotaryEmbedding", path, {input, position_ids_, "cos_cache", "sin_cache"},
                    {output}, kMicrosoft);
    const bool whole = config_.rotary_dim() == config_.head_dim;
    set_int(node, "interleaved", 0);
    set_int(node, "num_heads", whole ? 0 : heads);
    set_int(node, "rotary_embedding_dim", whole ? 0 : config_.rotary_dim());
    maker_.value(output, io_type_, {kBatch, kSequence, heads * config_.head_dim});
    return output;
  }

  std::string make_attention(const std::string& input) {
    const std::string path = "/model/layers." + std::to_string(layer_) + "/attn";
    Projections in = make_projections(path, input);
    if (config_.switches.qk_norm) {
      in.query = make_head_norm(path + "/q_norm", in.query, WeightRole::kQueryNorm, config_.heads);
      in.key = make_head_norm(path + "/k_norm", in.key, WeightRole::kKeyNorm, config_.kv_heads);
    }
    if (!config_.has_long_rope() && layer_ == 0) make_external_caches(RotaryTable::kPlain);
    const bool rotary_inside = !config_.switches.position_ids;
    if (!rotary_inside) {
      in.query = make_rotary(path + "/q_rotary/RotaryEmbedding", in.query, config_.heads);
      in.key = make_rotary(path + "/k_rotary/RotaryEmbedding", in.key, config_.kv_heads);
    }
    const std::string past = "past_key_values." + std::to_string(layer_);
    const std::string present = "present." + std::to_string(layer_);
    const std::string name = path + "/GroupQueryAttention";
    const std::string output = name + "/output_0";
    NodeProto& node = maker_.node(
        "GroupQueryAttention", name,
        {in.query, in.key, in.value, past + ".key", past + ".value", past_lengths_, total_length_,
         rotary_inside ? "cos_cache" : "", rotary_inside ? "sin_cache" : ""},
        {output, present + ".key", present + ".value"}, kMicrosoft);
    set_int(node, "num_heads", config_.heads);
    set_int(node, "kv_num_heads", config_.kv_heads);
    set_float(node, "scale",
              static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_dim))));
    set_float(node, "softcap", 0.0F);
    set_int(node, "do_rotary", rotary_inside ? 1 : 0);
    set_int(node, "rotary_interleaved", 0);
    maker_.value(output, io_type_, {kBatch, kSequence, config_.query_width()});
    return make_matmul(
        path + "/o_proj/MatMul", output,
        {layer_weight(WeightRole::kAttentionOutput, config_.hidden_size, config_.query_width())});
  }

  std::string make_mlp(const std::string& input) {
    const std::string path = "/model/layers." + std::to_string(layer_) + "/mlp";
    const std::int64_t h = config_.hidden_size;
    const std::int64_t inner = config_.intermediate_size;
    const Shape shape{kBatch, kSequence, inner};
    const std::string gate =
        make_matmul(path + "/gate_proj/MatMul", input, {layer_weight(WeightRole::kGate, inner, h)});
    const std::string up =
        make_matmul(path + "/up_proj/MatMul", input, {layer_weight(WeightRole::kUp, inner, h)});
    const std::string sigmoid =
        maker_.simple("Sigmoid", path + "/act_fn/Sigmoid", {gate}, io_type_, shape);
    const std::string silu =
        maker_.simple("Mul", path + "/act_fn/Mul", {gate, sigmoid}, io_type_, shape);
    const std::string product = maker_.simple("Mul", path + "/Mul", {silu, up}, io_type_, shape);
    return make_matmul(path + "/down_proj/MatMul", product,
                       {layer_weight(WeightRole::kDown, h, inner)});
  }

  // --- after the layers --------------------------------------------------------------------------

  void make_head(std::string& hidden, const std::string& skip) {
    layer_ = config_.layers;
    const WeightId norm{WeightRole::kFinalNorm, -1, 1, config_.hidden_size};
    const std::string input = make_norm("final_norm", norm, hidden, skip, true);
    WeightId head = embedding_id();
    if (!config_.tie_word_embeddings) head.role = WeightRole::kLmHead;
    make_matmul("/lm_head/MatMul", input, {head}, "logits");
  }

  void make_inputs_and_outputs() {
    const Dim total = std::string("total_sequence_length");
    const Shape ids{kBatch, kSequence};
    const Shape mask{kBatch, total};
    declare(*graph_.add_input(), "input_ids", TensorProto::INT64, &ids);
    declare(*graph_.add_input(), "attention_mask", TensorProto::INT64, &mask);
    if (config_.switches.position_ids) {
      declare(*graph_.add_input(), "position_ids", TensorProto::INT64, &ids);
    }
    const Shape logits{kBatch, kSequence, config_.vocab_size};
    declare(*graph_.add_output(), "logits", io_type_, &logits);
    const Shape past{kBatch, config_.kv_heads, std::string("past_sequence_length"),
                     config_.head_dim};
    const Shape present{kBatch, config_.kv_heads, total, config_.head_dim};
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
      for (const char* part : {".key", ".value"}) {
        const std::string suffix = std::to_string(layer) + part;
        declare(*graph_.add_input(), "past_key_values." + suffix, io_type_, &past);
        declare(*graph_.add_output(), "present." + suffix, io_type_, &present);
      }
    }
  }

  const DecoderConfig& config_;
  Precision precision_;
  bool half_;
  std::int32_t io_type_;
  GraphProto& graph_;
  GraphMaker maker_;
  std::int64_t layer_ = 0;
  std::string past_lengths_;
  std::string total_length_;
  std::string position_ids_;
};

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
  if (plan.model_bytes() > (std::uint64_t{1} << 31) - 1) {
    return fail(ErrorCode::kInvalidArgument,
                "the rotary tables inside the graph exceed what a model file can hold; lower "
                "max_position_embeddings");
  }
  return plan;
}

}  // namespace hearth::onnx
