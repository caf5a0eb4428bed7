#include "tests/random/driver_faults.h"

#include <algorithm>
#include <vector>

#include "compiler/kernel/uniformity.h"

namespace trireme::random {

using kernel::Function;
using kernel::Instruction;
using kernel::Op;
using kernel::Region;
using kernel::ValueId;

namespace {

// What a kernel has of what drivers stumble over.
class Traits {
 public:
  explicit Traits(const Function& function) : function_(function), uniform_(kernel::uniform_values(function)) {
    visit(function.body);
  }

  bool has_barrier = false;
  bool has_divergent_loop = false;
  bool negates_carried_vector = false;
  bool swaps_carried_vectors = false;

 private:
  void visit(const Region& region) {
    for (const Instruction& in : region.body) {
      has_barrier = has_barrier || in.op == Op::kBarrier;
      if (in.op == Op::kLoop) visit_loop(in);
      for (const Region& inner : in.regions) visit(inner);
    }
  }

  void visit_loop(const Instruction& loop) {
    const bool divergent = !uniform_[loop.operands[0]] || !uniform_[loop.operands[1]] || !uniform_[loop.operands[2]];
    has_divergent_loop = has_divergent_loop || divergent;
    const Region& body = loop.regions[0];
    const auto is_carried_vector = [&](ValueId id) {
      return function_.value(id).type.lanes > 1 && std::ranges::find(body.arguments, id) != body.arguments.end();
    };
    for (size_t i = 0; i < body.yields.size(); ++i)
      swaps_carried_vectors = swaps_carried_vectors || (divergent && body.yields[i] != body.arguments[i + 1] &&
                                                        is_carried_vector(body.yields[i]));
    negates_carried_vector = negates_carried_vector || negates(body, is_carried_vector);
  }

  template <typename IsCarried>
  bool negates(const Region& region, const IsCarried& is_carried) const {
    return std::ranges::any_of(region.body, [&](const Instruction& in) {
      return (in.op == Op::kNegate && is_carried(in.operands[0])) ||
             std::ranges::any_of(in.regions, [&](const Region& inner) { return negates(inner, is_carried); });
    });
  }

  const Function& function_;
  std::vector<bool> uniform_;
};

}  // namespace

const char* left_out(const Function& function, TargetLanguage language) {
  const Traits traits(function);
  if (language == TargetLanguage::kOpenClC) {
    if (traits.has_barrier && traits.has_divergent_loop) return "barriers beside loops that items leave differently";
    if (traits.negates_carried_vector) return "a loop negates a vector";
  }
  if (language == TargetLanguage::kSpirV) {
    const auto is_long = [](const kernel::Value& value) { return value.type.lanes > 4; };
    if (std::ranges::any_of(function.values, is_long)) return "vectors of more than 4 lanes";
    if (traits.swaps_carried_vectors) return "a loop that items leave differently swaps vectors";
  }
  return nullptr;
}

}  // namespace trireme::random
