#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/quantized/micro_kernels_plain.cpp"
#include "backends/cpu/quantized/targets.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After foreach_target.h:
#include "backends/cpu/quantized/micro_kernel-inl.h"

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

MicroKernel plain_kernel(Codec codec) {
  switch (codec) {
    case Codec::kQ4_0: return micro_kernel_of<Codec::kQ4_0>();
    case Codec::kQ4_1: return micro_kernel_of<Codec::kQ4_1>();
    case Codec::kQ5_0: return micro_kernel_of<Codec::kQ5_0>();
    case Codec::kQ5_1: return micro_kernel_of<Codec::kQ5_1>();
    case Codec::kQ8_0: return micro_kernel_of<Codec::kQ8_0>();
    default: return {};
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trireme::cpu::quantized {
HWY_EXPORT(plain_kernel);

MicroKernel find_plain_kernel(Codec codec) { return HWY_DYNAMIC_DISPATCH(plain_kernel)(codec); }
}  // namespace trireme::cpu::quantized
#endif
