#include "compiler/emit/spirv.h"

#include "compiler/emit/source.h"
#include "compiler/emit/spirv_buffers.h"
#include "compiler/emit/spirv_matrix.h"
#include "compiler/emit/spirv_ops.h"
#include "compiler/kernel/verifier.h"

namespace trireme::compiler {

using kernel::Function;
using kernel::Instruction;
using kernel::kBool;
using kernel::kF32;
using kernel::kI32;
using kernel::kU32;
using kernel::Op;
using kernel::Region;
using kernel::Scalar;
using kernel::Type;
using kernel::ValueId;

namespace {

class SpirvWriter {
 public:
  SpirvWriter(const Function& function, const Target& target)
      : function_(function),
        ops_(target, module_, body_),
        buffers_(function, target, module_, ops_),
        ids_(function.values.size(), 0) {
    if (function.matrix)
      matrix_.emplace(*function.matrix, function.group_size / function.subgroup_size, module_, ops_, body_);
  }

  std::string run() {
    declare_parameters();
    begin_block(module_.new_id());
    write(function_.body);
    body_.add(spv::OpReturn, {});
    return module_.finish(function_.name, function_.comment, function_.group_size, body_);
  }

 private:
  Type type_of(ValueId id) const { return function_.value(id).type; }
  uint32_t constant(uint32_t value) { return module_.unsigned_constant(value); }
  SpirvId emit(Type type, spv::Op op, const std::vector<uint32_t>& operands) { return ops_.emit(type, op, operands); }
  SpirvId emit_as(SpirvId type, spv::Op op, const std::vector<uint32_t>& operands) {
    return ops_.emit_as(type, op, operands);
  }

  void begin_block(SpirvId label) {
    body_.add(spv::OpLabel, {label});
    block_ = label;
  }
  void branch(SpirvId label) { body_.add(spv::OpBranch, {label}); }

  void declare_parameters() {
    if (!function_.launch_constants.empty()) {
      const std::vector<SpirvId> members(function_.launch_constants.size(), module_.type(kU32));
      const SpirvId block = module_.structure(members);
      for (uint32_t i = 0; i < members.size(); ++i) module_.name_member(block, i, function_.launch_constants[i].name);
      launch_ = module_.variable(spv::StorageClassPushConstant, block);
      module_.name(launch_, "launch");
    }
    for (uint32_t i = 0; i < function_.specializations.size(); ++i) {
      const kernel::ConstantParameter& constant = function_.specializations[i];
      specializations_.push_back(module_.specialization(constant.type, i, constant.default_bits));
      module_.name(specializations_.back(), constant.name);
    }
    for (const kernel::SharedArray& array : function_.shared) {
      shared_.push_back(module_.variable(spv::StorageClassWorkgroup, module_.array(array.type, array.count)));
      module_.name(shared_.back(), array.name);
    }
  }

  // Of each lane: shared arrays have one type, and vectors lie in them lane by lane.
  std::vector<SpirvId> shared_places(const Instruction& in, Type type) {
    SpirvId first = ids_[in.operands[0]];
    const auto lanes = uint32_t(type.lanes);
    if (lanes > 1) first = emit(kU32, spv::OpIMul, {first, constant(lanes)});
    const SpirvId pointer = module_.pointer(spv::StorageClassWorkgroup, module_.type(type.with_lanes(1)));
    std::vector<SpirvId> places;
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      const SpirvId index = lane == 0 ? first : emit(kU32, spv::OpIAdd, {first, constant(lane)});
      places.push_back(emit_as(pointer, spv::OpAccessChain, {shared_[in.immediates[0]], index}));
    }
    return places;
  }

  // Of memory that other items see, which Vulkan's memory model wants to be told.
  void store(SpirvId to, SpirvId value) {
    if (matrix_) return body_.add(spv::OpStore, {to, value, spv::MemoryAccessNonPrivatePointerMask});
    body_.add(spv::OpStore, {to, value});
  }
  SpirvId load(Type type, SpirvId from) {
    if (matrix_) return emit(type, spv::OpLoad, {from, spv::MemoryAccessNonPrivatePointerMask});
    return emit(type, spv::OpLoad, {from});
  }

  void multiply_matrices(const Instruction& in) {
    std::vector<SpirvId> operands;
    for (const ValueId operand : in.operands) operands.push_back(ids_[operand]);
    const std::vector<SpirvId> results = matrix_->multiply(operands);
    for (size_t i = 0; i < results.size(); ++i) {
      ids_[in.results[i]] = results[i];
      module_.name(results[i], function_.value(in.results[i]).name);
    }
  }

