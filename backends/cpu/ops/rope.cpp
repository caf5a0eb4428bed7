// Rope, KvStore, RopeStore.
// Compiled as a part of small_kernels.cpp, once a target.
#include "backends/cpu/ops/rope.h"
#include "backends/cpu/ops/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

// Sine and cosine of vectors of f64, to far less than an ulp of f32. pi / 2 is taken off in three parts, of which the
// first two have 22 bits, so that their products with quadrant counts below 2^31 are exact.
template <class D, class V>
HWY_INLINE void sine_cosine(D d, V angle, V& sine, V& cosine) {
  const V n = hn::Round(hn::Mul(angle, hn::Set(d, 0x1.45f306dc9c883p-1)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0x1.921fb0p+0), angle);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.5110b0p-22), r);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.18469898cc517p-44), r);
  const V square = hn::Mul(r, r);
  V s = hn::Set(d, -1.0 / 39916800);
  s = hn::MulAdd(s, square, hn::Set(d, 1.0 / 362880));
  s = hn::MulAdd(s, square, hn::Set(d, -1.0 / 5040));
  s = hn::MulAdd(s, square, hn::Set(d, 1.0 / 120));
  s = hn::MulAdd(s, square, hn::Set(d, -1.0 / 6));
  s = hn::MulAdd(hn::Mul(s, square), r, r);
  V c = hn::Set(d, 1.0 / 479001600);
  c = hn::MulAdd(c, square, hn::Set(d, -1.0 / 3628800));
  c = hn::MulAdd(c, square, hn::Set(d, 1.0 / 40320));
  c = hn::MulAdd(c, square, hn::Set(d, -1.0 / 720));
  c = hn::MulAdd(c, square, hn::Set(d, 1.0 / 24));
  c = hn::MulAdd(c, square, hn::Set(d, -0.5));
  c = hn::MulAdd(c, square, hn::Set(d, 1.0));
  // Quadrants 1 and 3 swap the two; sine is negative in 2 and 3, cosine in 1 and 2.
  const V quarter = hn::Mul(n, hn::Set(d, 0.25));
  const V quadrant = hn::Mul(hn::Sub(quarter, hn::Floor(quarter)), hn::Set(d, 4.0));
  const auto first = hn::Eq(quadrant, hn::Set(d, 1.0)), second = hn::Eq(quadrant, hn::Set(d, 2.0)),
             third = hn::Eq(quadrant, hn::Set(d, 3.0));
  const auto swap = hn::Or(first, third);
  const V sin_size = hn::IfThenElse(swap, c, s), cos_size = hn::IfThenElse(swap, s, c);
  sine = hn::IfThenElse(hn::Or(second, third), hn::Neg(sin_size), sin_size);
  cosine = hn::IfThenElse(hn::Or(first, second), hn::Neg(cos_size), cos_size);
}

void rope_table(const Rope& op, int32_t position, const float* frequencies, int64_t count, float* cosines,
                float* sines) {
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> df;
  constexpr int64_t kStep = int64_t(hn::MaxLanes(d));
  const float p = float(position);
  const auto magnitude = hn::Set(d, double(op.magnitude));
  HWY_ALIGN float in[kStep] = {}, sine[kStep], cosine[kStep];
  for (int64_t i = 0; i < count; i += kStep) {
    const int64_t some = std::min(kStep, count - i);
    std::memcpy(in, frequencies + i, size_t(some) * sizeof(float));
    const auto angle = hn::PromoteTo(d, hn::Mul(hn::Load(df, in), hn::Set(df, p)));
    auto s = hn::Zero(d), c = hn::Zero(d);
    sine_cosine(d, angle, s, c);
    hn::Store(hn::DemoteTo(df, hn::Mul(s, magnitude)), df, sine);
    hn::Store(hn::DemoteTo(df, hn::Mul(c, magnitude)), df, cosine);
    std::memcpy(sines + i, sine, size_t(some) * sizeof(float));
    std::memcpy(cosines + i, cosine, size_t(some) * sizeof(float));
  }
}

