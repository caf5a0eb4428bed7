// Matmul and MatmulGlu on float activations: few rows at memory speed straight from the weights, many through oneDNN.
#include "hwy/cache_control.h"

#include "backends/cpu/ops/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/ops/float_matmul.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "backends/cpu/ops/float_matmul.h"
#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/quantize-inl.h"
#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

template <FloatElement kElement>
HWY_INLINE VecF32 load_weights(const std::byte* row, int64_t column) {
  const F32 d;
  if constexpr (kElement == FloatElement::kF32) return hn::LoadU(d, reinterpret_cast<const float*>(row) + column);
  const auto* half = reinterpret_cast<const uint16_t*>(row) + column;
  if constexpr (kElement == FloatElement::kF16) return load_f16(d, half);
  return load_bf16(d, half);
}

// The last columns of a row, fewer than a vector.
template <FloatElement kElement>
HWY_INLINE VecF32 load_last_weights(const std::byte* row, int64_t column, int64_t count) {
  HWY_ALIGN std::byte lanes[size_t(kLanes * float_element_bytes(kElement))] = {};
  std::memcpy(lanes, row + column * float_element_bytes(kElement), size_t(count * float_element_bytes(kElement)));
  return load_weights<kElement>(lanes, 0);
}

// y[r, n] = x[r] . w[n] for kRows rows of x and kWeights rows of w. Each sum has one chain over the columns, so that
// it does not depend on how rows are grouped. The rows behind them are fetched meanwhile: processors do not look ahead
// from one short row to the next.
template <FloatElement kElement, int kRows, int kWeights>
HWY_INLINE void dot_tile(const FloatRows& w, const float* x, int64_t columns, float* y, int64_t y_stride) {
  const F32 d;
  VecF32 sums[kRows][kWeights];
  for (auto& row : sums)
    for (auto& sum : row) sum = hn::Zero(d);
  int64_t i = 0;
  const auto* next = reinterpret_cast<const uint8_t*>(w.data + kWeights * w.stride);
  constexpr int64_t kStepBytes = kWeights * kLanes * float_element_bytes(kElement);
  for (; i + kLanes <= columns; i += kLanes, next += kStepBytes) {
    for (int64_t line = 0; line < kStepBytes; line += 64) hwy::Prefetch(next + line);
    VecF32 values[kRows];
    for (int r = 0; r < kRows; ++r) values[r] = hn::LoadU(d, x + r * columns + i);
    for (int n = 0; n < kWeights; ++n) {
      const auto weights = load_weights<kElement>(w.data + n * w.stride, i);
      for (int r = 0; r < kRows; ++r) sums[r][n] = hn::MulAdd(values[r], weights, sums[r][n]);
    }
  }
  for (int n = 0; n < kWeights; ++n) {
    if (i < columns) {
      const auto weights = load_last_weights<kElement>(w.data + n * w.stride, i, columns - i);
      for (int r = 0; r < kRows; ++r)
        sums[r][n] = hn::MulAdd(load_some(d, x + r * columns + i, columns - i), weights, sums[r][n]);
    }
    for (int r = 0; r < kRows; ++r) y[r * y_stride + n] = hn::GetLane(hn::SumOfLanes(d, sums[r][n]));
  }
}

template <FloatElement kElement, int kRows>
HWY_INLINE void gemv_rows(const FloatRows& w, int64_t count, const float* x, int64_t columns, float* y,
                          int64_t y_stride) {
  constexpr int kWeights = kRows == 1 ? 8 : HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 ? (kRows == 2 ? 4 : 2) : 4;
  FloatRows next = w;
  int64_t n = 0;
  for (; n + kWeights <= count; n += kWeights, next.data += kWeights * w.stride)
    dot_tile<kElement, kRows, kWeights>(next, x, columns, y + n, y_stride);
  for (; n < count; ++n, next.data += w.stride) dot_tile<kElement, kRows, 1>(next, x, columns, y + n, y_stride);
}

template <FloatElement kElement>
HWY_INLINE void gemv_any_rows(const FloatRows& w, int64_t count, const float* x, int64_t rows, int64_t columns,
                              float* y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; r += 4) {
    const float* xr = x + r * columns;
    float* yr = y + r * y_stride;
    switch (rows - r) {
      case 1: gemv_rows<kElement, 1>(w, count, xr, columns, yr, y_stride); break;
      case 2: gemv_rows<kElement, 2>(w, count, xr, columns, yr, y_stride); break;
      case 3: gemv_rows<kElement, 3>(w, count, xr, columns, yr, y_stride); break;
      default: gemv_rows<kElement, 4>(w, count, xr, columns, yr, y_stride); break;
    }
  }
}

