// Format: how the elements of a tensor are packed into bytes, as a data record that one generic decoder reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/dtype.h"
#include "hal/format_record.h"
#include "hal/result.h"

namespace trireme {

// A format is compared by address: built-in ones live as long as the program, a custom one must outlive its users.
//
// A tensor of [rows, columns] is a sequence of packed rows, each a head and then its blocks, followed by the tensor's
// tail. A block holds block_elements columns of block_rows rows; its elements are numbered row * block_elements +
// column. With sections, a row stores the first section of all its blocks, then the second of all, and so on.
struct Format {
  std::string name;                        // "F32", "Q4_K"; what --type, inspect and errors print
  std::optional<uint32_t> gguf_type = {};  // the type id in GGUF files, when it has one
  int64_t block_elements = 1;              // consecutive elements of a row that are packed together
  int64_t block_bytes = 0;                 // bytes of one such block
  std::optional<DType> plain = {};         // set when every element is stored as itself

  int64_t block_rows = 1;     // rows that one packed row holds
  bool rows_strided = false;  // packed row p holds rows p, p + n, ... for n packed rows; else p * block_rows + i
  std::vector<int64_t> sections = {};  // bytes a block of each section; empty: one section
  int64_t row_head_bytes = 0;
  int64_t tensor_tail_bytes = 0;
  std::vector<std::string> planes = {};  // what the tensors are called that HostTensor::planes holds: "weight_scale"

  Codes codes = {};
  Signs signs = {};
  std::vector<Number> scale = {};    // multiplied in their order
  std::vector<Number> minimum = {};  // likewise; empty: none
  std::optional<Number> zero = {};

  // Bytes of one packed row of `columns` elements; columns must be a multiple of block_elements.
  int64_t row_bytes(int64_t columns) const { return row_head_bytes + columns / block_elements * block_bytes; }
  // Bytes of a whole tensor without its planes; rows must be a multiple of block_rows.
  int64_t tensor_bytes(int64_t rows, int64_t columns) const {
    return rows / block_rows * row_bytes(columns) + tensor_tail_bytes;
  }
  // Whether a row's own bytes say everything about its values. Where false, only decode_rows() can read it.
  bool rows_stand_alone() const { return block_rows == 1 && tensor_tail_bytes == 0 && planes.empty(); }
};

namespace formats {
const Format& f32();
const Format& f16();
const Format& bf16();
const Format& i32();
const Format& i8();
const Format& q8_act();  // activations quantised by QuantizeQ8, see hal/ops.h
}  // namespace formats

std::span<const Format* const> builtin_formats();

// Null when there is none.
const Format* find_format(std::string_view name);
const Format* find_gguf_format(uint32_t type_id);

// Proves that a record reads only bytes of its own blocks, and that the decoder can follow it.
// Errors: kInvalidArgument naming the format and the part that is wrong.
Status verify(const Format& format);

// What integer kernels need of a format: value = scale * code + minimum, with codes inside int8.
struct IntegerCodes {
  int64_t group = 32;  // consecutive elements that share scale and minimum: 16 or 32
  bool has_minimum = false;
  int lowest = 0;  // bounds of the codes, zero points and signs included
  int highest = 0;
};

// Empty when the codes are floats, leave int8, or when fewer than 16 elements share a scale. The format must verify.
std::optional<IntegerCodes> integer_codes(const Format& format);
// Whether matmuls with act = kQ8 can read the format.
inline bool has_integer_codes(const Format& format) { return integer_codes(format).has_value(); }

// A scale or minimum that is an f16 for each block of columns times a whole number for each group: `whole + lowest`,
// negated if `negative`, where `whole` is 0 to 255.
struct FactorLevels {
  int64_t columns = 0;  // of a block: they share the f16
  int lowest = 0;
  bool negative = false;
};
enum class Factor : uint8_t { kScale, kMinimum };
// Empty when the format has no such factor, or another one. The format must have integer codes.
std::optional<FactorLevels> factor_levels(const Format& format, Factor factor);

// Decodes `columns` elements of one packed row to f32, exactly as the format defines them.
// Errors: kInvalidArgument when a size does not match or the record does not verify, kUnsupported for plain integer
// formats and for formats whose rows do not stand alone.
Status decode_row(const Format& format, std::span<const std::byte> row, std::span<float> values);

}  // namespace trireme
