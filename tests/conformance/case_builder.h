// CaseBuilder: puts operands with random contents together.
#pragma once

#include "tests/conformance/cases.h"
#include "tests/conformance/packed.h"

namespace trireme::conformance {

// Values of f32 operands.
enum class Fill {
  kUsual,    // in [-2, 2]
  kLarge,    // in [-1e4, 1e4]
  kSmall,    // around 1e-12
  kZeroRow,  // usual, with a first row of zeros
};

class CaseBuilder {
 public:
  explicit CaseBuilder(const std::string& name) : random_(name) { case_.name = name; }

  Random& random() { return random_; }

  // The domain of all row operands that follow, and how many of their rows count. Rows past that hold NaN, or ids that
  // are out of range: a device that reads them shows it.
  void rows(RowDomain domain, int32_t count);

  void f32(const Shape& shape, Fill fill = Fill::kUsual);             // a row operand
  void i32(const std::vector<int32_t>& values, int64_t columns = 0);  // a row operand of rank 1, or 2 with columns
  void floats(const TensorDesc& desc, const std::vector<float>& values, bool constant);
  void integers(const Shape& shape, const std::vector<int32_t>& values);  // a fixed operand
  // Q8_ACT rows with random codes, scales around `scale` and the right sums; extreme: all codes +-127, one row of
  // zeros.
  void q8(int64_t rows, int64_t columns, float scale, bool extreme);
  Status weight(const Format& format, const Shape& shape, Magnitudes magnitudes = Magnitudes::kUsual);  // a constant
  void vector(int64_t count);  // a constant: f32, f16 or bf16
  void cache(const Format& format, const Shape& shape);

  void output(const TensorDesc& desc) { case_.op.outputs.push_back(desc); }
  void row_output(const Shape& shape, const Format& format = formats::f32()) { output({shape, &format, domain_}); }
  Case build(OpParams params);

 private:
  int64_t counted(int64_t capacity) const { return domain_ == RowDomain::kFixed ? capacity : count_; }

  Random random_;
  Case case_;
  RowDomain domain_ = RowDomain::kFixed;
  int32_t count_ = 0;
};

}  // namespace trireme::conformance
