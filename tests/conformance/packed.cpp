#include "tests/conformance/packed.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "hal/format_decoder.h"

namespace trireme::conformance {
namespace {

constexpr int kTries = 20000;
constexpr size_t kPool = 48;

bool acceptable(const std::vector<float>& values, Magnitudes magnitudes) {
  float largest = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) return false;
    largest = std::max(largest, std::fabs(value));
  }
  return magnitudes == Magnitudes::kExtreme ? largest <= 0x1p20f : largest >= 0x1p-10f && largest <= 4.0f;
}

Bytes random_bytes(size_t count, Random& random) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = std::byte(random.bits() & 0xff);
  return bytes;
}

// Plain formats: numbers of a common size, with now and then a small one.
Result<Packed> random_plain(const Format& format, int64_t count, Magnitudes magnitudes, Random& random) {
  const double size = magnitudes == Magnitudes::kExtreme ? 30000.0 : 2.0;
  Packed packed;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = float(random.uniform(-size, size) * (random.integer(0, 9) == 0 ? 1e-4 : 1.0));
    const uint32_t bits = format.plain == DType::kF32   ? std::bit_cast<uint32_t>(value)
                          : format.plain == DType::kF16 ? f32_to_f16(value)
                                                        : f32_to_bf16(value);
    for (int64_t byte = 0; byte < format.block_bytes; ++byte)
      packed.data.push_back(std::byte((bits >> (8 * byte)) & 0xff));
  }
  return packed;
}

// Blocks that stand alone: a pool of blocks with acceptable values, drawn again and again.
Result<Packed> random_blocks(const Format& format, int64_t count, Magnitudes magnitudes, Random& random) {
  std::vector<Bytes> pool;
  std::vector<float> values(size_t(format.block_elements));
  for (int i = 0; i < kTries && pool.size() < std::min(kPool, size_t(count)); ++i) {
    Bytes block = random_bytes(size_t(format.block_bytes), random);
    TRIREME_TRY(decode_row(format, block, values));
    if (acceptable(values, magnitudes)) pool.push_back(std::move(block));
  }
  if (pool.empty()) return fail(ErrorCode::kUnsupported, format.name, "random blocks never have usable values");
  Packed packed;
  for (int64_t i = 0; i < count; ++i) {
    const Bytes& block = pool[size_t(random.integer(0, int64_t(pool.size()) - 1))];
    packed.data.insert(packed.data.end(), block.begin(), block.end());
  }
  return packed;
}

uint32_t random_number(NumberType type, Random& random) {
  const auto value = float(random.uniform(0.05, 1.0));
  switch (type) {
    case NumberType::kF32: return std::bit_cast<uint32_t>(value);
    case NumberType::kF16: return f32_to_f16(value);
    case NumberType::kBF16: return f32_to_bf16(value);
    case NumberType::kE8M0: return uint32_t(random.integer(120, 127));
    case NumberType::kF8E4M3:
    case NumberType::kUE4M3: return uint32_t(random.integer(0x28, 0x38));
    case NumberType::kUnsigned:
    case NumberType::kSigned: return uint32_t(random.integer(1, 3));
  }
  return 0;
}

// Fills the entries of a scale that lies apart from the blocks.
Status write_number(const Number& number, int64_t rows, int64_t columns, Bytes& target, Random& random) {
  const auto groups = [](int64_t size, int64_t group) { return group == 0 ? 1 : (size + group - 1) / group; };
  const int64_t entries = groups(rows, number.group_rows) * groups(columns, number.group_columns);
  if (number.fields.size() != 1 || number.fields[0].width % 8 != 0 || number.fields[0].radix.radix != 0)
    return fail(ErrorCode::kUnsupported, "format", "its separate scales are not whole bytes");
  const BitField& field = number.fields[0];
  for (int64_t entry = 0; entry < entries; ++entry) {
    const auto start = size_t(bit_address(field, entry)) / 8, bytes = size_t(field.width) / 8;
    if (target.size() < start + bytes) target.resize(start + bytes);
    const uint32_t bits = random_number(number.type, random);
    for (size_t byte = 0; byte < bytes; ++byte) target[start + byte] = std::byte((bits >> (8 * byte)) & 0xff);
  }
  return {};
}

// Codes in the rows, scales elsewhere.
Result<Packed> random_split(const Format& format, int64_t rows, int64_t columns, Random& random) {
  Packed packed;
  packed.data = random_bytes(size_t(format.tensor_bytes(rows, columns)), random);
  if (format.codes.type == NumberType::kF8E4M3)
    for (std::byte& byte : packed.data)
      if ((byte & std::byte{0x7f}) == std::byte{0x7f}) byte = std::byte{0x38};
  packed.planes.resize(format.planes.size());
  for (const std::vector<Number>* numbers : {&format.scale, &format.minimum}) {
    for (const Number& number : *numbers) {
      if (number.place == Place::kPlane) {
        TRIREME_TRY(write_number(number, rows, columns, packed.planes[size_t(number.index)], random));
      } else if (number.place == Place::kTensorTail) {
        Bytes tail;
        TRIREME_TRY(write_number(number, rows, columns, tail, random));
        std::copy(tail.begin(), tail.end(), packed.data.end() - format.tensor_tail_bytes);
      } else {
        return fail(ErrorCode::kUnsupported, format.name, "it mixes scales in blocks with separate ones");
      }
    }
  }
  return packed;
}

}  // namespace

Result<Packed> random_packed(const Format& format, int64_t rows, int64_t columns, Magnitudes magnitudes,
                             Random& random) {
  if (format.plain == DType::kF32 || format.plain == DType::kF16 || format.plain == DType::kBF16)
    return random_plain(format, rows * columns, magnitudes, random);
  if (format.rows_stand_alone() && format.sections.empty() && format.row_head_bytes == 0)
    return random_blocks(format, rows * columns / format.block_elements, magnitudes, random);
  return random_split(format, rows, columns, random);
}

}  // namespace trireme::conformance
