// How row-wise kernels cut their rows into chunks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace trireme::cpu {

// Consecutive equal parts of a count, each of about `work` elements.
class Parts {
 public:
  // `unit`: elements of one item; an item is never cut.
  explicit Parts(int64_t unit, int64_t work = 8192) : size_(std::max<int64_t>(1, work / std::max<int64_t>(1, unit))) {}

  int64_t count(int64_t items) const { return (items + size_ - 1) / size_; }
  int64_t begin(int64_t part) const { return part * size_; }
  int64_t end(int64_t part, int64_t items) const { return std::min(items, (part + 1) * size_); }

 private:
  int64_t size_;
};

}  // namespace trireme::cpu
