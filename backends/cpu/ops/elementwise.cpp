// Binary, Unary, Scale, Softcap, Glu, Cast.
// Compiled as a part of small_kernels.cpp, once a target.
#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

void binary(Binary::Kind kind, const float* a, const float* b, float* y, int64_t count) {
  switch (kind) {
    case Binary::Kind::kAdd: return transform(count, a, b, y, [](auto u, auto v) HWY_ATTR { return hn::Add(u, v); });
    case Binary::Kind::kSubtract:
      return transform(count, a, b, y, [](auto u, auto v) HWY_ATTR { return hn::Sub(u, v); });
    case Binary::Kind::kMultiply:
      return transform(count, a, b, y, [](auto u, auto v) HWY_ATTR { return hn::Mul(u, v); });
  }
}

void unary(Activation activation, const float* x, float* y, int64_t count) {
  with_activation(activation, [&](auto which) HWY_ATTR {
    transform(count, x, y, [](auto v) HWY_ATTR { return activate<decltype(which)::value>(F32(), v); });
  });
}

void scale(float factor, const float* x, float* y, int64_t count) {
  transform(count, x, y, [&](auto v) HWY_ATTR { return hn::Mul(v, hn::Set(F32(), factor)); });
}

void softcap(float cap, const float* x, float* y, int64_t count) {
  const auto c = hn::Set(F32(), cap);
  transform(count, x, y, [&](auto v) HWY_ATTR { return hn::Mul(c, tanh(F32(), hn::Div(v, c))); });
}

void glu(Activation activation, const float* gate, const float* up, float* y, int64_t count) {
  with_activation(activation, [&](auto which) HWY_ATTR {
    transform(count, gate, up, y,
              [](auto g, auto u) HWY_ATTR { return hn::Mul(activate<decltype(which)::value>(F32(), g), u); });
  });
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_chunks.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(binary);
HWY_EXPORT(unary);
HWY_EXPORT(scale);
HWY_EXPORT(softcap);
HWY_EXPORT(glu);

// Ops whose elements are independent: chunks are cut anywhere. Body: (args, map, first element, count).
template <class Body>
class FlatKernel final : public Kernel {
 public:
  FlatKernel(const KernelContext& context, Body body) : map_(context.desc, context.constants), body_(std::move(body)) {
    const Shape& shape = context.desc.outputs[0].shape;
    row_elements_ = shape.rank() == 0 ? 1 : shape.elements() / shape[0];
  }

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(1).count(args.rows * row_elements_); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const int64_t begin = Parts(1).begin(chunk);
    body_(args, map_, begin, Parts(1).end(chunk, args.rows * row_elements_) - begin);
  }

 private:
  OperandMap map_;
  Body body_;
  int64_t row_elements_ = 1;
};

template <class Body>
KernelResult make_flat(const KernelContext& context, Body body) {
  return std::make_unique<FlatKernel<Body>>(context, std::move(body));
}

// b is one vector for every row of a.
class BroadcastKernel final : public Kernel {
 public:
  BroadcastKernel(Binary::Kind kind, const KernelContext& context)
      : map_(context.desc, context.constants), kind_(kind), columns_(context.desc.outputs[0].shape.back()) {
    const Shape& shape = context.desc.outputs[0].shape;
    rows_each_ = shape.rank() == 0 ? 1 : shape.rows() / (shape.rank() == 1 ? 1 : shape[0]);
    one_row_ = shape.rank() <= 1;
  }

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(columns_).count(rows(args)); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const Parts parts(columns_);
    const int64_t columns = one_row_ ? args.rows : columns_;
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, rows(args)); ++row) HWY_DYNAMIC_DISPATCH(binary)
    (kind_, map_.input<float>(args, 0) + row * columns, map_.input<float>(args, 1),
     map_.output<float>(args, 0) + row * columns, columns);
  }

 private:
  int64_t rows(const KernelArgs& args) const { return one_row_ ? 1 : args.rows * rows_each_; }

  OperandMap map_;
  Binary::Kind kind_;
  int64_t columns_;
  int64_t rows_each_ = 1;
  bool one_row_ = false;
};

