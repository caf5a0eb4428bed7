// Format: how the elements of a tensor are packed into bytes, as a data record that one generic decoder reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hal/dtype.h"
#include "hal/result.h"

namespace trireme {

// A format is compared by address: built-in ones live as long as the program, a custom one must outlive its users.
struct Format {
  std::string name;                  // "F32", "Q4_K"; what --type, inspect and errors print
  std::optional<uint32_t> gguf_type; // the type id in GGUF files, when it has one
  int64_t block_elements = 1;        // consecutive elements of a row that are packed together
  int64_t block_bytes = 0;           // bytes of one such block
  std::optional<DType> plain;        // set when every element is stored as itself

  // Bytes of one row of `columns` elements; columns must be a multiple of block_elements.
  int64_t row_bytes(int64_t columns) const { return columns / block_elements * block_bytes; }
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

// Decodes `columns` elements of one packed row to f32, exactly as the format defines them.
// Errors: kInvalidArgument when a size does not match, kUnsupported for integer formats.
Status decode_row(const Format& format, std::span<const std::byte> row, std::span<float> values);

}  // namespace trireme
