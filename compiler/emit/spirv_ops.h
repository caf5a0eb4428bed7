// SpirvOps: what the ops of a kernel that compute are in SPIR-V.
#pragma once

#include <spirv/unified1/GLSL.std.450.h>

#include "compiler/emit/spirv_module.h"
#include "compiler/kernel/function.h"
#include "hal/target.h"

namespace trireme::compiler {

inline bool is_small(kernel::Type type) {
  return type.scalar == kernel::Scalar::kU8 || type.scalar == kernel::Scalar::kU16;
}

// Adds instructions to `body`, and what they need to `module`. All three outlive it.
class SpirvOps {
 public:
  SpirvOps(const Target& target, SpirvModule& module, SpirvWords& body)
      : target_(target), module_(module), body_(body) {}

  // One instruction with a result.
  SpirvId emit_as(SpirvId type, spv::Op op, std::vector<uint32_t> operands);
  SpirvId emit(kernel::Type type, spv::Op op, std::vector<uint32_t> operands);

  // Any op that has operands, a result and neither memory nor regions. `from` is the first operand's type.
  SpirvId compute(const kernel::Instruction& in, kernel::Type from, kernel::Type to,
                  const std::vector<uint32_t>& operands);

 private:
  SpirvId constant(uint32_t value) { return module_.unsigned_constant(value); }
  SpirvId call(kernel::Type type, GLSLstd450 function, std::vector<uint32_t> operands);
  // Neither contracted nor reordered.
  SpirvId rounded(SpirvId id);
  SpirvId by_lane(const kernel::Instruction& in, kernel::Type from, kernel::Type type, SpirvId operand);
  SpirvId convert(kernel::Type from, kernel::Type to, SpirvId operand);
  SpirvId exponential(kernel::Type type, SpirvId x);
  SpirvId half_bits(SpirvId value);
  SpirvId dot(bool is_signed, kernel::Type type, const std::vector<uint32_t>& operands);
  SpirvId over_subgroup(const kernel::Instruction& in, kernel::Type type, SpirvId operand);
  SpirvId plain(kernel::Op op, kernel::Type from, kernel::Type to, const std::vector<uint32_t>& operands);

  const Target& target_;
  SpirvModule& module_;
  SpirvWords& body_;
};

}  // namespace trireme::compiler
