#include "compiler/kernel/merge.h"

#include <algorithm>
#include <set>

#include "compiler/kernel/simplify.h"
#include "compiler/kernel/verifier.h"

namespace trireme::kernel {
namespace {

Instruction instruction(Op op, std::vector<ValueId> operands, std::vector<ValueId> results, uint32_t immediate = 0) {
  Instruction made;
  made.op = op;
  made.operands = std::move(operands);
  made.results = std::move(results);
  made.immediates = {immediate, 0};
  return made;
}

class Merger {
 public:
  Result<Function> merge(std::span<const MergedPart> parts) {
    TRIREME_TRY(check(parts));
    describe(parts);
    const ValueId group = value(kU32, "part_group");
    merged_.body.body.push_back(instruction(Op::kGroupId, {}, {group}));
    for (Instruction& in : chain(parts, group, 0)) merged_.body.body.push_back(std::move(in));
    TRIREME_TRY(verify(merged_));
    return simplify(merged_);
  }

 private:
  static Status check(std::span<const MergedPart> parts) {
    const auto refused = [](const std::string& why) { return fail(ErrorCode::kInternal, "merging kernels", why); };
    if (parts.empty()) return refused("there are none");
    for (const MergedPart& part : parts) {
      const Function& function = *part.function;
      if (function.group_size != parts[0].function->group_size ||
          function.subgroup_size != parts[0].function->subgroup_size)
        return refused(function.name + " has groups of another size");
      if (function.matrix != parts[0].function->matrix) return refused(function.name + " has another matrix tile");
      if (part.buffers.size() != function.buffers.size()) return refused(function.name + " has other buffers");
      if (!function.specializations.empty()) return refused(function.name + " is specialised");
    }
    return {};
  }

  void describe(std::span<const MergedPart> parts) {
    const Function& first = *parts[0].function;
    merged_.name = first.name + "_and_" + std::to_string(parts.size() - 1) + "_more";
    merged_.group_size = first.group_size;
    merged_.subgroup_size = first.subgroup_size;
    merged_.matrix = first.matrix;
    for (const MergedPart& part : parts) {
      const Function& function = *part.function;
      merged_.comment += (&part == &parts[0] ? "" : "; ") + function.comment;
      for (size_t i = 0; i < part.buffers.size(); ++i) {
        if (merged_.buffers.size() <= part.buffers[i]) merged_.buffers.resize(part.buffers[i] + 1);
        BufferParameter& buffer = merged_.buffers[part.buffers[i]];
        if (buffer.name.empty()) buffer = {unused(function.buffers[i].name), function.buffers[i].access};
      }
    }
  }

  // if (group < end of the part) {the part} else {those after it}
  std::vector<Instruction> chain(std::span<const MergedPart> parts, ValueId group, uint32_t begin) {
    if (parts.size() == 1) return copied(parts.front(), group, begin);
    const uint32_t end = begin + parts.front().groups;
    const ValueId bound = value(kU32, "end"), inside = value(kBool, "inside");
    Instruction choice = instruction(Op::kIf, {inside}, {});
    choice.regions.resize(2);
    choice.regions[0].body = copied(parts.front(), group, begin);
    choice.regions[1].body = chain(parts.subspan(1), group, end);
    return {instruction(Op::kConstant, {}, {bound}, end), instruction(Op::kLess, {group, bound}, {inside}),
            std::move(choice)};
  }

  std::vector<Instruction> copied(const MergedPart& part, ValueId group, uint32_t begin) {
    part_ = &part;
    const Function& function = *part.function;
    ids_.clear();
    for (const Value& own : function.values) ids_.push_back(value(own.type, own.name));
    first_launch_ = uint32_t(merged_.launch_constants.size());
    for (const ConstantParameter& constant : function.launch_constants)
      merged_.launch_constants.push_back({unused(constant.name), constant.type, constant.default_bits});
    place_shared(function);
    std::vector<Instruction> made;
    own_group_ = group;
    if (begin > 0) {
      const ValueId first = value(kU32, "first_group");
      own_group_ = value(kU32, "own_group");
      made.push_back(instruction(Op::kConstant, {}, {first}, begin));
      made.push_back(instruction(Op::kSubtract, {group, first}, {own_group_}));
    }
    for (Instruction& in : renumbered(function.body).body) made.push_back(std::move(in));
    return made;
  }

  // Arrays of one type lie in the same place in all parts.
  void place_shared(const Function& function) {
    shared_.clear();
    std::set<uint32_t> taken;
    for (const SharedArray& array : function.shared) {
      uint32_t at = 0;
      while (at < merged_.shared.size() && (merged_.shared[at].type != array.type || taken.contains(at))) ++at;
      if (at == merged_.shared.size()) merged_.shared.push_back({unused(array.name), array.type, 0});
      merged_.shared[at].count = std::max(merged_.shared[at].count, array.count);
      taken.insert(at);
      shared_.push_back(at);
    }
  }

  std::vector<ValueId> renumbered(const std::vector<ValueId>& ids) const {
    std::vector<ValueId> made;
    for (const ValueId id : ids) made.push_back(ids_[id]);
    return made;
  }

  Region renumbered(const Region& region) {
    Region made;
    made.arguments = renumbered(region.arguments);
    for (const Instruction& in : region.body) {
      if (in.op == Op::kGroupId && in.immediates[0] == 0) {
        ids_[in.results[0]] = own_group_;
      } else {
        made.body.push_back(renumbered(in));
      }
    }
    made.yields = renumbered(region.yields);
    return made;
  }

  Instruction renumbered(const Instruction& in) {
    Instruction made = instruction(in.op, renumbered(in.operands), renumbered(in.results));
    made.immediates = in.immediates;
    for (const Region& inner : in.regions) made.regions.push_back(renumbered(inner));
    if (in.op == Op::kLoad || in.op == Op::kStore) made.immediates[0] = part_->buffers[in.immediates[0]];
    if (in.op == Op::kLoadShared || in.op == Op::kStoreShared) made.immediates[0] = shared_[in.immediates[0]];
    if (in.op == Op::kLaunch) made.immediates[0] += first_launch_;
    return made;
  }

  ValueId value(Type type, const std::string& name) {
    merged_.values.push_back({type, unused(name)});
    return ValueId(merged_.values.size() - 1);
  }

  std::string unused(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 2; !names_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
    return name;
  }

  Function merged_;
  std::set<std::string> names_;
  const MergedPart* part_ = nullptr;
  std::vector<ValueId> ids_;  // of the part's values
  uint32_t first_launch_ = 0;
  ValueId own_group_ = 0;
  std::vector<uint32_t> shared_;  // the merged kernel's array for each of the part's own
};

}  // namespace

Result<Function> merge(std::span<const MergedPart> parts) { return Merger().merge(parts); }

}  // namespace trireme::kernel
