#include "graph/models/decoder.h"

#include <fmt/format.h>

namespace trireme::graph {
namespace {

// The inputs and tables that every layer reads.
struct StepValues {
  ValueId positions = 0;
  ValueId sequences = 0;
  ValueId slots = 0;
  ValueId block_table = 0;
};

struct RopeValues {
  ValueId frequencies = 0;
  float magnitude = 1.0f;
};

class DecoderBuilder {
 public:
  DecoderBuilder(const Hyperparameters& h, const TensorTable& tensors, const StepShape& step)
      : h_(h), tensors_(tensors), step_(step) {}

  Result<Graph> build() {
    TRIREME_TRY(check(h_));
    TRIREME_TRY(check_step());
    const ValueId tokens = add_row_input("tokens");
    values_ = {add_row_input("positions"), add_row_input("sequences"), add_row_input("slots"),
               graph_.add_input("block_table", {Shape{step_.sequences, step_.blocks_per_sequence}, &formats::i32()})};
    const ValueId output_rows =
        graph_.add_input("output_rows", {Shape{step_.outputs}, &formats::i32(), RowDomain::kOutputs});
    TRIREME_ASSIGN(rope_, add_rope("rope.frequencies", h_.rope));
    local_rope_ = rope_;
    if (h_.local_rope) {
      TRIREME_ASSIGN(local_rope_, add_rope("rope.local_frequencies", *h_.local_rope));
    }

    layer_ = -1;
    TRIREME_ASSIGN(const ValueId table, weight("token_embd.weight", {h_.vocab, h_.width}));
    TRIREME_ASSIGN(ValueId x, graph_.add(EmbedRows{h_.embedding_scale}, {table, tokens}, "token_embd", layer_));
    for (layer_ = 0; layer_ < int(h_.layers); ++layer_) {
      TRIREME_ASSIGN(x, attention_half(x));
      TRIREME_ASSIGN(x, feed_forward_half(x));
    }
    TRIREME_TRY(head(x, output_rows, table));
    return std::move(graph_);
  }

 private:
  Status check_step() const {
    const auto at_least_one = {step_.tokens, step_.outputs,   step_.sequences, step_.blocks_per_sequence,
                               step_.blocks, step_.block_size};
    for (const int64_t size : at_least_one)
      if (size < 1) return fail(ErrorCode::kInvalidArgument, "step shape", "a size is smaller than 1");
    if (step_.outputs > step_.tokens)
      return fail(ErrorCode::kInvalidArgument, "step shape", "more rows ask for logits than there are");
    return {};
  }

  std::string block_name(std::string_view name) const { return fmt::format("blk.{}.{}", layer_, name); }

  ValueId add_row_input(std::string name) {
    return graph_.add_input(std::move(name), {Shape{step_.tokens}, &formats::i32(), RowDomain::kTokens});
  }

  Result<RopeValues> add_rope(std::string name, const RopeParameters& rope) {
    std::vector<float> factors;
    if (tensors_.find("rope_freqs.weight")) {
      TRIREME_TRY(weight_desc("rope_freqs.weight", {rope.dimensions / 2}));
      TRIREME_ASSIGN(factors, tensors_.read_floats("rope_freqs.weight"));
    }
    TRIREME_ASSIGN(RopeTable table, rope_table(rope, factors));
    const TensorDesc desc{Shape{int64_t(table.frequencies.size())}, &formats::f32()};
    return RopeValues{graph_.add_constant(std::move(name), desc, std::move(table.frequencies)), table.magnitude};
  }

  Result<TensorDesc> weight_desc(const std::string& name, Shape shape) const {
    const std::optional<TensorDesc> desc = tensors_.find(name);
    if (!desc)
      return fail(ErrorCode::kNotFound, "tensor " + name, "the model file does not have it",
                  "use a complete model file");
    if (desc->shape != shape || desc->rows != RowDomain::kFixed || !desc->format)
      return fail(ErrorCode::kCorruptData, "tensor " + name,
                  "its shape is " + desc->shape.text() + ", not " + shape.text() + " as the metadata says");
    return *desc;
  }

  Result<ValueId> weight(const std::string& name, Shape shape) {
    TRIREME_ASSIGN(const TensorDesc desc, weight_desc(name, shape));
    return graph_.add_weight(name, desc);
  }

  Result<ValueId> norm(ValueId x, const std::string& name, int64_t size) {
    TRIREME_ASSIGN(const ValueId w, weight(name + ".weight", {size}));
    return graph_.add(RmsNorm{h_.norm_epsilon, h_.norm_weight_offset}, {x, w}, name, layer_);
  }

  // With the bias where the file has one, or where it must have one.
  Result<ValueId> linear(ValueId x, const std::string& name, int64_t rows, int64_t columns, bool needs_bias = false) {
    TRIREME_ASSIGN(const ValueId w, weight(name + ".weight", {rows, columns}));
    std::vector<ValueId> inputs = {x, w};
    const bool has_bias = needs_bias || tensors_.find(name + ".bias").has_value();
    if (has_bias) {
      TRIREME_ASSIGN(const ValueId bias, weight(name + ".bias", {rows}));
      inputs.push_back(bias);
    }
    return graph_.add(Matmul{ActScheme::kFloat, has_bias, false}, std::move(inputs), name, layer_);
  }

