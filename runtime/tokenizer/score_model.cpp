#include "runtime/tokenizer/score_model.h"

#include <bit>
#include <cmath>

#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

// Maps finite floats to integers that fall when they grow, none of which is the largest.
uint32_t priority(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // -0 becomes 0
  const uint32_t ascending = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

}  // namespace

Result<std::unique_ptr<const TokenModel>> ScoreModel::create(const Vocabulary& vocabulary,
                                                             std::span<const float> scores,
                                                             const std::vector<bool>& mergeable,
                                                             std::optional<int32_t> unknown) {
  std::unique_ptr<ScoreModel> model(new ScoreModel(vocabulary));
  model->unknown_ = unknown;
  model->priorities_.resize(scores.size(), kNotMergeable);
  for (size_t id = 0; id < scores.size(); ++id) {
    if (!std::isfinite(scores[id])) {
      return fail(ErrorCode::kCorruptData, "the score of token " + std::to_string(id), "it is not a finite number");
    }
    if (mergeable[id]) model->priorities_[id] = priority(scores[id]);
  }
  for (int byte = 0; byte < 256 && !unknown; ++byte) {
    if (model->bytes_[static_cast<unsigned char>(byte)] < 0) {
      return fail(ErrorCode::kCorruptData, "the vocabulary",
                  "it has no token for byte " + std::to_string(byte) + " and no unknown token to use instead");
    }
  }
  return model;
}

std::optional<Merge> ScoreModel::find(std::string_view text) const {
  const auto id = vocabulary_.find(text);
  if (!id || priorities_[static_cast<size_t>(*id)] == kNotMergeable) return std::nullopt;
  return Merge{priorities_[static_cast<size_t>(*id)], *id};
}

// `fused`: the last id is an unknown token, which swallows the unknown characters behind it.
void ScoreModel::add_bytes(std::string_view text, std::vector<int32_t>& ids, bool& fused) const {
  if (bytes_.cover(text)) {
    for (const char byte : text) ids.push_back(bytes_[static_cast<unsigned char>(byte)]);
    fused = false;
  } else if (!fused) {
    ids.push_back(*unknown_);
    fused = true;
  }
}

void ScoreModel::tokenize(std::string_view piece, SymbolList& symbols, std::vector<int32_t>& ids) const {
  symbols.clear();
  for (size_t at = 0; at < piece.size();) {
    const size_t begin = at;
    at += read_utf8(piece, at).length;
    const auto merge = find(piece.substr(begin, at - begin));
    symbols.add(merge ? merge->id : -1, begin, at - begin);
  }
  symbols.merge_all([&](const Symbol& left, const Symbol& right) {
    return find(piece.substr(left.begin, size_t{left.length} + right.length));
  });
  bool fused = false;
  symbols.for_each([&](const Symbol& symbol) {
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
      fused = false;
    } else {
      add_bytes(piece.substr(symbol.begin, symbol.length), ids, fused);
    }
  });
}

}  // namespace trireme::runtime
