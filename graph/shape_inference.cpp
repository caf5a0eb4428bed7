#include "graph/shape_inference.h"

#include "hal/op_check.h"

namespace trireme::graph {
namespace {

// The outputs that an op has if its operands are right. Sizes are copied or are products that end at the largest
// number, and ranks are not looked at, so that any input is safe here; check_op() judges the whole afterwards.
struct Outputs {
  using Descs = std::vector<TensorDesc>;
  std::span<const TensorDesc> in;
  std::span<const TensorDesc> wanted;

  TensorDesc like(int input, const Format& format) const {
    TensorDesc desc = in[size_t(input)];
    desc.format = &format;
    return desc;
  }
  TensorDesc matrix(int64_t rows, int64_t columns, RowDomain domain) const {
    return {Shape{rows, columns}, &formats::f32(), domain};
  }
  static const Format& maybe_quantized(bool quantize) { return quantize ? formats::q8_act() : formats::f32(); }

  Descs operator()(const EmbedRows&) const { return {matrix(in[1].shape[0], in[0].shape[1], in[1].rows)}; }
  Descs operator()(const QuantizeQ8&) const { return {like(0, formats::q8_act())}; }
  Descs operator()(const Matmul&) const { return {matrix(in[0].shape[0], in[1].shape[0], in[0].rows)}; }
  Descs operator()(const MatmulGlu& op) const {
    TensorDesc y = matrix(in[0].shape[0], in[1].shape[0], in[0].rows);
    y.format = &maybe_quantized(op.quantize);
    return {y};
  }
  Descs operator()(const GroupedMatmul&) const {
    return {{Shape{in[0].shape[0], in[2].shape[1], in[1].shape[1]}, &formats::f32(), in[0].rows}};
  }
  Descs operator()(const TopK& op) const {
    const Shape shape{in[0].shape[0], op.k};
    return {{shape, &formats::f32(), in[0].rows}, {shape, &formats::i32(), in[0].rows}};
  }
  Descs operator()(const FusedNorm& op) const {
    const TensorDesc y = like(0, maybe_quantized(op.quantize));
    return op.has_residual ? Descs{in[0], y} : Descs{y};
  }
  Descs operator()(const KvStore&) const { return {in[3], in[4]}; }
  Descs operator()(const Attention& op) const {
    if (!op.quantize) return {in[0]};
    const int64_t columns = Shape{in[0].shape[1], in[0].shape[2]}.elements();
    return {{Shape{in[0].shape[0], columns}, &formats::q8_act(), in[0].rows}};
  }
  Descs operator()(const RopeStore& op) const {
    const size_t cache = op.has_norm ? 8 : 6;
    return {in[0], in[cache], in[cache + 1]};
  }
  Descs operator()(const GatherRows&) const { return {matrix(in[1].shape[0], in[0].shape[1], in[1].rows)}; }
  Descs operator()(const Argmax&) const { return {{Shape{in[0].shape[0]}, &formats::i32(), in[0].rows}}; }
  Descs operator()(const Reshape&) const { return {wanted.begin(), wanted.end()}; }
  Descs operator()(const Cast&) const { return {wanted.begin(), wanted.end()}; }
  Descs operator()(const auto&) const { return {in[0]}; }
};

}  // namespace

Result<std::vector<TensorDesc>> infer_outputs(const OpParams& params, std::span<const TensorDesc> inputs,
                                              std::span<const TensorDesc> wanted) {
  OpDesc op{.params = params, .inputs = {}, .outputs = {}, .label = {}};
  for (const TensorDesc& input : inputs) op.inputs.push_back({input, false});
  if (int(inputs.size()) != op_arity(params).inputs)
    return fail(
        ErrorCode::kInvalidArgument, op.text(),
        "it takes " + std::to_string(op_arity(params).inputs) + " inputs, not " + std::to_string(inputs.size()));
  op.outputs = std::visit(Outputs{inputs, wanted}, params);
  if (Status checked = check_op(op); !checked) return fail(std::move(checked).error(), "inferring " + op.text());
  return std::move(op.outputs);
}

}  // namespace trireme::graph
