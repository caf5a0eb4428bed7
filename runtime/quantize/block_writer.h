// BlockWriter: puts the integers of one kind (codes, scales, ...) where a record's fields say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hal/format.h"

namespace trireme::runtime {

class BlockWriter {
 public:
  // For `entries` integers a block. The fields must be of a verified format, and hold no base digits.
  BlockWriter(const std::vector<BitField>& fields, int64_t entries);

  // ORs the low bits of value into a block that was zero there.
  void write(std::span<std::byte> block, int64_t entry, uint32_t value) const;

 private:
  struct Part {
    int64_t address;
    int width;
    int shift;
  };
  std::vector<Part> parts_;  // of entry 0, of entry 1, ...
  std::vector<size_t> starts_;
};

}  // namespace trireme::runtime
