#include "runtime/tokenizer/bpe_model.h"

#include <algorithm>

#include "runtime/files/printable.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

uint64_t pack(uint32_t high, int32_t low) { return (uint64_t{high} << 32) | static_cast<uint32_t>(low); }

}  // namespace

Result<std::unique_ptr<const TokenModel>> BpeModel::create(const Vocabulary& vocabulary, const MergeList& merges,
                                                           BpeOptions options) {
  std::unique_ptr<BpeModel> model(new BpeModel(vocabulary, std::move(options)));
  if (model->options_.unknown_token) {
    model->unknown_ = vocabulary.find(*model->options_.unknown_token);
    if (!model->unknown_) {
      return fail(ErrorCode::kCorruptData, "unknown token \"" + printable(*model->options_.unknown_token) + "\"",
                  "it is not in the vocabulary");
    }
  }
  if (model->options_.byte_fallback) model->bytes_ = ByteTokens(vocabulary);
  TRIREME_TRY(model->add_merges(merges));
  return model;
}

Status BpeModel::add_merges(const MergeList& merges) {
  merges_.reserve(merges.size());
  std::string merged;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const auto left_id = vocabulary_.find(left);
    const auto right_id = vocabulary_.find(right);
    if (!left_id || !right_id) {
      return fail(ErrorCode::kCorruptData, "merge " + std::to_string(rank),
                  "\"" + printable(left_id ? right : left) + "\" is not in the vocabulary");
    }
    if (right.size() < options_.continuing_prefix.size()) {
      return fail(ErrorCode::kCorruptData, "merge " + std::to_string(rank),
                  "\"" + printable(right) + "\" is shorter than the prefix of continued words");
    }
    merged.assign(left).append(right.substr(options_.continuing_prefix.size()));
    if (merged == left) {
      return fail(ErrorCode::kCorruptData, "merge " + std::to_string(rank),
                  "\"" + printable(left) + "\" and \"" + printable(right) + "\" make \"" + printable(merged) +
                      "\" again; merges may not run in a cycle");
    }
    const auto merged_id = vocabulary_.find(merged);
    if (!merged_id) {
      return fail(ErrorCode::kCorruptData, "merge " + std::to_string(rank),
                  "its result \"" + printable(merged) + "\" is not in the vocabulary");
    }
    merges_.set(pack(static_cast<uint32_t>(*left_id), *right_id), pack(static_cast<uint32_t>(rank), *merged_id));
  }
  return {};
}

std::optional<int32_t> BpeModel::find_symbol(std::string_view character, bool first, bool last) const {
  const bool prefixed = !first && !options_.continuing_prefix.empty();
  const bool suffixed = last && !options_.end_suffix.empty();
  if (!prefixed && !suffixed) return vocabulary_.find(character);
  std::string spelling = prefixed ? options_.continuing_prefix : "";
  spelling += character;
  if (suffixed) spelling += options_.end_suffix;
  return vocabulary_.find(spelling);
}

void BpeModel::split(std::string_view piece, SymbolList& symbols) const {
  size_t unknown_begin = 0;
  size_t unknown_length = 0;  // of an unknown token that is not yet added
  const auto add_unknown = [&] {
    if (unknown_length > 0) symbols.add(*unknown_, unknown_begin, unknown_length);
    unknown_length = 0;
  };
  for (size_t at = 0; at < piece.size();) {
    const size_t begin = at;
    at += read_utf8(piece, at).length;
    const std::string_view character = piece.substr(begin, at - begin);
    if (const auto id = find_symbol(character, begin == 0, at == piece.size())) {
      add_unknown();
      symbols.add(*id, begin, character.size());
    } else if (options_.byte_fallback && bytes_.cover(character)) {
      // A pending unknown token stays pending: so the official library orders them.
      for (size_t i = 0; i < character.size(); ++i) {
        symbols.add(bytes_[static_cast<unsigned char>(character[i])], begin + i, 1);
      }
    } else if (unknown_) {
      if (!options_.fuse_unknown) add_unknown();
      if (unknown_length == 0) unknown_begin = begin;
      unknown_length += character.size();
    }
  }
  add_unknown();
}

void BpeModel::tokenize(std::string_view piece, SymbolList& symbols, std::vector<int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.find(piece)) {
      ids.push_back(*id);
      return;
    }
  }
  symbols.clear();
  split(piece, symbols);
  symbols.merge_all([&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const uint64_t found = merges_.get(pack(static_cast<uint32_t>(left.id), right.id));
    if (found == FlatMap::kAbsent) return std::nullopt;
    return Merge{static_cast<uint32_t>(found >> 32), static_cast<int32_t>(found & 0xFFFFFFFF)};
  });
  symbols.for_each([&](const Symbol& symbol) { ids.push_back(symbol.id); });
}

}  // namespace trireme::runtime
