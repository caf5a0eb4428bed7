#include "runtime/tokenizer/vocabulary.h"

#include <bit>
#include <functional>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

constexpr size_t kMaxTokenBytes = size_t{1} << 16;

std::string quoted(std::string_view text) { return "token \"" + printable(text) + "\""; }

}  // namespace

Status Vocabulary::reserve(size_t count) {
  if (count > kMaxTokens) {
    return fail(ErrorCode::kUnsupported, "the vocabulary",
                "it has " + std::to_string(count) + " tokens and the limit is " + std::to_string(kMaxTokens));
  }
  capacity_ = count;
  limit_ = count * 4 + 1'000'000;
  entries_.reserve(count);
  table_.assign(std::bit_ceil(count * 2 + 2), -1);
  return {};
}

size_t Vocabulary::slot(std::string_view text) const {
  size_t index = std::hash<std::string_view>{}(text) & (table_.size() - 1);
  while (table_[index] >= 0 && this->text(table_[index]) != text) index = (index + 1) & (table_.size() - 1);
  return index;
}

Status Vocabulary::add(int64_t id, std::string_view text) {
  if (count_ == capacity_) return fail(ErrorCode::kInternal, quoted(text), "the vocabulary was prepared for fewer");
  if (id < 0 || static_cast<uint64_t>(id) >= limit_) {
    return fail(ErrorCode::kCorruptData, quoted(text), "its id " + std::to_string(id) + " is out of range");
  }
  if (contains(id)) {
    return fail(
        ErrorCode::kCorruptData, quoted(text),
        "its id " + std::to_string(id) + " belongs to " + quoted(this->text(static_cast<int32_t>(id))) + " as well");
  }
  if (text.size() > kMaxTokenBytes) return fail(ErrorCode::kCorruptData, quoted(text), "it is longer than 64 KiB");
  if (!is_utf8(text)) return fail(ErrorCode::kCorruptData, quoted(text), "it is not UTF-8");
  const size_t place = slot(text);
  if (!text.empty() && table_[place] >= 0) {
    return fail(ErrorCode::kCorruptData, quoted(text),
                "it has two ids, " + std::to_string(table_[place]) + " and " + std::to_string(id));
  }
  if (entries_.size() <= static_cast<size_t>(id)) entries_.resize(static_cast<size_t>(id) + 1);
  entries_[static_cast<size_t>(id)] = {spellings_.size(), static_cast<uint32_t>(text.size())};
  spellings_ += text;
  if (!text.empty()) table_[place] = static_cast<int32_t>(id);
  ++count_;
  return {};
}

std::string_view Vocabulary::text(int32_t id) const {
  if (!contains(id)) return {};
  const Entry& entry = entries_[static_cast<size_t>(id)];
  return std::string_view(spellings_).substr(entry.begin, entry.length);
}

std::optional<int32_t> Vocabulary::find(std::string_view text) const {
  if (table_.empty()) return std::nullopt;
  const int32_t id = table_[slot(text)];
  return id >= 0 ? std::optional(id) : std::nullopt;
}

}  // namespace trireme::runtime
