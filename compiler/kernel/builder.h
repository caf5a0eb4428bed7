// Builder: writes a kernel as expressions.
//
//   Builder b("scale", 64);
//   const uint32_t x = b.buffer("x", Access::kReadWrite);
//   const Term i = b.group_id(0) * 64u + b.local_id();
//   b.store(x, i, b.load(x, i, kF32) * b.launch("factor", kF32));
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>

#include "compiler/kernel/function.h"
#include "hal/result.h"

namespace trireme::kernel {

class Builder;

// A value of the kernel that is being written. Valid as long as its builder.
struct Term {
  Builder* builder = nullptr;
  ValueId id = 0;

  Type type() const;
};

using Terms = std::vector<Term>;

class Builder {
 public:
  Builder(std::string name, uint32_t group_size);
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  void comment(std::string text) { function_.comment = std::move(text); }
  void use_subgroups(uint32_t size) { function_.subgroup_size = size; }
  // Also of subgroups of as many items as the tile has.
  void use_matrix(const MatrixTile& tile);

  // Each gives the number by which loads and stores name it.
  uint32_t buffer(std::string name, Access access);
  uint32_t shared(std::string name, Type type, uint32_t count);

  Term launch(std::string name, Type type);
  Term specialization(std::string name, Type type, uint32_t default_bits);
  Term u32(uint32_t value);
  Term i32(int32_t value);
  Term f32(float value);
  Term boolean(bool value);

  Term group_id(uint32_t axis);
  Term local_id();
  Term subgroup_lane();
  Term subgroup_id();

  // The general form. Operands must already fit; finish() reports those that do not.
  Term apply(Op op, Type type, const Terms& operands, uint32_t immediate = 0, uint32_t second = 0);

  // Loads of what the kernel also writes happen in the order of the calls: name each before the next, since operands of
  // one expression are evaluated in any order.
  Term load(uint32_t buffer, Term index, Type type);
  void store(uint32_t buffer, Term index, Term value);
  Term load_shared(uint32_t array, Term index, int lanes = 1);  // the index counts vectors, as in a buffer
  void store_shared(uint32_t array, Term index, Term value);
  void barrier();

  // By the kernel's matrix tile, of what this item has of each matrix: u32 words, u32 words and i32 elements; gives its
  // elements of the result. In uniform control flow.
  Terms matrix_multiply(const Terms& left, const Terms& right, const Terms& addend);

  // for (index = begin; index < end; index += step) values = body(index, values). Gives the last values.
  Terms loop(Term begin, Term end, Term step, const Terms& initial,
             const std::function<Terms(Term index, const Terms& values)>& body);
  // The same with nothing carried.
  void loop(Term begin, Term end, Term step, const std::function<void(Term index)>& body);
  // Both sides give values of the same types.
  Terms branch(Term condition, const std::function<Terms()>& yes, const std::function<Terms()>& no);
  void when(Term condition, const std::function<void()>& yes);

  // Names a value for readers of the text; a name in use gets a number behind it.
  Term named(Term value, std::string_view name);

  Type type_of(ValueId id) const { return function_.value(id).type; }

  // Verifies what was written. Errors: kInternal with the instruction that does not fit.
  Result<Function> finish();

 private:
  ValueId new_value(Type type, std::string_view name);
  std::string unused_name(std::string_view wanted);
  void append(Instruction instruction) { open_.back()->body.push_back(std::move(instruction)); }
  Region region(const std::vector<Type>& arguments, std::string_view name,
                const std::function<Terms(const Terms&)>& body);

  Function function_;
  std::vector<Region*> open_;
  std::map<std::string, uint32_t, std::less<>> used_names_;  // and the number that the next of this name gets
};

// Operators over terms of one type. A number beside a term takes the term's type and lanes.
Term operator+(Term a, Term b);
Term operator-(Term a, Term b);
Term operator*(Term a, Term b);
Term operator/(Term a, Term b);
Term operator%(Term a, Term b);
Term operator&(Term a, Term b);
Term operator|(Term a, Term b);
Term operator^(Term a, Term b);
Term operator<<(Term a, Term b);
Term operator>>(Term a, Term b);
Term operator-(Term a);
Term operator<(Term a, Term b);
Term operator<=(Term a, Term b);
Term operator==(Term a, Term b);
Term operator!=(Term a, Term b);
Term operator+(Term a, uint32_t b);
Term operator-(Term a, uint32_t b);
Term operator*(Term a, uint32_t b);
Term operator/(Term a, uint32_t b);
Term operator%(Term a, uint32_t b);
Term operator&(Term a, uint32_t b);
Term operator<<(Term a, uint32_t b);
Term operator>>(Term a, uint32_t b);
Term operator<(Term a, uint32_t b);
Term operator==(Term a, uint32_t b);

// A number in all of the term's lanes.
Term like(Term term, float value);

Term select(Term condition, Term yes, Term no);
Term minimum(Term a, Term b);
Term maximum(Term a, Term b);
Term absolute(Term a);
Term fused_multiply_add(Term a, Term b, Term c);
Term convert(Term a, Scalar to);
Term bitcast(Term a, Scalar to);
Term half_to_float(Term bits);
Term float_to_half(Term value);
Term extract_bits(Term a, uint32_t offset, uint32_t width);
Term extract(Term vector, uint32_t lane);  // of one lane: itself
Term splat(Term a, int lanes);             // one lane: a itself
Term pack(const Terms& lanes);
Term dot4_signed(Term a, Term b, Term sum);
Term dot4_unsigned(Term a, Term b, Term sum);
Term apply_function(Op function, Term a);  // kSquareRoot to kRoundEven, kNot

}  // namespace trireme::kernel