// y[r, 0 .. count) = x[r, columns] . w.
void gemv(const FloatRows& w, int64_t count, const float* x, int64_t rows, int64_t columns, float* y,
          int64_t y_stride) {
  switch (w.element) {
    case FloatElement::kF32: return gemv_any_rows<FloatElement::kF32>(w, count, x, rows, columns, y, y_stride);
    case FloatElement::kF16: return gemv_any_rows<FloatElement::kF16>(w, count, x, rows, columns, y, y_stride);
    case FloatElement::kBF16: return gemv_any_rows<FloatElement::kBF16>(w, count, x, rows, columns, y, y_stride);
  }
}

template <FloatElement kElement>
HWY_INLINE void widen_row(const std::byte* row, int64_t columns, float* values) {
  const F32 d;
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) hn::StoreU(load_weights<kElement>(row, i), d, values + i);
  if (i < columns) store_some(d, load_last_weights<kElement>(row, i, columns - i), values + i, columns - i);
}

void widen(const FloatRows& w, int64_t count, int64_t columns, float* values) {
  for (int64_t n = 0; n < count; ++n) switch (w.element) {
      case FloatElement::kF32:
        widen_row<FloatElement::kF32>(w.data + n * w.stride, columns, values + n * columns);
        break;
      case FloatElement::kF16:
        widen_row<FloatElement::kF16>(w.data + n * w.stride, columns, values + n * columns);
        break;
      case FloatElement::kBF16:
        widen_row<FloatElement::kBF16>(w.data + n * w.stride, columns, values + n * columns);
        break;
    }
}

void add_to(const float* addend, float* y, int64_t count) {
  transform(count, y, addend, y, [](auto u, auto v) HWY_ATTR { return hn::Add(u, v); });
}

void glu_rows(Activation activation, const float* gate, const float* up, float* y, int64_t count) {
  with_activation(activation, [&](auto which) HWY_ATTR {
    transform(count, gate, up, y,
              [](auto g, auto u) HWY_ATTR { return hn::Mul(activate<decltype(which)::value>(F32(), g), u); });
  });
}

// Groups [first, first + count) of a Q8_ACT row of `columns`.
void quantize_groups(const float* x, int64_t first, int64_t count, std::byte* row, int64_t columns) {
  for (int64_t g = 0; g < count; ++g)
    quantize_group(x + 32 * g, reinterpret_cast<int8_t*>(row) + 32 * (first + g), q8_scales(row, columns)[first + g],
                   q8_sums(row, columns)[first + g]);
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/cpu/onednn.h"
#include "backends/cpu/ops/float_matmul_kernel.h"
#include "backends/cpu/ops/float_product.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(gemv);
HWY_EXPORT(widen);
HWY_EXPORT(add_to);
HWY_EXPORT(glu_rows);
HWY_EXPORT(quantize_groups);

std::optional<FloatElement> float_element(const Format& format) {
  if (format.plain == DType::kF32) return FloatElement::kF32;
  if (format.plain == DType::kF16) return FloatElement::kF16;
  if (format.plain == DType::kBF16) return FloatElement::kBF16;
  return std::nullopt;
}

}  // namespace

int64_t columns_per_chunk(int64_t n, int64_t k, int64_t row_bytes, bool gemm, int threads) {
  if (gemm) return k > 4096 ? 32 : kGemmColumns;
  const int64_t fair = (n / (4 * threads) + 31) / 32 * 32;
  const int64_t cached = (65536 / std::max<int64_t>(row_bytes, 1) + 31) / 32 * 32;
  return std::clamp<int64_t>(std::min(fair, cached), 32, 1024);
}

FloatProduct::FloatProduct(const KernelContext& context, size_t input, const OperandMap& map)
    : map_(map), input_(input), desc_(context.desc.inputs[input].desc), element_(float_element(*desc_.format)) {
  if (context.desc.inputs[input].constant) reader_.emplace(*context.constant(input));
}

void FloatProduct::run(const KernelArgs& args, const Range& weights, const FloatActivations& x, float* y,
                       int64_t y_stride, float* scratch) const {
  const int64_t count = weights.end - weights.begin;
  FloatRows w = decoded_or_mapped(args, weights, scratch);
  if (x.rows > kGemvRows) {
    if (x.rounded && w.element == FloatElement::kBF16 &&
        onednn_matmul_bf16(x.rows, count, k(), x.rounded, k(), reinterpret_cast<const uint16_t*>(w.data), w.stride / 2,
                           y, y_stride))
      return;
    if (w.element != FloatElement::kF32) {
      HWY_DYNAMIC_DISPATCH(widen)(w, count, k(), scratch);
      w = scratch_rows(scratch);
    }
    if (onednn_matmul(x.rows, count, k(), x.values, k(), reinterpret_cast<const float*>(w.data), w.stride / 4, y,
                      y_stride))
      return;
    // Without memory for oneDNN's packing, the same product in place.
  }
  HWY_DYNAMIC_DISPATCH(gemv)(w, count, x.values, x.rows, k(), y, y_stride);
}

