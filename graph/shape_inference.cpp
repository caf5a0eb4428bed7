#include "graph/shape_inference.h"

#include <array>
#include <cmath>
#include <limits>

namespace trireme::graph {
namespace {

using Outputs = Result<std::vector<TensorDesc>>;

bool is_plain_float(const Format* format) {
  return format == &formats::f32() || format == &formats::f16() || format == &formats::bf16();
}

bool is_integer(const Format* format) {
  return format == &formats::i32() || format == &formats::i8() || format == &formats::q8_act();
}

// The checks of one op. A failed check keeps the first reason; infer() then turns it into the error.
class Inference {
 public:
  Inference(const OpParams& params, std::span<const TensorDesc> inputs, std::span<const TensorDesc> wanted)
      : params_(params), inputs_(inputs), wanted_(wanted) {}

  Outputs infer() {
    if (int(inputs_.size()) != op_arity(params_).inputs)
      return error("it takes " + std::to_string(op_arity(params_).inputs) + " inputs, not " + std::to_string(inputs_.size()));
    for (size_t i = 0; i < inputs_.size(); ++i) check_well_formed(inputs_[i], "input " + std::to_string(i));
    if (reason_) return error(*reason_);
    auto outputs = std::visit([&](const auto& op) { return infer(op); }, params_);
    if (reason_) return error(*reason_);
    for (size_t i = 0; i < outputs.size(); ++i) check_well_formed(outputs[i], "output " + std::to_string(i));
    if (reason_) return error(*reason_);
    return outputs;
  }

 private:
  using Descs = std::vector<TensorDesc>;

  tl::unexpected<Error> error(std::string why) const {
    why += " (inputs";
    for (const TensorDesc& input : inputs_) why += " " + input.text();
    return fail(ErrorCode::kInvalidArgument, std::string(op_name(params_)), why + ")");
  }

  bool expect(bool condition, std::string_view reason) {
    if (!condition && !reason_) reason_ = std::string(reason);
    return condition;
  }

  void check_well_formed(const TensorDesc& desc, const std::string& which) {
    if (!expect(desc.format != nullptr, which + " has no format")) return;
    const Shape& shape = desc.shape;
    if (!expect(shape.rank() >= 1, which + " has no dimensions")) return;
    std::array<int64_t, kMaxRank> sizes{};
    for (int axis = 0; axis < shape.rank(); ++axis) {
      sizes[size_t(axis)] = shape[axis];
      expect(shape[axis] > 0, which + " has an empty dimension");
    }
    expect(Shape::from(std::span(sizes).first(size_t(shape.rank()))).has_value(), which + " is too large");
    expect(desc.format->block_elements > 0 && shape.back() % desc.format->block_elements == 0,
           which + " has rows that are not whole blocks of " + desc.format->name);
  }

  void expect_f32(int input, std::string_view name) {
    expect(inputs_[size_t(input)].format == &formats::f32(), std::string(name) + " must be F32");
  }
  // An activation: f32, of this rank unless 0.
  const TensorDesc& activation(int input, std::string_view name, int rank) {
    const TensorDesc& desc = inputs_[size_t(input)];
    expect_f32(input, name);
    expect(rank == 0 || desc.shape.rank() == rank, std::string(name) + " must have " + std::to_string(rank) + " dimensions");
    return desc;
  }
  // An I32 vector with one number a row of `rows`.
  void row_numbers(int input, std::string_view name, const TensorDesc& rows) {
    const TensorDesc& desc = inputs_[size_t(input)];
    expect(desc.format == &formats::i32() && desc.shape.rank() == 1, std::string(name) + " must be an I32 vector");
    expect(desc.shape[0] == rows.shape[0] && desc.rows == rows.rows, std::string(name) + " must have one number for each row");
  }
  void weight_vector(int input, std::string_view name, int64_t size) {
    const TensorDesc& desc = inputs_[size_t(input)];
    expect(is_plain_float(desc.format) && desc.rows == RowDomain::kFixed, std::string(name) + " must be F32, F16 or BF16");
    expect(desc.shape == Shape{size}, std::string(name) + " must have " + std::to_string(size) + " elements");
  }
  void weight_matrix(int input, std::string_view name) {
    const TensorDesc& desc = inputs_[size_t(input)];
    expect(desc.shape.rank() == 2 && desc.rows == RowDomain::kFixed, std::string(name) + " must be a fixed matrix");
    expect(!is_integer(desc.format), std::string(name) + " must have a format with float values");
  }
  void finite(float value, std::string_view name) { expect(std::isfinite(value), std::string(name) + " must be finite"); }

  static TensorDesc with_back(const TensorDesc& x, int64_t size) {
    TensorDesc y = x;
    y.shape[y.shape.rank() - 1] = size;
    y.format = &formats::f32();
    return y;
  }
  static TensorDesc quantized(TensorDesc y, bool quantize) {
    if (quantize) y.format = &formats::q8_act();
    return y;
  }

