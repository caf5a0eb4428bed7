#include "compiler/templates/call.h"

#include <algorithm>
#include <limits>

#include "compiler/kernel/simplify.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Builder;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;

uint32_t CallBuilder::input(int index, const std::string& name, Access access) {
  bindings_.push_back({.kind = Binding::Kind::kInput, .index = index});
  return buffer(name, access);
}

uint32_t CallBuilder::output(int index, const std::string& name, Access access) {
  bindings_.push_back({.kind = Binding::Kind::kOutput, .index = index});
  return buffer(name, access);
}

uint32_t CallBuilder::plane(int input, int plane, const std::string& name, uint64_t offset, uint64_t bytes) {
  bindings_.push_back({Binding::Kind::kPlane, input, plane, RowDomain::kFixed, offset, bytes});
  return buffer(name, Access::kRead);
}

Term CallBuilder::row_count(const TensorDesc& operand) {
  if (operand.rows == RowDomain::kFixed) return u32(uint32_t(operand.shape[0]));
  bindings_.push_back({.kind = Binding::Kind::kRowCount, .rows = operand.rows});
  const uint32_t counts = buffer("counts", Access::kRead);
  return named(load(counts, launch("count_index", kernel::kU32), kernel::kU32), "rows");
}

Term CallBuilder::call_constant(const std::string& name, uint32_t value) {
  words_.push_back(value);
  return launch(name, kernel::kU32);
}

Term CallBuilder::group_number(const std::array<uint32_t, 3>& grid) {
  return grid[1] == 1 ? group_id(0) : group_id(1) * grid[0] + group_id(0);
}

Result<KernelCall> CallBuilder::call(std::array<uint32_t, 3> groups) {
  for (const uint32_t count : groups)
    if (count > kMostGroups)
      return fail(ErrorCode::kUnsupported, "kernel", "it has " + std::to_string(count) + " groups on one axis");
  KernelCall made;
  TRIREME_ASSIGN(const kernel::Function written, finish());
  TRIREME_ASSIGN(made.function, kernel::simplify(written));
  made.bindings = std::move(bindings_);
  made.groups = groups;
  made.words = std::move(words_);
  return made;
}

Result<OpCalls> CallBuilder::calls(std::array<uint32_t, 3> groups) {
  TRIREME_ASSIGN(KernelCall made, call(groups));
  OpCalls calls;
  calls.push_back(std::move(made));
  return calls;
}

std::array<uint32_t, 3> linear_grid(int64_t groups) {
  const uint32_t rows = std::max(1u, ceil_div(groups, kMostGroups));
  return {ceil_div(groups, rows), rows, 1};
}

namespace {

// The value of the whole subgroup.
Term subgroup_reduce(CallBuilder& b, Op op, Term value) {
  if (op == Op::kAdd) return b.apply(Op::kSubgroupAdd, value.type(), {value});
  if (op == Op::kMaximum) return b.apply(Op::kSubgroupMaximum, value.type(), {value});
  const Term most = b.apply(Op::kSubgroupMaximum, value.type(), {apply_function(Op::kNot, value)});
  return apply_function(Op::kNot, most);
}

Term reduce_by_subgroups(CallBuilder& b, Op op, Term value, uint32_t subgroups) {
  const Term own = subgroup_reduce(b, op, value);
  if (subgroups == 1) {
    b.barrier();
    return own;
  }
  const uint32_t partial = b.shared("partial", value.type(), subgroups);
  const Term subgroup = b.subgroup_id();
  b.when(b.subgroup_lane() == 0u, [&] { b.store_shared(partial, subgroup, own); });
  b.barrier();
  Term all = b.load_shared(partial, b.u32(0));
  for (uint32_t i = 1; i < subgroups; ++i) {
    const Term next = b.load_shared(partial, b.u32(i));
    all = b.apply(op, value.type(), {all, next});
  }
  return all;
}

}  // namespace

Term group_reduce(CallBuilder& b, const Target& target, Op op, Term value, uint32_t group_size) {
  if (group_size == 1) return value;
  if (target.subgroup_size > 1 && group_size % target.subgroup_size == 0) {
    b.use_subgroups(target.subgroup_size);
    return reduce_by_subgroups(b, op, value, group_size / target.subgroup_size);
  }
  const uint32_t partial = b.shared("partial", value.type(), group_size);
  const Term item = b.local_id();
  b.store_shared(partial, item, value);
  for (uint32_t half = group_size / 2; half > 0; half /= 2) {
    b.barrier();
    b.when(item < half, [&] {
      const Term mine = b.load_shared(partial, item);
      const Term other = b.load_shared(partial, item + half);
      b.store_shared(partial, item, b.apply(op, value.type(), {mine, other}));
    });
  }
  b.barrier();
  return b.load_shared(partial, b.u32(0));
}

Term exact_quotient(Builder& b, const Target& target, Term a, Term divisor) {
  if (target.exact_division) {
    const Term quotient = a / divisor;
    return select(quotient < like(quotient, std::numeric_limits<float>::min()), like(quotient, 0), quotient);
  }
  const auto number = [&](uint32_t value) { return splat(b.u32(value), a.type().lanes); };
  const Term a_bits = bitcast(a, Scalar::kU32), d_bits = bitcast(divisor, Scalar::kU32);
  const Term hidden = number(0x800000), low = number(0x7fffff), zero = number(0), one = number(1);
  const Term a_mantissa = (a_bits & low) | hidden, d_mantissa = (d_bits & low) | hidden;
  // 24 bits behind the point, eight at a time, and one more.
  Term quotient = a_mantissa / d_mantissa;
  Term rest = a_mantissa % d_mantissa;
  for (int step = 0; step < 3; ++step) {
    const Term wide = rest << 8u;
    quotient = (quotient << 8u) | (wide / d_mantissa);
    rest = wide % d_mantissa;
  }
  rest = rest << 1u;
  const Term last = select(rest < d_mantissa, zero, one);
  quotient = (quotient << 1u) | last;
  const Term inexact = select(rest == d_mantissa * last, zero, one);
  // 26 bits where a's mantissa is not below the divisor's, else 25.
  const Term large = select(a_mantissa < d_mantissa, zero, one);
  const Term dropped = large + 1u;
  const Term kept = quotient >> dropped;
  const Term below = quotient - (kept << dropped);
  const Term half = one << large;
  const Term is_above = select(half < below, one, zero);
  const Term is_half = select(half == below, one, zero);
  const Term up = is_above | (is_half & (inexact | (kept & 1u)));
  // The hidden bit of `kept` and a carry out of the mantissa both count in the exponent.
  const Term exponent = (a_bits >> 23u) + 126u + large - (d_bits >> 23u);
  const Term bits = ((exponent - 1u) << 23u) + kept + up;
  const Term vanishes = (a_bits == zero) | (bitcast(exponent, Scalar::kI32) < bitcast(one, Scalar::kI32));
  return select(vanishes, like(a, 0), bitcast(bits, Scalar::kF32));
}

}  // namespace trireme::compiler
