#include "compiler/emit/spirv_ops.h"

#include <algorithm>

#include "compiler/kernel/evaluate.h"

namespace trireme::compiler {

using kernel::Instruction;
using kernel::kBool;
using kernel::kF32;
using kernel::kI32;
using kernel::kU32;
using kernel::Op;
using kernel::Scalar;
using kernel::Type;

namespace {

// An op that is one instruction, by the type of its first operand.
struct SpirvOp {
  Op op;
  spv::Op of_float;
  spv::Op of_signed;
  spv::Op of_unsigned;
  spv::Op of_bool = spv::OpNop;
};
constexpr SpirvOp kSpirvOps[] = {
    {Op::kAdd, spv::OpFAdd, spv::OpIAdd, spv::OpIAdd},
    {Op::kSubtract, spv::OpFSub, spv::OpISub, spv::OpISub},
    {Op::kMultiply, spv::OpFMul, spv::OpIMul, spv::OpIMul},
    {Op::kDivide, spv::OpFDiv, spv::OpSDiv, spv::OpUDiv},
    {Op::kRemainder, spv::OpNop, spv::OpSRem, spv::OpUMod},
    {Op::kNegate, spv::OpFNegate, spv::OpSNegate, spv::OpNop},
    {Op::kAnd, spv::OpNop, spv::OpBitwiseAnd, spv::OpBitwiseAnd, spv::OpLogicalAnd},
    {Op::kOr, spv::OpNop, spv::OpBitwiseOr, spv::OpBitwiseOr, spv::OpLogicalOr},
    {Op::kXor, spv::OpNop, spv::OpBitwiseXor, spv::OpBitwiseXor, spv::OpLogicalNotEqual},
    {Op::kNot, spv::OpNop, spv::OpNot, spv::OpNot, spv::OpLogicalNot},
    {Op::kShiftLeft, spv::OpNop, spv::OpShiftLeftLogical, spv::OpShiftLeftLogical},
    {Op::kShiftRight, spv::OpNop, spv::OpShiftRightArithmetic, spv::OpShiftRightLogical},
    {Op::kEqual, spv::OpFOrdEqual, spv::OpIEqual, spv::OpIEqual},
    {Op::kNotEqual, spv::OpFUnordNotEqual, spv::OpINotEqual, spv::OpINotEqual},
    {Op::kLess, spv::OpFOrdLessThan, spv::OpSLessThan, spv::OpULessThan},
    {Op::kLessEqual, spv::OpFOrdLessThanEqual, spv::OpSLessThanEqual, spv::OpULessThanEqual},
    {Op::kSelect, spv::OpNop, spv::OpNop, spv::OpNop, spv::OpSelect},
};

// An op that GLSL.std.450 has.
struct SpirvFunction {
  Op op;
  GLSLstd450 of_float;
  GLSLstd450 of_signed = GLSLstd450Bad;
  GLSLstd450 of_unsigned = GLSLstd450Bad;
};
constexpr SpirvFunction kSpirvFunctions[] = {
    {Op::kMinimum, GLSLstd450NMin, GLSLstd450SMin, GLSLstd450UMin},
    {Op::kMaximum, GLSLstd450NMax, GLSLstd450SMax, GLSLstd450UMax},
    {Op::kAbsolute, GLSLstd450FAbs, GLSLstd450SAbs},
    {Op::kFusedMultiplyAdd, GLSLstd450Fma},
    {Op::kSquareRoot, GLSLstd450Sqrt},
    {Op::kSine, GLSLstd450Sin},
    {Op::kCosine, GLSLstd450Cos},
    {Op::kFloor, GLSLstd450Floor},
    {Op::kRoundEven, GLSLstd450RoundEven},
};

}  // namespace

SpirvId SpirvOps::emit_as(SpirvId type, spv::Op op, std::vector<uint32_t> operands) {
  const SpirvId id = module_.new_id();
  operands.insert(operands.begin(), {type, id});
  body_.add(op, operands);
  return id;
}
SpirvId SpirvOps::emit(Type type, spv::Op op, std::vector<uint32_t> operands) {
  return emit_as(module_.type(type), op, std::move(operands));
}
SpirvId SpirvOps::call(Type type, GLSLstd450 function, std::vector<uint32_t> operands) {
  operands.insert(operands.begin(), {module_.functions(), uint32_t(function)});
  return emit(type, spv::OpExtInst, std::move(operands));
}
SpirvId SpirvOps::rounded(SpirvId id) {
  module_.decorate(id, spv::DecorationNoContraction);
  return id;
}

SpirvId SpirvOps::compute(const Instruction& in, Type from, Type type, const std::vector<uint32_t>& operands) {
  const uint32_t first = in.immediates[0];
  switch (in.op) {
    case Op::kExtractBits:
      if (in.immediates[1] == 32) return operands[0];
      return emit(type, type.scalar == Scalar::kI32 ? spv::OpBitFieldSExtract : spv::OpBitFieldUExtract,
                  {operands[0], constant(first), constant(in.immediates[1])});
    case Op::kConvert: return convert(from, type, operands[0]);
    case Op::kBitcast: return type == from ? operands[0] : emit(type, spv::OpBitcast, operands);
    case Op::kHalfToFloat:
      if (type.lanes > 1) return by_lane(in, from, type, operands[0]);
      return emit(kF32, spv::OpCompositeExtract, {call({Scalar::kF32, 2}, GLSLstd450UnpackHalf2x16, operands), 0});
    case Op::kFloatToHalf: return type.lanes > 1 ? by_lane(in, from, type, operands[0]) : half_bits(operands[0]);
    case Op::kExponential: return exponential(type, operands[0]);
    case Op::kPack: return emit(type, spv::OpCompositeConstruct, operands);
    case Op::kExtract: return emit(type, spv::OpCompositeExtract, {operands[0], first});
    case Op::kSplat:
      return emit(type, spv::OpCompositeConstruct, std::vector<uint32_t>(size_t(type.lanes), operands[0]));
    case Op::kDot4Signed:
    case Op::kDot4Unsigned: return dot(in.op == Op::kDot4Signed, type, operands);
    case Op::kSubgroupAdd:
    case Op::kSubgroupMaximum:
    case Op::kSubgroupBroadcast: return over_subgroup(in, type, operands[0]);
    default: return plain(in.op, from, type, operands);
  }
}

SpirvId SpirvOps::by_lane(const Instruction& in, Type from, Type type, SpirvId operand) {
  std::vector<uint32_t> lanes;
  for (uint32_t lane = 0; lane < uint32_t(type.lanes); ++lane) {
    const SpirvId part = emit(from.with_lanes(1), spv::OpCompositeExtract, {operand, lane});
    lanes.push_back(compute(in, from.with_lanes(1), type.with_lanes(1), {part}));
  }
  return emit(type, spv::OpCompositeConstruct, lanes);
}

SpirvId SpirvOps::convert(Type from, Type to, SpirvId operand) {
  if (from.is_bool())
    return emit(to, spv::OpSelect,
                {operand, module_.constant_lanes(to, to.is_float() ? 0x3f800000u : 1u), module_.constant_lanes(to, 0)});
  if (is_small(from) || is_small(to)) return emit(to, spv::OpUConvert, {operand});
  if (from.is_float()) return emit(to, to.scalar == Scalar::kI32 ? spv::OpConvertFToS : spv::OpConvertFToU, {operand});
  if (!to.is_float()) return emit(to, spv::OpBitcast, {operand});
  return emit(to, from.scalar == Scalar::kI32 ? spv::OpConvertSToF : spv::OpConvertUToF, {operand});
}

// Exp may be off by 3 + 2 |x| units in the last place, so it gets the small rest of x = n ln 2 + rest.
SpirvId SpirvOps::exponential(Type type, SpirvId x) {
  const Type integers{Scalar::kI32, type.lanes};
  const auto number = [&](float value) { return module_.constant_lanes(type, kernel::as_bits(value)); };
  const auto whole = [&](int32_t value) { return module_.constant_lanes(integers, uint32_t(value)); };
  const auto product = [&](SpirvId a, SpirvId b) { return rounded(emit(type, spv::OpFMul, {a, b})); };
  const auto difference = [&](SpirvId a, SpirvId b) { return rounded(emit(type, spv::OpFSub, {a, b})); };
  // Beyond these the result is 0 or infinite.
  const SpirvId inside = call(type, GLSLstd450NMax, {call(type, GLSLstd450NMin, {x, number(89)}), number(-104)});
  const SpirvId n = call(type, GLSLstd450RoundEven, {product(inside, number(1.44269504f))});
  // The first part of ln 2 has 9 bits: its product with n is exact.
  const SpirvId rest =
      difference(difference(inside, product(n, number(0.693359375f))), product(n, number(-2.12194440e-4f)));
  const SpirvId scale = emit(integers, spv::OpConvertFToS, {n});
  const SpirvId half = emit(integers, spv::OpShiftRightArithmetic, {scale, whole(1)});
  const auto power_of_two = [&](SpirvId exponent) {
    const SpirvId biased = emit(integers, spv::OpIAdd, {exponent, whole(127)});
    return emit(type, spv::OpBitcast, {emit(integers, spv::OpShiftLeftLogical, {biased, whole(23)})});
  };
  // 2^n by halves: it may itself be none of the normal numbers.
  const SpirvId other_half = emit(integers, spv::OpISub, {scale, half});
  const SpirvId result =
      product(product(call(type, GLSLstd450Exp, {rest}), power_of_two(half)), power_of_two(other_half));
  const SpirvId is_nan = emit({Scalar::kBool, type.lanes}, spv::OpFUnordNotEqual, {x, x});
  return emit(type, spv::OpSelect, {is_nan, x, result});
}

// PackHalf2x16 may round in any direction.
SpirvId SpirvOps::half_bits(SpirvId value) {
  const SpirvId bits = emit(kU32, spv::OpBitcast, {value});
  const SpirvId sign =
      emit(kU32, spv::OpBitwiseAnd, {emit(kU32, spv::OpShiftRightLogical, {bits, constant(16)}), constant(0x8000)});
  const SpirvId magnitude = emit(kU32, spv::OpBitwiseAnd, {bits, constant(0x7fffffff)});
  // Adding 0.5 aligns the grid of subnormal halves with the last bit of an f32 in [0.5, 1).
  const SpirvId shifted =
      rounded(emit(kF32, spv::OpFAdd, {emit(kF32, spv::OpBitcast, {magnitude}), module_.constant(kF32, 0x3f000000)}));
  const SpirvId subnormal = emit(kU32, spv::OpISub, {emit(kU32, spv::OpBitcast, {shifted}), constant(0x3f000000)});
  const SpirvId odd = emit(kU32, spv::OpBitFieldUExtract, {magnitude, constant(13), constant(1)});
  const SpirvId raised =
      emit(kU32, spv::OpIAdd, {emit(kU32, spv::OpIAdd, {magnitude, constant(0xfffu - 0x38000000u)}), odd});
  const SpirvId normal = emit(kU32, spv::OpShiftRightLogical, {raised, constant(13)});
  const auto choose = [&](spv::Op comparison, uint32_t limit, SpirvId yes, SpirvId no) {
    return emit(kU32, spv::OpSelect, {emit(kBool, comparison, {magnitude, constant(limit)}), yes, no});
  };
  const SpirvId finite = choose(spv::OpULessThan, 0x38800000, subnormal, normal);
  const SpirvId number = choose(spv::OpUGreaterThanEqual, 0x477ff000, constant(0x7c00), finite);
  return emit(kU32, spv::OpBitwiseOr, {sign, choose(spv::OpUGreaterThan, 0x7f800000, constant(0x7e00), number)});
}

SpirvId SpirvOps::dot(bool is_signed, Type type, const std::vector<uint32_t>& operands) {
  const SpirvId a = operands[0], b = operands[1];
  if (target_.integer_dot && type.lanes == 1) {
    module_.capability(spv::CapabilityDotProductKHR);
    module_.capability(spv::CapabilityDotProductInput4x8BitPackedKHR);
    module_.extension("SPV_KHR_integer_dot_product");
    const SpirvId product =
        is_signed ? emit(kI32, spv::OpSDotKHR, {a, b, spv::PackedVectorFormatPackedVectorFormat4x8BitKHR})
                  : emit(kI32, spv::OpSUDotKHR, {b, a, spv::PackedVectorFormatPackedVectorFormat4x8BitKHR});
    return emit(kI32, spv::OpIAdd, {operands[2], product});
  }
  const SpirvId right = emit(type, spv::OpBitcast, {b});
  const SpirvId left = emit(type, spv::OpBitcast, {a});
  SpirvId sum = operands[2];
  for (uint32_t bit = 0; bit < 32; bit += 8) {
    const auto field = [&](spv::Op extract, SpirvId from) {
      return emit(type, extract, {from, constant(bit), constant(8)});
    };
    const SpirvId x = field(is_signed ? spv::OpBitFieldSExtract : spv::OpBitFieldUExtract, left);
    const SpirvId y = field(spv::OpBitFieldSExtract, right);
    sum = emit(type, spv::OpIAdd, {sum, emit(type, spv::OpIMul, {x, y})});
  }
  return sum;
}

SpirvId SpirvOps::over_subgroup(const Instruction& in, Type type, SpirvId operand) {
  const SpirvId scope = constant(spv::ScopeSubgroup);
  module_.capability(spv::CapabilityGroupNonUniform);
  if (in.op == Op::kSubgroupBroadcast) {
    module_.capability(spv::CapabilityGroupNonUniformBallot);
    return emit(type, spv::OpGroupNonUniformBroadcast, {scope, operand, constant(in.immediates[0])});
  }
  module_.capability(spv::CapabilityGroupNonUniformArithmetic);
  spv::Op op = type.is_float() ? spv::OpGroupNonUniformFMax
               : type == kI32  ? spv::OpGroupNonUniformSMax
                               : spv::OpGroupNonUniformUMax;
  if (in.op == Op::kSubgroupAdd) op = type.is_float() ? spv::OpGroupNonUniformFAdd : spv::OpGroupNonUniformIAdd;
  return emit(type, op, {scope, spv::GroupOperationReduce, operand});
}

// What is one instruction, or one function.
SpirvId SpirvOps::plain(Op op, Type from, Type type, const std::vector<uint32_t>& operands) {
  const auto choose = [&](auto of_float, auto of_signed, auto of_unsigned) {
    return from.is_float() ? of_float : from.scalar == Scalar::kI32 ? of_signed : of_unsigned;
  };
  for (const SpirvFunction& known : kSpirvFunctions) {
    if (known.op != op) continue;
    const SpirvId result = call(type, choose(known.of_float, known.of_signed, known.of_unsigned), operands);
    return op == Op::kFusedMultiplyAdd ? rounded(result) : result;
  }
  const auto* known = std::find_if(std::begin(kSpirvOps), std::end(kSpirvOps) - 1,
                                   [&](const SpirvOp& other) { return other.op == op; });
  const spv::Op word = from.is_bool() ? known->of_bool : choose(known->of_float, known->of_signed, known->of_unsigned);
  const SpirvId result = emit(type, word, operands);
  return word == spv::OpFAdd || word == spv::OpFSub || word == spv::OpFMul ? rounded(result) : result;
}

}  // namespace trireme::compiler
