#include "runtime/tokenizer/text_encoder.h"

namespace trireme::runtime {
namespace {

constexpr size_t kSeenPieceBytes = 64;
constexpr size_t kSeenPieces = 1 << 16;

}  // namespace

Status TextEncoder::encode(std::string_view text, bool parse_special) {
  for (const Stretch& stretch : parts_.added.find(text, false, parse_special)) {
    if (stretch.id >= 0) {
      ids_.push_back(stretch.id);
    } else {
      const auto part = text.substr(stretch.begin, stretch.end - stretch.begin);
      TRIREME_TRY(encode_stretch(part, stretch.begin == 0, parse_special));
    }
  }
  return {};
}

Status TextEncoder::encode_stretch(std::string_view text, bool first, bool parse_special) {
  std::string normalized(text);
  TRIREME_TRY(normalize(parts_.normalizer, normalized));
  for (const Stretch& stretch : parts_.added.find(normalized, true, parse_special)) {
    if (stretch.id >= 0) {
      ids_.push_back(stretch.id);
    } else {
      const auto part = std::string_view(normalized).substr(stretch.begin, stretch.end - stretch.begin);
      TRIREME_TRY(encode_normalized(part, first && stretch.begin == 0));
    }
  }
  return {};
}

Status TextEncoder::encode_normalized(std::string_view text, bool first) {
  if (text.empty()) return {};
  PieceList list{std::string(text), {{0, text.size(), first}}};
  TRIREME_TRY(pre_tokenize(parts_.pre_tokenizer, list));
  for (const Piece& piece : list.pieces) encode_piece(list.view(piece));
  return {};
}

void TextEncoder::encode_piece(std::string_view piece) {
  if (const auto known = seen_.find(piece); known != seen_.end()) {
    const Range range = known->second;
    for (size_t i = range.begin; i < range.end; ++i) ids_.push_back(int32_t{ids_[i]});
    return;
  }
  const size_t begin = ids_.size();
  parts_.model->tokenize(piece, symbols_, ids_);
  if (piece.size() <= kSeenPieceBytes && seen_.size() < kSeenPieces) {
    seen_.emplace(piece, Range{begin, ids_.size()});
  }
}

}  // namespace trireme::runtime
