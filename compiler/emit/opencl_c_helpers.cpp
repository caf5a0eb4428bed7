#include "compiler/emit/opencl_c_helpers.h"

#include <fmt/format.h>

#include "compiler/emit/opencl_c_words.h"

namespace trireme::compiler {

using kernel::Op;
using kernel::Type;

namespace {

// {0} stands for the lanes, {1} for the helper's name.
constexpr const char* kHalfToFloat =
    "float{0} {1}(uint{0} bits) {{\n"
    "  const ushort{0} half_bits = convert_ushort{0}(bits);\n"
    "  return vload_half{0}(0, (const half*)&half_bits);\n}}\n";
// What drivers make of a NaN's lower bits differs.
constexpr const char* kFloatToHalf =
    "uint{0} {1}(float{0} value) {{\n"
    "  ushort{0} half_bits;\n"
    "  vstore_half{0}_rte(value, 0, (half*)&half_bits);\n"
    "  const uint{0} nan_bits = ((as_uint{0}(value) >> 16) & 0x8000u) | 0x7e00u;\n"
    "  return select(convert_uint{0}(half_bits), nan_bits, isnan(value));\n}}\n";
constexpr const char* kAbsolute =
    "int{0} {1}(int{0} value) {{\n  return as_int{0}(value < 0 ? -as_uint{0}(value) : as_uint{0}(value));\n}}\n";

// Sums wrap around as uints. Without vectors of bytes, which would keep a processor's compiler from making vectors of
// work items.
constexpr const char* kSignedDot =
    "int{0} {1}(uint{0} a, uint{0} b, int{0} sum) {{\n"
    "  const int{0} products = (as_int{0}(a << 24) >> 24) * (as_int{0}(b << 24) >> 24) +\n"
    "                       (as_int{0}(a << 16) >> 24) * (as_int{0}(b << 16) >> 24) +\n"
    "                       (as_int{0}(a << 8) >> 24) * (as_int{0}(b << 8) >> 24) +\n"
    "                       (as_int{0}(a) >> 24) * (as_int{0}(b) >> 24);\n"
    "  return as_int{0}(as_uint{0}(sum) + as_uint{0}(products));\n}}\n";
constexpr const char* kUnsignedDot =
    "int{0} {1}(uint{0} a, uint{0} b, int{0} sum) {{\n"
    "  const int{0} products = as_int{0}(a & 0xffu) * (as_int{0}(b << 24) >> 24) +\n"
    "                       as_int{0}((a >> 8) & 0xffu) * (as_int{0}(b << 16) >> 24) +\n"
    "                       as_int{0}((a >> 16) & 0xffu) * (as_int{0}(b << 8) >> 24) +\n"
    "                       as_int{0}(a >> 24) * (as_int{0}(b) >> 24);\n"
    "  return as_int{0}(as_uint{0}(sum) + as_uint{0}(products));\n}}\n";
constexpr const char* kBuiltInDot =
    "int {0}(uint a, uint b, int sum) {{\n  return as_int(as_uint(sum) + as_uint(dot_4x8packed_{1}_int(a, b)));\n}}\n";

// For clang on x86, {0} the lanes, {1} the name, {2} bits and {3} bytes of a vector. Sums of two products saturate at
// 16 bits there, so large bytes are taken apart.
constexpr const char* kX86Dot =
    "#if {4}\n"
    "int{0} {1}(uint{0} a, uint{0} b, int{0} sum) {{\n"
    "  typedef int words __attribute__((vector_size({3})));\n"
    "  return as_int{0}(__builtin_ia32_vpdpbusd{2}((words)sum, (words)a, (words)b));\n}}\n"
    "#elif {5}\n"
    "int{0} {1}(uint{0} a, uint{0} b, int{0} sum) {{\n"
    "  typedef char bytes __attribute__((vector_size({3})));\n"
    "  typedef short halves __attribute__((vector_size({3})));\n"
    "  const halves ones = (halves)(uint{0})(0x10001u);\n"
    "{6}}}\n"
    "#else\n{7}#endif\n";
constexpr const char* kX86Pairs =
    "  const halves pairs = __builtin_ia32_pmaddubsw{1}((bytes)a, (bytes)b);\n"
    "  return as_int{0}(as_uint{0}(sum) + as_uint{0}(__builtin_ia32_pmaddwd{1}(pairs, ones)));\n";
constexpr const char* kX86SplitPairs =
    "  const halves low = __builtin_ia32_pmaddubsw{1}((bytes)(a & 0x7f7f7f7fu), (bytes)b);\n"
    "  const halves high = __builtin_ia32_pmaddubsw{1}((bytes)(a & 0x80808080u), (bytes)b);\n"
    "  return as_int{0}(as_uint{0}(sum) + as_uint{0}(__builtin_ia32_pmaddwd{1}(low, ones)) +\n"
    "                  as_uint{0}(__builtin_ia32_pmaddwd{1}(high, ones)));\n";

std::string dot(const Helper& helper, const Target& target) {
  const std::string lanes = opencl_lanes(helper.lanes), name = helper_name(helper);
  const bool is_signed = helper.op == Op::kDot4Signed;
  if (target.integer_dot && helper.lanes == 1)
    return fmt::format(fmt::runtime(kBuiltInDot), name, is_signed ? "ss" : "us");
  const std::string plain = fmt::format(fmt::runtime(is_signed ? kSignedDot : kUnsignedDot), lanes, name);
  if (helper.lanes < 8 || (is_signed && !helper.small)) return plain;
  const int bits = helper.lanes * 32;
  const std::string pairs = fmt::format(fmt::runtime(helper.small ? kX86Pairs : kX86SplitPairs), lanes, bits);
  const std::string is_clang = "defined(__clang__) && __clang_major__ < 20 && ";
  const std::string has_dot = is_clang + (bits == 512 ? "defined(__AVX512VNNI__)"
                                                      : "(defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && "
                                                        "defined(__AVX512VL__)))");
  const std::string has_pairs = is_clang + (bits == 512 ? "defined(__AVX512BW__)" : "defined(__AVX2__)");
  return fmt::format(fmt::runtime(kX86Dot), lanes, name, bits, bits / 8, has_dot, has_pairs, pairs, plain);
}

}  // namespace

bool needs_opencl_helper(Op op, Type result) {
  switch (op) {
    case Op::kHalfToFloat:
    case Op::kFloatToHalf:
    case Op::kDot4Signed:
    case Op::kDot4Unsigned: return true;
    case Op::kAbsolute: return !result.is_float();
    default: return false;
  }
}

std::string helper_name(const Helper& helper) {
  const std::string lanes = opencl_lanes(helper.lanes);
  switch (helper.op) {
    case Op::kHalfToFloat: return "half_to_float" + lanes;
    case Op::kFloatToHalf: return "float_to_half" + lanes;
    case Op::kDot4Signed: return (helper.small ? "dot4_small" : "dot4_signed") + lanes;
    case Op::kDot4Unsigned: return "dot4_unsigned" + lanes;
    default: return "abs_of" + lanes;
  }
}

std::string opencl_helper(const Helper& helper, const Target& target) {
  const std::string lanes = opencl_lanes(helper.lanes), name = helper_name(helper);
  switch (helper.op) {
    case Op::kHalfToFloat: return fmt::format(fmt::runtime(kHalfToFloat), lanes, name);
    case Op::kFloatToHalf: return fmt::format(fmt::runtime(kFloatToHalf), lanes, name);
    case Op::kDot4Signed:
    case Op::kDot4Unsigned: return dot(helper, target);
    default: return fmt::format(fmt::runtime(kAbsolute), lanes, name);
  }
}

}  // namespace trireme::compiler
