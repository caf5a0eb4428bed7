#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/quantized/micro_kernels_super.cpp"
#include "backends/cpu/quantized/targets.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After foreach_target.h:
#include "backends/cpu/quantized/micro_kernel-inl.h"

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

MicroKernel super_kernel(Codec codec) {
  switch (codec) {
    case Codec::kQ2K: return micro_kernel_of<Codec::kQ2K>();
    case Codec::kQ3K: return micro_kernel_of<Codec::kQ3K>();
    case Codec::kQ4K: return micro_kernel_of<Codec::kQ4K>();
    case Codec::kQ5K: return micro_kernel_of<Codec::kQ5K>();
    case Codec::kQ6K: return micro_kernel_of<Codec::kQ6K>();
    default: return {};
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trireme::cpu::quantized {
HWY_EXPORT(super_kernel);

MicroKernel find_super_kernel(Codec codec) { return HWY_DYNAMIC_DISPATCH(super_kernel)(codec); }
}  // namespace trireme::cpu::quantized
#endif
