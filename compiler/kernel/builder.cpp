#include "compiler/kernel/builder.h"

#include <bit>

#include "compiler/kernel/verifier.h"

namespace trireme::kernel {
namespace {

Term binary(Op op, Term a, Term b) { return a.builder->apply(op, a.type(), {a, b}); }
Term compare(Op op, Term a, Term b) { return a.builder->apply(op, {Scalar::kBool, a.type().lanes}, {a, b}); }

// A number of the term's type.
Term number_like(Term term, uint32_t value) {
  Builder& b = *term.builder;
  const Type type = term.type();
  const Term scalar = type.scalar == Scalar::kI32 ? b.i32(int32_t(value)) : b.u32(value);
  return type.lanes == 1 ? scalar : splat(scalar, type.lanes);
}

}  // namespace

Type Term::type() const { return builder->type_of(id); }

Builder::Builder(std::string name, uint32_t group_size) {
  function_.name = std::move(name);
  function_.group_size = group_size;
  open_.push_back(&function_.body);
}

std::string Builder::unused_name(std::string_view wanted) {
  auto [entry, added] = used_names_.try_emplace(std::string(wanted), 0);
  if (added) return std::string(wanted);
  while (true) {
    std::string name = std::string(wanted) + std::to_string(++entry->second);
    if (used_names_.try_emplace(name, 0).second) return name;
  }
}

ValueId Builder::new_value(Type type, std::string_view name) {
  function_.values.push_back({type, unused_name(name)});
  return ValueId(function_.values.size() - 1);
}

Term Builder::apply(Op op, Type type, const Terms& operands, uint32_t immediate, uint32_t second) {
  Instruction instruction;
  instruction.op = op;
  instruction.immediates = {immediate, second};
  for (const Term& operand : operands) instruction.operands.push_back(operand.id);
  Term result{this, 0};
  if (has_result(op)) {
    result.id = new_value(type, "v");
    instruction.results.push_back(result.id);
  }
  append(std::move(instruction));
  return result;
}

uint32_t Builder::buffer(std::string name, Access access) {
  function_.buffers.push_back({unused_name(name), access});
  return uint32_t(function_.buffers.size() - 1);
}

uint32_t Builder::shared(std::string name, Type type, uint32_t count) {
  function_.shared.push_back({unused_name(name), type, count});
  return uint32_t(function_.shared.size() - 1);
}

Term Builder::launch(std::string name, Type type) {
  function_.launch_constants.push_back({unused_name(name), type});
  const Term term = apply(Op::kLaunch, type, {}, uint32_t(function_.launch_constants.size() - 1));
  return named(term, name);
}

Term Builder::specialization(std::string name, Type type, uint32_t default_bits) {
  function_.specializations.push_back({unused_name(name), type, default_bits});
  const Term term = apply(Op::kSpecialization, type, {}, uint32_t(function_.specializations.size() - 1));
  return named(term, name);
}

Term Builder::u32(uint32_t value) { return apply(Op::kConstant, kU32, {}, value); }
Term Builder::i32(int32_t value) { return apply(Op::kConstant, kI32, {}, uint32_t(value)); }
Term Builder::f32(float value) { return apply(Op::kConstant, kF32, {}, std::bit_cast<uint32_t>(value)); }
Term Builder::boolean(bool value) { return apply(Op::kConstant, kBool, {}, uint32_t(value)); }

Term Builder::group_id(uint32_t axis) { return named(apply(Op::kGroupId, kU32, {}, axis), "group"); }
Term Builder::local_id() { return named(apply(Op::kLocalId, kU32, {}), "item"); }
Term Builder::subgroup_lane() { return named(apply(Op::kSubgroupLane, kU32, {}), "lane"); }
Term Builder::subgroup_id() { return named(apply(Op::kSubgroupId, kU32, {}), "subgroup"); }

Term Builder::load(uint32_t buffer, Term index, Type type) { return apply(Op::kLoad, type, {index}, buffer); }
void Builder::store(uint32_t buffer, Term index, Term value) {
  apply(Op::kStore, value.type(), {index, value}, buffer);
}
Term Builder::load_shared(uint32_t array, Term index, int lanes) {
  return apply(Op::kLoadShared, function_.shared[array].type.with_lanes(lanes), {index}, array);
}
void Builder::store_shared(uint32_t array, Term index, Term value) {
  apply(Op::kStoreShared, value.type(), {index, value}, array);
}
void Builder::barrier() { apply(Op::kBarrier, kU32, {}); }

void Builder::use_matrix(const MatrixTile& tile) {
  function_.matrix = tile;
  use_subgroups(tile.lanes);
}

Terms Builder::matrix_multiply(const Terms& left, const Terms& right, const Terms& addend) {
  Instruction instruction;
  instruction.op = Op::kMatrixMultiply;
  for (const Terms* terms : {&left, &right, &addend})
    for (const Term& term : *terms) instruction.operands.push_back(term.id);
  Terms results;
  for (size_t i = 0; i < addend.size(); ++i) {
    instruction.results.push_back(new_value(kI32, "product"));
    results.push_back({this, instruction.results.back()});
  }
  append(std::move(instruction));
  return results;
}

Region Builder::region(const std::vector<Type>& arguments, std::string_view name,
                       const std::function<Terms(const Terms&)>& body) {
  Region made;
  Terms terms;
  for (size_t i = 0; i < arguments.size(); ++i) {
    made.arguments.push_back(new_value(arguments[i], i == 0 ? name : "carried"));
    terms.push_back({this, made.arguments.back()});
  }
  open_.push_back(&made);
  for (const Term& yielded : body(terms)) made.yields.push_back(yielded.id);
  open_.pop_back();
  return made;
}

Terms Builder::loop(Term begin, Term end, Term step, const Terms& initial,
                    const std::function<Terms(Term, const Terms&)>& body) {
  Instruction instruction;
  instruction.op = Op::kLoop;
  instruction.operands = {begin.id, end.id, step.id};
  std::vector<Type> types = {begin.type()};
  for (const Term& value : initial) {
    instruction.operands.push_back(value.id);
    types.push_back(value.type());
  }
  instruction.regions.push_back(region(types, "i", [&](const Terms& arguments) {
    return body(arguments[0], Terms(arguments.begin() + 1, arguments.end()));
  }));
  Terms results;
  for (size_t i = 1; i < types.size(); ++i) {
    instruction.results.push_back(new_value(types[i], "after"));
    results.push_back({this, instruction.results.back()});
  }
  append(std::move(instruction));
  return results;
}

void Builder::loop(Term begin, Term end, Term step, const std::function<void(Term)>& body) {
  loop(begin, end, step, {}, [&](Term index, const Terms&) {
    body(index);
    return Terms();
  });
}

Terms Builder::branch(Term condition, const std::function<Terms()>& yes, const std::function<Terms()>& no) {
  Instruction instruction;
  instruction.op = Op::kIf;
  instruction.operands = {condition.id};
  instruction.regions.push_back(region({}, "", [&](const Terms&) { return yes(); }));
  instruction.regions.push_back(region({}, "", [&](const Terms&) { return no(); }));
  Terms results;
  for (const ValueId yielded : instruction.regions[0].yields) {
    instruction.results.push_back(new_value(function_.values[yielded].type, "chosen"));
    results.push_back({this, instruction.results.back()});
  }
  append(std::move(instruction));
  return results;
}

void Builder::when(Term condition, const std::function<void()>& yes) {
  branch(
      condition,
      [&] {
        yes();
        return Terms();
      },
      [] { return Terms(); });
}

Term Builder::named(Term value, std::string_view name) {
  function_.values[value.id].name = unused_name(name);
  return value;
}

Result<Function> Builder::finish() {
  TRIREME_TRY(verify(function_));
  return std::move(function_);
}

Term operator+(Term a, Term b) { return binary(Op::kAdd, a, b); }
Term operator-(Term a, Term b) { return binary(Op::kSubtract, a, b); }
Term operator*(Term a, Term b) { return binary(Op::kMultiply, a, b); }
Term operator/(Term a, Term b) { return binary(Op::kDivide, a, b); }
Term operator%(Term a, Term b) { return binary(Op::kRemainder, a, b); }
Term operator&(Term a, Term b) { return binary(Op::kAnd, a, b); }
Term operator|(Term a, Term b) { return binary(Op::kOr, a, b); }
Term operator^(Term a, Term b) { return binary(Op::kXor, a, b); }
Term operator<<(Term a, Term b) { return binary(Op::kShiftLeft, a, b); }
Term operator>>(Term a, Term b) { return binary(Op::kShiftRight, a, b); }
Term operator-(Term a) { return a.builder->apply(Op::kNegate, a.type(), {a}); }
Term operator<(Term a, Term b) { return compare(Op::kLess, a, b); }
Term operator<=(Term a, Term b) { return compare(Op::kLessEqual, a, b); }
Term operator==(Term a, Term b) { return compare(Op::kEqual, a, b); }
Term operator!=(Term a, Term b) { return compare(Op::kNotEqual, a, b); }
Term operator+(Term a, uint32_t b) { return a + number_like(a, b); }
Term operator-(Term a, uint32_t b) { return a - number_like(a, b); }
Term operator*(Term a, uint32_t b) { return a * number_like(a, b); }
Term operator/(Term a, uint32_t b) { return a / number_like(a, b); }
Term operator%(Term a, uint32_t b) { return a % number_like(a, b); }
Term operator&(Term a, uint32_t b) { return a & number_like(a, b); }
Term operator<<(Term a, uint32_t b) { return a << number_like(a, b); }
Term operator>>(Term a, uint32_t b) { return a >> number_like(a, b); }
Term operator<(Term a, uint32_t b) { return a < number_like(a, b); }
Term operator==(Term a, uint32_t b) { return a == number_like(a, b); }

Term select(Term condition, Term yes, Term no) {
  return yes.builder->apply(Op::kSelect, yes.type(), {condition, yes, no});
}
Term minimum(Term a, Term b) { return binary(Op::kMinimum, a, b); }
Term maximum(Term a, Term b) { return binary(Op::kMaximum, a, b); }
Term absolute(Term a) { return a.builder->apply(Op::kAbsolute, a.type(), {a}); }
Term fused_multiply_add(Term a, Term b, Term c) { return a.builder->apply(Op::kFusedMultiplyAdd, a.type(), {a, b, c}); }
Term convert(Term a, Scalar to) { return a.builder->apply(Op::kConvert, {to, a.type().lanes}, {a}); }
Term bitcast(Term a, Scalar to) { return a.builder->apply(Op::kBitcast, {to, a.type().lanes}, {a}); }
Term half_to_float(Term bits) {
  return bits.builder->apply(Op::kHalfToFloat, {Scalar::kF32, bits.type().lanes}, {bits});
}
Term float_to_half(Term value) {
  return value.builder->apply(Op::kFloatToHalf, {Scalar::kU32, value.type().lanes}, {value});
}
Term extract_bits(Term a, uint32_t offset, uint32_t width) {
  return a.builder->apply(Op::kExtractBits, a.type(), {a}, offset, width);
}
Term extract(Term vector, uint32_t lane) {
  if (vector.type().lanes == 1) return vector;
  return vector.builder->apply(Op::kExtract, vector.type().with_lanes(1), {vector}, lane);
}
Term like(Term term, float value) { return splat(term.builder->f32(value), term.type().lanes); }
Term splat(Term a, int lanes) { return lanes == 1 ? a : a.builder->apply(Op::kSplat, a.type().with_lanes(lanes), {a}); }
Term pack(const Terms& lanes) {
  return lanes[0].builder->apply(Op::kPack, lanes[0].type().with_lanes(int(lanes.size())), lanes);
}
Term dot4_signed(Term a, Term b, Term sum) { return a.builder->apply(Op::kDot4Signed, sum.type(), {a, b, sum}); }
Term dot4_unsigned(Term a, Term b, Term sum) { return a.builder->apply(Op::kDot4Unsigned, sum.type(), {a, b, sum}); }
Term apply_function(Op function, Term a) { return a.builder->apply(function, a.type(), {a}); }

}  // namespace trireme::kernel
