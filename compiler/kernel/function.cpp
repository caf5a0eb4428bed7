#include "compiler/kernel/function.h"

namespace trireme::kernel {

uint32_t Function::shared_bytes() const {
  uint32_t bytes = 0;
  for (const SharedArray& array : shared) bytes += array.count * uint32_t(type_bytes(array.type));
  return bytes;
}

}  // namespace trireme::kernel
