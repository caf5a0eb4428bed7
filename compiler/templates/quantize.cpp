// QuantizeQ8, and how other templates quantise what they computed.
#include <limits>

#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

// The code of one element, as an i32: round half to even of |x| / scale, with x's sign.
Term code_of(Builder& b, Term x, Term scale) {
  const Term size = exact_quotient(b, absolute(x), scale);
  const Term code = convert(minimum(apply_function(Op::kRoundEven, size), b.f32(127)), Scalar::kI32);
  return select(x < b.f32(0), -code, code);
}

}  // namespace

void store_q8_group(Builder& b, uint32_t buffer, Term row, Term group, int64_t columns,
                    const std::function<Term(Term)>& read) {
  const Term zero = b.u32(0), one = b.u32(1);
  const Terms largest = b.loop(zero, b.u32(32), one, {b.f32(0)}, [&](Term i, const Terms& carried) {
    return Terms{maximum(carried[0], absolute(read(i)))};
  });
  const Term infinity = b.f32(std::numeric_limits<float>::infinity());
  const Term scale =
      b.named(select(largest[0] == infinity, infinity, exact_quotient(b, largest[0], b.f32(127))), "scale");
  const Term usable = (scale != b.f32(0)) & (scale != infinity);
  const Term codes = row + (group << 3u);
  const Terms sum = b.loop(zero, b.u32(8), one, {b.i32(0)}, [&](Term word, const Terms& carried) {
    Term packed = b.u32(0), total = carried[0];
    for (uint32_t byte = 0; byte < 4; ++byte) {
      const Term x = read((word << 2u) + byte);
      const Term code = select(usable & (x == x), code_of(b, x, scale), b.i32(0));
      packed = packed | ((bitcast(code, Scalar::kU32) & 0xffu) << (8u * byte));
      total = total + code;
    }
    b.store(buffer, codes + word, packed);
    return Terms{total};
  });
  const Term scales = row + uint32_t(columns / 4) + group;
  b.store(buffer, scales, scale);
  b.store(buffer, scales + uint32_t(columns / 32), sum[0]);
}

// An item a group of 32.
Result<OpCalls> write_quantize(const OpDesc& op, const Target&) {
  const TensorDesc& x = op.inputs[0].desc;
  const int64_t columns = x.shape.back(), groups = columns / 32;
  CallBuilder b("quantize_q8_" + std::to_string(columns), kGroupSize);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term rows = b.row_count(x);
  const Term row = b.named(b.group_id(1), "row");
  const Term group = b.named(b.group_id(0) * kGroupSize + b.local_id(), "part");
  b.when((row < rows) & (group < uint32_t(groups)), [&] {
    const Term start = row * uint32_t(columns) + (group << 5u);
    store_q8_group(b, out, row * uint32_t(q8_row_words(columns)), group, columns,
                   [&](Term i) { return b.load(in, start + i, kernel::kF32); });
  });
  return b.calls({ceil_div(groups, kGroupSize), uint32_t(x.shape.rows()), 1});
}

}  // namespace trireme::compiler
