// ModuleFacts: what a SPIR-V module says of one of its kernels. Drivers trust modules, so they are read before.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "hal/result.h"

namespace trireme::vulkan {

struct ModuleFacts {
  uint64_t group_size = 0;
  uint32_t buffers = 0;                 // one more than the highest binding in use
  std::map<uint32_t, uint32_t> texels;  // words of a texel, by the binding of a buffer of texels: 1 or 4
  uint32_t launch_words = 0;
  uint64_t shared_bytes = 0;
};

// `code` is the bytes of words. Errors: kInternal when it is no module, or has no compute kernel of that name.
Result<ModuleFacts> read_module(std::string_view code, std::string_view entry);

}  // namespace trireme::vulkan
