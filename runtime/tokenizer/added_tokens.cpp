#include "runtime/tokenizer/added_tokens.h"

#include <algorithm>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

size_t character_before(std::string_view text, size_t at) {
  do --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool word_before(std::string_view text, size_t at) {
  return at > 0 && is_word_character(read_utf8(text, character_before(text, at)).value);
}

bool word_at(std::string_view text, size_t at) {
  return at < text.size() && is_word_character(read_utf8(text, at).value);
}

// Where the white space that ends at `at` begins, but not before `limit`.
size_t space_begin(std::string_view text, size_t at, size_t limit) {
  while (at > limit) {
    const size_t before = character_before(text, at);
    if (!is_white_space(read_utf8(text, before).value)) break;
    at = before;
  }
  return std::max(at, limit);
}

// Remembers the last run of white space: tokens inside a long one would each walk it to its end otherwise.
class SpaceEnd {
 public:
  explicit SpaceEnd(std::string_view text) : text_(text) {}
  size_t operator()(size_t at) {
    if (at >= begin_ && at < end_) return end_;
    begin_ = end_ = at;
    while (end_ < text_.size()) {
      const Utf8Unit unit = read_utf8(text_, end_);
      if (!is_white_space(unit.value)) break;
      end_ += unit.length;
    }
    return end_;
  }

 private:
  std::string_view text_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace

Status AddedTokens::add(AddedToken token, std::span<const Normalizer> normalizer) {
  std::string searched = token.content;
  if (token.normalized) TRIREME_TRY(normalize(normalizer, searched));
  if (std::max(token.content.size(), searched.size()) > kMaxContentBytes) {
    return fail(ErrorCode::kUnsupported, "added token \"" + printable(token.content) + "\"",
                "it is longer than " + std::to_string(kMaxContentBytes) + " bytes");
  }
  const auto [entry, is_new] = by_content_.try_emplace(token.content, tokens_.size());
  const size_t index = entry->second;
  if (is_new) tokens_.emplace_back();
  if (!searched.empty()) (token.normalized ? normalized_ : raw_).add(searched, static_cast<int32_t>(index));
  if (token.special && token.id >= 0) {
    if (special_.size() <= static_cast<size_t>(token.id)) special_.resize(static_cast<size_t>(token.id) + 1);
    special_[static_cast<size_t>(token.id)] = true;
  }
  if (token.normalized) {
    normalized_contents_[token.id] = std::move(searched);
  } else {
    normalized_contents_.erase(token.id);
  }
  tokens_[index] = std::move(token);
  return {};
}

std::vector<Stretch> AddedTokens::find(std::string_view text, bool normalized, bool parse_special) const {
  const TokenTrie& trie = normalized ? normalized_ : raw_;
  std::vector<Stretch> result;
  SpaceEnd space_end(text);
  size_t done = 0;
  for (size_t at = 0; !trie.empty() && at < text.size();) {
    const auto match = trie.longest(text, at);
    if (!match) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at += match->length;
    const AddedToken& token = tokens_[static_cast<size_t>(match->value)];
    if (token.special && !parse_special) continue;
    if (token.single_word && (word_before(text, begin) || word_at(text, end))) continue;
    if (token.lstrip) begin = space_begin(text, begin, std::min(begin, done));
    if (token.rstrip) end = space_end(end);
    if (done < begin) result.push_back({done, begin, -1});
    result.push_back({begin, end, token.id});
    done = end;
  }
  if (done != text.size() || text.empty()) result.push_back({done, text.size(), -1});
  return result;
}

const std::string* AddedTokens::normalized_content(int32_t id) const {
  const auto found = normalized_contents_.find(id);
  return found == normalized_contents_.end() ? nullptr : &found->second;
}

bool AddedTokens::is_special(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < special_.size() && special_[static_cast<size_t>(id)];
}

}  // namespace trireme::runtime
