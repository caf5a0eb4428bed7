// How much longer than a user's text a tokenizer may make it on the way to its tokens, or back.
#pragma once

#include <algorithm>
#include <cstddef>

namespace trireme::runtime {

// Published tokenizers stay below 12 times (a ligature under NFKD). Steps that each lengthen the text multiply.
constexpr size_t kMaxGrowth = 64;
constexpr size_t kGrowthSlack = size_t{1} << 16;  // bytes that any text may gain
constexpr size_t kMaxGrownBytes = size_t{1} << 30;

constexpr size_t growth_limit(size_t bytes) {
  return bytes >= kMaxGrownBytes / kMaxGrowth ? kMaxGrownBytes : bytes * kMaxGrowth + kGrowthSlack;
}

}  // namespace trireme::runtime