void rotate_head(const RopeTable& table, const float* x, float* y, int64_t columns) {
  const F32 d;
  const int64_t count = table.count;
  const bool halves = table.style == RopeStyle::kHalves;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    auto a = hn::Zero(d), b = hn::Zero(d);
    if (halves) {
      a = hn::LoadU(d, x + i);
      b = hn::LoadU(d, x + i + count);
    } else {
      hn::LoadInterleaved2(d, x + 2 * i, a, b);
    }
    const auto c = hn::LoadU(d, table.cosines + i), s = hn::LoadU(d, table.sines + i);
    const auto u = hn::MulSub(a, c, hn::Mul(b, s)), v = hn::MulAdd(a, s, hn::Mul(b, c));
    if (halves) {
      hn::StoreU(u, d, y + i);
      hn::StoreU(v, d, y + i + count);
    } else {
      hn::StoreInterleaved2(u, v, d, y + 2 * i);
    }
  }
  for (; i < count; ++i) {
    const int64_t first = halves ? i : 2 * i, second = halves ? i + count : 2 * i + 1;
    const float a = x[first], b = x[second];
    y[first] = a * table.cosines[i] - b * table.sines[i];
    y[second] = a * table.sines[i] + b * table.cosines[i];
  }
  if (x != y) std::memcpy(y + 2 * count, x + 2 * count, size_t(columns - 2 * count) * sizeof(float));
}

void norm_head(const RmsNorm& op, const float* x, const float* weight, float* y, int64_t columns) {
  apply_norm(norm_factor(op, sum_of_squares(x, columns), columns), op.weight_offset, x, weight, y, columns);
}

void store_half(int64_t count, const float* x, uint16_t* y) { store_f16(count, x, y); }

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_chunks.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(rope_table);
HWY_EXPORT(rotate_head);
HWY_EXPORT(norm_head);
HWY_EXPORT(store_half);

// One kind of cache: where slots lie and how values are rounded.
class CacheWriter {
 public:
  explicit CacheWriter(const TensorDesc& cache)
      : heads_(cache.shape[1]),
        block_size_(cache.shape[2]),
        columns_(cache.shape[3]),
        slots_(cache.shape[0] * block_size_),
        half_(cache.format == &formats::f16()) {}

  Status check(const int32_t* slots, int64_t rows) const {
    for (int64_t i = 0; i < rows; ++i)
      if (slots[i] >= slots_)
        return fail(ErrorCode::kInvalidArgument, "KV slot",
                    std::to_string(slots[i]) + " is outside the cache's " + std::to_string(slots_));
    return {};
  }
  void store(const float* values, int64_t head, int32_t slot, std::byte* cache) const {
    const int64_t at = ((slot / block_size_ * heads_ + head) * block_size_ + slot % block_size_) * columns_;
    if (half_)
      HWY_DYNAMIC_DISPATCH(store_half)(columns_, values, reinterpret_cast<uint16_t*>(cache) + at);
    else
      std::memcpy(reinterpret_cast<float*>(cache) + at, values, size_t(columns_) * sizeof(float));
  }

  int64_t heads() const { return heads_; }
  int64_t columns() const { return columns_; }

 private:
  int64_t heads_;
  int64_t block_size_;
  int64_t columns_;
  int64_t slots_;
  bool half_;
};

class RopeKernel final : public Kernel {
 public:
  RopeKernel(const Rope& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        op_(op),
        heads_(context.desc.outputs[0].shape[1]),
        columns_(context.desc.outputs[0].shape[2]),
        frequencies_(context.desc.inputs[2].desc.shape[0]) {}

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(heads_ * columns_).count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(heads_ * columns_);
    float cosines[kMaxFrequencies], sines[kMaxFrequencies];
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, args.rows); ++row) {
      HWY_DYNAMIC_DISPATCH(rope_table)
      (op_, map_.input<int32_t>(args, 1)[row], map_.input<float>(args, 2), frequencies_, cosines, sines);
      const RopeTable table{op_.style, frequencies_, cosines, sines};
      for (int64_t head = row * heads_; head < (row + 1) * heads_; ++head) HWY_DYNAMIC_DISPATCH(rotate_head)
      (table, map_.input<float>(args, 0) + head * columns_, map_.output<float>(args, 0) + head * columns_, columns_);
    }
  }

 private:
  OperandMap map_;
  Rope op_;
  int64_t heads_;
  int64_t columns_;
  int64_t frequencies_;
};