FloatRows FloatProduct::scratch_rows(const float* scratch) const {
  return {FloatElement::kF32, reinterpret_cast<const std::byte*>(scratch), k() * 4};
}

FloatRows FloatProduct::decoded_or_mapped(const KernelArgs& args, const Range& weights, float* scratch) const {
  const std::byte* data = nullptr;
  if (!reader_)
    data = map_.input<std::byte>(args, input_) + weights.begin * row_bytes();
  else if (reader_->mapped() && element_)
    data = reader_->mapped()->row(weights.begin);
  if (data && reinterpret_cast<uintptr_t>(data) % size_t(float_element_bytes(*element_)) == 0)
    return {*element_, data, row_bytes()};
  for (int64_t row = weights.begin; row < weights.end; ++row)
    reader_->read(row, {scratch + (row - weights.begin) * k(), size_t(k())});
  return scratch_rows(scratch);
}

namespace {

// Whether the activations of an op are also wanted in bf16.
bool wants_rounded(const OpDesc& desc, bool native_bf16) {
  return native_bf16 && desc.outputs[0].shape[0] > kGemvRows && desc.inputs[1].desc.format == &formats::bf16();
}

struct FloatLayout {
  FloatLayout(const OpDesc& desc, int threads, bool glu, bool native_bf16) {
    const Shape& w = desc.inputs[1].desc.shape;
    const int64_t capacity = desc.outputs[0].shape[0];
    widest = kGemmColumns;
    for (const size_t i : {size_t(1), glu ? size_t(2) : size_t(1)})
      widest =
          std::max(widest, columns_per_chunk(w[0], w[1], desc.inputs[i].desc.format->row_bytes(w[1]), false, threads));
    weight_floats = (std::min(widest, (w[0] + 31) / 32 * 32) * w[1] + 15) / 16 * 16;
    output_floats = glu ? capacity * widest : 0;
    worker_floats = weight_floats + 2 * output_floats;
    bytes = uint64_t(worker_floats) * 4 * uint64_t(threads);
    if (!wants_rounded(desc, native_bf16)) return;
    rounded_at = bytes;
    bytes += (uint64_t(capacity * w[1]) * 2 + 63) / 64 * 64;
  }
  int64_t widest = 0, weight_floats = 0, output_floats = 0, worker_floats = 0;
  std::optional<uint64_t> rounded_at;  // x in bf16, for many rows
  uint64_t bytes = 0;
};

// The phase before the products: x in bf16, where it is wanted.
class RoundedActivations {
 public:
  RoundedActivations(const OperandMap& map, int64_t columns, std::optional<uint64_t> at)
      : map_(map), columns_(columns), at_(at) {}

  int64_t chunks(const KernelArgs& args) const { return used(args) ? (args.rows + kRowsAChunk - 1) / kRowsAChunk : 0; }
  void run(int64_t chunk, const KernelArgs& args) const {
    const int64_t begin = chunk * kRowsAChunk * columns_;
    const int64_t end = std::min(args.rows, (chunk + 1) * kRowsAChunk) * columns_;
    const auto* x = map_.input<float>(args, 0);
    auto* rounded = reinterpret_cast<uint16_t*>(args.workspace + *at_);
    for (int64_t i = begin; i < end; ++i) rounded[i] = f32_to_bf16(x[i]);
  }
  const uint16_t* values(const KernelArgs& args) const {
    return used(args) ? reinterpret_cast<const uint16_t*>(args.workspace + *at_) : nullptr;
  }
  bool exist() const { return at_.has_value(); }

 private:
  static constexpr int64_t kRowsAChunk = 16;
  bool used(const KernelArgs& args) const { return at_ && args.rows > kGemvRows; }

