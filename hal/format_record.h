// FormatRecord: where the bits of codes, scales, minima, zero points and signs lie, and what they mean. Pure data, so
// that a decoder, a kernel compiler and a user who invents a format work from the same description.
//
//   value = scale * (code - zero) + minimum        with everything but the code optional
//
// Bit 0 of a region is the least significant bit of its first byte; integers are little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trireme {

// Adds bit_stride * ((n / divisor) % modulus) to the address of entry n; modulus 0 leaves the quotient as it is.
struct Digit {
  int64_t divisor = 1;
  int64_t modulus = 0;
  int64_t bit_stride = 0;
  bool operator==(const Digit&) const = default;
};

// Digits of base `radix` packed as a fixed-point fraction: digit d of a byte b is (b * radix^d mod 256) * radix / 256,
// with d = (n / divisor) % modulus. Source: the ternary types of github.com/ggml-org/ggml.
struct RadixDigit {
  int radix = 0;  // 0: the field is plain bits
  int64_t divisor = 1;
  int64_t modulus = 0;
  bool operator==(const RadixDigit&) const = default;
};

// An unsigned integer of `width` bits for every entry n at bit_offset + the sum of the digits; it is ORed into the
// entry from bit `shift` up.
struct BitField {
  int width = 0;
  int64_t bit_offset = 0;
  std::vector<Digit> digits = {};
  int shift = 0;
  int64_t first = 0;  // the entries [first, first + count) of a block that have this field; n counts from first
  int64_t count = 0;  // 0: all
  RadixDigit radix = {};
  bool operator==(const BitField&) const = default;
};

// Bit address of entry n, which counts from field.first.
int64_t bit_address(const BitField& field, int64_t n);

// What assembled bits mean.
enum class NumberType : uint8_t {
  kUnsigned,
  kSigned,  // two's complement in the bits that the fields fill
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  // OCP e4m3fn
  kUE4M3,   // e4m3 without sign: bit 7 is ignored, 0x7f is zero, 0xff is 480
  kE8M0,    // 2^(bits - 127)
};

// The elements' codes. A code stands for `vector` consecutive elements; with a table it selects an entry of `vector`
// values, else it is multiplier * code + offset.
struct Codes {
  std::vector<BitField> fields = {};  // entries: the block's elements (or vectors), see Format::block_rows
  NumberType type = NumberType::kUnsigned;
  int multiplier = 1;
  int offset = 0;
  int64_t vector = 1;
  std::vector<float> table = {};  // [2^bits, vector]
  int64_t section = 0;
  bool operator==(const Codes&) const = default;
};

// Signs kept apart from the codes: bit i of entry n negates element n * group + i of the block.
struct Signs {
  int64_t group = 0;  // 0: no signs
  bool even = false;  // group - 1 bits are stored; the last makes the number of minus signs even
  std::vector<BitField> fields = {};
  bool operator==(const Signs&) const = default;
};

// Which bytes a field addresses.
enum class Place : uint8_t {
  kBlock,       // a section of the block
  kRowHead,     // bytes before a row's blocks
  kTensorTail,  // bytes after a tensor's rows
  kPlane,       // another tensor
};

// One factor of a scale, minimum or zero point, for every group of group_rows x group_columns elements; 0 means all
// rows, or all columns (of the block for kBlock, else of the tensor). Groups are counted along columns first, unless
// columns_outermost. In a block, element e belongs to group e / group_columns.
struct Number {
  Place place = Place::kBlock;
  int64_t index = 0;  // of the section or plane
  int64_t group_rows = 1;
  int64_t group_columns = 0;
  bool columns_outermost = false;
  std::vector<BitField> fields = {};
  NumberType type = NumberType::kF16;
  float multiplier = 1.0f;  // the number is multiplier * bits + offset ...
  float offset = 0.0f;
  bool reciprocal = false;  // ... or one over that
  bool operator==(const Number&) const = default;
};

}  // namespace trireme
