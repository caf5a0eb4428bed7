#include "tests/random/kernel_writer.h"

#include <algorithm>
#include <array>
#include <bit>

namespace trireme::random {

using kernel::kF32;
using kernel::kI32;
using kernel::kU32;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

// Bounds that leave room for a product and a few sums.
constexpr int kMostHigh = 45;
constexpr int kLeastLow = -45;

Known both(Term term, const Known& a, const Known& b) {
  return {term, std::max(a.high, b.high), std::min(a.low, b.low)};
}

}  // namespace

void KernelWriter::read_from(uint32_t bits, uint32_t floats, uint32_t words) {
  bits_buffer_ = bits;
  floats_buffer_ = floats;
  buffer_words_ = words;
}

Type KernelWriter::any_type() {
  constexpr std::array<Scalar, 8> kScalars = {Scalar::kU32, Scalar::kU32, Scalar::kI32, Scalar::kI32,
                                              Scalar::kI32, Scalar::kF32, Scalar::kF32, Scalar::kBool};
  constexpr std::array<int, 8> kLanes = {1, 1, 1, 2, 4, 4, 8, 16};
  return {kScalars[below(8)], std::min(kLanes[below(8)], chance(50) ? lanes_ : 1)};
}

Known KernelWriter::pick(Type type) {
  std::vector<size_t> fitting;
  for (size_t i = 0; i < scope_.size(); ++i)
    if (scope_[i].type() == type) fitting.push_back(i);
  if (fitting.empty() || chance(12)) return leaf(type);
  // Those from before a loop or branch are as good as those just made.
  return scope_[fitting[below(uint32_t(fitting.size()))]];
}

Known KernelWriter::bounded(Type type) {
  const Known value = pick(type);
  return value.high > kMostHigh || value.low < kLeastLow ? tame(value) : value;
}

Known KernelWriter::leaf(Type type) {
  if (type.is_bool()) {
    if (type.lanes == 1 && chance(30)) return {b_.boolean(chance(50))};
    const Type compared{Scalar::kU32, type.lanes};
    return {load(compared).term < constant(compared).term};
  }
  return chance(40) ? constant(type) : load(type);
}

Known KernelWriter::constant(Type type) {
  constexpr std::array<uint32_t, 10> kBits = {0, 1, 2, 31, 127, 255, 0x7fffffff, 0x80000000, 0xffffffff, 0x80000001};
  // Without -1: Mesa 22.3 takes the choice between it and 0, also as integers, for one that may give -0.
  constexpr std::array<float, 8> kFloats = {0.0f, 1.0f, -1.25f, 0.5f, -2.5f, 3.0f, 1048575.0f, 0.0009765625f};
  const uint32_t bits = chance(70) ? kBits[below(uint32_t(kBits.size()))] : uint32_t(random_.bits());
  const Term scalar = type.is_float()               ? b_.f32(kFloats[below(uint32_t(kFloats.size()))])
                      : type.scalar == Scalar::kI32 ? b_.i32(int32_t(bits))
                                                    : b_.u32(bits);
  return {splat(scalar, type.lanes), kTameHigh, kTameLow};
}

Known KernelWriter::load(Type type) {
  if (type.scalar == Scalar::kU32 && chance(30)) {
    const Type small{chance(50) ? Scalar::kU8 : Scalar::kU16, type.lanes};
    const Term loaded = b_.load(bits_buffer_, index_below(buffer_words_ * 4 / uint32_t(type_bytes(small))), small);
    return {convert(loaded, Scalar::kU32)};
  }
  const uint32_t buffer = type.is_float() ? floats_buffer_ : bits_buffer_;
  return {b_.load(buffer, index_below(buffer_words_ / uint32_t(type.lanes)), type), kTameHigh, kTameLow};
}

Term KernelWriter::index_below(uint32_t count) {
  std::vector<Term> indices;
  for (const Known& known : scope_)
    if (known.type() == kU32) indices.push_back(known.term);
  if (indices.empty() || chance(15)) return b_.u32(below(count));
  const Term index = indices[below(uint32_t(indices.size()))];
  return (count & (count - 1)) == 0 && chance(50) ? index & (count - 1) : index % count;
}

