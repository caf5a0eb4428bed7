// Op: what one instruction of a kernel does.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace trireme::kernel {

enum class Op : uint8_t {
  // Where values come from. The immediate is the constant's bits, or the index of what is read.
  kConstant,        // -> any type of one lane
  kSpecialization,  // -> the value given when the kernel is built, else its default
  kLaunch,          // -> the value given when the kernel is recorded
  kGroupId,         // immediate: the axis -> u32
  kLocalId,         // -> u32: the work item's number in its group
  kSubgroupLane,    // -> u32: the work item's number in its subgroup
  kSubgroupId,      // -> u32: the subgroup's number in its group

  // Arithmetic. Both operands and the result have one type; integers wrap around. Each float result is correctly
  // rounded but for divide (2.5 ulp where Target::exact_division is false), and no two of them are contracted.
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,     // integers: towards zero; by zero, or the least i32 by -1: undefined, and an error of the interpreter
  kRemainder,  // integers alone
  kMinimum,    // of a NaN and a number: the number
  kMaximum,
  kNegate,
  kAbsolute,
  kFusedMultiplyAdd,  // a * b + c; devices may round the product first

  // Functions of f32, with the error that the device states.
  kSquareRoot,
  kExponential,
  kSine,
  kCosine,
  kFloor,      // exact
  kRoundEven,  // exact: to the nearest integer, halves to the even one

  // Bits of integers.
  kAnd,
  kOr,
  kXor,
  kNot,
  kShiftLeft,    // by 0 to 31, of the second operand's type; more is undefined, and an error of the interpreter
  kShiftRight,   // keeps the sign of i32
  kExtractBits,  // immediates: offset and width; of i32 the field's highest bit is its sign

  // Comparisons -> bool with the operands' lanes. Those with a NaN are false, but not_equal.
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kSelect,  // bool, a, b -> a where true, else b

  kConvert,      // between u32, i32 and f32 towards zero, and from and to u8 and u16, which cut off; bool -> 0 or 1
  kBitcast,      // between u32, i32 and f32
  kHalfToFloat,  // u32 with the bits of an f16 below -> f32. Exact
  kFloatToHalf,  // f32 -> u32 with the bits of the nearest f16, halves to even
  kPack,         // 2 to 16 values of one lane -> a vector
  kExtract,      // immediate: the lane
  kSplat,        // one lane -> the result's lanes

  // Sum of the products of four int8, added to an i32. Exact.
  kDot4Signed,    // u32 (4 x i8), u32 (4 x i8), i32
  kDot4Unsigned,  // u32 (4 x u8), u32 (4 x i8), i32

  // Memory. The index counts elements of the loaded or stored type, vectors included.
  kLoad,        // immediate: the buffer. index -> any type but bool
  kStore,       // index, value
  kLoadShared,  // immediate: the shared array, of whose scalar the type is
  kStoreShared,
  kBarrier,  // orders memory between the items of a group. In uniform control flow only

  // Over the items of a subgroup, in uniform control flow.
  kSubgroupAdd,  // f32 or i32; the order of float additions is the device's
  kSubgroupMaximum,
  kSubgroupBroadcast,  // immediate: the lane
  // Function::matrix of the subgroup's items. left words.. (u32, four i8 each), right words.. (u32), addend elements..
  // (i32) -> result elements.. (i32). Exact.
  kMatrixMultiply,

  kLoop,  // begin, end, step, initial values..; region (index, values..) yields values..; runs while index < end
  kIf,    // bool; two regions that yield the results
};
inline constexpr int kOpCount = int(Op::kIf) + 1;

std::string_view op_name(Op op);  // "subgroup_add"
std::optional<Op> find_op(std::string_view name);

// How many immediates the text form writes after the name.
int immediate_count(Op op);
bool has_result(Op op);  // one; kLoop, kIf and kMatrixMultiply have any number
// Reads or writes memory, or waits: not to be repeated or left out.
bool has_effect(Op op);

}  // namespace trireme::kernel
