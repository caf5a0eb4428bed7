#include "hal/format.h"

#include <array>
#include <cstring>

namespace trireme {
namespace {

Format plain(std::string name, std::optional<uint32_t> gguf_type, DType dtype) {
  return {std::move(name), gguf_type, 1, dtype_size(dtype), dtype};
}

}  // namespace

namespace formats {
const Format& f32() {
  static const Format format = plain("F32", 0, DType::kF32);
  return format;
}
const Format& f16() {
  static const Format format = plain("F16", 1, DType::kF16);
  return format;
}
const Format& bf16() {
  static const Format format = plain("BF16", 30, DType::kBF16);
  return format;
}
const Format& i32() {
  static const Format format = plain("I32", 26, DType::kI32);
  return format;
}
const Format& i8() {
  static const Format format = plain("I8", 24, DType::kI8);
  return format;
}
const Format& q8_act() {
  static const Format format = {"Q8_ACT", std::nullopt, 32, 32 + 4 + 4, std::nullopt};
  return format;
}
}  // namespace formats

std::span<const Format* const> builtin_formats() {
  static const std::array<const Format*, 6> all = {&formats::f32(), &formats::f16(), &formats::bf16(),
                                                   &formats::i32(), &formats::i8(),   &formats::q8_act()};
  return all;
}

const Format* find_format(std::string_view name) {
  for (const Format* format : builtin_formats())
    if (format->name == name) return format;
  return nullptr;
}

const Format* find_gguf_format(uint32_t type_id) {
  for (const Format* format : builtin_formats())
    if (format->gguf_type == type_id) return format;
  return nullptr;
}

Status decode_row(const Format& format, std::span<const std::byte> row, std::span<float> values) {
  const auto columns = int64_t(values.size());
  if (columns % format.block_elements != 0 || int64_t(row.size()) != format.row_bytes(columns))
    return fail(ErrorCode::kInvalidArgument, "decode_row", "the row's bytes do not match its columns");
  for (size_t i = 0; i < values.size(); ++i) {
    if (format.plain == DType::kF32) {
      std::memcpy(&values[i], row.data() + 4 * i, 4);
    } else {
      uint16_t bits = 0;
      if (format.block_bytes != 2) return fail(ErrorCode::kUnsupported, format.name, "it has no float values");
      std::memcpy(&bits, row.data() + 2 * i, 2);
      values[i] = format.plain == DType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
    }
  }
  return {};
}

}  // namespace trireme
