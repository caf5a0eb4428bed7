#include "compiler/kernel/uniformity.h"

#include <algorithm>

namespace trireme::kernel {
namespace {

class Analysis {
 public:
  explicit Analysis(const Function& function) : function_(function), uniform_(function.values.size(), true) {}

  std::vector<bool> run() {
    // Values only ever change to "differs", so this ends.
    do {
      changed_ = false;
      visit(function_.body, true);
    } while (changed_);
    return std::move(uniform_);
  }

 private:
  bool all(const std::vector<ValueId>& values) const {
    return std::all_of(values.begin(), values.end(), [&](ValueId id) { return uniform_[id]; });
  }

  void set(ValueId id, bool uniform) {
    if (uniform || !uniform_[id]) return;
    uniform_[id] = false;
    changed_ = true;
  }

  // `together`: all items of the group arrive here.
  void visit(const Region& region, bool together) {
    for (const Instruction& instruction : region.body) visit(instruction, together);
  }

  void visit(const Instruction& instruction, bool together) {
    switch (instruction.op) {
      case Op::kLocalId:
      case Op::kSubgroupLane:
      case Op::kSubgroupId: set(instruction.results[0], false); return;
      case Op::kLoop: visit_loop(instruction, together); return;
      case Op::kIf: visit_if(instruction, together); return;
      // What is written by others may change between the reads of two items that do not go together.
      case Op::kLoad:
      case Op::kLoadShared: set(instruction.results[0], together && all(instruction.operands)); return;
      case Op::kSubgroupAdd:
      case Op::kSubgroupMaximum:
      case Op::kSubgroupBroadcast:
        set(instruction.results[0], all(instruction.operands) || function_.subgroup_size >= function_.group_size);
        return;
      case Op::kMatrixMultiply:
        for (const ValueId result : instruction.results) set(result, false);
        return;
      default: break;
    }
    for (const ValueId result : instruction.results) set(result, all(instruction.operands));
  }

  void visit_loop(const Instruction& loop, bool together) {
    const Region& body = loop.regions[0];
    const bool same_trips = uniform_[loop.operands[0]] && uniform_[loop.operands[1]] && uniform_[loop.operands[2]];
    set(body.arguments[0], uniform_[loop.operands[0]] && uniform_[loop.operands[2]]);
    for (size_t i = 0; i < loop.results.size(); ++i) {
      const bool carried = uniform_[loop.operands[i + 3]] && uniform_[body.yields[i]];
      set(body.arguments[i + 1], carried);
      set(loop.results[i], carried && same_trips);
    }
    visit(body, together && same_trips);
  }

  void visit_if(const Instruction& choice, bool together) {
    const bool same_way = uniform_[choice.operands[0]];
    for (const Region& region : choice.regions) visit(region, together && same_way);
    for (size_t i = 0; i < choice.results.size(); ++i)
      set(choice.results[i],
          same_way && uniform_[choice.regions[0].yields[i]] && uniform_[choice.regions[1].yields[i]]);
  }

  const Function& function_;
  std::vector<bool> uniform_;
  bool changed_ = false;
};

}  // namespace

std::vector<bool> uniform_values(const Function& function) { return Analysis(function).run(); }

}  // namespace trireme::kernel
