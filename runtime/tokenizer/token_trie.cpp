#include "runtime/tokenizer/token_trie.h"

namespace trireme::runtime {

void TokenTrie::add(std::string_view text, int32_t value) {
  first_bytes_[static_cast<unsigned char>(text.front())] = true;
  uint64_t node = 0;
  for (const char byte : text) {
    uint64_t next = edges_.get(edge(node, byte));
    if (next == FlatMap::kAbsent) {
      next = values_.size();
      values_.push_back(-1);
      edges_.set(edge(node, byte), next);
    }
    node = next;
  }
  values_[node] = value;
}

std::optional<TokenTrie::Match> TokenTrie::longest(std::string_view subject, size_t at) const {
  if (!first_bytes_[static_cast<unsigned char>(subject[at])]) return std::nullopt;
  std::optional<Match> best;
  uint64_t node = 0;
  for (size_t end = at; end < subject.size(); ++end) {
    node = edges_.get(edge(node, subject[end]));
    if (node == FlatMap::kAbsent) break;
    if (values_[node] >= 0) best = Match{end + 1 - at, values_[node]};
  }
  return best;
}

}  // namespace trireme::runtime
