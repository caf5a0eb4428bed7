#include "tests/random/kernel_reducer.h"

#include <optional>
#include <vector>

#include "compiler/kernel/verifier.h"

namespace trireme::random {

using kernel::Function;
using kernel::Instruction;
using kernel::Op;
using kernel::Region;
using kernel::ValueId;

namespace {

void replace(Region& region, ValueId from, ValueId to) {
  for (Instruction& in : region.body) {
    for (ValueId& operand : in.operands)
      if (operand == from) operand = to;
    for (Region& inner : in.regions) replace(inner, from, to);
  }
  for (ValueId& yielded : region.yields)
    if (yielded == from) yielded = to;
}

void count_uses(const Region& region, std::vector<int>& uses) {
  for (const Instruction& in : region.body) {
    for (const ValueId operand : in.operands) ++uses[operand];
    for (const Region& inner : in.regions) count_uses(inner, uses);
  }
  for (const ValueId yielded : region.yields) ++uses[yielded];
}

bool is_used(const Instruction& in, const std::vector<int>& uses) {
  for (const ValueId result : in.results)
    if (uses[result] > 0) return true;
  return false;
}

// Leaves out what computes values that nothing uses. True when there was any.
bool drop_unused(Region& region, const std::vector<int>& uses) {
  const size_t dropped = std::erase_if(region.body, [&](const Instruction& in) {
    return kernel::has_result(in.op) && !in.results.empty() && in.regions.empty() && !is_used(in, uses);
  });
  bool any = dropped > 0;
  for (Instruction& in : region.body)
    for (Region& inner : in.regions) any = drop_unused(inner, uses) || any;
  return any;
}

void clean(Function& function) {
  while (true) {
    std::vector<int> uses(function.values.size(), 0);
    count_uses(function.body, uses);
    if (!drop_unused(function.body, uses)) return;
  }
}

// The instructions in their order; `number` counts down to the one that is meant.
Instruction* find(Region& region, size_t& number, Region*& home) {
  for (Instruction& in : region.body) {
    if (number-- == 0) {
      home = &region;
      return &in;
    }
    for (Region& inner : in.regions)
      if (Instruction* const found = find(inner, number, home)) return found;
  }
  return nullptr;
}

// Puts one side of an if, or one round of a loop, in the place of the whole.
void unfold(Region& home, size_t index, size_t side, Region& all) {
  Instruction in = std::move(home.body[index]);
  Region region = std::move(in.regions[side]);
  home.body.erase(home.body.begin() + std::ptrdiff_t(index));
  const size_t yields = region.yields.size();
  home.body.insert(home.body.begin() + std::ptrdiff_t(index), region.body.begin(), region.body.end());
  for (size_t i = 0; i < yields; ++i) replace(all, in.results[i], region.yields[i]);
  for (size_t i = 0; i < region.arguments.size(); ++i)
    replace(all, region.arguments[i], in.operands[i == 0 ? 0 : i + 2]);
}

// The function with its instruction of this number changed in one way; nothing when there is no such way.
std::optional<Function> changed(const Function& function, size_t number, size_t way) {
  Function smaller = function;
  Region* home = nullptr;
  Instruction* const in = find(smaller.body, number, home);
  const kernel::Value* const result = in->results.empty() ? nullptr : &function.value(in->results[0]);
  if (way == 0) {  // without it
    std::vector<int> uses(function.values.size(), 0);
    count_uses(function.body, uses);
    if (is_used(*in, uses)) return std::nullopt;
    home->body.erase(home->body.begin() + (in - home->body.data()));
  } else if (way == 1) {  // a constant
    if (!result || in->results.size() != 1 || in->op == Op::kConstant || result->type.lanes != 1) return std::nullopt;
    if (result->type.scalar == kernel::Scalar::kU8 || result->type.scalar == kernel::Scalar::kU16) return std::nullopt;
    in->op = Op::kConstant;
    in->operands.clear();
    in->regions.clear();
    in->immediates = {1, 0};
    if (result->type.is_float()) in->immediates[0] = 0x3f800000;
  } else if (way < 4) {  // what is inside of it
    if (way - 2 >= in->regions.size()) return std::nullopt;
    unfold(*home, size_t(in - home->body.data()), way - 2, smaller.body);
  } else {  // one of its operands
    const size_t index = way - 4;
    if (!result || index >= in->operands.size()) return std::nullopt;
    for (size_t i = 0; i < in->results.size(); ++i) {
      // Those that a loop carries begin as operands.
      const size_t from = in->op == Op::kLoop ? i + 3 : index;
      if (from >= in->operands.size()) return std::nullopt;
      const ValueId operand = in->operands[from];
      if (function.value(operand).type != function.value(in->results[i]).type) return std::nullopt;
      replace(smaller.body, in->results[i], operand);
    }
  }
  clean(smaller);
  if (!kernel::verify(smaller)) return std::nullopt;
  return smaller;
}

size_t size_of(const Region& region) {
  size_t size = region.body.size();
  for (const Instruction& in : region.body)
    for (const Region& inner : in.regions) size += size_of(inner);
  return size;
}

}  // namespace

Function reduced(const Function& function, const std::function<bool(const Function&)>& fails) {
  constexpr size_t kWays = 7;
  Function best = function;
  for (bool better = true; better;) {
    better = false;
    // From the end: what uses others goes first.
    for (size_t number = size_of(best.body); number-- > 0;) {
      for (size_t way = 0; way < kWays && number < size_of(best.body); ++way) {
        const std::optional<Function> smaller = changed(best, number, way);
        if (!smaller || (way > 3 && size_of(smaller->body) >= size_of(best.body)) || !fails(*smaller)) continue;
        best = *smaller;
        better = true;
      }
    }
  }
  return best;
}

}  // namespace trireme::random
