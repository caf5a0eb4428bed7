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
using kernel::Terms;
using kernel::Type;

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

uint32_t CallBuilder::workspace(const std::string& name, uint64_t bytes, Access access) {
  bindings_.push_back({.kind = Binding::Kind::kWorkspace, .bytes = bytes});
  return buffer(name, access);
}

Term CallBuilder::row_count(const TensorDesc& operand) {
  if (operand.rows == RowDomain::kFixed) return u32(uint32_t(operand.shape[0]));
  bindings_.push_back({.kind = Binding::Kind::kRowCount, .rows = operand.rows});
  const uint32_t counts = buffer("counts", Access::kRead);
  return named(load(counts, launch("count_index", kernel::kU32), kernel::kU32), "rows");
}

Term CallBuilder::run_count(const TensorDesc& operand) {
  const Term rows = row_count(operand);
  if (operand.shape.rank() == 1) return rows / uint32_t(operand.shape[0]);
  return rows * uint32_t(operand.shape.rows() / operand.shape[0]);
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

uint64_t workspace_bytes(const OpCalls& calls) {
  uint64_t bytes = 0;
  for (const KernelCall& call : calls)
    for (const Binding& binding : call.bindings)
      if (binding.kind == Binding::Kind::kWorkspace) bytes = std::max(bytes, binding.bytes);
  return bytes;
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

Terms reduce_by_subgroups(CallBuilder& b, Op op, Terms values, uint32_t subgroups) {
  for (Term& value : values) value = subgroup_reduce(b, op, value);
  if (subgroups == 1) {
    b.barrier();
    return values;
  }
  const auto count = uint32_t(values.size());
  const Type type = values[0].type();
  const uint32_t partial = b.shared("partial", type, subgroups * count);
  const Term start = b.subgroup_id() * count;
  b.when(b.subgroup_lane() == 0u, [&] {
    for (uint32_t i = 0; i < count; ++i) b.store_shared(partial, start + i, values[i]);
  });
  b.barrier();
  for (uint32_t i = 0; i < count; ++i) {
    values[i] = b.load_shared(partial, b.u32(i));
    for (uint32_t subgroup = 1; subgroup < subgroups; ++subgroup) {
      const Term next = b.load_shared(partial, b.u32(subgroup * count + i));
      values[i] = b.apply(op, type, {values[i], next});
    }
  }
  return values;
}

// Items of the lower half take over from those of the upper one, until one has all.
Terms reduce_by_halves(CallBuilder& b, Op op, const Terms& values, uint32_t group_size) {
  const auto count = uint32_t(values.size());
  const Type type = values[0].type();
  const uint32_t partial = b.shared("partial", type, group_size * count);
  const Term item = b.local_id();
  for (uint32_t i = 0; i < count; ++i) b.store_shared(partial, item + i * group_size, values[i]);
  for (uint32_t half = group_size / 2; half > 0; half /= 2) {
    b.barrier();
    b.when(item < half, [&] {
      for (uint32_t i = 0; i < count; ++i) {
        const Term mine = b.load_shared(partial, item + i * group_size);
        const Term other = b.load_shared(partial, item + (half + i * group_size));
        b.store_shared(partial, item + i * group_size, b.apply(op, type, {mine, other}));
      }
    });
  }
  b.barrier();
  Terms all;
  for (uint32_t i = 0; i < count; ++i) all.push_back(b.load_shared(partial, b.u32(i * group_size)));
  return all;
}

}  // namespace

Terms group_reduce(CallBuilder& b, const Target& target, Op op, const Terms& values, uint32_t group_size) {
  if (group_size == 1) return values;
  if (target.subgroup_size <= 1 || group_size % target.subgroup_size != 0)
    return reduce_by_halves(b, op, values, group_size);
  b.use_subgroups(target.subgroup_size);
  return reduce_by_subgroups(b, op, values, group_size / target.subgroup_size);
}

Term group_reduce(CallBuilder& b, const Target& target, Op op, Term value, uint32_t group_size) {
  return group_reduce(b, target, op, Terms{value}, group_size)[0];
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

Term rms_factor(Term squares, uint32_t columns, float epsilon) {
  Builder& b = *squares.builder;
  const Term mean = squares / b.f32(float(columns)) + b.f32(epsilon);
  return b.f32(1) / apply_function(Op::kSquareRoot, mean);
}

}  // namespace trireme::compiler
