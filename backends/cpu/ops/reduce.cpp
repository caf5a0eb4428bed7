// Softmax, Argmax, TopK.
// Compiled as a part of small_kernels.cpp, once a target.
#include <limits>

#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

float largest(const float* x, int64_t columns) {
  const F32 d;
  auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) best = hn::Max(hn::LoadU(d, x + i), best);
  float result = hn::GetLane(hn::MaxOfLanes(d, best));
  for (; i < columns; ++i) result = std::max(result, x[i]);
  return result;
}

void softmax_row(const float* x, float* y, int64_t columns) {
  const F32 d;
  const auto shift = hn::Set(d, largest(x, columns));
  auto total = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) {
    const auto e = exp(d, hn::Sub(hn::LoadU(d, x + i), shift));
    hn::StoreU(e, d, y + i);
    total = hn::Add(total, e);
  }
  if (i < columns) {
    const auto e = exp(d, hn::Sub(load_some(d, x + i, columns - i), shift));
    const auto kept = hn::IfThenElseZero(hn::FirstN(d, size_t(columns - i)), e);
    store_some(d, kept, y + i, columns - i);
    total = hn::Add(total, kept);
  }
  const auto inverse = hn::Div(hn::Set(d, 1.0f), hn::SumOfLanes(d, total));
  transform(columns, y, y, [&](auto v) HWY_ATTR { return hn::Mul(v, inverse); });
}

// The lowest index of the largest number, or of a NaN where there is no number.
int32_t argmax_row(const float* x, int64_t columns) {
  const float best = largest(x, columns);
  for (int64_t i = 0; i < columns; ++i)
    if (x[i] == best) return int32_t(i);
  return 0;
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>

#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_chunks.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(softmax_row);
HWY_EXPORT(argmax_row);

class SoftmaxKernel final : public Kernel {
 public:
  explicit SoftmaxKernel(const KernelContext& context)
      : map_(context.desc, context.constants), columns_(context.desc.outputs[0].shape.back()) {
    const Shape& shape = context.desc.outputs[0].shape;
    rows_each_ = shape.rank() <= 1 ? 0 : shape.rows() / shape[0];
  }

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_, 2048).count(rows(args)); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_, 2048);
    const int64_t columns = rows_each_ == 0 ? args.rows : columns_;
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, rows(args)); ++row) HWY_DYNAMIC_DISPATCH(softmax_row)
    (map_.input<float>(args, 0) + row * columns, map_.output<float>(args, 0) + row * columns, columns);
  }

 private:
  int64_t rows(const KernelArgs& args) const { return rows_each_ == 0 ? 1 : args.rows * rows_each_; }

  OperandMap map_;
  int64_t columns_;
  int64_t rows_each_;  // 0: the whole tensor is one row
};

class ArgmaxKernel final : public Kernel {
 public:
  explicit ArgmaxKernel(const KernelContext& context)
      : map_(context.desc, context.constants), columns_(context.desc.inputs[0].desc.shape.back()) {}

  int64_t chunks(int, const KernelArgs& args) const override { return args.rows; }
  void run(int, int64_t row, int, const KernelArgs& args) const override {
    map_.output<int32_t>(args, 0)[row] =
        HWY_DYNAMIC_DISPATCH(argmax_row)(map_.input<float>(args, 0) + row * columns_, columns_);
  }

 private:
  OperandMap map_;
  int64_t columns_;
};

// The order of hal/ops.h of elements where the first stands behind the second.
bool goes_before(float later, float earlier) { return later > earlier || (std::isnan(earlier) && !std::isnan(later)); }

class TopKKernel final : public Kernel {
 public:
  TopKKernel(const TopK& op, const KernelContext& context)
      : map_(context.desc, context.constants), k_(op.k), columns_(context.desc.inputs[0].desc.shape.back()) {}

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_).count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_);
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, args.rows); ++row)
      find(map_.input<float>(args, 0) + row * columns_, map_.output<float>(args, 0) + row * k_,
           map_.output<int32_t>(args, 1) + row * k_);
  }

 private:
  // Those found so far stay sorted.
  void find(const float* x, float* values, int32_t* ids) const {
    int64_t found = 0;
    for (int64_t i = 0; i < columns_; ++i) {
      if (found == k_ && !goes_before(x[i], values[k_ - 1])) continue;
      int64_t at = found < k_ ? found++ : k_ - 1;
      for (; at > 0 && goes_before(x[i], values[at - 1]); --at) {
        values[at] = values[at - 1];
        ids[at] = ids[at - 1];
      }
      values[at] = x[i];
      ids[at] = int32_t(i);
    }
  }

  OperandMap map_;
  int64_t k_;
  int64_t columns_;
};

}  // namespace

KernelResult make_kernel(const Softmax&, const KernelContext& context) {
  return std::make_unique<SoftmaxKernel>(context);
}
KernelResult make_kernel(const Argmax&, const KernelContext& context) {
  return std::make_unique<ArgmaxKernel>(context);
}
KernelResult make_kernel(const TopK& op, const KernelContext& context) {
  return std::make_unique<TopKKernel>(op, context);
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE
