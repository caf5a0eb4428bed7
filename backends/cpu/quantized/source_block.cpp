#include "backends/cpu/quantized/source_block.h"

#include <bit>
#include <cstring>

namespace trireme::cpu::quantized {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are read as little-endian words");

constexpr uint32_t kNibbles = 0x0f0f0f0f;
constexpr uint32_t kPairs = 0x03030303;
constexpr uint32_t kOnes = 0x01010101;

uint16_t half_bits_at(const std::byte* bytes) {
  uint16_t value = 0;
  std::memcpy(&value, bytes, 2);
  return value;
}

uint32_t word_at(const std::byte* bytes) {
  uint32_t value = 0;
  std::memcpy(&value, bytes, 4);
  return value;
}

uint8_t byte_at(const std::byte* bytes) { return uint8_t(*bytes); }

// 32 nibbles in 16 bytes: the low ones are elements 0..15, the high ones 16..31.
void read_split_nibbles(const std::byte* bytes, uint32_t* codes) {
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = word_at(bytes + 4 * i);
    codes[i] = word & kNibbles;
    codes[4 + i] = (word >> 4) & kNibbles;
  }
}

// Bit e of `bits` is bit 4 of element e.
void add_fifth_bits(uint32_t bits, uint32_t* codes) {
  for (int i = 0; i < 8; ++i) codes[i] |= ((((bits >> (4 * i)) & 15) * 0x00204081u) & kOnes) << 4;
}

// A run of `run` elements, then the next run from the next higher field of the same bytes.
void read_fields(const std::byte* bytes, int bits, int run, uint32_t* codes) {
  const int words = run / 4;
  const uint32_t mask = bits == 4 ? kNibbles : kPairs;
  for (int begin = 0; begin < 64; begin += words * (8 / bits), bytes += run)
    for (int field = 0; field < 8 / bits; ++field)
      for (int i = 0; i < words; ++i)
        codes[begin + field * words + i] = (word_at(bytes + 4 * i) >> (bits * field)) & mask;
}

// Bit b of the 32 bytes belongs to elements 32b .. 32b+31.
void add_high_bits(const std::byte* bytes, int shift, uint32_t* codes) {
  for (int bit = 0; bit < 8; ++bit)
    for (int i = 0; i < 8; ++i) codes[8 * bit + i] |= ((word_at(bytes + 4 * i) >> bit) & kOnes) << shift;
}

// Eight 6-bit scales and eight 6-bit minima in 12 bytes.
void read_scales_and_minima(const std::byte* bytes, SourceBlock& block) {
  for (size_t i = 0; i < 4; ++i) {
    const uint8_t scale = byte_at(bytes + i), minimum = byte_at(bytes + 4 + i), rest = byte_at(bytes + 8 + i);
    block.subscales[i] = scale & 63;
    block.subminima[i] = minimum & 63;
    block.subscales[4 + i] = uint8_t((rest & 15) | ((scale >> 2) & 48));
    block.subminima[4 + i] = uint8_t((rest >> 4) | ((minimum >> 2) & 48));
  }
}

void read_q2_k(const std::byte* bytes, SourceBlock& block) {
  for (size_t i = 0; i < 16; ++i) block.subscales[i] = byte_at(bytes + i);  // minimum in the high nibble
  read_fields(bytes + 16, 2, 32, block.codes.data());
  block.scale = half_bits_at(bytes + 80);
  block.minimum = half_bits_at(bytes + 82);
}

void read_q3_k(const std::byte* bytes, SourceBlock& block) {
  read_fields(bytes + 32, 2, 32, block.codes.data());
  add_high_bits(bytes, 2, block.codes.data());
  const std::byte* scales = bytes + 96;
  for (size_t i = 0; i < 16; ++i) {
    const int low = (byte_at(scales + i % 8) >> (i < 8 ? 0 : 4)) & 15;
    const int high = (byte_at(scales + 8 + i % 4) >> (2 * (i / 4))) & 3;
    block.subscales[i] = uint8_t((low | high << 4) - 32);
  }
  block.scale = half_bits_at(bytes + 108);
}

void read_q6_k(const std::byte* bytes, SourceBlock& block) {
  read_fields(bytes, 4, 64, block.codes.data());
  std::array<uint32_t, 64> high;
  read_fields(bytes + 128, 2, 32, high.data());
  for (size_t i = 0; i < 64; ++i) block.codes[i] |= high[i] << 4;
  std::memcpy(block.subscales.data(), bytes + 192, 16);
  block.scale = half_bits_at(bytes + 208);
}

void read_iq4_xs(const std::byte* bytes, SourceBlock& block) {
  block.scale = half_bits_at(bytes);
  const uint32_t high = half_bits_at(bytes + 2);
  for (size_t i = 0; i < 8; ++i) {
    const uint32_t low = uint32_t(byte_at(bytes + 4 + i / 2) >> (4 * (i % 2))) & 15;
    block.subscales[i] = uint8_t((low | ((high >> (2 * i)) & 3) << 4) - 32);
  }
  for (int group = 0; group < 8; ++group) read_split_nibbles(bytes + 8 + 16 * group, block.codes.data() + 8 * group);
}

}  // namespace

void read_source_block(Codec codec, const std::byte* bytes, SourceBlock& block) {
  uint32_t* codes = block.codes.data();
  block.scale = half_bits_at(bytes);
  switch (codec) {
    case Codec::kQ4_0:
    case Codec::kIq4Nl: read_split_nibbles(bytes + 2, codes); break;
    case Codec::kQ4_1:
      block.minimum = half_bits_at(bytes + 2);
      read_split_nibbles(bytes + 4, codes);
      break;
    case Codec::kQ5_0:
      read_split_nibbles(bytes + 6, codes);
      add_fifth_bits(word_at(bytes + 2), codes);
      break;
    case Codec::kQ5_1:
      block.minimum = half_bits_at(bytes + 2);
      read_split_nibbles(bytes + 8, codes);
      add_fifth_bits(word_at(bytes + 4), codes);
      break;
    case Codec::kQ8_0:
      for (int i = 0; i < 8; ++i) codes[i] = word_at(bytes + 2 + 4 * i) ^ 0x80808080u;
      break;
    case Codec::kMxfp4:
      block.scale = byte_at(bytes);
      read_split_nibbles(bytes + 1, codes);
      break;
    case Codec::kQ2K: read_q2_k(bytes, block); break;
    case Codec::kQ3K: read_q3_k(bytes, block); break;
    case Codec::kQ5K:
    case Codec::kQ4K:
      block.minimum = half_bits_at(bytes + 2);
      read_scales_and_minima(bytes + 4, block);
      read_fields(bytes + (codec == Codec::kQ4K ? 16 : 48), 4, 32, codes);
      if (codec == Codec::kQ5K) add_high_bits(bytes + 16, 4, codes);
      break;
    case Codec::kQ6K: read_q6_k(bytes, block); break;
    case Codec::kIq4Xs: read_iq4_xs(bytes, block); break;
    case Codec::kTq2_0:
      read_fields(bytes, 2, 32, codes);
      block.scale = half_bits_at(bytes + 64);
      break;
    case Codec::kConsecutive2:
    case Codec::kTable4:
    case Codec::kTable4Group16:
    case Codec::kTable4Minimum:
    case Codec::kByte:
    case Codec::kByteGroup16:
    case Codec::kByteGroup16Minimum: break;  // general: their rows are read by the generic decoder
  }
}

}  // namespace trireme::cpu::quantized
