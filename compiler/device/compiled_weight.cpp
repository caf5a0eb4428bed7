#include "compiler/device/compiled_weight.h"

#include <algorithm>

#include "compiler/build/parallel.h"
#include "hal/op_check.h"

namespace trireme::compiler {
namespace {

constexpr uint64_t kChunkBytes = 256 << 10;  // of the source, packed at once: what a core's cache holds
constexpr int64_t kMostChunks = 64;          // that wait to be written

// Rows from `row` of a part on, as they lie in its planes.
struct Chunk {
  int64_t row = 0;
  std::vector<std::vector<std::byte>> planes;
  Status status;
};

Status pack(const WeightLayout& layout, const HostTensor& tensor, int64_t first, int64_t count,
            std::vector<std::vector<std::byte>>& planes) {
  std::vector<std::span<std::byte>> spans;
  for (const uint64_t size : plane_bytes(layout, count, tensor.desc.shape.back())) planes.emplace_back(size);
  for (std::vector<std::byte>& plane : planes) spans.emplace_back(plane);
  return pack_rows(layout, tensor, first, count, spans);
}

// The rows of which a constant's buffers hold a part each; vectors are bound whole.
Result<std::vector<RowPart>> parts_of(const TensorDesc& desc, WeightUse use, const Target& target) {
  if (use == WeightUse::kVector) return std::vector<RowPart>{{0, uint32_t(desc.shape.rows())}};
  return row_parts(desc, target);
}

uint64_t buffer_bytes(const PlanePart& part) { return std::max<uint64_t>(part.bytes, kBindingAlignment); }

}  // namespace

Result<uint64_t> CompiledWeight::bytes_of(const TensorDesc& desc, WeightUse use, const Target& target) {
  const WeightLayout layout = weight_layout(desc, use, target);
  TRIREME_ASSIGN(const std::vector<RowPart> parts, parts_of(desc, use, target));
  uint64_t bytes = 0;
  for (const RowPart& part : parts)
    for (int plane = 0; plane < layout.planes(); ++plane)
      bytes += buffer_bytes(plane_part(layout, part, desc.shape.back(), plane));
  return bytes;
}

Result<std::shared_ptr<const CompiledWeight>> CompiledWeight::create(KernelDevice& device, const BuildKernels& build,
                                                                     const HostTensor& tensor, WeightUse use) {
  if (!has_float_values(*tensor.desc.format))
    return fail(ErrorCode::kUnsupported, "weight " + tensor.name,
                tensor.desc.format->name + " holds no numbers to compute with");
  const WeightLayout layout = weight_layout(tensor.desc, use, device.target());
  auto weight = std::make_shared<CompiledWeight>();
  weight->device_ = &device;
  weight->desc_ = tensor.desc;
  weight->is_vector_ = use == WeightUse::kVector;
  weight->planes_.resize(size_t(layout.planes()));
  auto parts = parts_of(tensor.desc, use, device.target());
  if (!parts) return fail(std::move(parts).error(), "preparing " + tensor.name);
  const bool by_host = why_packed_by_host(tensor.desc, layout, device.target()).has_value();
  for (const RowPart& part : *parts) {
    TRIREME_TRY(weight->add(device, layout, part));
    TRIREME_TRY(by_host ? weight->write(layout, tensor, part) : weight->repack(device, build, layout, tensor, part));
  }
  return weight;
}

Status CompiledWeight::add(KernelDevice& device, const WeightLayout& layout, const RowPart& part) {
  for (int i = 0; i < layout.planes(); ++i) {
    const PlanePart bytes = plane_part(layout, part, desc_.shape.back(), i);
    TRIREME_ASSIGN(std::shared_ptr<Buffer> buffer, device.allocate(buffer_bytes(bytes)));
    planes_[size_t(i)].push_back({bytes.offset, std::move(buffer)});
  }
  return {};
}

Status CompiledWeight::repack(KernelDevice& device, const BuildKernels& build, const WeightLayout& layout,
                              const HostTensor& tensor, const RowPart& part) {
  std::vector<BufferRange> planes;
  for (const std::vector<Piece>& pieces : planes_)
    planes.push_back({pieces.back().buffer.get(), 0, pieces.back().buffer->size()});
  Status done = repack_rows(device, build, layout, tensor, part, planes);
  if (!done) return fail(std::move(done).error(), "repacking " + tensor.name);
  return {};
}

Status CompiledWeight::write(const WeightLayout& layout, const HostTensor& tensor, const RowPart& part) {
  const int64_t rows = desc_.shape.rows(), columns = desc_.shape.back();
  // Whole words of every plane: as many rows as fill them, or all.
  const uint64_t row_bytes = std::max<uint64_t>(1, uint64_t(desc_.bytes()) / uint64_t(std::max<int64_t>(rows, 1)));
  const int64_t chunk = std::max<int64_t>(32, int64_t(kChunkBytes / row_bytes) / 32 * 32);
  const int64_t chunks = (int64_t(part.count) + chunk - 1) / chunk;
  for (int64_t first = 0; first < chunks; first += kMostChunks) {
    std::vector<Chunk> packed(size_t(std::min(chunks - first, kMostChunks)));
    Status status;
    run_parallel(
        int(packed.size()), usable_core_count(),
        [&](int i) {
          Chunk& own = packed[size_t(i)];
          own.row = (first + i) * chunk;
          own.status = pack(layout, tensor, part.first + own.row, std::min(chunk, part.count - own.row), own.planes);
        },
        [&](int i) {
          Chunk& own = packed[size_t(i)];
          if (status) status = std::move(own.status);
          const std::vector<uint64_t> before = plane_bytes(layout, own.row, columns);
          for (size_t plane = 0; plane < own.planes.size() && status; ++plane)
            status = planes_[plane].back().buffer->write(before[plane], own.planes[plane]);
          own.planes.clear();
        });
    TRIREME_TRY(std::move(status));
  }
  return {};
}

BufferRange CompiledWeight::range(const Binding& binding) const {
  const std::vector<Piece>& pieces = planes_[size_t(binding.plane)];
  if (binding.bytes == 0) return {pieces[0].buffer.get(), 0, pieces[0].buffer->size()};
  const auto after = std::ranges::upper_bound(pieces, binding.offset, {}, &Piece::first);
  const Piece& piece = *std::prev(after);
  return {piece.buffer.get(), binding.offset - piece.first, binding.bytes};
}

uint64_t CompiledWeight::device_bytes() const {
  uint64_t bytes = 0;
  for (const std::vector<Piece>& pieces : planes_)
    for (const Piece& piece : pieces) bytes += piece.buffer->size();
  return bytes;
}

}  // namespace trireme::compiler
