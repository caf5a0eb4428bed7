// PieceList: a text cut into pieces, the state that pre-tokenizers pass on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trireme::runtime {

struct Piece {
  size_t begin = 0;
  size_t end = 0;
  bool first = false;  // it begins where the text that the user gave begins
};

struct PieceList {
  std::string text;
  std::vector<Piece> pieces;  // in the text's order, without overlap, not empty

  std::string_view view(const Piece& piece) const {
    return std::string_view(text).substr(piece.begin, piece.end - piece.begin);
  }
};

// What becomes of the matches of a pattern (names and meaning as in the official library's Split).
enum class SplitBehavior : uint8_t { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// A part of a piece that the pattern matched, or what lies between two matches.
struct Part {
  size_t begin = 0;
  size_t end = 0;
  bool match = false;
};

// Joins or drops parts in place. On return `match` has no meaning. Parts may be empty.
void apply_behavior(SplitBehavior behavior, std::vector<Part>& parts);

// Cuts every piece: `find_parts(view, parts)` fills `parts`, which cover the view, with offsets inside it.
// Stops at the first error that it returns.
template <typename FindParts>
auto split_pieces(PieceList& list, SplitBehavior behavior, FindParts&& find_parts)
    -> decltype(find_parts(std::string_view{}, std::declval<std::vector<Part>&>())) {
  std::vector<Piece> result;
  result.reserve(list.pieces.size());
  std::vector<Part> parts;
  for (const Piece& piece : list.pieces) {
    parts.clear();
    if (auto status = find_parts(list.view(piece), parts); !status) return status;
    apply_behavior(behavior, parts);
    for (const Part& part : parts) {
      if (part.begin == part.end) continue;
      result.push_back({piece.begin + part.begin, piece.begin + part.end, piece.first && part.begin == 0});
    }
  }
  list.pieces = std::move(result);
  return {};
}

}  // namespace trireme::runtime
