#include "hal/ops.h"

namespace trireme {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

}  // namespace

std::string_view op_name(const OpParams& params) {
  return std::visit(Overload{[](const EmbedRows&) { return "embed_rows"; },
                             [](const QuantizeQ8&) { return "quantize_q8"; },
                             [](const Matmul&) { return "matmul"; },
                             [](const MatmulGlu&) { return "matmul_glu"; },
                             [](const RmsNorm&) { return "rms_norm"; },
                             [](const FusedNorm&) { return "fused_norm"; },
                             [](const Binary& op) {
                               switch (op.kind) {
                                 case Binary::Kind::kAdd: return "add";
                                 case Binary::Kind::kSubtract: return "subtract";
                                 case Binary::Kind::kMultiply: return "multiply";
                               }
                               return "binary";
                             },
                             [](const Unary&) { return "unary"; },
                             [](const Scale&) { return "scale"; },
                             [](const Softcap&) { return "softcap"; },
                             [](const Glu&) { return "glu"; },
                             [](const Rope&) { return "rope"; },
                             [](const KvStore&) { return "kv_store"; },
                             [](const Attention&) { return "attention"; },
                             [](const RopeStore&) { return "rope_store"; },
                             [](const GatherRows&) { return "gather_rows"; },
                             [](const Softmax&) { return "softmax"; },
                             [](const Argmax&) { return "argmax"; },
                             [](const Reshape&) { return "reshape"; },
                             [](const Cast&) { return "cast"; },
                             [](const GroupedMatmul&) { return "grouped_matmul"; },
                             [](const TopK&) { return "top_k"; }},
                    params);
}

int aliased_input(const OpParams& params, int output) {
  if (std::holds_alternative<KvStore>(params)) return 3 + output;
  if (const auto* op = std::get_if<RopeStore>(&params); op && output > 0) return (op->has_norm ? 7 : 5) + output;
  if (std::holds_alternative<Reshape>(params)) return 0;
  return -1;
}

Arity op_arity(const OpParams& params) {
  return std::visit(Overload{[](const EmbedRows&) {
                               return Arity{2, 1};
                             },
                             [](const Matmul& op) {
                               return Arity{2 + int(op.has_bias) + int(op.has_residual), 1};
                             },
                             [](const MatmulGlu&) {
                               return Arity{3, 1};
                             },
                             [](const GroupedMatmul&) {
                               return Arity{3, 1};
                             },
                             [](const TopK&) {
                               return Arity{1, 2};
                             },
                             [](const RmsNorm&) {
                               return Arity{2, 1};
                             },
                             [](const FusedNorm& op) {
                               return Arity{2 + int(op.has_residual), 1 + int(op.has_residual)};
                             },
                             [](const Binary&) {
                               return Arity{2, 1};
                             },
                             [](const Glu&) {
                               return Arity{2, 1};
                             },
                             [](const Rope&) {
                               return Arity{3, 1};
                             },
                             [](const KvStore&) {
                               return Arity{5, 2};
                             },
                             [](const Attention&) {
                               return Arity{6, 1};
                             },
                             [](const RopeStore& op) {
                               return Arity{op.has_norm ? 10 : 8, 3};
                             },
                             [](const GatherRows&) {
                               return Arity{2, 1};
                             },
                             [](const auto&) {
                               return Arity{1, 1};
                             }},
                    params);
}

std::string OpDesc::text() const {
  std::string text(op_name(params));
  if (!label.empty()) text += " " + label;
  text += " (";
  for (size_t i = 0; i < inputs.size(); ++i) text += (i ? ", " : "") + inputs[i].desc.text();
  text += ") ->";
  for (const TensorDesc& output : outputs) text += " " + output.text();
  return text;
}

}  // namespace trireme
