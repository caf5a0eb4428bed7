// TokenTrie: finds the longest of many texts at a place of another text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/flat_map.h"

namespace trireme::runtime {

class TokenTrie {
 public:
  struct Match {
    size_t length = 0;
    int32_t value = -1;
  };

  // The text is not empty. A text that is there already gets the new value.
  void add(std::string_view text, int32_t value);
  bool empty() const { return values_.size() == 1; }

  // The longest text that `subject` has at `at`; empty when there is none.
  std::optional<Match> longest(std::string_view subject, size_t at) const;

 private:
  static uint64_t edge(uint64_t node, char byte) { return (node << 8) | static_cast<unsigned char>(byte); }

  FlatMap edges_;                       // node and byte -> node
  std::vector<int32_t> values_ = {-1};  // by node; node 0 is the root
  std::array<bool, 256> first_bytes_{};
};

}  // namespace trireme::runtime
