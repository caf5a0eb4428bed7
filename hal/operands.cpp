#include "hal/operands.h"

namespace trireme {
namespace {

struct WeightUseOf {
  int input;
  std::optional<WeightUse> vector_if(bool condition) const {
    return condition ? std::optional(WeightUse::kVector) : std::nullopt;
  }

  std::optional<WeightUse> operator()(const EmbedRows&) const {
    return input == 0 ? std::optional(WeightUse::kEmbedding) : std::nullopt;
  }
  std::optional<WeightUse> operator()(const Matmul& op) const {
    if (input == 1) return WeightUse::kMatmul;
    return vector_if(op.has_bias && input == 2);
  }
  std::optional<WeightUse> operator()(const MatmulGlu&) const {
    return input == 1 || input == 2 ? std::optional(WeightUse::kMatmul) : std::nullopt;
  }
  std::optional<WeightUse> operator()(const GroupedMatmul&) const {
    return input == 1 ? std::optional(WeightUse::kMatmul) : std::nullopt;
  }
  std::optional<WeightUse> operator()(const RmsNorm&) const { return vector_if(input == 1); }
  std::optional<WeightUse> operator()(const FusedNorm& op) const {
    return vector_if(input == (op.has_residual ? 2 : 1));
  }
  std::optional<WeightUse> operator()(const Rope&) const { return vector_if(input == 2); }
  std::optional<WeightUse> operator()(const RopeStore& op) const {
    if (op.has_norm) return vector_if(input == 3 || input == 4 || input == 6);
    return vector_if(input == 4);
  }
  std::optional<WeightUse> operator()(const auto&) const { return std::nullopt; }
};

}  // namespace

std::optional<WeightUse> weight_use(const OpParams& params, int input) {
  return std::visit(WeightUseOf{input}, params);
}

ActScheme act_scheme(const OpParams& params) {
  if (const auto* op = std::get_if<Matmul>(&params)) return op->act;
  if (const auto* op = std::get_if<MatmulGlu>(&params)) return op->act;
  if (const auto* op = std::get_if<GroupedMatmul>(&params)) return op->act;
  return ActScheme::kFloat;
}

bool overwrites_state(const OpParams& params) {
  return std::holds_alternative<KvStore>(params) || std::holds_alternative<RopeStore>(params);
}

}  // namespace trireme
