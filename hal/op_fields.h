// The fields of each op descriptor by name, for the text form, test generators and reports: adding an op or a field
// touches hal/ops.h and this file.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "hal/ops.h"

namespace trireme {

// Enumerators with their printed names.
template <typename Enum>
struct EnumNames;

template <>
struct EnumNames<ActScheme> {
  static constexpr std::array<std::pair<ActScheme, std::string_view>, 2> kAll = {
      {{ActScheme::kFloat, "float"}, {ActScheme::kQ8, "q8"}}};
};
template <>
struct EnumNames<Activation> {
  static constexpr std::array<std::pair<Activation, std::string_view>, 7> kAll = {
      {{Activation::kSilu, "silu"},
       {Activation::kGeluTanh, "gelu_tanh"},
       {Activation::kGeluErf, "gelu_erf"},
       {Activation::kRelu, "relu"},
       {Activation::kReluSquared, "relu_squared"},
       {Activation::kSigmoid, "sigmoid"},
       {Activation::kTanh, "tanh"}}};
};
template <>
struct EnumNames<Binary::Kind> {
  static constexpr std::array<std::pair<Binary::Kind, std::string_view>, 3> kAll = {
      {{Binary::Kind::kAdd, "add"}, {Binary::Kind::kSubtract, "subtract"}, {Binary::Kind::kMultiply, "multiply"}}};
};
template <>
struct EnumNames<RopeStyle> {
  static constexpr std::array<std::pair<RopeStyle, std::string_view>, 2> kAll = {
      {{RopeStyle::kHalves, "halves"}, {RopeStyle::kInterleaved, "interleaved"}}};
};

// Calls visitor(name, field) for each field of a descriptor, nested ones included, in order of declaration. A field is
// bool, int64_t, float or an enum with EnumNames. Op is a descriptor, const or not.
template <typename Op, typename Visitor>
void visit_fields(Op& op, Visitor&& visitor) {
  using Plain = std::remove_const_t<Op>;
  if constexpr (std::is_same_v<Plain, EmbedRows>) {
    visitor("scale", op.scale);
  } else if constexpr (std::is_same_v<Plain, Matmul>) {
    visitor("act", op.act);
    visitor("has_bias", op.has_bias);
    visitor("has_residual", op.has_residual);
  } else if constexpr (std::is_same_v<Plain, GroupedMatmul>) {
    visitor("act", op.act);
  } else if constexpr (std::is_same_v<Plain, TopK>) {
    visitor("k", op.k);
  } else if constexpr (std::is_same_v<Plain, MatmulGlu>) {
    visitor("act", op.act);
    visitor("activation", op.activation);
    visitor("quantize", op.quantize);
  } else if constexpr (std::is_same_v<Plain, RmsNorm>) {
    visitor("epsilon", op.epsilon);
    visitor("weight_offset", op.weight_offset);
  } else if constexpr (std::is_same_v<Plain, FusedNorm>) {
    visit_fields(op.norm, visitor);
    visitor("has_residual", op.has_residual);
    visitor("quantize", op.quantize);
  } else if constexpr (std::is_same_v<Plain, Binary>) {
    visitor("kind", op.kind);
  } else if constexpr (std::is_same_v<Plain, Unary> || std::is_same_v<Plain, Glu>) {
    visitor("activation", op.activation);
  } else if constexpr (std::is_same_v<Plain, Scale>) {
    visitor("factor", op.factor);
  } else if constexpr (std::is_same_v<Plain, Softcap>) {
    visitor("cap", op.cap);
  } else if constexpr (std::is_same_v<Plain, Rope>) {
    visitor("style", op.style);
    visitor("magnitude", op.magnitude);
  } else if constexpr (std::is_same_v<Plain, Attention>) {
    visitor("scale", op.scale);
    visitor("window", op.window);
    visitor("softcap", op.softcap);
    visitor("quantize", op.quantize);
  } else if constexpr (std::is_same_v<Plain, RopeStore>) {
    visit_fields(op.rope, visitor);
    visitor("has_norm", op.has_norm);
    visit_fields(op.norm, visitor);
  } else {
    static_assert(std::is_empty_v<Plain>, "an op with fields must list them here");
  }
}

// The op whose op_name() this is, all its other fields at their defaults; nullopt when there is none.
std::optional<OpParams> op_from_name(std::string_view name);

}  // namespace trireme
