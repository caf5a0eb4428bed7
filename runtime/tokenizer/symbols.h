// SymbolList: a piece of text as a chain of symbols, and the merging that byte-pair encoding does on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace trireme::runtime {

struct Symbol {
  int32_t id = -1;  // -1: no token
  uint32_t begin = 0;
  uint32_t length = 0;  // bytes of the text; 0 after it was merged into its left neighbour
  uint32_t previous = 0;
  uint32_t next = 0;
};

struct Merge {
  uint32_t priority = 0;  // the smallest goes first, among equals the leftmost
  int32_t id = -1;
};

// Pieces have less than 2^31 bytes. Reused from piece to piece, so that its memory is.
class SymbolList {
 public:
  static constexpr uint32_t kEnd = ~uint32_t{0};

  void clear() { symbols_.clear(); }
  void add(int32_t id, size_t begin, size_t length) {
    const auto index = static_cast<uint32_t>(symbols_.size());
    if (index > 0) symbols_.back().next = index;
    symbols_.push_back(
        {id, static_cast<uint32_t>(begin), static_cast<uint32_t>(length), index == 0 ? kEnd : index - 1, kEnd});
  }

  // Merges neighbours until find_merge(left, right) -> std::optional<Merge> finds none, best first. O(n log n).
  template <typename FindMerge>
  void merge_all(const FindMerge& find_merge);

  // visit(symbol) for every symbol that is left, in order.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (uint32_t i = symbols_.empty() ? kEnd : 0; i != kEnd; i = symbols_[i].next) visit(symbols_[i]);
  }

 private:
  struct Candidate {
    uint64_t key;     // priority, then the left symbol's index
    uint32_t length;  // of both symbols when it was found; another one means that it is stale
    int32_t id;
    uint32_t left() const { return static_cast<uint32_t>(key); }
  };
  struct Later {
    bool operator()(const Candidate& a, const Candidate& b) const { return a.key > b.key; }
  };

  template <typename FindMerge>
  void consider(uint32_t left, const FindMerge& find_merge) {
    const Symbol& a = symbols_[left];
    const Symbol& b = symbols_[a.next];
    if (const std::optional<Merge> merge = find_merge(a, b)) {
      queue_.push_back({(uint64_t{merge->priority} << 32) | left, a.length + b.length, merge->id});
    }
  }

  std::vector<Symbol> symbols_;
  std::vector<Candidate> queue_;  // a heap
};

template <typename FindMerge>
void SymbolList::merge_all(const FindMerge& find_merge) {
  queue_.clear();
  for (uint32_t i = 0; i + 1 < symbols_.size(); ++i) consider(i, find_merge);
  std::make_heap(queue_.begin(), queue_.end(), Later{});
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), Later{});
    const Candidate best = queue_.back();
    queue_.pop_back();
    Symbol& left = symbols_[best.left()];
    if (left.length == 0 || left.next == kEnd) continue;
    Symbol& right = symbols_[left.next];
    if (left.length + right.length != best.length) continue;
    left.id = best.id;
    left.length = best.length;
    right.length = 0;
    left.next = right.next;
    if (left.next != kEnd) symbols_[left.next].previous = best.left();
    const size_t queued = queue_.size();
    if (left.previous != kEnd) consider(left.previous, find_merge);
    if (queue_.size() > queued) std::push_heap(queue_.begin(), queue_.end(), Later{});
    const size_t queued_again = queue_.size();
    if (left.next != kEnd) consider(best.left(), find_merge);
    if (queue_.size() > queued_again) std::push_heap(queue_.begin(), queue_.end(), Later{});
  }
}

}  // namespace trireme::runtime
