// Brings constants into their planes. It runs over every weight at each start.
#include <cstring>

#include "compiler/templates/weight_layout.h"
#include "hal/format_decoder.h"

namespace trireme::compiler {
namespace {

// Four codes less `lowest`, each in its byte; none of the differences is beyond a byte.
uint32_t four_codes(const int8_t* codes, uint32_t lowest_bytes) {
  constexpr uint32_t kHigh = 0x80808080;
  uint32_t four;
  std::memcpy(&four, codes, sizeof four);
  return ((four | kHigh) - (lowest_bytes & ~kHigh)) ^ ((four ^ ~lowest_bytes) & kHigh);
}

// Element e of a block of 32 lies in byte e % 4 of a word, so that one shift and one AND give four codes. `words` is
// where the row has its first, in a tile that begins with row 0's.
template <int kBits, int kTogether>
void pack_block(const int8_t* codes, uint32_t lowest_bytes, uint32_t* words) {
  constexpr int kPerByte = 8 / kBits;
  for (int word = 0; word < kBits; ++word) {
    uint32_t packed = 0;
    for (int part = 0; part < kPerByte; ++part)
      packed |= four_codes(codes + (word * kPerByte + part) * 4, lowest_bytes) << (kBits * part);
    words[word / kTogether * kTogether * kTileRows + word % kTogether] = packed;
  }
}

using PackBlock = void (*)(const int8_t* codes, uint32_t lowest_bytes, uint32_t* words);

template <int kBits>
PackBlock block_packer(int together) {
  if (together == 1) return pack_block<kBits, 1>;
  if (together == 2) return pack_block<kBits, 2>;
  return pack_block<kBits, 4>;
}

PackBlock block_packer(const WeightLayout& layout) {
  if (layout.bits == 2) return block_packer<2>(layout.together);
  if (layout.bits == 4) return block_packer<4>(layout.together);
  return block_packer<8>(layout.together);
}

// Calls store(place, value) for each number of each row, at its place among those of whole tiles.
template <typename Number, typename Store>
void interleave(const std::vector<Number>& numbers, int64_t rows, int64_t groups, Store store) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < groups; ++group)
      store((row / kTileRows * groups + group) * kTileRows + row % kTileRows, numbers[size_t(row * groups + group)]);
}

// A minimum's numbers lie beside those of the same place's scale.
Status pack_levels(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t rows, Factor factor,
                   const std::vector<std::span<std::byte>>& planes) {
  const int64_t columns = tensor.desc.shape.back(), groups = columns / layout.group,
                blocks = columns / layout.scale_levels->columns;
  std::vector<uint16_t> halves(size_t(rows * blocks));
  std::vector<uint8_t> wholes(size_t(rows * groups));
  TRIREME_TRY(decode_factor_levels(tensor, first, rows, factor, halves, wholes));
  const int64_t together = layout.has_minimum ? 2 : 1, index = factor == Factor::kScale ? 0 : 1;
  auto* bytes = reinterpret_cast<uint8_t*>(planes[1].data());
  interleave(wholes, rows, groups, [&](int64_t place, uint8_t whole) { bytes[place * together + index] = whole; });
  auto* words = reinterpret_cast<uint16_t*>(planes[2].data());
  interleave(halves, rows, blocks, [&](int64_t place, uint16_t half) { words[place * together + index] = half; });
  return {};
}

// Rows in the layout's format: the tensor's own, or decoded.
Result<std::span<const std::byte>> float_rows(const WeightLayout& layout, const HostTensor& tensor, int64_t first,
                                              int64_t count, std::vector<float>& decoded) {
  const int64_t columns = tensor.desc.shape.back(), row_bytes = layout.format->row_bytes(columns);
  if (layout.format == tensor.desc.format)
    return tensor.data.subspan(size_t(first * row_bytes), size_t(count * row_bytes));
  decoded.resize(size_t(count * columns));
  TRIREME_TRY(decode_rows(tensor, first, count, decoded));
  return std::as_bytes(std::span(decoded));
}

