// FlatMap: a hash table from 64-bit keys to 64-bit values in one block of memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trireme::runtime {

class FlatMap {
 public:
  static constexpr uint64_t kAbsent = ~uint64_t{0};  // neither a key nor a value may be this

  void reserve(size_t count) {
    if (count * 2 > slots_.size()) rehash(std::bit_ceil(count * 2));
  }

  // Replaces the value of a key that is there.
  void set(uint64_t key, uint64_t value) {
    if ((count_ + 1) * 2 > slots_.size()) rehash(slots_.empty() ? 16 : slots_.size() * 2);
    Slot& slot = slots_[find(key)];
    if (slot.key == kAbsent) ++count_;
    slot = {key, value};
  }

  // kAbsent when the key is not there.
  uint64_t get(uint64_t key) const { return slots_.empty() ? kAbsent : slots_[find(key)].value; }

 private:
  struct Slot {
    uint64_t key = kAbsent;
    uint64_t value = kAbsent;
  };

  // At most half of the slots are taken, so the walk ends.
  size_t find(uint64_t key) const {
    size_t index = (key ^ (key >> 32)) * 0x9E3779B97F4A7C15u >> shift_;
    while (slots_[index].key != key && slots_[index].key != kAbsent) index = (index + 1) & (slots_.size() - 1);
    return index;
  }

  void rehash(size_t size) {
    std::vector<Slot> old(size);
    old.swap(slots_);
    shift_ = 64 - std::countr_zero(size);
    for (const Slot& slot : old) {
      if (slot.key != kAbsent) slots_[find(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  size_t count_ = 0;
  int shift_ = 63;
};

}  // namespace trireme::runtime
