#include "backends/cpu/quantized/packed_weight.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/quantized/tile_layout.h"

namespace trireme::cpu::quantized {
namespace {

size_t packed_tile_bytes(const CodecRecord& record, int64_t columns) {
  return size_t((columns + record.block - 1) / record.block) * record.block_bytes();
}

void pack_tile(const HostTensor& tensor, Codec codec, int64_t tile, std::byte* packed, size_t bytes) {
  const CodecRecord& record = codec_record(codec);
  const int64_t columns = tensor.desc.shape.back();
  const auto row_bytes = size_t(tensor.desc.format->row_bytes(columns));
  const int parts = record.block / record.source_block;
  const int64_t first = tile * kTileRows;
  const int rows = int(std::min<int64_t>(kTileRows, tensor.desc.shape.rows() - first));
  std::memset(packed, 0, bytes);
  SourceBlock source;
  for (int64_t block = 0; block < columns / record.source_block; ++block) {
    std::byte* target = packed + size_t(block / parts) * record.block_bytes();
    const std::byte* begin = tensor.data.data() + size_t(first) * row_bytes + size_t(block * record.source_bytes);
    for (int row = 0; row < rows; ++row) {
      read_source_block(codec, begin + size_t(row) * row_bytes, source);
      write_row_block(record, source, int(block % parts), row, target);
    }
  }
}

}  // namespace

Status can_pack(const TensorDesc& desc) {
  if (desc.format == nullptr || desc.shape.rank() < 2 || desc.shape.rank() > 3 || desc.shape.rows() < 1 ||
      desc.shape.back() < 1)
    return fail(ErrorCode::kUnsupported, "packed weight", "the weight is no matrix and no matrices of experts");
  const auto codec = find_codec(*desc.format);
  if (!codec) return fail(ErrorCode::kUnsupported, desc.format->name, "the format has no integer kernel on the cpu");
  const CodecRecord& record = codec_record(*codec);
  if (desc.format->block_elements != record.source_block || desc.format->block_bytes != record.source_bytes)
    return fail(ErrorCode::kUnsupported, desc.format->name, "the format's blocks are not those that the kernel reads");
  if (desc.shape.back() % record.source_block != 0)
    return fail(ErrorCode::kUnsupported, desc.format->name,
                "rows of " + std::to_string(desc.shape.back()) + " are not whole blocks of " +
                    std::to_string(record.source_block));
  constexpr int64_t kMost = int64_t(1) << 32;  // 2^64 codes would not fit the address space anyway
  if (desc.shape.rows() > kMost || desc.shape.back() > kMost / 1024)
    return fail(ErrorCode::kUnsupported, desc.format->name, "the matrix is larger than 2^32 rows or 2^22 columns");
  return {};
}

uint64_t packed_bytes(const TensorDesc& desc) {
  const CodecRecord& record = codec_record(*find_codec(*desc.format));
  return uint64_t((desc.shape.rows() + kTileRows - 1) / kTileRows) * packed_tile_bytes(record, desc.shape.back());
}

PackedWeight::PackedWeight(const TensorDesc& desc, Codec codec)
    : desc_(desc),
      codec_(codec),
      tile_bytes_(packed_tile_bytes(codec_record(codec), desc.shape.back())),
      bytes_(packed_bytes(desc)) {}

Result<std::shared_ptr<const PackedWeight>> PackedWeight::pack(const HostTensor& tensor, WeightArena& arena,
                                                               ParallelFor parallel) {
  TRIREME_TRY(can_pack(tensor.desc));
  const TensorDesc& desc = tensor.desc;
  if (tensor.data.size() != uint64_t(desc.shape.rows()) * uint64_t(desc.format->row_bytes(desc.shape.back())))
    return fail(ErrorCode::kInvalidArgument, tensor.name, "its data's size does not match " + desc.text());
  std::shared_ptr<PackedWeight> weight(new PackedWeight(desc, *find_codec(*desc.format)));

  auto memory = arena.allocate(weight->bytes_);
  if (!memory) return fail(std::move(memory).error(), "packing " + tensor.name);
  weight->data_ = std::move(*memory);

  constexpr size_t kChunkBytes = size_t(1) << 18;
  const auto tiles_a_chunk = int64_t(std::max<size_t>(1, kChunkBytes / weight->tile_bytes_));
  const int64_t tiles = weight->tiles();
  const size_t source_tile_bytes = size_t(desc.format->row_bytes(desc.shape.back())) * kTileRows;
  parallel((tiles + tiles_a_chunk - 1) / tiles_a_chunk, [&](int64_t chunk) {
    const int64_t first = chunk * tiles_a_chunk, last = std::min(tiles, first + tiles_a_chunk);
    for (int64_t tile = first; tile < last; ++tile)
      pack_tile(tensor, weight->codec_, tile, weight->data_.get() + size_t(tile) * weight->tile_bytes_,
                weight->tile_bytes_);
    const std::span<const std::byte> source = tensor.data.subspan(size_t(first) * source_tile_bytes);
    if (tensor.release) tensor.release(source.first(std::min(source.size(), size_t(last - first) * source_tile_bytes)));
  });
  return weight;
}

void PackedWeight::decode_row(int64_t row, std::span<float> values) const {
  const CodecRecord& record = codec_record(codec_);
  const std::byte* packed = tile(row / kTileRows);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = read_element(record, packed + i / size_t(record.block) * record.block_bytes(), int(row % kTileRows),
                             int(i % size_t(record.block)));
}

}  // namespace trireme::cpu::quantized