// Words of a row that lie together, copied as one.
template <int kTogether>
void interleave_words(const std::byte* rows, int64_t count, int64_t words, std::byte* tiles) {
  constexpr size_t kBytes = kTogether * sizeof(uint32_t);
  const int64_t pieces = words / kTogether;
  for (int64_t row = 0; row < count; ++row) {
    std::byte* tile = tiles + (row / kTileRows * pieces * kTileRows + row % kTileRows) * int64_t(kBytes);
    for (int64_t piece = 0; piece < pieces; ++piece)
      std::memcpy(tile + size_t(piece * kTileRows) * kBytes, rows + size_t(row * pieces + piece) * kBytes, kBytes);
  }
}

Status pack_floats(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t count,
                   std::span<std::byte> plane) {
  std::vector<float> decoded;
  TRIREME_ASSIGN(const std::span<const std::byte> rows, float_rows(layout, tensor, first, count, decoded));
  const int64_t words = tensor.desc.shape.back() * layout.bits / 32;
  if (count % kTileRows != 0) std::fill(plane.begin(), plane.end(), std::byte{0});
  const auto interleave_rows = layout.together == 1 ? interleave_words<1> : interleave_words<4>;
  interleave_rows(rows.data(), count, words, plane.data());
  return {};
}

}  // namespace

Status pack_rows(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t count,
                 const std::vector<std::span<std::byte>>& planes) {
  const int64_t columns = tensor.desc.shape.back();
  if (layout.kind == WeightKind::kFloats) return pack_floats(layout, tensor, first, count, planes[0]);
  if (layout.kind == WeightKind::kRows) {
    std::vector<float> decoded;
    TRIREME_ASSIGN(const std::span<const std::byte> rows, float_rows(layout, tensor, first, count, decoded));
    std::memcpy(planes[0].data(), rows.data(), rows.size());
    return {};
  }
  const int64_t groups = columns / layout.group, blocks = columns / kBlockColumns;
  std::vector<int8_t> codes(size_t(count * columns));
  std::vector<float> scales(size_t(count * groups)), minima(layout.has_minimum ? scales.size() : 0);
  TRIREME_TRY(decode_integer_rows(tensor, first, count, codes, scales, minima));
  for (const std::span<std::byte> plane : planes) std::fill(plane.begin(), plane.end(), std::byte{0});
  auto* words = reinterpret_cast<uint32_t*>(planes[0].data());
  const PackBlock pack = block_packer(layout);
  const uint32_t lowest_bytes = uint32_t(uint8_t(layout.lowest)) * 0x01010101u;
  for (int64_t row = 0; row < count; ++row)
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t tile = (row / kTileRows * blocks + block) * layout.bits * kTileRows;
      pack(codes.data() + row * columns + block * kBlockColumns, lowest_bytes,
           words + tile + row % kTileRows * layout.together);
    }
  if (layout.scale_levels) {
    TRIREME_TRY(pack_levels(layout, tensor, first, count, Factor::kScale, planes));
    return layout.has_minimum ? pack_levels(layout, tensor, first, count, Factor::kMinimum, planes) : Status();
  }
  if (layout.half_scales) {
    auto* halves = reinterpret_cast<uint16_t*>(planes[1].data());
    interleave(scales, count, groups, [&](int64_t place, float scale) { halves[place] = f32_to_f16(scale); });
  } else {
    auto* floats = reinterpret_cast<float*>(planes[1].data());
    interleave(scales, count, groups, [&](int64_t place, float scale) { floats[place] = scale; });
  }
  if (!layout.has_minimum) return {};
  auto* floats = reinterpret_cast<float*>(planes[2].data());
  interleave(minima, count, groups, [&](int64_t place, float minimum) { floats[place] = minimum; });
  return {};
}

}  // namespace trireme::compiler