  // A projection as heads [R, heads, D].
  Result<ValueId> heads(ValueId x, std::string_view short_name, int64_t count) {
    const std::string name = block_name(short_name);
    TRIREME_ASSIGN(const ValueId flat, linear(x, name, count * h_.head_dim, h_.width, h_.qkv_bias));
    return graph_.add_reshape(flat, {step_.tokens, count, h_.head_dim}, name, layer_);
  }

  // The same, normalised where the family does so, and turned.
  Result<ValueId> turned_heads(ValueId x, std::string_view short_name, int64_t count) {
    TRIREME_ASSIGN(ValueId y, heads(x, short_name, count));
    const std::string name = block_name(short_name);
    if (h_.qk_norm) {
      TRIREME_ASSIGN(y, norm(y, name + "_norm", h_.head_dim));
    }
    const RopeValues& rope = h_.windows[size_t(layer_)] > 0 ? local_rope_ : rope_;
    return graph_.add(Rope{h_.rope_style, rope.magnitude}, {y, values_.positions, rope.frequencies}, name + "_rope",
                      layer_);
  }

  Result<ValueId> attention_half(ValueId x) {
    TRIREME_ASSIGN(const ValueId y, norm(x, block_name("attn_norm"), h_.width));
    TRIREME_ASSIGN(const ValueId q, turned_heads(y, "attn_q", h_.heads));
    TRIREME_ASSIGN(const ValueId k, turned_heads(y, "attn_k", h_.kv_heads));
    TRIREME_ASSIGN(const ValueId v, heads(y, "attn_v", h_.kv_heads));

    const TensorDesc cache{Shape{step_.blocks, h_.kv_heads, step_.block_size, h_.head_dim}, step_.kv_format};
    const ValueId kcache = graph_.add_state(block_name("kcache"), cache);
    const ValueId vcache = graph_.add_state(block_name("vcache"), cache);
    TRIREME_ASSIGN(const std::vector<ValueId> stored,
                   graph_.add_node(KvStore{}, {k, v, values_.slots, kcache, vcache}, block_name("kv_store"), layer_));
    TRIREME_ASSIGN(const ValueId attended,
                   graph_.add(Attention{h_.attention_scale, h_.windows[size_t(layer_)]},
                              {q, stored[0], stored[1], values_.block_table, values_.positions, values_.sequences},
                              block_name("attention"), layer_));
    const int64_t width = h_.heads * h_.head_dim;
    TRIREME_ASSIGN(const ValueId flat,
                   graph_.add_reshape(attended, {step_.tokens, width}, block_name("attention"), layer_));
    TRIREME_ASSIGN(ValueId out, linear(flat, block_name("attn_output"), h_.width, width));
    if (h_.post_norms) {
      TRIREME_ASSIGN(out, norm(out, block_name("post_attention_norm"), h_.width));
    }
    return graph_.add(Binary{Binary::Kind::kAdd}, {x, out}, block_name("attn_residual"), layer_);
  }

  Result<ValueId> feed_forward_half(ValueId x) {
    TRIREME_ASSIGN(const ValueId y, norm(x, block_name("ffn_norm"), h_.width));
    TRIREME_ASSIGN(const ValueId gate, linear(y, block_name("ffn_gate"), h_.ff_width, h_.width));
    TRIREME_ASSIGN(const ValueId up, linear(y, block_name("ffn_up"), h_.ff_width, h_.width));
    TRIREME_ASSIGN(const ValueId gated, graph_.add(Glu{h_.activation}, {gate, up}, block_name("ffn_glu"), layer_));
    TRIREME_ASSIGN(ValueId out, linear(gated, block_name("ffn_down"), h_.width, h_.ff_width));
    if (h_.post_norms) {
      TRIREME_ASSIGN(out, norm(out, block_name("post_ffw_norm"), h_.width));
    }
    return graph_.add(Binary{Binary::Kind::kAdd}, {x, out}, block_name("ffn_residual"), layer_);
  }

  // Gathers before the norm, so that only the rows that ask for logits pay for it.
  Status head(ValueId x, ValueId output_rows, ValueId table) {
    TRIREME_ASSIGN(const ValueId rows, graph_.add(GatherRows{}, {x, output_rows}, "output_rows", layer_));
    TRIREME_ASSIGN(const ValueId y, norm(rows, "output_norm", h_.width));
    ValueId w = table;
    if (!h_.tied_embeddings) {
      TRIREME_ASSIGN(w, weight("output.weight", {h_.vocab, h_.width}));
    }
    TRIREME_ASSIGN(ValueId logits, graph_.add(Matmul{}, {y, w}, "output", layer_));
    if (h_.logit_softcap > 0) {
      TRIREME_ASSIGN(logits, graph_.add(Softcap{h_.logit_softcap}, {logits}, "output_softcap", layer_));
    }
    graph_.set_output("logits", logits);
    return {};
  }

  const Hyperparameters& h_;
  const TensorTable& tensors_;
  const StepShape& step_;
  Graph graph_;
  StepValues values_;
  RopeValues rope_;
  RopeValues local_rope_;
  int layer_ = -1;
};

}  // namespace

Result<Graph> build_decoder(const Hyperparameters& hyperparameters, const TensorTable& tensors, const StepShape& step) {
  auto graph = DecoderBuilder(hyperparameters, tensors, step).build();
  if (!graph) return fail(std::move(graph).error(), "building the " + hyperparameters.family + " graph");
  return graph;
}

}  // namespace trireme::graph
