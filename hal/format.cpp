#include "hal/format.h"

#include <algorithm>

#include "hal/format_decoder.h"
#include "hal/format_records.h"

namespace trireme {
namespace {

Format q8_act_record() {
  Format format;
  format.name = "Q8_ACT";
  format.block_elements = 32;
  format.sections = {32, 4, 4};
  format.block_bytes = 40;
  format.codes.type = NumberType::kSigned;
  format.codes.fields = {bits(8, 0, {{1, 0, 8}})};
  format.scale = {block_number(NumberType::kF32, 0, {bits(32, 0, {})})};
  format.scale[0].index = 1;
  return format;
}

std::vector<Format> make_records() {
  std::vector<Format> records = gguf_block_records();
  for (auto& more : {gguf_codebook_records(), checkpoint_records()})
    records.insert(records.end(), more.begin(), more.end());
  records.push_back(plain_format("F8_E4M3", std::nullopt, DType::kF8E4M3));
  records.push_back(plain_format("I16", 25, DType::kI16));
  records.push_back(plain_format("U8", std::nullopt, DType::kU8));
  return records;
}

const std::vector<FormatDecoder>& builtin_decoders() {
  static const std::vector<FormatDecoder> decoders = [] {
    std::vector<FormatDecoder> made;
    for (const Format* format : builtin_formats())
      if (auto decoder = FormatDecoder::create(*format)) made.push_back(std::move(*decoder));
    return made;
  }();
  return decoders;
}

}  // namespace

namespace formats {
const Format& f32() {
  static const Format format = plain_format("F32", 0, DType::kF32);
  return format;
}
const Format& f16() {
  static const Format format = plain_format("F16", 1, DType::kF16);
  return format;
}
const Format& bf16() {
  static const Format format = plain_format("BF16", 30, DType::kBF16);
  return format;
}
const Format& i32() {
  static const Format format = plain_format("I32", 26, DType::kI32);
  return format;
}
const Format& i8() {
  static const Format format = plain_format("I8", 24, DType::kI8);
  return format;
}
const Format& q8_act() {
  static const Format format = q8_act_record();
  return format;
}
}  // namespace formats

std::span<const Format* const> builtin_formats() {
  static const std::vector<Format> records = make_records();
  static const std::vector<const Format*> all = [] {
    std::vector<const Format*> formats = {&formats::f32(), &formats::f16(), &formats::bf16(),
                                          &formats::i32(), &formats::i8(),  &formats::q8_act()};
    for (const Format& record : records) formats.push_back(&record);
    return formats;
  }();
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

Result<FormatDecoder> find_decoder(const Format& format) {
  const auto all = builtin_formats();
  const auto found = std::find(all.begin(), all.end(), &format);
  // Every built-in record verifies, so both lists have the same order; a test holds that.
  if (found != all.end() && builtin_decoders().size() == all.size())
    return builtin_decoders()[size_t(found - all.begin())];
  return FormatDecoder::create(format);
}

Status decode_row(const Format& format, std::span<const std::byte> row, std::span<float> values) {
  TRIREME_ASSIGN(const FormatDecoder decoder, find_decoder(format));
  return decoder.decode_row(row, values);
}

Status decode_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<float> values) {
  if (!tensor.desc.format) return fail(ErrorCode::kInvalidArgument, tensor.name, "it has no format");
  TRIREME_ASSIGN(const FormatDecoder decoder, find_decoder(*tensor.desc.format));
  return decoder.decode_rows(tensor, first, count, values);
}

Status decode_integer_rows(const HostTensor& tensor, int64_t first, int64_t count, std::span<int8_t> codes,
                           std::span<float> scales, std::span<float> minima) {
  if (!tensor.desc.format) return fail(ErrorCode::kInvalidArgument, tensor.name, "it has no format");
  TRIREME_ASSIGN(const FormatDecoder decoder, find_decoder(*tensor.desc.format));
  return decoder.decode_integer_rows(tensor, first, count, codes, scales, minima);
}

Status decode_factor_levels(const HostTensor& tensor, int64_t first, int64_t count, Factor factor,
                            std::span<uint16_t> halves, std::span<uint8_t> wholes) {
  if (!tensor.desc.format) return fail(ErrorCode::kInvalidArgument, tensor.name, "it has no format");
  TRIREME_ASSIGN(const FormatDecoder decoder, find_decoder(*tensor.desc.format));
  return decoder.decode_factor_levels(tensor, first, count, factor, halves, wholes);
}

}  // namespace trireme
