#include "runtime/files/check_scales.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

tl::unexpected<Error> corrupt(const HostTensor& tensor, const std::string& why) {
  return fail(ErrorCode::kCorruptData, "tensor \"" + printable(tensor.name) + "\"", why, "fetch the file again");
}

bool is_float(NumberType type) { return type != NumberType::kUnsigned && type != NumberType::kSigned; }

bool is_finite(NumberType type, uint32_t bits) {
  switch (type) {
    case NumberType::kF32: return (bits & 0x7f800000) != 0x7f800000;
    case NumberType::kF16: return (bits & 0x7c00) != 0x7c00;
    case NumberType::kBF16: return (bits & 0x7f80) != 0x7f80;
    case NumberType::kF8E4M3: return (bits & 0x7f) != 0x7f;
    case NumberType::kE8M0: return bits != 0xff;  // not a number in the OCP microscaling formats
    default: return true;
  }
}

float as_float(NumberType type, uint32_t bits) {
  switch (type) {
    case NumberType::kF32: return std::bit_cast<float>(bits);
    case NumberType::kF16: return f16_to_f32(static_cast<uint16_t>(bits));
    case NumberType::kBF16: return bf16_to_f32(static_cast<uint16_t>(bits));
    case NumberType::kE8M0: return std::ldexp(1.0f, static_cast<int>(bits) - 127);
    default: return f8e4m3_to_f32(static_cast<uint8_t>(bits));
  }
}

bool is_usable(const Number& number, uint32_t bits) {
  if (!is_finite(number.type, bits)) return false;
  if (!number.reciprocal) return true;
  return std::isfinite(1.0f / (number.multiplier * as_float(number.type, bits) + number.offset));
}

// Where the bits of one entry lie within a region.
struct Piece {
  int64_t bit = 0;
  int width = 0;
  int shift = 0;
};

std::vector<Piece> pieces_of(const Number& number, int64_t entry) {
  std::vector<Piece> pieces;
  for (const BitField& field : number.fields) {
    if (field.radix.radix != 0 || entry < field.first || (field.count != 0 && entry >= field.first + field.count))
      continue;
    const int64_t n = entry - field.first;
    int64_t bit = field.bit_offset;
    for (const Digit& digit : field.digits) {
      const int64_t quotient = n / digit.divisor;
      bit += digit.bit_stride * (digit.modulus == 0 ? quotient : quotient % digit.modulus);
    }
    pieces.push_back({bit, field.width, field.shift});
  }
  return pieces;
}

bool fits(const std::vector<Piece>& pieces, uint64_t bytes) {
  return std::ranges::all_of(pieces, [&](const Piece& piece) {
    return piece.bit >= 0 && static_cast<uint64_t>(piece.bit + piece.width + 7) / 8 <= bytes;
  });
}

uint32_t read(const std::vector<Piece>& pieces, const std::byte* region) {
  uint32_t bits = 0;
  for (const Piece& piece : pieces) {
    const auto right = static_cast<int>(piece.bit % 8);
    uint64_t word = 0;
    std::memcpy(&word, region + piece.bit / 8, static_cast<size_t>(right + piece.width + 7) / 8);
    bits |= static_cast<uint32_t>((word >> right) & ((uint64_t{1} << piece.width) - 1)) << piece.shift;
  }
  return bits;
}

int64_t groups(int64_t size, int64_t group) { return group == 0 ? 1 : (size + group - 1) / group; }

// `count` regions that begin `stride` bytes apart. Whole 16-bit floats, the usual scale, take a short cut.
bool all_usable(const Number& number, const std::vector<Piece>& pieces, const std::byte* region, int64_t count,
                int64_t stride) {
  const bool is_half = number.type == NumberType::kF16 && !number.reciprocal && pieces.size() == 1 &&
                       pieces[0].width == 16 && pieces[0].bit % 8 == 0;
  if (!is_half) {
    for (int64_t i = 0; i < count; ++i)
      if (!is_usable(number, read(pieces, region + i * stride))) return false;
    return true;
  }
  bool usable = true;
  for (const std::byte* half = region + pieces[0].bit / 8; count > 0; --count, half += stride) {
    uint16_t bits = 0;
    std::memcpy(&bits, half, sizeof(bits));
    usable &= (bits & 0x7c00) != 0x7c00;
  }
  return usable;
}

class Checker {
 public:
  explicit Checker(const HostTensor& tensor)
      : tensor_(tensor),
        format_(*tensor.desc.format),
        rows_(tensor.desc.shape.rows()),
        columns_(tensor.desc.shape.back()) {}

  Status check(const Number& number) const {
    if (!is_float(number.type)) return {};
    switch (number.place) {
      case Place::kBlock: return check_blocks(number);
      case Place::kRowHead: return check_row_heads(number);
      case Place::kTensorTail: {
        const auto tail = static_cast<size_t>(format_.tensor_tail_bytes);
        return check_table(number, tensor_.data.last(tail));
      }
      case Place::kPlane: return check_table(number, tensor_.planes[static_cast<size_t>(number.index)]);
    }
    return {};
  }

 private:
  tl::unexpected<Error> not_finite() const { return corrupt(tensor_, "one of its scales is not a finite number"); }
  tl::unexpected<Error> too_small() const {
    return corrupt(tensor_, "its scales have fewer bytes than its shape needs");
  }

  Status check_blocks(const Number& number) const {
    const int64_t blocks = columns_ / format_.block_elements;
    int64_t before = format_.row_head_bytes;
    int64_t stride = format_.block_bytes;
    if (!format_.sections.empty()) {
      for (int64_t i = 0; i < number.index; ++i) before += blocks * format_.sections[static_cast<size_t>(i)];
      stride = format_.sections[static_cast<size_t>(number.index)];
    }
    for (int64_t entry = 0; entry < groups(format_.block_elements * format_.block_rows, number.group_columns);
         ++entry) {
      const std::vector<Piece> pieces = pieces_of(number, entry);
      if (!fits(pieces, static_cast<uint64_t>(stride))) return too_small();
      for (int64_t row = 0; row < rows_ / format_.block_rows; ++row) {
        const std::byte* const first = tensor_.data.data() + row * format_.row_bytes(columns_) + before;
        if (!all_usable(number, pieces, first, blocks, stride)) return not_finite();
      }
    }
    return {};
  }

  Status check_row_heads(const Number& number) const {
    for (int64_t entry = 0; entry < groups(columns_, number.group_columns); ++entry) {
      const std::vector<Piece> pieces = pieces_of(number, entry);
      if (!fits(pieces, static_cast<uint64_t>(format_.row_head_bytes))) return too_small();
      if (!all_usable(number, pieces, tensor_.data.data(), rows_ / format_.block_rows, format_.row_bytes(columns_)))
        return not_finite();
    }
    return {};
  }

  Status check_table(const Number& number, std::span<const std::byte> table) const {
    const int64_t entries = groups(rows_, number.group_rows) * groups(columns_, number.group_columns);
    for (int64_t entry = 0; entry < entries; ++entry) {
      const std::vector<Piece> pieces = pieces_of(number, entry);
      if (!fits(pieces, table.size())) return too_small();
      if (!is_usable(number, read(pieces, table.data()))) return not_finite();
    }
    return {};
  }

  const HostTensor& tensor_;
  const Format& format_;
  int64_t rows_;
  int64_t columns_;
};

}  // namespace

Status check_scales(const HostTensor& tensor) {
  if (!tensor.desc.format) return corrupt(tensor, "it has no format");
  const Format& format = *tensor.desc.format;
  if (format.plain || tensor.desc.shape.elements() == 0) return {};
  if (tensor.desc.shape.back() % format.block_elements != 0 || tensor.desc.shape.rows() % format.block_rows != 0 ||
      tensor.data.size() != static_cast<uint64_t>(tensor.desc.bytes()) || tensor.planes.size() != format.planes.size())
    return corrupt(tensor, "its bytes do not match " + tensor.desc.text());
  const Checker checker(tensor);
  for (const Number& number : format.scale) TRIREME_TRY(checker.check(number));
  for (const Number& number : format.minimum) TRIREME_TRY(checker.check(number));
  if (format.zero) TRIREME_TRY(checker.check(*format.zero));
  return {};
}

}  // namespace trireme::runtime
