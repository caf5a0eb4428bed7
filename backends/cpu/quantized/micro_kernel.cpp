#include "backends/cpu/quantized/micro_kernel.h"

namespace trireme::cpu::quantized {

MicroKernel find_plain_kernel(Codec codec);
MicroKernel find_table_kernel(Codec codec);
MicroKernel find_super_kernel(Codec codec);
MicroKernel find_general_kernel(Codec codec);

MicroKernel find_micro_kernel(Codec codec) {
  for (const auto find : {find_plain_kernel, find_table_kernel, find_super_kernel, find_general_kernel}) {
    const MicroKernel kernel = find(codec);
    if (kernel.by_width[0] != nullptr) return kernel;
  }
  return {};
}

}  // namespace trireme::cpu::quantized
