// Vocabulary: token ids and their spellings, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

// Ids need not be dense. Spellings are unique and valid UTF-8; only the empty one may occur more than once, and is
// never found.
class Vocabulary {
 public:
  static constexpr size_t kMaxTokens = size_t{1} << 22;

  // Prepares for `count` tokens; ids may reach four times that plus a million. Errors: kUnsupported above kMaxTokens.
  Status reserve(size_t count);

  // Errors: kCorruptData for an id out of range or taken, or a spelling that is there already.
  Status add(int64_t id, std::string_view text);

  int32_t size() const { return static_cast<int32_t>(entries_.size()); }  // one more than the largest id
  bool contains(int64_t id) const {
    return id >= 0 && id < size() && entries_[static_cast<size_t>(id)].length != kMissing;
  }
  std::string_view text(int32_t id) const;  // empty when there is no such id
  std::optional<int32_t> find(std::string_view text) const;

 private:
  static constexpr uint32_t kMissing = ~uint32_t{0};
  struct Entry {
    size_t begin = 0;
    uint32_t length = kMissing;
  };

  size_t slot(std::string_view text) const;

  std::string spellings_;
  std::vector<Entry> entries_;
  std::vector<int32_t> table_;  // open addressing, -1 is free
  size_t limit_ = 0;            // ids below it are taken
  size_t count_ = 0;
  size_t capacity_ = 0;
};

}  // namespace trireme::runtime
