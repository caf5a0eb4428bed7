#include "compiler/emit/spirv_module.h"

#include <cstring>
#include <utility>

#include "compiler/emit/spirv_cooperative_matrix.h"

namespace trireme::compiler {

using kernel::Scalar;
using kernel::Type;

namespace {

constexpr uint32_t kSpirv13 = 0x00010300;

uint32_t first_word(spv::Op op, size_t operands) { return uint32_t(operands + 1) << 16 | uint32_t(op); }

}  // namespace

void SpirvWords::add(spv::Op op, const std::vector<uint32_t>& operands) {
  words_.push_back(first_word(op, operands.size()));
  words_.insert(words_.end(), operands.begin(), operands.end());
}

std::vector<uint32_t> spirv_text(std::string_view text) {
  std::vector<uint32_t> words(text.size() / 4 + 1);
  for (size_t i = 0; i < text.size(); ++i) words[i / 4] |= uint32_t(uint8_t(text[i])) << (i % 4 * 8);
  return words;
}

void SpirvModule::use_vulkan_memory_model() {
  capability(spv::CapabilityVulkanMemoryModel);
  extension("SPV_KHR_vulkan_memory_model");
  memory_model_ = spv::MemoryModelVulkan;
}

void SpirvModule::name(SpirvId id, std::string_view text) {
  std::vector<uint32_t> operands = spirv_text(text);
  operands.insert(operands.begin(), id);
  names_.add(spv::OpName, operands);
}

void SpirvModule::name_member(SpirvId type, uint32_t member, std::string_view text) {
  std::vector<uint32_t> operands = spirv_text(text);
  operands.insert(operands.begin(), {type, member});
  names_.add(spv::OpMemberName, operands);
}

void SpirvModule::decorate(SpirvId id, spv::Decoration decoration, const std::vector<uint32_t>& operands) {
  std::vector<uint32_t> all = {id, uint32_t(decoration)};
  all.insert(all.end(), operands.begin(), operands.end());
  decorations_.add(spv::OpDecorate, all);
}

void SpirvModule::decorate_member(SpirvId type, uint32_t member, spv::Decoration decoration, uint32_t operand) {
  decorations_.add(spv::OpMemberDecorate, {type, member, uint32_t(decoration), operand});
}

// Declarations of constants have their type before the result, those of types nothing.
SpirvId SpirvModule::declare(spv::Op op, const std::vector<uint32_t>& operands) {
  std::vector<uint32_t> key = operands;
  key.insert(key.begin(), uint32_t(op));
  const auto [found, is_new] = declared_.emplace(std::move(key), next_id_);
  if (!is_new) return found->second;
  const SpirvId id = new_id();
  const bool typed = op == spv::OpConstant || op == spv::OpConstantTrue || op == spv::OpConstantFalse ||
                     op == spv::OpConstantComposite;
  std::vector<uint32_t> all = operands;
  all.insert(all.begin() + (typed ? 1 : 0), id);
  globals_.add(op, all);
  return id;
}

SpirvId SpirvModule::void_type() { return declare(spv::OpTypeVoid, {}); }

SpirvId SpirvModule::type(Type type) {
  if (type.lanes > 1) {
    const SpirvId lane = this->type(type.with_lanes(1));
    return declare(spv::OpTypeVector, {lane, uint32_t(type.lanes)});
  }
  switch (type.scalar) {
    case Scalar::kBool: return declare(spv::OpTypeBool, {});
    case Scalar::kU8:
      capability(spv::CapabilityInt8);
      capability(spv::CapabilityStorageBuffer8BitAccess);
      extension("SPV_KHR_8bit_storage");
      return declare(spv::OpTypeInt, {8, 0});
    case Scalar::kU16:
      capability(spv::CapabilityInt16);
      capability(spv::CapabilityStorageBuffer16BitAccess);
      return declare(spv::OpTypeInt, {16, 0});
    case Scalar::kU32: return declare(spv::OpTypeInt, {32, 0});
    case Scalar::kI32: return declare(spv::OpTypeInt, {32, 1});
    case Scalar::kF32: break;
  }
  return declare(spv::OpTypeFloat, {32});
}

SpirvId SpirvModule::pointer(spv::StorageClass storage, SpirvId pointee) {
  return declare(spv::OpTypePointer, {uint32_t(storage), pointee});
}

SpirvId SpirvModule::endless_array(Type element) {
  const SpirvId array = declare(spv::OpTypeRuntimeArray, {type(element)});
  SpirvId& block = blocks_[array];
  if (block != 0) return block;
  decorate(array, spv::DecorationArrayStride, {uint32_t(type_bytes(element))});
  block = structure({array});
  return block;
}

SpirvId SpirvModule::array(Type element, uint32_t count) {
  const SpirvId lane = type(element);
  return declare(spv::OpTypeArray, {lane, unsigned_constant(count)});
}

// With members one after the other, of one word each.
SpirvId SpirvModule::structure(const std::vector<SpirvId>& members) {
  const SpirvId id = new_id();
  std::vector<uint32_t> operands = members;
  operands.insert(operands.begin(), id);
  globals_.add(spv::OpTypeStruct, operands);
  decorate(id, spv::DecorationBlock);
  for (uint32_t i = 0; i < members.size(); ++i) decorate_member(id, i, spv::DecorationOffset, 4 * i);
  return id;
}

SpirvId SpirvModule::texels(int lanes) {
  capability(spv::CapabilitySampledBuffer);
  const SpirvId word = type(kernel::kU32);
  const uint32_t format = lanes == 1 ? spv::ImageFormatR32ui : spv::ImageFormatRgba32ui;
  // No depth, no array, one sample, read without a sampler.
  return declare(spv::OpTypeImage, {word, spv::DimBuffer, 0, 0, 0, 1, format});
}

SpirvId SpirvModule::cooperative_matrix(bool of_bytes, uint32_t rows, uint32_t columns, uint32_t use) {
  const SpirvId component = of_bytes ? declare(spv::OpTypeInt, {8, 1}) : type(kernel::kI32),
                scope = unsigned_constant(spv::ScopeSubgroup), row_count = unsigned_constant(rows),
                column_count = unsigned_constant(columns), use_id = unsigned_constant(use);
  return declare(cooperative::kOpType, {component, scope, row_count, column_count, use_id});
}

SpirvId SpirvModule::constant(Type type, uint32_t bits) {
  const SpirvId of = this->type(type);
  if (type.is_bool()) return declare(bits ? spv::OpConstantTrue : spv::OpConstantFalse, {of});
  return declare(spv::OpConstant, {of, bits});
}

SpirvId SpirvModule::constant_lanes(Type type, uint32_t bits) {
  const SpirvId lane = constant(type.with_lanes(1), bits);
  if (type.lanes == 1) return lane;
  std::vector<uint32_t> operands(size_t(type.lanes) + 1, lane);
  operands[0] = this->type(type);
  return declare(spv::OpConstantComposite, operands);
}

SpirvId SpirvModule::specialization(Type type, uint32_t index, uint32_t default_bits) {
  const SpirvId of = this->type(type);
  const SpirvId id = new_id();
  globals_.add(spv::OpSpecConstant, {of, id, default_bits});
  decorate(id, spv::DecorationSpecId, {index});
  return id;
}

SpirvId SpirvModule::variable(spv::StorageClass storage, SpirvId pointee) {
  const SpirvId of = pointer(storage, pointee);
  const SpirvId id = new_id();
  globals_.add(spv::OpVariable, {of, id, uint32_t(storage)});
  return id;
}

SpirvId SpirvModule::builtin(spv::BuiltIn builtin, bool three_lanes) {
  if (const auto found = builtins_.find(builtin); found != builtins_.end()) return found->second;
  SpirvId of = type(kernel::kU32);
  if (three_lanes) of = declare(spv::OpTypeVector, {of, 3});
  const SpirvId id = variable(spv::StorageClassInput, of);
  decorate(id, spv::DecorationBuiltIn, {uint32_t(builtin)});
  return builtins_[builtin] = id;
}

SpirvId SpirvModule::functions() {
  if (functions_ == 0) functions_ = new_id();
  return functions_;
}

std::string SpirvModule::finish(std::string_view entry, std::string_view comment, uint32_t group_size,
                                const SpirvWords& body) {
  const SpirvId result = void_type(), type = declare(spv::OpTypeFunction, {result}), function = new_id();
  SpirvWords head;
  for (const spv::Capability capability : capabilities_) head.add(spv::OpCapability, {uint32_t(capability)});
  for (const std::string& extension : extensions_) head.add(spv::OpExtension, spirv_text(extension));
  if (functions_ != 0) {
    std::vector<uint32_t> operands = spirv_text("GLSL.std.450");
    operands.insert(operands.begin(), functions_);
    head.add(spv::OpExtInstImport, operands);
  }
  head.add(spv::OpMemoryModel, {spv::AddressingModelLogical, uint32_t(memory_model_)});
  std::vector<uint32_t> operands = {spv::ExecutionModelGLCompute, function};
  for (const uint32_t word : spirv_text(entry)) operands.push_back(word);
  for (const auto& [builtin, id] : builtins_) operands.push_back(id);
  head.add(spv::OpEntryPoint, operands);
  head.add(spv::OpExecutionMode, {function, spv::ExecutionModeLocalSize, group_size, 1, 1});
  name(function, entry);
  if (!comment.empty()) names_.add(spv::OpModuleProcessed, spirv_text(comment));
  SpirvWords begin, end;
  begin.add(spv::OpFunction, {result, function, spv::FunctionControlMaskNone, type});
  end.add(spv::OpFunctionEnd, {});

  std::vector<uint32_t> words = {spv::MagicNumber, kSpirv13, 0, next_id_, 0};
  for (const SpirvWords* section : {&std::as_const(head), &std::as_const(names_), &std::as_const(decorations_),
                                    &std::as_const(globals_), &std::as_const(begin), &body, &std::as_const(end)})
    words.insert(words.end(), section->words().begin(), section->words().end());
  std::string bytes(words.size() * sizeof(uint32_t), '\0');
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

}  // namespace trireme::compiler