  void store_shared(const Instruction& in) {
    const Type type = type_of(in.operands[1]);
    const std::vector<SpirvId> places = shared_places(in, type);
    const SpirvId value = ids_[in.operands[1]];
    for (uint32_t lane = 0; lane < places.size(); ++lane) {
      const SpirvId part =
          places.size() == 1 ? value : emit(type.with_lanes(1), spv::OpCompositeExtract, {value, lane});
      store(places[lane], part);
    }
  }

  SpirvId load_shared(const Instruction& in, Type type) {
    std::vector<uint32_t> lanes;
    for (const SpirvId place : shared_places(in, type)) lanes.push_back(load(type.with_lanes(1), place));
    return lanes.size() == 1 ? lanes[0] : emit(type, spv::OpCompositeConstruct, lanes);
  }

  void write(const Region& region) {
    for (const Instruction& in : region.body) write(in);
  }

  void write(const Instruction& in) {
    switch (in.op) {
      case Op::kStoreShared: return store_shared(in);
      case Op::kStore: {
        const SpirvId to = buffers_.pointer(in.immediates[0], type_of(in.operands[1]), ids_[in.operands[0]]);
        return store(to, ids_[in.operands[1]]);
      }
      case Op::kBarrier: {
        const SpirvId scope = constant(spv::ScopeWorkgroup);
        return body_.add(
            spv::OpControlBarrier,
            {scope, scope,
             constant(spv::MemorySemanticsAcquireReleaseMask | spv::MemorySemanticsWorkgroupMemoryMask |
                      spv::MemorySemanticsUniformMemoryMask |
                      (matrix_ ? spv::MemorySemanticsMakeAvailableMask | spv::MemorySemanticsMakeVisibleMask
                               : spv::MemorySemanticsMaskNone))});
      }
      case Op::kMatrixMultiply: return multiply_matrices(in);
      case Op::kLoop: return loop(in);
      case Op::kIf: return choice(in);
      default: break;
    }
    const size_t before = body_.size();
    const ValueId result = in.results[0];
    ids_[result] = value(in);
    // Constants have no name, and neither has a value that is another one with its own.
    if (body_.size() != before) module_.name(ids_[result], function_.value(result).name);
  }

  SpirvId value(const Instruction& in) {
    const Type type = type_of(in.results[0]);
    const uint32_t first = in.immediates[0];
    switch (in.op) {
      case Op::kConstant: return module_.constant(type, first);
      case Op::kSpecialization: return specializations_[first];
      case Op::kLaunch: {
        const SpirvId pointer = module_.pointer(spv::StorageClassPushConstant, module_.type(kU32));
        const SpirvId place = emit_as(pointer, spv::OpAccessChain, {launch_, constant(first)});
        const SpirvId word = emit(kU32, spv::OpLoad, {place});
        return type == kU32 ? word : emit(type, spv::OpBitcast, {word});
      }
      case Op::kGroupId: {
        const SpirvId axes = module_.builtin(spv::BuiltInWorkgroupId, true);
        const SpirvId pointer = module_.pointer(spv::StorageClassInput, module_.type(kU32));
        const SpirvId place = emit_as(pointer, spv::OpAccessChain, {axes, constant(first)});
        return emit(kU32, spv::OpLoad, {place});
      }
      case Op::kLocalId: return builtin(spv::BuiltInLocalInvocationIndex);
      case Op::kSubgroupLane: return builtin(spv::BuiltInSubgroupLocalInvocationId);
      case Op::kSubgroupId: return builtin(spv::BuiltInSubgroupId);
      case Op::kLoadShared: return load_shared(in, type);
      case Op::kLoad: {
        const SpirvId index = ids_[in.operands[0]];
        if (buffers_.is_texels(first)) return buffers_.fetch(first, type, index);
        const SpirvId from = buffers_.pointer(first, type, index);
        return load(type, from);
      }
      default: break;
    }
    std::vector<uint32_t> operands;
    for (const ValueId operand : in.operands) operands.push_back(ids_[operand]);
    return ops_.compute(in, type_of(in.operands[0]), type, operands);
  }

  SpirvId builtin(spv::BuiltIn which) {
    if (which != spv::BuiltInLocalInvocationIndex) module_.capability(spv::CapabilityGroupNonUniform);
    return emit(kU32, spv::OpLoad, {module_.builtin(which, false)});
  }

