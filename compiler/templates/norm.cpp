// Row reductions: RmsNorm and FusedNorm. A group a row; where an item is a thread of a processor, an item a row.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

struct NormShape {
  RmsNorm norm;
  bool has_residual = false;
  bool quantize = false;
};

class Norm {
 public:
  Norm(const NormShape& shape, const OpDesc& op, const Target& target)
      : shape_(shape),
        target_(target),
        columns_(uint32_t(op.inputs[0].desc.shape.back())),
        lanes_(lanes(columns_, target)),
        group_size_(lanes_ == 1 ? kGroupSize : 1),
        b_((shape.quantize ? "norm_quantize_" : "norm_") + std::to_string(columns_), group_size_),
        in_(b_.input(0, "x")),
        residual_(shape.has_residual ? b_.input(1, "residual") : 0),
        weight_(b_.plane(shape.has_residual ? 2 : 1, 0, "weight")),
        sum_(shape.has_residual ? b_.output(0, "sum", Access::kReadWrite) : 0),
        out_(b_.output(shape.has_residual ? 1 : 0, "y")),
        rows_(b_.run_count(op.inputs[0].desc)),
        grid_(linear_grid(op.inputs[0].desc.shape.rows())),
        row_(b_.named(b_.group_number(grid_), "row")) {
    b_.comment(std::string(shape.has_residual ? "x + residual, then its RMS norm, " : "RMS norm, ") +
               (group_size_ == 1 ? "an item" : "a group") + " a row");
  }

  Result<OpCalls> write() {
    b_.when(row_ < rows_, [&] {
      const Term factor = b_.named(rms_factor(squares(), columns_, shape_.norm.epsilon), "factor");
      if (shape_.quantize) return quantize(factor);
      over_vectors([&](Term i) { b_.store(out_, at(i), normalized(i, factor)); });
    });
    return b_.calls(grid_);
  }

 private:
  static uint32_t lanes(uint32_t columns, const Target& target) {
    return target.vector_lanes >= 4 && columns % target.vector_lanes == 0 ? target.vector_lanes : 1;
  }
  Type type() const { return {Scalar::kF32, int(lanes_)}; }
  Term splatted(Term value) const { return splat(value, int(lanes_)); }
  Term at(Term i) { return row_ * (columns_ / lanes_) + i; }
  void over_vectors(const std::function<void(Term)>& body) {
    b_.loop(first(), b_.u32(columns_ / lanes_), b_.u32(group_size_), body);
  }
  Term first() { return group_size_ == 1 ? b_.u32(0) : b_.local_id(); }

  Term squares() {
    const Terms sums = b_.loop(first(), b_.u32(columns_ / lanes_), b_.u32(group_size_), {splatted(b_.f32(0))},
                               [&](Term i, const Terms& carried) {
                                 Term value = b_.load(in_, at(i), type());
                                 if (shape_.has_residual) {
                                   value = value + b_.load(residual_, at(i), type());
                                   b_.store(sum_, at(i), value);
                                 }
                                 return Terms{fused_multiply_add(value, value, carried[0])};
                               });
    Term total = extract(sums[0], 0);
    for (uint32_t lane = 1; lane < lanes_; ++lane) total = total + extract(sums[0], lane);
    return group_reduce(b_, target_, Op::kAdd, total, group_size_);
  }

  // Vector i of the row.
  Term normalized(Term i, Term factor) {
    const Term value = b_.load(shape_.has_residual ? sum_ : in_, at(i), type());
    const Term scaled = b_.load(weight_, i, type()) + splatted(b_.f32(shape_.norm.weight_offset));
    return value * splatted(factor) * scaled;
  }

  void quantize(Term factor) {
    b_.loop(first(), b_.u32(columns_ / 32), b_.u32(group_size_), [&](Term group) {
      const Q8Group place{out_, row_, group, columns_};
      if (lanes_ == 1)
        return store_q8_group(b_, target_, place, [&](Term i) { return normalized((group << 5u) + i, factor); });
      Terms vectors;
      for (uint32_t i = 0; i < 32 / lanes_; ++i) vectors.push_back(normalized(group * (32 / lanes_) + i, factor));
      store_q8_vectors(b_, target_, place, vectors);
    });
  }

  NormShape shape_;
  const Target& target_;
  uint32_t columns_;
  uint32_t lanes_;
  uint32_t group_size_;
  CallBuilder b_;
  uint32_t in_, residual_, weight_, sum_, out_;
  Term rows_;
  std::array<uint32_t, 3> grid_;
  Term row_;
};

}  // namespace

Result<OpCalls> write_norm(const OpDesc& op, const Target& target) {
  const auto* norm = std::get_if<RmsNorm>(&op.params);
  const auto* fused = std::get_if<FusedNorm>(&op.params);
  const NormShape of =
      norm ? NormShape{*norm, false, false} : NormShape{fused->norm, fused->has_residual, fused->quantize};
  return Norm(of, op, target).write();
}

}  // namespace trireme::compiler
