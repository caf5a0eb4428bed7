#include "runtime/quantize/encoder.h"

#include <cmath>
#include <cstring>

#include "runtime/quantize/block_encoder.h"

namespace trireme::runtime {
namespace {

void encode_plain(DType dtype, std::span<const float> values, std::span<std::byte> row) {
  if (dtype == DType::kF32) {
    std::memcpy(row.data(), values.data(), row.size());
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = dtype == DType::kF16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(row.data() + 2 * i, &bits, sizeof(bits));
  }
}

bool is_encodable_float(const Format& format) {
  return format.plain == DType::kF32 || format.plain == DType::kF16 || format.plain == DType::kBF16;
}

std::shared_ptr<const BlockEncoder> make_block_encoder(const Format& format) {
  if (!verify(format) || format.plain || !format.rows_stand_alone() || format.row_head_bytes != 0 ||
      !format.sections.empty())
    return nullptr;
  if (auto encoder = make_round_block(format)) return encoder;
  return make_encode_super_block(format);
}

}  // namespace

Result<Encoder> Encoder::create(const Format& format) {
  if (is_encodable_float(format)) return Encoder(format, nullptr);
  if (auto blocks = make_block_encoder(format)) return Encoder(format, std::move(blocks));
  return fail(ErrorCode::kUnsupported, format.name, "values cannot be packed into it",
              "choose one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K");
}

Status Encoder::encode_row(std::span<const float> values, std::span<std::byte> row) const {
  const auto columns = int64_t(values.size());
  if (columns % format_->block_elements != 0 || int64_t(row.size()) != format_->row_bytes(columns))
    return fail(ErrorCode::kInvalidArgument, "encode " + format_->name,
                std::to_string(values.size()) + " values do not fill " + std::to_string(row.size()) + " bytes");
  if (!blocks_) {
    encode_plain(*format_->plain, values, row);
    return {};
  }
  const auto elements = size_t(format_->block_elements);
  const auto bytes = size_t(format_->block_bytes);
  for (size_t block = 0; block < values.size() / elements; ++block) {
    const auto source = values.subspan(block * elements, elements);
    for (size_t i = 0; i < elements; ++i)
      if (!std::isfinite(source[i]))
        return fail(ErrorCode::kCorruptData, "encode " + format_->name,
                    "value " + std::to_string(block * elements + i) + " of a row is not finite");
    if (!blocks_->encode(source, row.subspan(block * bytes, bytes)))
      return fail(ErrorCode::kCorruptData, "encode " + format_->name,
                  "the values from " + std::to_string(block * elements) + " of a row on are too large for its scales");
  }
  return {};
}

bool can_encode(const Format& format) { return Encoder::create(format).has_value(); }

Status encode_row(const Format& format, std::span<const float> values, std::span<std::byte> row) {
  TRIREME_ASSIGN(const Encoder encoder, Encoder::create(format));
  return encoder.encode_row(values, row);
}

}  // namespace trireme::runtime