  // Results are the carried values as they stand when the loop ends.
  void loop(const Instruction& in) {
    const Region& region = in.regions[0];
    const SpirvId before = block_, header = module_.new_id(), test = module_.new_id(), inside = module_.new_id(),
                  again = module_.new_id(), after = module_.new_id();
    branch(header);
    begin_block(header);
    std::vector<size_t> open;  // where the values of the next round are to be filled in
    for (size_t i = 0; i < region.arguments.size(); ++i) {
      const ValueId argument = region.arguments[i];
      ids_[argument] = emit(type_of(argument), spv::OpPhi, {ids_[in.operands[i == 0 ? 0 : i + 2]], before, 0, again});
      open.push_back(body_.size() - 2);
      module_.name(ids_[argument], function_.value(i == 0 ? argument : in.results[i - 1]).name);
      if (i > 0) ids_[in.results[i - 1]] = ids_[argument];
    }
    body_.add(spv::OpLoopMerge, {after, again, spv::LoopControlMaskNone});
    branch(test);
    begin_block(test);
    const Type type = type_of(region.arguments[0]);
    const SpirvId index = ids_[region.arguments[0]];
    const SpirvId goes_on =
        emit(kBool, type == kI32 ? spv::OpSLessThan : spv::OpULessThan, {index, ids_[in.operands[1]]});
    body_.add(spv::OpBranchConditional, {goes_on, inside, after});
    begin_block(inside);
    write(region);
    branch(again);
    begin_block(again);
    body_.set(open[0], emit(type, spv::OpIAdd, {index, ids_[in.operands[2]]}));
    for (size_t i = 1; i < open.size(); ++i) body_.set(open[i], ids_[region.yields[i - 1]]);
    branch(header);
    begin_block(after);
  }

  void choice(const Instruction& in) {
    const bool one_sided = in.regions[1].body.empty() && in.results.empty();
    const SpirvId yes = module_.new_id(), after = module_.new_id(), no = one_sided ? after : module_.new_id();
    body_.add(spv::OpSelectionMerge, {after, spv::SelectionControlMaskNone});
    body_.add(spv::OpBranchConditional, {ids_[in.operands[0]], yes, no});
    std::vector<std::vector<uint32_t>> incoming(in.results.size());
    for (size_t side = 0; side < (one_sided ? 1 : 2); ++side) {
      begin_block(side == 0 ? yes : no);
      write(in.regions[side]);
      for (size_t i = 0; i < in.results.size(); ++i) {
        incoming[i].push_back(ids_[in.regions[side].yields[i]]);
        incoming[i].push_back(block_);
      }
      branch(after);
    }
    begin_block(after);
    for (size_t i = 0; i < in.results.size(); ++i) {
      ids_[in.results[i]] = emit(type_of(in.results[i]), spv::OpPhi, incoming[i]);
      module_.name(ids_[in.results[i]], function_.value(in.results[i]).name);
    }
  }

  const Function& function_;
  SpirvModule module_;
  SpirvWords body_;
  SpirvOps ops_;
  SpirvBuffers buffers_;
  std::optional<SpirvMatrix> matrix_;  // of kernels with a matrix tile
  SpirvId block_ = 0;                  // the label of the block that is being written
  std::vector<SpirvId> ids_;           // of values
  SpirvId launch_ = 0;
  std::vector<SpirvId> specializations_;
  std::vector<SpirvId> shared_;
};

// Errors: kUnsupported where the target has no such tile, or too little shared memory for its fragments.
Status check_matrix(const Function& function, const Target& target) {
  if (!function.matrix) return {};
  const auto refused = [&](const std::string& why) {
    return fail(ErrorCode::kUnsupported, "kernel " + function.name,
                "it multiplies matrix tiles of " + text(*function.matrix) + ", and " + why);
  };
  if (target.matrix != function.matrix) return refused("the device has no such units");
  if (function.shared_bytes() + SpirvMatrix::shared_bytes(*function.matrix, function.group_size) > target.shared_bytes)
    return refused("their fragments do not fit into shared memory");
  return {};
}

// Errors: kUnsupported for small elements where the target has none, and for long vectors.
Status check_types(const Function& function, const Target& target) {
  for (const kernel::Value& value : function.values) {
    const std::string name = kernel::type_name(value.type);
    if (is_small(value.type) && !target.small_stores)
      return fail(ErrorCode::kUnsupported, "kernel " + function.name,
                  "it loads or stores " + name + ", and the device has no elements of 8 and 16 bits");
    if (value.type.lanes > 4)
      return fail(ErrorCode::kUnsupported, "kernel " + function.name,
                  "it computes with " + name + ", and vectors of SPIR-V have at most 4 lanes");
  }
  return {};
}

}  // namespace

Result<KernelSource> emit_spirv(const Function& function, const Target& target) {
  TRIREME_TRY(kernel::verify(function));
  TRIREME_TRY(check_matrix(function, target));
  TRIREME_TRY(kernel::check_limits(function, kernel::limits_of(target)));
  TRIREME_TRY(check_types(function, target));
  return source_of(function, SpirvWriter(function, target).run());
}

}  // namespace trireme::compiler
