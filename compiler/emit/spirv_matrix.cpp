#include "compiler/emit/spirv_matrix.h"

#include "compiler/emit/spirv_cooperative_matrix.h"

namespace trireme::compiler {

using kernel::kI32;
using kernel::kU32;

SpirvMatrix::SpirvMatrix(const MatrixTile& tile, uint32_t subgroups, SpirvModule& module, SpirvOps& ops,
                         SpirvWords& body)
    : tile_(tile), subgroups_(subgroups), module_(module), ops_(ops), body_(body) {
  module_.capability(cooperative::kCapability);
  module_.capability(spv::CapabilityInt8);
  module_.capability(spv::CapabilityGroupNonUniform);
  module_.extension(cooperative::kExtension);
  module_.use_vulkan_memory_model();
  left_ = scratch("left_tile", kU32, tile.m, tile.k / 4, cooperative::kRowMajor);
  right_ = scratch("right_tile", kU32, tile.n, tile.k / 4, cooperative::kColumnMajor);
  result_ = scratch("result_tile", kI32, tile.m, tile.n, cooperative::kRowMajor);
  left_.matrix = module_.cooperative_matrix(true, tile.m, tile.k, cooperative::kLeft);
  right_.matrix = module_.cooperative_matrix(true, tile.k, tile.n, cooperative::kRight);
  result_.matrix = module_.cooperative_matrix(false, tile.m, tile.n, cooperative::kAccumulator);
}

uint32_t SpirvMatrix::shared_bytes(const MatrixTile& tile, uint32_t group_size) {
  return group_size / tile.lanes * (tile.m * tile.k + tile.n * tile.k + 4 * tile.m * tile.n);
}

SpirvMatrix::Scratch SpirvMatrix::scratch(const char* name, kernel::Type element, uint32_t lines, uint32_t line,
                                          uint32_t layout) {
  Scratch made;
  made.element = element;
  made.line = line;
  made.words = lines * line;
  made.layout = layout;
  made.variable = module_.variable(spv::StorageClassWorkgroup, module_.array(element, made.words * subgroups_));
  module_.name(made.variable, name);
  return made;
}

SpirvId SpirvMatrix::sum(const std::vector<TileDigit>& digits, uint32_t element) {
  uint32_t fixed = 0;
  SpirvId total = 0;
  for (const TileDigit& digit : digits) {
    if (digit.of_element) {
      fixed += digit(0, element);
      continue;
    }
    const SpirvId quotient = ops_.emit(kU32, spv::OpUDiv, {lane_, constant(digit.divisor)}),
                  rest = ops_.emit(kU32, spv::OpUMod, {quotient, constant(digit.modulus)}),
                  own = ops_.emit(kU32, spv::OpIMul, {rest, constant(digit.stride)});
    total = total == 0 ? own : ops_.emit(kU32, spv::OpIAdd, {total, own});
  }
  return total == 0 ? constant(fixed) : ops_.emit(kU32, spv::OpIAdd, {total, constant(fixed)});
}

SpirvId SpirvMatrix::place(const Scratch& scratch, SpirvId index) {
  const SpirvId first = ops_.emit(kU32, spv::OpIMul, {subgroup_, constant(scratch.words)}),
                at = ops_.emit(kU32, spv::OpIAdd, {first, index}),
                pointer = module_.pointer(spv::StorageClassWorkgroup, module_.type(scratch.element));
  return ops_.emit_as(pointer, spv::OpAccessChain, {scratch.variable, at});
}

SpirvId SpirvMatrix::place_of(const Scratch& scratch, const FragmentMap& map, uint32_t element, bool lines_are_rows,
                              uint32_t per_word) {
  const SpirvId line = sum(lines_are_rows ? map.row : map.column, element),
                inside = sum(lines_are_rows ? map.column : map.row, element),
                word = ops_.emit(kU32, spv::OpUDiv, {inside, constant(per_word)}),
                begin = ops_.emit(kU32, spv::OpIMul, {line, constant(scratch.line)});
  return place(scratch, ops_.emit(kU32, spv::OpIAdd, {begin, word}));
}

SpirvId SpirvMatrix::load_matrix(const Scratch& scratch) {
  const SpirvId from = place(scratch, constant(0));
  return ops_.emit_as(scratch.matrix, cooperative::kOpLoad,
                      {from, constant(scratch.layout), constant(scratch.line), spv::MemoryAccessNonPrivatePointerMask});
}

void SpirvMatrix::barrier() {
  const SpirvId scope = constant(spv::ScopeSubgroup);
  body_.add(spv::OpControlBarrier,
            {scope, scope,
             constant(spv::MemorySemanticsAcquireReleaseMask | spv::MemorySemanticsWorkgroupMemoryMask |
                      spv::MemorySemanticsMakeAvailableMask | spv::MemorySemanticsMakeVisibleMask)});
}

std::vector<SpirvId> SpirvMatrix::multiply(const std::vector<SpirvId>& operands) {
  lane_ = ops_.emit(kU32, spv::OpLoad, {module_.builtin(spv::BuiltInSubgroupLocalInvocationId, false)});
  subgroup_ = ops_.emit(kU32, spv::OpLoad, {module_.builtin(spv::BuiltInSubgroupId, false)});
  const auto store = [&](SpirvId to, SpirvId value) {
    body_.add(spv::OpStore, {to, value, spv::MemoryAccessNonPrivatePointerMask});
  };
  barrier();  // all have read what was here before
  size_t next = 0;
  for (uint32_t i = 0; i < tile_.left_words(); ++i)
    store(place_of(left_, tile_.left, 4 * i, true, 4), operands[next++]);
  for (uint32_t i = 0; i < tile_.right_words(); ++i)
    store(place_of(right_, tile_.right, 4 * i, false, 4), operands[next++]);
  for (uint32_t i = 0; i < tile_.result.elements; ++i)
    store(place_of(result_, tile_.result, i, true, 1), operands[next++]);
  barrier();
  const SpirvId left = load_matrix(left_), right = load_matrix(right_), addend = load_matrix(result_),
                product = ops_.emit_as(result_.matrix, cooperative::kOpMulAdd,
                                       {left, right, addend, cooperative::kAllSigned});
  barrier();  // the addend has been read
  const SpirvId to = place(result_, constant(0));
  body_.add(cooperative::kOpStore,
            {to, product, constant(result_.layout), constant(result_.line), spv::MemoryAccessNonPrivatePointerMask});
  barrier();
  std::vector<SpirvId> results;
  for (uint32_t i = 0; i < tile_.result.elements; ++i) {
    const SpirvId from = place_of(result_, tile_.result, i, true, 1);
    results.push_back(ops_.emit(kI32, spv::OpLoad, {from, spv::MemoryAccessNonPrivatePointerMask}));
  }
  return results;
}

}  // namespace trireme::compiler