  Descs infer(const EmbedRows& op) {
    finite(op.scale, "scale");
    weight_matrix(0, "table");
    const TensorDesc& ids = inputs_[1];
    expect(ids.format == &formats::i32() && ids.shape.rank() == 1, "ids must be an I32 vector");
    return {{Shape{ids.shape[0], inputs_[0].shape.back()}, &formats::f32(), ids.rows}};
  }

  Descs infer(const QuantizeQ8&) { return {quantized(activation(0, "x", 2), true)}; }

  // The x of a matmul, checked against `columns` of its weight.
  const TensorDesc& matmul_input(ActScheme act, int weight) {
    const TensorDesc& x = inputs_[0];
    const Format& wanted = act == ActScheme::kQ8 ? formats::q8_act() : formats::f32();
    expect(x.format == &wanted, "x must be " + wanted.name);
    expect(x.shape.rank() == 2, "x must have 2 dimensions");
    weight_matrix(weight, "the weight");
    expect(x.shape.back() == inputs_[size_t(weight)].shape.back(), "x and the weight must have the same columns");
    return x;
  }

  Descs infer(const Matmul& op) {
    const TensorDesc y = with_back(matmul_input(op.act, 1), inputs_[1].shape[0]);
    int next = 2;
    if (op.has_bias) weight_vector(next++, "the bias", y.shape.back());
    if (op.has_residual) expect(inputs_[size_t(next)] == y, "the residual must be " + y.text());
    return {y};
  }

  Descs infer(const MatmulGlu& op) {
    const TensorDesc y = with_back(matmul_input(op.act, 1), inputs_[1].shape[0]);
    matmul_input(op.act, 2);
    expect(inputs_[1].shape == inputs_[2].shape, "both weights must have the same shape");
    return {quantized(y, op.quantize)};
  }

  void norm(const RmsNorm& op) {
    finite(op.weight_offset, "weight_offset");
    expect(std::isfinite(op.epsilon) && op.epsilon >= 0, "epsilon must be a number of at least 0");
  }

  Descs infer(const RmsNorm& op) {
    norm(op);
    const TensorDesc& x = activation(0, "x", 0);
    weight_vector(1, "the weight", x.shape.back());
    return {x};
  }

  Descs infer(const FusedNorm& op) {
    norm(op.norm);
    const TensorDesc& x = activation(0, "x", 2);
    if (op.has_residual) expect(inputs_[1] == x, "the residual must be " + x.text());
    weight_vector(op.has_residual ? 2 : 1, "the weight", x.shape.back());
    Descs outputs;
    if (op.has_residual) outputs.push_back(x);
    outputs.push_back(quantized(x, op.quantize));
    return outputs;
  }

  Descs infer(const Binary&) {
    const TensorDesc& a = activation(0, "a", 0);
    const TensorDesc& b = inputs_[1];
    const bool vector = is_plain_float(b.format) && b.rows == RowDomain::kFixed && b.shape == Shape{a.shape.back()};
    expect(b == a || vector, "b must be like a, or a vector of its last dimension");
    return {a};
  }

  Descs infer(const Unary&) { return {activation(0, "x", 0)}; }

  Descs infer(const Scale& op) {
    finite(op.factor, "factor");
    return {activation(0, "x", 0)};
  }

  Descs infer(const Softcap& op) {
    expect(std::isfinite(op.cap) && op.cap > 0, "cap must be positive");
    return {activation(0, "x", 0)};
  }

  Descs infer(const Glu&) {
    const TensorDesc& gate = activation(0, "gate", 2);
    expect(inputs_[1] == gate, "gate and up must be alike");
    return {gate};
  }

  void rope(const Rope& op, const TensorDesc& x, int frequencies) {
    finite(op.magnitude, "magnitude");
    const TensorDesc& table = inputs_[size_t(frequencies)];
    expect_f32(frequencies, "frequencies");
    expect(table.shape.rank() == 1 && table.rows == RowDomain::kFixed && table.shape[0] <= x.shape.back() / 2,
           "frequencies must be a vector of at most half a head's width");
  }

  Descs infer(const Rope& op) {
    const TensorDesc& x = activation(0, "x", 3);
    if (reason_) return {};
    row_numbers(1, "positions", x);
    rope(op, x, 2);
    return {x};
  }

  // Both caches [blocks, Hkv, block_size, D] for this Hkv and D.
  void caches(int kcache, int64_t kv_heads, int64_t head_dim) {
    const TensorDesc& k = inputs_[size_t(kcache)];
    expect(k == inputs_[size_t(kcache) + 1], "kcache and vcache must be alike");
    expect((k.format == &formats::f16() || k.format == &formats::f32()) && k.rows == RowDomain::kFixed,
           "the caches must be F16 or F32");
    if (!expect(k.shape.rank() == 4, "the caches must have 4 dimensions")) return;
    expect(k.shape[1] == kv_heads && k.shape[3] == head_dim, "the caches must have the KV heads' number and width");
    expect(k.shape[0] <= std::numeric_limits<int32_t>::max() / k.shape[2], "the caches have more slots than an I32 counts");
  }

