#include "compiler/templates/weight_layout.h"

#include <algorithm>
#include <cstring>

#include "hal/format_decoder.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Scalar;
using kernel::Term;

namespace {

constexpr int64_t kBlock = 32;

// Whether every scale of the format is one f16 as it is.
bool has_half_scales(const Format& format) {
  return format.scale.size() == 1 && format.scale[0].type == NumberType::kF16 && format.scale[0].multiplier == 1.0f &&
         format.scale[0].offset == 0.0f && !format.scale[0].reciprocal && format.codes.table.empty() &&
         format.codes.multiplier == 1;
}

// Element e of a block of 32 lies in byte e % 4 of a word, so that one shift and one AND give four codes.
void pack_block(const int8_t* codes, const WeightLayout& layout, uint32_t* words) {
  const int per_byte = 8 / layout.bits;
  const auto count = size_t(kBlock * layout.bits / 32);
  std::fill_n(words, count, 0u);
  for (int64_t e = 0; e < kBlock; ++e) {
    const auto code = uint32_t(codes[e] - layout.lowest);
    const int64_t quad = e / 4;  // four neighbours share a shift
    words[quad / per_byte] |= code << (8 * (e % 4) + layout.bits * (quad % per_byte));
  }
}

}  // namespace

WeightLayout weight_layout(const TensorDesc& desc) {
  const Format& format = *desc.format;
  WeightLayout layout;
  layout.format = &format;
  if (&format == &formats::f32() || &format == &formats::f16() || &format == &formats::bf16()) return layout;
  const auto codes = integer_codes(format);
  if (!codes || desc.shape.back() % kBlock != 0) {
    layout.format = &formats::f32();
    return layout;
  }
  layout.kind = WeightKind::kInteger;
  const int span = codes->highest - codes->lowest;
  layout.bits = span <= 3 ? 2 : span <= 15 ? 4 : 8;
  layout.lowest = codes->lowest;
  layout.group = codes->group;
  layout.has_minimum = codes->has_minimum;
  layout.half_scales = has_half_scales(format);
  return layout;
}

std::vector<uint64_t> plane_bytes(const WeightLayout& layout, int64_t rows, int64_t columns) {
  const auto words = [](int64_t bytes) { return uint64_t((bytes + 3) / 4 * 4); };
  if (layout.kind == WeightKind::kWords) return {words(layout.format->tensor_bytes(rows, columns))};
  const int64_t groups = rows * (columns / layout.group);
  std::vector<uint64_t> bytes = {words(rows * columns * layout.bits / 8), words(groups * (layout.half_scales ? 2 : 4))};
  if (layout.has_minimum) bytes.push_back(words(groups * 4));
  return bytes;
}

Status pack_rows(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t count,
                 const std::vector<std::span<std::byte>>& planes) {
  const int64_t columns = tensor.desc.shape.back();
  if (layout.kind == WeightKind::kWords && layout.format == tensor.desc.format) {
    const int64_t row_bytes = layout.format->row_bytes(columns);
    std::memcpy(planes[0].data(), tensor.data.data() + first * row_bytes, size_t(count * row_bytes));
    return {};
  }
  if (layout.kind == WeightKind::kWords) {
    std::vector<float> values(size_t(count * columns));
    TRIREME_TRY(decode_rows(tensor, first, count, values));
    std::memcpy(planes[0].data(), values.data(), values.size() * sizeof(float));
    return {};
  }
  const auto groups = size_t(count * (columns / layout.group));
  std::vector<int8_t> codes(size_t(count * columns));
  std::vector<float> scales(groups), minima(layout.has_minimum ? groups : 0);
  TRIREME_TRY(decode_integer_rows(tensor, first, count, codes, scales, minima));
  auto* words = reinterpret_cast<uint32_t*>(planes[0].data());
  for (int64_t block = 0; block < count * columns / kBlock; ++block)
    pack_block(codes.data() + block * kBlock, layout, words + block * layout.bits);
  if (layout.half_scales) {
    auto* halves = reinterpret_cast<uint16_t*>(planes[1].data());
    std::transform(scales.begin(), scales.end(), halves, f32_to_f16);
  } else {
    std::memcpy(planes[1].data(), scales.data(), groups * sizeof(float));
  }
  if (layout.has_minimum) std::memcpy(planes[2].data(), minima.data(), groups * sizeof(float));
  return {};
}

Term WeightReader::half_at(uint32_t buffer, Term index) const {
  const Term word = b_.load(buffer, index >> 1u, kernel::kU32);
  return half_to_float((word >> ((index & 1u) << 4u)) & b_.u32(0xffff));
}

Term WeightReader::element(Term row, Term column) const {
  const Term index = row * uint32_t(columns_) + column;
  if (layout_.kind == WeightKind::kWords) {
    if (layout_.format == &formats::f32()) return b_.load(planes_[0], index, kernel::kF32);
    if (layout_.format == &formats::f16()) return half_at(planes_[0], index);
    const Term word = b_.load(planes_[0], index >> 1u, kernel::kU32);
    return bitcast((word >> ((index & 1u) << 4u)) << 16u, Scalar::kF32);
  }
  const Term in_block = column & 31u, quad = in_block >> 2u;
  const auto per_byte = uint32_t(8 / layout_.bits);
  const Term word_index = (index >> 5u) * uint32_t(layout_.bits) + quad / per_byte;
  const Term shift = ((in_block & 3u) << 3u) + (quad % per_byte) * uint32_t(layout_.bits);
  const Term code = (b_.load(planes_[0], word_index, kernel::kU32) >> shift) & uint32_t((1 << layout_.bits) - 1);
  const Term value = convert(bitcast(code, Scalar::kI32) + b_.i32(layout_.lowest), Scalar::kF32);
  const Term group = column / uint32_t(layout_.group);
  const Term scaled = value * scale(row, group);
  return layout_.has_minimum ? scaled + minimum(row, group) : scaled;
}

std::vector<Term> WeightReader::code_words(Term row, Term block) const {
  const Term first = (row * uint32_t(columns_ / kBlock) + block) * uint32_t(layout_.bits);
  const int per_byte = 8 / layout_.bits;
  const Term mask = b_.u32(layout_.bits == 8 ? 0xffffffffu : layout_.bits == 4 ? 0x0f0f0f0fu : 0x03030303u);
  std::vector<Term> words;
  for (int word = 0; word < layout_.bits; ++word) {
    const Term packed = b_.load(planes_[0], first + uint32_t(word), kernel::kU32);
    for (int part = 0; part < per_byte; ++part) words.push_back((packed >> uint32_t(part * layout_.bits)) & mask);
  }
  return words;
}

Term WeightReader::scale(Term row, Term index) const {
  const Term at = row * uint32_t(columns_ / layout_.group) + index;
  return layout_.half_scales ? half_at(planes_[1], at) : b_.load(planes_[1], at, kernel::kF32);
}

Term WeightReader::minimum(Term row, Term index) const {
  return b_.load(planes_[2], row * uint32_t(columns_ / layout_.group) + index, kernel::kF32);
}

}  // namespace trireme::compiler
