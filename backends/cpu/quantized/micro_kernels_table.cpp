#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/quantized/micro_kernels_table.cpp"
#include "backends/cpu/quantized/targets.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After foreach_target.h:
#include "backends/cpu/quantized/micro_kernel-inl.h"

TRIREME_BEFORE_NAMESPACE();
namespace trireme::cpu::quantized::HWY_NAMESPACE {

MicroKernel table_kernel(Codec codec) {
  switch (codec) {
    case Codec::kIq4Nl: return micro_kernel_of<Codec::kIq4Nl>();
    case Codec::kMxfp4: return micro_kernel_of<Codec::kMxfp4>();
    case Codec::kIq4Xs: return micro_kernel_of<Codec::kIq4Xs>();
    case Codec::kTq2_0: return micro_kernel_of<Codec::kTq2_0>();
    default: return {};
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace trireme::cpu::quantized::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trireme::cpu::quantized {
HWY_EXPORT(table_kernel);

MicroKernel find_table_kernel(Codec codec) { return HWY_DYNAMIC_DISPATCH(table_kernel)(codec); }
}  // namespace trireme::cpu::quantized
#endif