  void stored_rows(int slots, int kcache) {
    const TensorDesc& k = activation(slots == 2 ? 0 : 1, "k", 3);
    expect(inputs_[slots == 2 ? 1 : 2] == k, "k and v must be alike");
    if (reason_) return;
    row_numbers(slots, "slots", k);
    caches(kcache, k.shape[1], k.shape[2]);
  }

  Descs infer(const KvStore&) {
    stored_rows(2, 3);
    return {inputs_[3], inputs_[4]};
  }

  Descs infer(const Attention& op) {
    finite(op.scale, "scale");
    expect(std::isfinite(op.softcap) && op.softcap >= 0, "softcap must be a number of at least 0");
    expect(op.window >= 0, "window must be at least 0");
    const TensorDesc& q = activation(0, "q", 3);
    const TensorDesc& table = inputs_[3];
    expect(inputs_[1].shape.rank() == 4, "the caches must have 4 dimensions");
    expect(table.format == &formats::i32() && table.shape.rank() == 2 && table.rows == RowDomain::kFixed,
           "block_table must be a fixed I32 matrix");
    if (reason_) return {};
    const int64_t kv_heads = inputs_[1].shape[1];
    caches(1, kv_heads, q.shape[2]);
    expect(q.shape[1] % kv_heads == 0, "the KV heads must divide the query heads");
    row_numbers(4, "positions", q);
    row_numbers(5, "sequences", q);
    return {q};
  }

  Descs infer(const RopeStore& op) {
    norm(op.norm);
    const TensorDesc& q = activation(0, "q", 3);
    const TensorDesc& k = activation(1, "k", 3);
    if (reason_) return {};
    expect(k.shape[0] == q.shape[0] && k.rows == q.rows && k.shape[2] == q.shape[2], "q and k must have rows and width alike");
    expect(q.shape[1] % k.shape[1] == 0, "the KV heads must divide the query heads");
    int next = 3;
    if (op.has_norm) {
      weight_vector(next++, "wq", q.shape[2]);
      weight_vector(next++, "wk", q.shape[2]);
    }
    row_numbers(next, "positions", q);
    rope(op.rope, q, next + 1);
    stored_rows(next + 2, next + 3);
    return {q, inputs_[size_t(next) + 3], inputs_[size_t(next) + 4]};
  }

  Descs infer(const GatherRows&) {
    const TensorDesc& x = activation(0, "x", 2);
    const TensorDesc& rows = inputs_[1];
    expect(rows.format == &formats::i32() && rows.shape.rank() == 1 && rows.rows == RowDomain::kOutputs,
           "rows must be an I32 vector in the outputs domain");
    return {{Shape{rows.shape[0], x.shape.back()}, x.format, RowDomain::kOutputs}};
  }

  Descs infer(const Softmax&) { return {activation(0, "x", 0)}; }

  Descs infer(const Argmax&) {
    const TensorDesc& x = activation(0, "x", 2);
    return {{Shape{x.shape[0]}, &formats::i32(), x.rows}};
  }

  Descs infer(const Reshape&) {
    if (!expect(wanted_.size() == 1, "the wanted shape is missing")) return {};
    const TensorDesc& x = inputs_[0];
    const TensorDesc& y = wanted_[0];
    check_well_formed(y, "the result");
    if (reason_) return {};
    expect(x.format->plain.has_value() && y.format == x.format && y.rows == x.rows, "only the shape may change");
    expect(y.shape[0] == x.shape[0] && y.shape.elements() == x.shape.elements(),
           "it must keep the first dimension and the number of elements, and become " + y.shape.text());
    return {y};
  }

  Descs infer(const Cast&) {
    if (!expect(wanted_.size() == 1, "the wanted format is missing")) return {};
    const TensorDesc& y = wanted_[0];
    expect(is_plain_float(inputs_[0].format) && is_plain_float(y.format), "it converts between F32, F16 and BF16");
    expect(y.shape == inputs_[0].shape && y.rows == inputs_[0].rows, "only the format may change");
    return {y};
  }

  const OpParams& params_;
  std::span<const TensorDesc> inputs_;
  std::span<const TensorDesc> wanted_;
  std::optional<std::string> reason_;
};

}  // namespace

Outputs infer_outputs(const OpParams& params, std::span<const TensorDesc> inputs, std::span<const TensorDesc> wanted) {
  return Inference(params, inputs, wanted).infer();
}

}  // namespace trireme::graph
