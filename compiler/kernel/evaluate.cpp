#include "compiler/kernel/evaluate.h"

#include <algorithm>
#include <cmath>

namespace trireme::kernel {
namespace {

float larger(float a, float b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b); }
float smaller(float a, float b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::min(a, b); }

float apply_float(Op op, float a, float b) {
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSubtract: return a - b;
    case Op::kMultiply: return a * b;
    case Op::kDivide: return a / b;
    case Op::kMinimum: return smaller(a, b);
    case Op::kMaximum: return larger(a, b);
    case Op::kNegate: return -a;
    case Op::kAbsolute: return std::fabs(a);
    case Op::kSquareRoot: return std::sqrt(a);
    case Op::kExponential: return float(std::exp(double(a)));
    case Op::kSine: return float(std::sin(double(a)));
    case Op::kCosine: return float(std::cos(double(a)));
    case Op::kFloor: return std::floor(a);
    case Op::kRoundEven: return std::nearbyint(a);
    default: return 0;
  }
}

bool compare(Op op, auto a, auto b) {
  switch (op) {
    case Op::kEqual: return a == b;
    case Op::kNotEqual: return a != b;
    case Op::kLess: return a < b;
    default: return a <= b;
  }
}

}  // namespace

uint32_t evaluate_float(Op op, uint32_t a, uint32_t b) { return as_bits(apply_float(op, as_float(a), as_float(b))); }

bool evaluate_comparison(Op op, Scalar scalar, uint32_t a, uint32_t b) {
  if (scalar == Scalar::kF32) return compare(op, as_float(a), as_float(b));
  if (scalar == Scalar::kI32) return compare(op, int32_t(a), int32_t(b));
  return compare(op, a, b);
}

uint32_t evaluate_extract_bits(bool is_signed, uint32_t bits, uint32_t offset, uint32_t width) {
  const uint32_t field = bits << (32 - offset - width);
  const uint32_t drop = 32 - width;
  return is_signed ? uint32_t(int32_t(field) >> drop) : field >> drop;
}

uint32_t evaluate_integer(Op op, bool is_signed, uint32_t a, uint32_t b, const char*& why) {
  const auto x = int64_t(int32_t(a)), y = int64_t(int32_t(b));
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSubtract: return a - b;
    case Op::kMultiply: return a * b;
    case Op::kDivide:
    case Op::kRemainder:
      if (b == 0) why = "it divides by zero";
      if (is_signed && a == 0x80000000u && b == 0xffffffffu) why = "it divides the least i32 by -1";
      if (b == 0) return 0;
      if (op == Op::kDivide) return is_signed ? uint32_t(x / y) : a / b;
      return is_signed ? uint32_t(x % y) : a % b;
    case Op::kMinimum: return is_signed ? uint32_t(std::min(x, y)) : std::min(a, b);
    case Op::kMaximum: return is_signed ? uint32_t(std::max(x, y)) : std::max(a, b);
    case Op::kNegate: return -a;
    case Op::kAbsolute: return x < 0 ? -a : a;
    case Op::kAnd: return a & b;
    case Op::kOr: return a | b;
    case Op::kXor: return a ^ b;
    case Op::kShiftLeft:
    case Op::kShiftRight:
      if (b > 31) why = "it shifts by more than 31 bits";
      if (b > 31) return 0;
      if (op == Op::kShiftLeft) return a << b;
      return is_signed ? uint32_t(int32_t(a) >> b) : a >> b;
    default: return 0;
  }
}

uint32_t evaluate_convert(Scalar from, Scalar to, uint32_t bits) {
  // Towards zero; what does not fit is the nearest that does, and what is no number is 0, as devices leave it open.
  if (from == Scalar::kF32 && std::isnan(as_float(bits))) return 0;
  if (from == Scalar::kF32 && to == Scalar::kI32)
    return uint32_t(int32_t(std::clamp(double(as_float(bits)), -2147483648.0, 2147483647.0)));
  if (from == Scalar::kF32) return uint32_t(std::clamp(double(as_float(bits)), 0.0, 4294967295.0));
  if (to == Scalar::kF32) return as_bits(from == Scalar::kI32 ? float(int32_t(bits)) : float(bits));
  if (to == Scalar::kU8) return bits & 0xff;
  if (to == Scalar::kU16) return bits & 0xffff;
  return bits;
}

int32_t evaluate_dot4(bool is_signed, uint32_t a, uint32_t b) {
  int32_t sum = 0;
  for (int i = 0; i < 32; i += 8) {
    const int32_t left = is_signed ? int32_t(int8_t(a >> i)) : int32_t(uint8_t(a >> i));
    sum += left * int32_t(int8_t(b >> i));
  }
  return sum;
}

}  // namespace trireme::kernel
