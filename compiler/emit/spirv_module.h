// SpirvModule: the words of a SPIR-V module, section by section; each type and constant is declared once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <spirv/unified1/spirv.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/kernel/type.h"

namespace trireme::compiler {

using SpirvId = uint32_t;

// Instructions one after the other.
class SpirvWords {
 public:
  void add(spv::Op op, std::initializer_list<uint32_t> operands) { add(op, std::vector<uint32_t>(operands)); }
  void add(spv::Op op, const std::vector<uint32_t>& operands);
  // Where the next instruction begins.
  size_t size() const { return words_.size(); }
  // Replaces an operand that was not known when its instruction was added.
  void set(size_t at, uint32_t word) { words_[at] = word; }
  const std::vector<uint32_t>& words() const { return words_; }

 private:
  std::vector<uint32_t> words_;
};

// A literal string as operands.
std::vector<uint32_t> spirv_text(std::string_view text);

class SpirvModule {
 public:
  SpirvId new_id() { return next_id_++; }

  void capability(spv::Capability capability) { capabilities_.insert(capability); }
  void extension(std::string_view name) { extensions_.emplace(name); }
  // The module's memory accesses between items are then marked as such by their writer.
  void use_vulkan_memory_model();
  void name(SpirvId id, std::string_view text);
  void name_member(SpirvId type, uint32_t member, std::string_view text);
  void decorate(SpirvId id, spv::Decoration decoration, const std::vector<uint32_t>& operands = {});
  void decorate_member(SpirvId type, uint32_t member, spv::Decoration decoration, uint32_t operand);

  SpirvId void_type();
  SpirvId type(kernel::Type type);
  SpirvId pointer(spv::StorageClass storage, SpirvId pointee);
  // A structure that holds nothing but an array without an end, as storage buffers are declared.
  SpirvId endless_array(kernel::Type element);
  SpirvId array(kernel::Type element, uint32_t count);
  // What a uniform texel buffer holds: texels of one or four u32.
  SpirvId texels(int lanes);
  SpirvId structure(const std::vector<SpirvId>& members);
  // Of int8 or i32, over a subgroup; `use` as in spirv_cooperative_matrix.h.
  SpirvId cooperative_matrix(bool of_bytes, uint32_t rows, uint32_t columns, uint32_t use);
  SpirvId constant(kernel::Type type, uint32_t bits);
  SpirvId unsigned_constant(uint32_t value) { return constant(kernel::kU32, value); }
  // The same constant in every lane.
  SpirvId constant_lanes(kernel::Type type, uint32_t bits);
  SpirvId specialization(kernel::Type type, uint32_t index, uint32_t default_bits);
  SpirvId variable(spv::StorageClass storage, SpirvId pointee);
  // An input that the device fills in, of u32 with 1 or 3 lanes.
  SpirvId builtin(spv::BuiltIn builtin, bool three_lanes);
  // The instructions of GLSL.std.450.
  SpirvId functions();

  // The whole: one function without parameters, the entry, whose blocks are `body`. The comment, if any, stands behind
  // the names.
  std::string finish(std::string_view entry, std::string_view comment, uint32_t group_size, const SpirvWords& body);

 private:
  SpirvId declare(spv::Op op, const std::vector<uint32_t>& operands);

  SpirvId next_id_ = 1;
  std::set<spv::Capability> capabilities_ = {spv::CapabilityShader};
  std::set<std::string, std::less<>> extensions_;
  spv::MemoryModel memory_model_ = spv::MemoryModelGLSL450;
  SpirvWords names_;
  SpirvWords decorations_;
  SpirvWords globals_;                                 // types, constants and variables
  std::map<std::vector<uint32_t>, SpirvId> declared_;  // types and constants by their words without the result
  std::map<SpirvId, SpirvId> blocks_;                  // by the array that they hold
  std::map<spv::BuiltIn, SpirvId> builtins_;
  SpirvId functions_ = 0;
};

}  // namespace trireme::compiler