class CastKernel final : public Kernel {
 public:
  explicit CastKernel(const KernelContext& context)
      : map_(context.desc, context.constants),
        from_(*context.desc.inputs[0].desc.format->plain),
        to_(*context.desc.outputs[0].format->plain) {
    const Shape& shape = context.desc.outputs[0].shape;
    row_elements_ = shape.rank() == 0 ? 1 : shape.elements() / shape[0];
  }

  int64_t chunks(int, const KernelArgs& args) const override { return Parts(1).count(args.rows * row_elements_); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    for (int64_t i = Parts(1).begin(chunk); i < Parts(1).end(chunk, args.rows * row_elements_); ++i)
      store(args, i, load(args, i));
  }

 private:
  float load(const KernelArgs& args, int64_t i) const {
    if (from_ == DType::kF32) return map_.input<float>(args, 0)[i];
    const uint16_t bits = map_.input<uint16_t>(args, 0)[i];
    return from_ == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
  void store(const KernelArgs& args, int64_t i, float value) const {
    if (to_ == DType::kF32)
      map_.output<float>(args, 0)[i] = value;
    else
      map_.output<uint16_t>(args, 0)[i] = to_ == DType::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
  }

  OperandMap map_;
  DType from_;
  DType to_;
  int64_t row_elements_ = 1;
};

}  // namespace

KernelResult make_kernel(const Binary& op, const KernelContext& context) {
  if (context.desc.inputs[1].desc.shape != context.desc.inputs[0].desc.shape)
    return std::make_unique<BroadcastKernel>(op.kind, context);
  return make_flat(context,
                   [kind = op.kind](const KernelArgs& args, const OperandMap& map, int64_t begin, int64_t count) {
                     HWY_DYNAMIC_DISPATCH(binary)
                     (kind, map.input<float>(args, 0) + begin, map.input<float>(args, 1) + begin,
                      map.output<float>(args, 0) + begin, count);
                   });
}

KernelResult make_kernel(const Unary& op, const KernelContext& context) {
  return make_flat(context, [activation = op.activation](const KernelArgs& args, const OperandMap& map, int64_t begin,
                                                         int64_t count) {
    HWY_DYNAMIC_DISPATCH(unary)
    (activation, map.input<float>(args, 0) + begin, map.output<float>(args, 0) + begin, count);
  });
}

KernelResult make_kernel(const Scale& op, const KernelContext& context) {
  return make_flat(context, [factor = op.factor](const KernelArgs& args, const OperandMap& map, int64_t begin,
                                                 int64_t count) {
    HWY_DYNAMIC_DISPATCH(scale)(factor, map.input<float>(args, 0) + begin, map.output<float>(args, 0) + begin, count);
  });
}

KernelResult make_kernel(const Softcap& op, const KernelContext& context) {
  return make_flat(context, [cap = op.cap](const KernelArgs& args, const OperandMap& map, int64_t begin,
                                           int64_t count) {
    HWY_DYNAMIC_DISPATCH(softcap)(cap, map.input<float>(args, 0) + begin, map.output<float>(args, 0) + begin, count);
  });
}

KernelResult make_kernel(const Glu& op, const KernelContext& context) {
  return make_flat(context, [activation = op.activation](const KernelArgs& args, const OperandMap& map, int64_t begin,
                                                         int64_t count) {
    HWY_DYNAMIC_DISPATCH(glu)
    (activation, map.input<float>(args, 0) + begin, map.input<float>(args, 1) + begin,
     map.output<float>(args, 0) + begin, count);
  });
}

KernelResult make_kernel(const Cast&, const KernelContext& context) { return std::make_unique<CastKernel>(context); }

}  // namespace trireme::cpu
#endif  // HWY_ONCE
