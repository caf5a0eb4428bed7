#include "backends/cpu/quantized/packed_weight.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/cpu/quantized/tile_layout.h"
#include "backends/cpu/quantized/tile_packer.h"

namespace trireme::cpu::quantized {
namespace {

size_t packed_tile_bytes(const CodecRecord& record, int64_t columns) {
  return size_t((columns + record.block - 1) / record.block) * record.block_bytes();
}

}  // namespace

Status can_pack(const TensorDesc& desc) {
  if (desc.format == nullptr || desc.shape.rank() < 2 || desc.shape.rank() > 3 || desc.shape.rows() < 1 ||
      desc.shape.back() < 1)
    return fail(ErrorCode::kUnsupported, "packed weight", "the weight is no matrix and no matrices of experts");
  const auto codec = find_codec(*desc.format);
  if (!codec) return fail(ErrorCode::kUnsupported, desc.format->name, "the format has no integer codes");
  for (const int64_t block : {desc.format->block_elements, int64_t(kActGroup)})
    if (desc.shape.back() % block != 0)
      return fail(ErrorCode::kUnsupported, desc.format->name,
                  "rows of " + std::to_string(desc.shape.back()) + " are not whole blocks of " + std::to_string(block));
  if (desc.shape.rows() % desc.format->block_rows != 0)
    return fail(
        ErrorCode::kUnsupported, desc.format->name,
        std::to_string(desc.shape.rows()) + " rows are no multiple of " + std::to_string(desc.format->block_rows));
  constexpr int64_t kMost = int64_t(1) << 32;  // 2^64 codes would not fit the address space anyway
  if (desc.shape.rows() > kMost || desc.shape.back() > kMost / 1024)
    return fail(ErrorCode::kUnsupported, desc.format->name, "the matrix is larger than 2^32 rows or 2^22 columns");
  return {};
}

uint64_t packed_bytes(const TensorDesc& desc) {
  const CodecRecord& record = codec_record(find_codec(*desc.format)->codec);
  return uint64_t((desc.shape.rows() + kTileRows - 1) / kTileRows) * packed_tile_bytes(record, desc.shape.back());
}

PackedWeight::PackedWeight(const TensorDesc& desc, const FormatCodec& codec)
    : desc_(desc),
      codec_(codec),
      tile_bytes_(packed_tile_bytes(codec_record(codec.codec), desc.shape.back())),
      bytes_(packed_bytes(desc)) {}

Result<std::shared_ptr<const PackedWeight>> PackedWeight::pack(const HostTensor& tensor, WeightArena& arena,
                                                               ParallelFor parallel) {
  TRIREME_TRY(can_pack(tensor.desc));
  const TensorDesc& desc = tensor.desc;
  std::shared_ptr<PackedWeight> weight(new PackedWeight(desc, *find_codec(*desc.format)));
  TRIREME_ASSIGN(const auto packer, make_tile_packer(tensor, weight->codec_));

  auto memory = arena.allocate(weight->bytes_);
  if (!memory) return fail(std::move(memory).error(), "packing " + tensor.name);
  weight->data_ = std::move(*memory);

  constexpr size_t kChunkBytes = size_t(1) << 18;
  const auto tiles_a_chunk = int64_t(std::max<size_t>(1, kChunkBytes / weight->tile_bytes_));
  const int64_t tiles = weight->tiles(), chunks = (tiles + tiles_a_chunk - 1) / tiles_a_chunk;
  const size_t source_tile_bytes = size_t(desc.format->row_bytes(desc.shape.back())) * kTileRows;
  std::vector<Status> results(static_cast<size_t>(chunks));
  parallel(chunks, [&](int64_t chunk) {
    const int64_t first = chunk * tiles_a_chunk, last = std::min(tiles, first + tiles_a_chunk);
    std::byte* packed = weight->data_.get() + size_t(first) * weight->tile_bytes_;
    std::memset(packed, 0, size_t(last - first) * weight->tile_bytes_);
    for (int64_t tile = first; tile < last && results[size_t(chunk)]; ++tile, packed += weight->tile_bytes_)
      results[size_t(chunk)] = packer->pack(tile, packed);
    if (!tensor.release || desc.format->block_rows != 1) return;
    const std::span<const std::byte> source = tensor.data.subspan(size_t(first) * source_tile_bytes);
    tensor.release(last == tiles ? source : source.first(size_t(last - first) * source_tile_bytes));
  });
  for (Status& result : results)
    if (!result) return fail(std::move(result).error(), "packing " + tensor.name);
  if (tensor.release && desc.format->block_rows != 1) tensor.release(tensor.data);  // a tile's rows lie apart
  return weight;
}

void PackedWeight::decode_row(int64_t row, std::span<float> values) const {
  const CodecRecord& record = codec_record(codec_.codec);
  const std::byte* packed = tile(row / kTileRows);
  for (size_t at = 0; at < values.size(); at += size_t(record.block), packed += record.block_bytes())
    read_row_block(record, codec_.values, packed, int(row % kTileRows),
                   int(std::min(values.size() - at, size_t(record.block))), values.data() + at);
}

}  // namespace trireme::cpu::quantized