Known KernelWriter::tame(const Known& value) {
  if (!value.type().is_float()) return value;
  Known result = value;
  if (result.high > kTameHigh) {
    const Term limit = like(value.term, 0x1p20f);
    result.term = minimum(maximum(unsigned_zero(result.term), -limit), limit);
    result.high = kTameHigh;
  }
  if (result.low < kTameLow) result.term = apply_function(Op::kRoundEven, result.term);
  return {result.term, kTameHigh, kTameLow};
}

Term KernelWriter::unsigned_zero(Term value) {
  // As integers: devices may choose the sign of a float that is zero.
  const Term bits = bitcast(value, Scalar::kU32), zero = splat(b_.u32(0), value.type().lanes);
  return bitcast(select(bits + bits == zero, zero, bits), Scalar::kF32);
}

Term KernelWriter::words_of(const Known& value) {
  if (value.type().is_bool()) return convert(value.term, Scalar::kU32);
  if (value.type().is_float()) return bitcast(unsigned_zero(value.term), Scalar::kU32);
  return value.type().scalar == Scalar::kU32 ? value.term : bitcast(value.term, Scalar::kU32);
}

Term KernelWriter::digest(const Known& value) {
  const Term words = words_of(value);
  Term sum = extract(words, 0);
  for (int lane = 1; lane < words.type().lanes; ++lane) sum = sum * 31u + extract(words, uint32_t(lane));
  return sum;
}

Known KernelWriter::step(Type type) {
  if (chance(15)) return lanes_step(type);
  if (chance(8)) {
    const Known a = pick(type), b = pick(type);
    return both(select(pick({Scalar::kBool, type.lanes}).term, a.term, b.term), a, b);
  }
  if (type.is_bool()) return bool_step(type);
  if (type.is_float()) return chance(30) ? float_from_others(type) : float_step(type);
  return chance(30) ? integer_from_others(type) : integer_step(type);
}

Known KernelWriter::lanes_step(Type type) {
  if (type.lanes == 1) {
    const int lanes = lanes_ > 4 && chance(50) ? 16 : chance(50) ? 4 : 2;
    const Known vector = pick(type.with_lanes(lanes));
    return {extract(vector.term, below(uint32_t(lanes))), vector.high, vector.low};
  }
  Known first = pick(type.with_lanes(1));
  if (chance(40)) return {splat(first.term, type.lanes), first.high, first.low};
  Terms lanes = {first.term};
  while (lanes.size() < size_t(type.lanes)) {
    const Known next = pick(type.with_lanes(1));
    first = both(first.term, first, next);
    lanes.push_back(next.term);
  }
  return {pack(lanes), first.high, first.low};
}

Known KernelWriter::float_step(Type type) {
  const Known a = bounded(type);
  switch (below(8)) {
    case 0:
    case 1: {
      const Known b = bounded(type);
      const Known sum = both(chance(50) ? a.term + b.term : a.term - b.term, a, b);
      return {sum.term, sum.high + 1, sum.low};
    }
    case 2:
    case 3: {
      const Known b = bounded(type);
      return {a.term * b.term, a.high + b.high, a.low + b.low};
    }
    case 4: {
      const Known b = bounded(type);
      const Term x = unsigned_zero(a.term), y = unsigned_zero(b.term);
      return both(chance(50) ? minimum(x, y) : maximum(x, y), a, b);
    }
    case 5: return {chance(50) ? -a.term : absolute(a.term), a.high, a.low};
    case 6: {
      const Op op = chance(50) ? Op::kFloor : Op::kRoundEven;
      return {apply_function(op, a.term), std::max(a.high, 0) + 1, std::max(a.low, 0)};
    }
    default: {
      // Devices may round the product first: that of two small integers is exact.
      const Type integers{Scalar::kI32, type.lanes};
      const Term x = convert(extract_bits(pick(integers).term, below(20), 12), Scalar::kF32);
      const Term y = convert(extract_bits(pick(integers).term, below(20), 12), Scalar::kF32);
      return {fused_multiply_add(x, y, a.term), std::max(a.high, 22) + 1, std::min(a.low, 0)};
    }
  }
}