  const OperandMap& map_;
  int64_t columns_;
  std::optional<uint64_t> at_;
};

class FloatMatmulKernel final : public Kernel {
 public:
  FloatMatmulKernel(const Matmul& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        op_(op),
        product_(context, 1, map_),
        layout_(context.desc, context.threads, false, context.native_bf16),
        rounded_(map_, product_.k(), layout_.rounded_at),
        threads_(context.threads) {}

  uint64_t workspace_bytes() const override { return layout_.bytes; }
  int phases() const override { return rounded_.exist() ? 2 : 1; }
  int64_t chunks(int phase, const KernelArgs& args) const override {
    return phase + 1 < phases() ? rounded_.chunks(args) : (product_.n() + step(args) - 1) / step(args);
  }
  void run(int phase, int64_t chunk, int worker, const KernelArgs& args) const override {
    if (phase + 1 < phases()) return rounded_.run(chunk, args);
    const int64_t n = product_.n(), begin = chunk * step(args), end = std::min(n, begin + step(args));
    float* y = map_.output<float>(args, 0) + begin;
    float* scratch = reinterpret_cast<float*>(args.workspace) + worker * layout_.worker_floats;
    product_.run(args, {begin, end}, {map_.input<float>(args, 0), args.rows, rounded_.values(args)}, y, n, scratch);
    for (int64_t row = 0; row < args.rows; ++row) {
      if (op_.has_bias) HWY_DYNAMIC_DISPATCH(add_to)(map_.input<float>(args, 2) + begin, y + row * n, end - begin);
      if (op_.has_residual) HWY_DYNAMIC_DISPATCH(add_to)
      (map_.input<float>(args, op_.has_bias ? 3 : 2) + row * n + begin, y + row * n, end - begin);
    }
  }

 private:
  int64_t step(const KernelArgs& args) const {
    return columns_per_chunk(product_.n(), product_.k(), product_.row_bytes(), args.rows > kGemvRows, threads_);
  }

  OperandMap map_;
  Matmul op_;
  FloatProduct product_;
  FloatLayout layout_;
  RoundedActivations rounded_;
  int threads_;
};

class FloatGluKernel final : public Kernel {
 public:
  FloatGluKernel(const MatmulGlu& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        op_(op),
        gate_(context, 1, map_),
        up_(context, 2, map_),
        layout_(context.desc, context.threads, true, context.native_bf16),
        rounded_(map_, gate_.k(), layout_.rounded_at),
        threads_(context.threads) {}

  uint64_t workspace_bytes() const override { return layout_.bytes; }
  int phases() const override { return rounded_.exist() ? 2 : 1; }
  int64_t chunks(int phase, const KernelArgs& args) const override {
    return phase + 1 < phases() ? rounded_.chunks(args) : (gate_.n() + step(args) - 1) / step(args);
  }
  void run(int phase, int64_t chunk, int worker, const KernelArgs& args) const override {
    if (phase + 1 < phases()) return rounded_.run(chunk, args);
    const int64_t n = gate_.n(), begin = chunk * step(args), end = std::min(n, begin + step(args)), some = end - begin;
    float* scratch = reinterpret_cast<float*>(args.workspace) + worker * layout_.worker_floats;
    float* gate = scratch + layout_.weight_floats;
    float* up = gate + layout_.output_floats;
    const FloatActivations x{map_.input<float>(args, 0), args.rows, rounded_.values(args)};
    gate_.run(args, {begin, end}, x, gate, some, scratch);
    up_.run(args, {begin, end}, x, up, some, scratch);
    for (int64_t row = 0; row < args.rows; ++row) {
      const float* g = gate + row * some;
      if (!op_.quantize) {
        HWY_DYNAMIC_DISPATCH(glu_rows)
        (op_.activation, g, up + row * some, map_.output<float>(args, 0) + row * n + begin, some);
        continue;
      }
      HWY_DYNAMIC_DISPATCH(glu_rows)(op_.activation, g, up + row * some, gate + row * some, some);
      std::byte* target = map_.output<std::byte>(args, 0) + row * formats::q8_act().row_bytes(n);
      HWY_DYNAMIC_DISPATCH(quantize_groups)(g, begin / 32, some / 32, target, n);
    }
  }

 private:
  int64_t step(const KernelArgs& args) const {
    return columns_per_chunk(gate_.n(), gate_.k(), std::max(gate_.row_bytes(), up_.row_bytes()), args.rows > kGemvRows,
                             threads_);
  }

  OperandMap map_;
  MatmulGlu op_;
  FloatProduct gate_;
  FloatProduct up_;
  FloatLayout layout_;
  RoundedActivations rounded_;
  int threads_;
};

}  // namespace

std::unique_ptr<const Kernel> make_float_matmul(const Matmul& op, const KernelContext& context) {
  return std::make_unique<FloatMatmulKernel>(op, context);
}
std::unique_ptr<const Kernel> make_float_matmul_glu(const MatmulGlu& op, const KernelContext& context) {
  return std::make_unique<FloatGluKernel>(op, context);
}
uint64_t float_matmul_workspace_bytes(const OpDesc& desc, int threads, bool native_bf16) {
  return FloatLayout(desc, threads, std::holds_alternative<MatmulGlu>(desc.params), native_bf16).bytes;
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE
