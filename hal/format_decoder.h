// FormatDecoder: the one reader of every Format.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "hal/format.h"
#include "hal/prepared.h"

namespace trireme {

struct DecodePlan;

// A format's record, verified and turned into runs of evenly spaced bits. Immutable; allocates nothing while decoding.
class FormatDecoder {
 public:
  // The format may end before the decoder. Errors: as verify().
  static Result<FormatDecoder> create(const Format& format);

  // As the free functions below.
  Status decode_row(std::span<const std::byte> row, std::span<float> values) const;
  Status decode_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<float> values) const;
  Status decode_integer_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<int8_t> codes,
                             std::span<float> scales, std::span<float> minima) const;
  Status decode_factor_levels(const HostTensor& tensor, int64_t first, int64_t count, Factor factor,
                              std::span<uint16_t> halves, std::span<uint8_t> wholes) const;

 private:
  explicit FormatDecoder(std::shared_ptr<const DecodePlan> plan) : plan_(std::move(plan)) {}

  std::shared_ptr<const DecodePlan> plan_;
};

// The decoder of a built-in format, or a new one. Errors: as verify().
Result<FormatDecoder> find_decoder(const Format& format);

// Decodes the rows [first, first + count) of a tensor, seen as [shape.rows(), shape.back()], to values[count, columns].
// Errors: kInvalidArgument when a range, size or number of planes does not match, kUnsupported for plain integers.
Status decode_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<float> values);

// The same rows as integers: codes[count, columns] with scales and minima [count, columns / group], see IntegerCodes;
// minima are written only when there are any. columns must be a multiple of group.
// Errors: also kUnsupported when the format has no integer codes.
Status decode_integer_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<int8_t> codes,
                           std::span<float> scales, std::span<float> minima);

// A factor of the same rows in its two levels, see FactorLevels: halves[count, columns / FactorLevels::columns] with
// the bits of f16, and wholes[count, columns / group]. Errors: also kUnsupported when the factor has no such levels.
Status decode_factor_levels(const HostTensor& tensor, int64_t first, int64_t count, Factor factor,
                            std::span<uint16_t> halves, std::span<uint8_t> wholes);

}  // namespace trireme
