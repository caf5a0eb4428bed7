#include "backends/cpu/quantized/tile_packer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/cpu/quantized/tile_layout.h"
#include "hal/format_decoder.h"

namespace trireme::cpu::quantized {
namespace {

// Blocks of a codec's own format, taken apart as they are.
class BlockPacker final : public TilePacker {
 public:
  BlockPacker(const HostTensor& tensor, Codec codec) : tensor_(tensor), codec_(codec) {}

  Status pack(int64_t tile, std::byte* packed) const override {
    const CodecRecord& record = codec_record(codec_);
    const int64_t columns = tensor_.desc.shape.back();
    const auto row_bytes = size_t(tensor_.desc.format->row_bytes(columns));
    const int parts = record.block / record.source_block;
    const int64_t first = tile * kTileRows;
    const int rows = int(std::min<int64_t>(kTileRows, tensor_.desc.shape.rows() - first));
    SourceBlock source;
    for (int64_t block = 0; block < columns / record.source_block; ++block) {
      std::byte* target = packed + size_t(block / parts) * record.block_bytes();
      const std::byte* begin = tensor_.data.data() + size_t(first) * row_bytes + size_t(block * record.source_bytes);
      for (int row = 0; row < rows; ++row) {
        read_source_block(codec_, begin + size_t(row) * row_bytes, source);
        write_row_block(record, source, int(block % parts), row, target);
      }
    }
    return {};
  }

 private:
  const HostTensor& tensor_;
  Codec codec_;
};

// Rows of any format as the generic decoder reads them.
class DecodedPacker final : public TilePacker {
 public:
  DecodedPacker(const HostTensor& tensor, const FormatCodec& codec, FormatDecoder decoder, const IntegerCodes& integer)
      : tensor_(tensor), record_(codec_record(codec.codec)), decoder_(std::move(decoder)), integer_(integer) {
    first_ = uint8_t(record_.has_own_table() ? codec.values[0] : -record_.offset);
    for (size_t code = 0; code < codec.values.size(); ++code) code_of_[uint8_t(codec.values[code])] = uint8_t(code);
  }

  // Whether the tensor's parts have the sizes that its format asks for.
  Status check() const {
    Rows none;
    return decode(0, 0, none);
  }

  Status pack(int64_t tile, std::byte* packed) const override {
    const int64_t first = tile * kTileRows;
    const int rows = int(std::min<int64_t>(kTileRows, tensor_.desc.shape.rows() - first));
    Rows decoded;
    TRIREME_TRY(decode(first, rows, decoded));
    for (int row = 0; row < rows; ++row) pack_row(decoded, row, packed);
    return {};
  }

 private:
  struct Rows {
    std::vector<int8_t> codes;
    std::vector<float> scales;
    std::vector<float> minima;
  };

  int64_t columns() const { return tensor_.desc.shape.back(); }

  Status decode(int64_t first, int64_t count, Rows& rows) const {
    rows.codes.resize(size_t(count * columns()));
    rows.scales.resize(size_t(count * (columns() / integer_.group)));
    if (integer_.has_minimum) rows.minima.resize(rows.scales.size());
    return decoder_.decode_integer_rows(tensor_, first, count, rows.codes, rows.scales, rows.minima);
  }

  // Codes of so many values, four to a word.
  void encode(const int8_t* values, int count, uint32_t* codes) const {
    std::array<uint8_t, 128> bytes;
    if (record_.table == CodeTable::kOwn)
      for (int i = 0; i < count; ++i) bytes[size_t(i)] = code_of_[uint8_t(values[i])];
    else
      for (int i = 0; i < count; ++i) bytes[size_t(i)] = uint8_t(uint8_t(values[i]) - first_);
    std::memcpy(codes, bytes.data(), size_t(count));
  }

  void pack_row(const Rows& rows, int row, std::byte* packed) const {
    std::array<uint32_t, 32> codes;
    std::array<float, 8> scales{}, minima{};
    for (int64_t begin = 0; begin < columns(); begin += record_.block, packed += record_.block_bytes()) {
      const int count = int(std::min<int64_t>(record_.block, columns() - begin));
      encode(rows.codes.data() + row * columns() + begin, count, codes.data());
      for (int i = 0; i < count / record_.group; ++i) {
        const auto at = size_t((row * columns() + begin + i * record_.group) / integer_.group);
        scales[size_t(i)] = rows.scales[at];
        if (integer_.has_minimum) minima[size_t(i)] = rows.minima[at];
      }
      write_row_block(record_, codes.data(), count / kActGroup, scales.data(), minima.data(), row, packed);
    }
  }

  const HostTensor& tensor_;
  const CodecRecord& record_;
  FormatDecoder decoder_;
  IntegerCodes integer_;
  uint8_t first_ = 0;                   // the byte of the value whose code is 0
  std::array<uint8_t, 256> code_of_{};  // by a value's byte, with CodeTable::kOwn
};

}  // namespace

Result<std::unique_ptr<const TilePacker>> make_tile_packer(const HostTensor& tensor, const FormatCodec& codec) {
  const Format& format = *tensor.desc.format;
  if (int64_t(tensor.data.size()) != tensor.desc.bytes())
    return fail(ErrorCode::kInvalidArgument, tensor.name, "its data's size does not match " + tensor.desc.text());
  if (!codec_record(codec.codec).general()) return std::make_unique<BlockPacker>(tensor, codec.codec);
  const auto integer = integer_codes(format);
  if (!integer) return fail(ErrorCode::kUnsupported, format.name, "it has no integer codes");
  TRIREME_ASSIGN(FormatDecoder decoder, find_decoder(format));
  auto packer = std::make_unique<DecodedPacker>(tensor, codec, std::move(decoder), *integer);
  if (Status status = packer->check(); !status) return fail(std::move(status).error(), "packing " + tensor.name);
  return packer;
}

}  // namespace trireme::cpu::quantized
