#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/quantized/micro_kernels_general.cpp"
#include "backends/cpu/quantized/targets.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After foreach_target.h:
#include "backends/cpu/quantized/micro_kernel-inl.h"

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

MicroKernel general_kernel(Codec codec) {
  switch (codec) {
    case Codec::kConsecutive2: return micro_kernel_of<Codec::kConsecutive2>();
    case Codec::kTable4: return micro_kernel_of<Codec::kTable4>();
    case Codec::kTable4Group16: return micro_kernel_of<Codec::kTable4Group16>();
    case Codec::kTable4Minimum: return micro_kernel_of<Codec::kTable4Minimum>();
    case Codec::kByte: return micro_kernel_of<Codec::kByte>();
    case Codec::kByteGroup16: return micro_kernel_of<Codec::kByteGroup16>();
    case Codec::kByteGroup16Minimum: return micro_kernel_of<Codec::kByteGroup16Minimum>();
    default: return {};
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trireme::cpu::quantized {
HWY_EXPORT(general_kernel);

MicroKernel find_general_kernel(Codec codec) { return HWY_DYNAMIC_DISPATCH(general_kernel)(codec); }
}  // namespace trireme::cpu::quantized
#endif