Known KernelWriter::float_from_others(Type type) {
  const Type words{Scalar::kU32, type.lanes};
  switch (below(5)) {
    case 0: return {convert(pick(words).term, Scalar::kF32), 32, 0};
    case 1: return {convert(pick({Scalar::kI32, type.lanes}).term, Scalar::kF32), 31, 0};
    case 2: return {convert(pick({Scalar::kBool, type.lanes}).term, Scalar::kF32), 0, 0};
    // Halves below 2, whatever the bits above them.
    case 3: return {half_to_float(pick(words).term & 0xffffbfffu), 1, -24};
    default: {
      const Term one = splat(b_.u32(0x3f800000u), type.lanes);
      return {bitcast((pick(words).term & 0x807fffffu) | one, Scalar::kF32), 1, -23};
    }
  }
}

Known KernelWriter::quotient(Type type) {
  const Term a = pick(type).term, b = pick(type).term;
  const bool is_signed = type.scalar == Scalar::kI32;
  // The least number by -1 is as undefined as a division by zero.
  Term divisor = is_signed ? (b & 0xffu) + 1u : b;
  if (is_signed && chance(40)) divisor = -(divisor + 1u);
  if (!is_signed && !chance(3)) divisor = chance(50) ? maximum(b, splat(b_.u32(1), type.lanes)) : (b & 0xffffu) + 1u;
  return {chance(50) ? a / divisor : a % divisor};
}

Known KernelWriter::integer_step(Type type) {
  const Term a = pick(type).term;
  switch (below(16)) {
    case 0:
    case 1: return {a + pick(type).term};
    case 2: return {a - pick(type).term};
    case 3: return {a * pick(type).term};
    case 4: return {a & pick(type).term};
    case 5: return {a | pick(type).term};
    case 6: return {a ^ pick(type).term};
    case 7: return {minimum(a, pick(type).term)};
    case 8: return {maximum(a, pick(type).term)};
    case 9: return quotient(type);
    case 10: return {apply_function(Op::kNot, a)};
    case 11: return {a << (pick(type).term & 31u)};
    case 12: return {a >> (pick(type).term & 31u)};
    case 13: {
      const uint32_t offset = below(32);
      return {extract_bits(a, offset, 1 + below(32 - offset))};
    }
    case 14:
      if (type.scalar == Scalar::kU32) return {a + below(100)};
      return {chance(50) ? -a : absolute(a)};
    default: {
      if (type.scalar == Scalar::kU32) return {a * below(100)};
      const Type bytes{Scalar::kU32, type.lanes};
      Term x = pick(bytes).term;
      if (chance(30)) x = x & 0x7f7f7f7fu;
      const Term y = pick(bytes).term;
      return {chance(50) ? dot4_signed(x, y, a) : dot4_unsigned(x, y, a)};
    }
  }
}

Known KernelWriter::integer_from_others(Type type) {
  const bool is_signed = type.scalar == Scalar::kI32;
  const Type other{is_signed ? Scalar::kU32 : Scalar::kI32, type.lanes}, floats{Scalar::kF32, type.lanes};
  switch (below(6)) {
    case 0: return {convert(pick(other).term, type.scalar)};
    case 1: return {bitcast(pick(other).term, type.scalar)};
    case 2: {
      const Term x = tame(pick(floats)).term;
      return {convert(is_signed ? x : absolute(x), type.scalar)};
    }
    case 3: return {bitcast(unsigned_zero(pick(floats).term), type.scalar)};
    case 4: return {convert(pick({Scalar::kBool, type.lanes}).term, type.scalar)};
    default:
      if (is_signed) return {bitcast(float_to_half(unsigned_zero(pick(floats).term)), Scalar::kI32)};
      if (chance(50)) return {float_to_half(unsigned_zero(pick(floats).term))};
      return {convert(convert(pick(type).term, chance(50) ? Scalar::kU8 : Scalar::kU16), Scalar::kU32)};
  }
}

Known KernelWriter::bool_step(Type type) {
  if (chance(30)) {
    const Term a = pick(type).term;
    if (chance(25)) return {apply_function(Op::kNot, a)};
    const Term b = pick(type).term;
    return {chance(33) ? a & b : chance(50) ? a | b : a ^ b};
  }
  constexpr std::array<Scalar, 3> kCompared = {Scalar::kU32, Scalar::kI32, Scalar::kF32};
  const Type compared{kCompared[below(3)], type.lanes};
  const Term a = pick(compared).term, b = pick(compared).term;
  switch (below(4)) {
    case 0: return {a < b};
    case 1: return {a <= b};
    case 2: return {a == b};
    default: return {a != b};
  }
}

}  // namespace trireme::random