class KvStoreKernel final : public Kernel {
 public:
  explicit KvStoreKernel(const KernelContext& context)
      : map_(context.desc, context.constants), k_(context.desc.inputs[3].desc), v_(context.desc.inputs[4].desc) {}

  Status check(const KernelArgs& args) const override { return k_.check(map_.input<int32_t>(args, 2), args.rows); }
  int64_t chunks(int, const KernelArgs& args) const override { return parts().count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    for (int64_t row = parts().begin(chunk); row < parts().end(chunk, args.rows); ++row) {
      const int32_t slot = map_.input<int32_t>(args, 2)[row];
      if (slot < 0) continue;
      for (int64_t head = 0; head < k_.heads(); ++head) {
        const int64_t at = (row * k_.heads() + head) * k_.columns();
        k_.store(map_.input<float>(args, 0) + at, head, slot, map_.output<std::byte>(args, 0));
        v_.store(map_.input<float>(args, 1) + at, head, slot, map_.output<std::byte>(args, 1));
      }
    }
  }

 private:
  Parts parts() const { return Parts(2 * k_.heads() * k_.columns()); }

  OperandMap map_;
  CacheWriter k_;
  CacheWriter v_;
};

class RopeStoreKernel final : public Kernel {
 public:
  RopeStoreKernel(const RopeStore& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        op_(op),
        base_(op.has_norm ? 5 : 3),
        heads_(context.desc.inputs[0].desc.shape[1]),
        frequencies_(context.desc.inputs[base_ + 1].desc.shape[0]),
        k_(context.desc.inputs[base_ + 3].desc),
        v_(context.desc.inputs[base_ + 4].desc) {}

  Status check(const KernelArgs& args) const override {
    return k_.check(map_.input<int32_t>(args, base_ + 2), args.rows);
  }
  int64_t chunks(int, const KernelArgs& args) const override { return parts().count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    for (int64_t row = parts().begin(chunk); row < parts().end(chunk, args.rows); ++row) run_row(row, args);
  }

 private:
  Parts parts() const { return Parts((heads_ + 2 * k_.heads()) * k_.columns()); }

  void run_row(int64_t row, const KernelArgs& args) const {
    float cosines[kMaxFrequencies], sines[kMaxFrequencies], head_values[kMaxHeadColumns];
    HWY_DYNAMIC_DISPATCH(rope_table)
    (op_.rope, map_.input<int32_t>(args, base_)[row], map_.input<float>(args, base_ + 1), frequencies_, cosines, sines);
    const RopeTable table{op_.rope.style, frequencies_, cosines, sines};
    const int64_t columns = k_.columns();
    const auto norm_rotate = [&](const float* x, size_t weight, float* y) {
      if (op_.has_norm) {
        HWY_DYNAMIC_DISPATCH(norm_head)(op_.norm, x, map_.input<float>(args, weight), y, columns);
        x = y;
      }
      HWY_DYNAMIC_DISPATCH(rotate_head)(table, x, y, columns);
    };
    for (int64_t head = row * heads_; head < (row + 1) * heads_; ++head)
      norm_rotate(map_.input<float>(args, 0) + head * columns, 3, map_.output<float>(args, 0) + head * columns);
    const int32_t slot = map_.input<int32_t>(args, base_ + 2)[row];
    if (slot < 0) return;
    for (int64_t head = 0; head < k_.heads(); ++head) {
      const int64_t at = (row * k_.heads() + head) * columns;
      norm_rotate(map_.input<float>(args, 1) + at, 4, head_values);
      k_.store(head_values, head, slot, map_.output<std::byte>(args, 1));
      v_.store(map_.input<float>(args, 2) + at, head, slot, map_.output<std::byte>(args, 2));
    }
  }

  OperandMap map_;
  RopeStore op_;
  size_t base_;  // input of the positions
  int64_t heads_;
  int64_t frequencies_;
  CacheWriter k_;
  CacheWriter v_;
};

}  // namespace

KernelResult make_kernel(const Rope& op, const KernelContext& context) {
  return std::make_unique<RopeKernel>(op, context);
}
KernelResult make_kernel(const KvStore&, const KernelContext& context) {
  return std::make_unique<KvStoreKernel>(context);
}
KernelResult make_kernel(const RopeStore& op, const KernelContext& context) {
  return std::make_unique<RopeStoreKernel>(op, context);
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE
