#include "compiler/emit/spirv_buffers.h"

#include <algorithm>

namespace trireme::compiler {

using kernel::Access;
using kernel::Function;
using kernel::Instruction;
using kernel::kU32;
using kernel::Op;
using kernel::Region;
using kernel::Type;

namespace {

// Lanes of each buffer's elements where all loads have as many, of 32 bits; 0 where they differ.
class LoadedLanes {
 public:
  explicit LoadedLanes(const Function& function) : function_(function), lanes_(function.buffers.size(), kNone) {
    visit(function.body);
  }

  int of(uint32_t buffer) const { return lanes_[buffer] == 1 || lanes_[buffer] == 4 ? lanes_[buffer] : 0; }

 private:
  static constexpr int kNone = -1;

  void visit(const Region& region) {
    for (const Instruction& in : region.body) {
      if (in.op == Op::kLoad) take(in.immediates[0], function_.value(in.results[0]).type);
      for (const Region& inner : in.regions) visit(inner);
    }
  }

  void take(uint32_t buffer, Type type) {
    const int lanes = is_small(type) ? 0 : int(type.lanes);
    lanes_[buffer] = lanes_[buffer] == kNone || lanes_[buffer] == lanes ? lanes : 0;
  }

  const Function& function_;
  std::vector<int> lanes_;
};

}  // namespace

SpirvBuffers::SpirvBuffers(const Function& function, const Target& target, SpirvModule& module, SpirvOps& ops)
    : function_(function), module_(module), ops_(ops), texel_lanes_(function.buffers.size(), 0) {
  if (!target.fetches_texels) return;
  const LoadedLanes loaded(function);
  for (uint32_t i = 0; i < function.buffers.size(); ++i)
    if (function.buffers[i].access == Access::kRead) texel_lanes_[i] = loaded.of(i);
}

SpirvId SpirvBuffers::declare(uint32_t buffer, spv::StorageClass storage, SpirvId type, const std::string& element) {
  const SpirvId view = module_.variable(storage, type);
  module_.name(view, function_.buffers[buffer].name + "_" + element);
  module_.decorate(view, spv::DecorationDescriptorSet, {0});
  module_.decorate(view, spv::DecorationBinding, {buffer});
  return view;
}

SpirvId SpirvBuffers::storage(uint32_t buffer, Type type) {
  SpirvId& view = views_[{buffer, module_.type(type)}];
  if (view != 0) return view;
  view = declare(buffer, spv::StorageClassStorageBuffer, module_.endless_array(type), kernel::type_name(type));
  module_.decorate(view, spv::DecorationAliased);
  if (function_.buffers[buffer].access == Access::kRead) module_.decorate(view, spv::DecorationNonWritable);
  return view;
}

SpirvId SpirvBuffers::texels(uint32_t buffer) {
  const int lanes = texel_lanes_[buffer];
  const SpirvId image = module_.texels(lanes);
  SpirvId& view = views_[{buffer, image}];
  if (view == 0) view = declare(buffer, spv::StorageClassUniformConstant, image, lanes == 1 ? "texels" : "texels_x4");
  return ops_.emit_as(image, spv::OpLoad, {view});
}

SpirvId SpirvBuffers::pointer(uint32_t buffer, Type type, SpirvId index) {
  const SpirvId to = module_.pointer(spv::StorageClassStorageBuffer, module_.type(type));
  return ops_.emit_as(to, spv::OpAccessChain, {storage(buffer, type), module_.unsigned_constant(0), index});
}

SpirvId SpirvBuffers::fetch(uint32_t buffer, Type type, SpirvId index) {
  SpirvId words = ops_.emit(kU32.with_lanes(4), spv::OpImageFetch, {texels(buffer), index});
  if (type.lanes == 1) words = ops_.emit(kU32, spv::OpCompositeExtract, {words, 0});
  return type.scalar == kernel::Scalar::kU32 ? words : ops_.emit(type, spv::OpBitcast, {words});
}

}  // namespace trireme::compiler
