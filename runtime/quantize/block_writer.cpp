#include "runtime/quantize/block_writer.h"

namespace trireme::runtime {

BlockWriter::BlockWriter(const std::vector<BitField>& fields, int64_t entries) {
  starts_.push_back(0);
  for (int64_t entry = 0; entry < entries; ++entry) {
    for (const BitField& field : fields) {
      const int64_t n = entry - field.first;
      if (n < 0 || (field.count != 0 && n >= field.count)) continue;
      parts_.push_back({bit_address(field, n), field.width, field.shift});
    }
    starts_.push_back(parts_.size());
  }
}

void BlockWriter::write(std::span<std::byte> block, int64_t entry, uint32_t value) const {
  for (size_t i = starts_[size_t(entry)]; i < starts_[size_t(entry) + 1]; ++i) {
    const Part& part = parts_[i];
    uint64_t bits = (value >> part.shift) & ((uint64_t{1} << part.width) - 1);
    bits <<= part.address % 8;
    for (size_t byte = size_t(part.address / 8); bits != 0; ++byte, bits >>= 8) block[byte] |= std::byte(bits & 0xff);
  }
}

}  // namespace trireme::runtime
