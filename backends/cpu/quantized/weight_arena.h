// WeightArena: memory for packed weights on huge pages, many weights to a page.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "hal/result.h"

namespace trireme::cpu::quantized {

// One core reads about 1.8 times as fast from 2 MiB pages as from 4 KiB ones (Zen 4), and most matrices of small
// models are smaller than one such page. Weights are cut from shared slabs, and a slab is freed with its last weight.
// Memory is not resident until it is written. Safe to call from several threads.
class WeightArena {
 public:
  // `bytes` of unspecified contents, 64-byte aligned. Errors: kOutOfMemory.
  Result<std::shared_ptr<std::byte[]>> allocate(size_t bytes);

 private:
  std::mutex mutex_;
  std::shared_ptr<std::byte[]> slab_;
  size_t slab_bytes_ = 0;
  size_t used_ = 0;
};

}  // namespace trireme::cpu::quantized
