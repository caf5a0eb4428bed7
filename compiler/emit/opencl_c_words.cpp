#include "compiler/emit/opencl_c_words.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "compiler/kernel/evaluate.h"

namespace trireme::compiler {

using kernel::Op;
using kernel::Scalar;
using kernel::Type;

namespace {

constexpr const char* kScalarNames[] = {"bool", "uchar", "ushort", "uint", "int", "float"};

// Words of the language, and functions that kernels call.
const std::set<std::string_view> kReserved = {
    "abs",           "as_float",      "auto",     "barrier",     "bool",          "break",     "case",     "char",
    "const",         "constant",      "continue", "cos",         "default",       "do",        "dot",      "double",
    "else",          "enum",          "exp",      "extern",      "fabs",          "float",     "floor",    "fma",
    "fmax",          "fmin",          "for",      "global",      "goto",          "half",      "if",       "image",
    "inline",        "int",           "kernel",   "local",       "long",          "max",       "min",      "private",
    "register",      "restrict",      "return",   "rint",        "select",        "short",     "signed",   "sin",
    "sizeof",        "sqrt",          "static",   "step",        "struct",        "switch",    "typedef",  "uchar",
    "uint",          "ulong",         "union",    "unsigned",    "ushort",        "void",      "volatile", "while",
    "half_to_float", "float_to_half", "abs_of",   "dot4_signed", "dot4_unsigned", "dot4_small"};

}  // namespace

bool is_opencl_word(std::string_view name) { return kReserved.contains(name); }

std::string opencl_lanes(int lanes) { return lanes == 1 ? "" : std::to_string(lanes); }

std::string opencl_type(Type type) {
  std::string name = type.is_bool() && type.lanes > 1 ? "int" : kScalarNames[size_t(type.scalar)];
  return name + opencl_lanes(type.lanes);
}

std::string opencl_number(Type type, uint32_t bits) {
  if (type.is_bool()) return bits ? "true" : "false";
  if (type.scalar == Scalar::kI32)
    return int32_t(bits) == INT32_MIN ? "(-2147483647 - 1)" : fmt::format("{}", int32_t(bits));
  if (!type.is_float()) return fmt::format("{}u", bits);
  const float value = kernel::as_float(bits);
  if (!std::isfinite(value)) return fmt::format("as_float(0x{:08x}u)", bits);
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string without_parentheses(const std::string& text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return text;
  int open = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    open += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (open == 0) return text;
  }
  return text.substr(1, text.size() - 2);
}

const char* opencl_sign(Op op, bool scalar_bool) {
  switch (op) {
    case Op::kAdd: return "+";
    case Op::kSubtract: return "-";
    case Op::kMultiply: return "*";
    case Op::kDivide: return "/";
    case Op::kRemainder: return "%";
    case Op::kAnd: return scalar_bool ? "&&" : "&";
    case Op::kOr: return scalar_bool ? "||" : "|";
    case Op::kXor: return scalar_bool ? "!=" : "^";
    case Op::kShiftLeft: return "<<";
    case Op::kShiftRight: return ">>";
    case Op::kEqual: return "==";
    case Op::kNotEqual: return "!=";
    case Op::kLess: return "<";
    case Op::kLessEqual: return "<=";
    default: return nullptr;
  }
}

const char* opencl_function(Op op, bool is_float) {
  switch (op) {
    case Op::kMinimum: return is_float ? "fmin" : "min";
    case Op::kMaximum: return is_float ? "fmax" : "max";
    case Op::kAbsolute: return "fabs";
    case Op::kFusedMultiplyAdd: return "fma";
    case Op::kSquareRoot: return "sqrt";
    case Op::kExponential: return "exp";
    case Op::kSine: return "sin";
    case Op::kCosine: return "cos";
    case Op::kFloor: return "floor";
    case Op::kRoundEven: return "rint";
    case Op::kSubgroupAdd: return "sub_group_reduce_add";
    case Op::kSubgroupMaximum: return "sub_group_reduce_max";
    default: return nullptr;
  }
}

}  // namespace trireme::compiler
