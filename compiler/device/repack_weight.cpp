#include "compiler/device/repack_weight.h"

#include <algorithm>
#include <chrono>

#include "compiler/emit/emit.h"
#include "hal/timeline_points.h"

namespace trireme::compiler {
namespace {

constexpr std::chrono::minutes kRepackPatience(10);  // for a chunk

// A chunk on its way: its bytes and the launches that read them. A timeline of its own, for one that failed says
// nothing of other lists.
struct RepackChunk {
  std::shared_ptr<Buffer> stored;
  std::shared_ptr<Timeline> timeline;
  uint64_t submitted = 0;
  std::unique_ptr<KernelList> list;

  // Until its last list is over.
  Status wait() { return submitted > 0 ? wait_to_end({timeline.get(), submitted}, kRepackPatience) : Status(); }
};

// What repacks one weight, a chunk after the other. Two are under way: one is written while the other is read.
class RepackQueue {
 public:
  static Result<std::unique_ptr<RepackQueue>> create(KernelDevice& device, uint64_t chunk_bytes, bool several) {
    auto queue = std::make_unique<RepackQueue>();
    queue->device_ = &device;
    // The readers take whole words, and one more.
    const uint64_t bytes = (chunk_bytes + 3) / 4 * 4 + 4;
    for (RepackChunk& chunk : queue->chunks_) {
      TRIREME_ASSIGN(chunk.stored, device.allocate(bytes));
      TRIREME_ASSIGN(chunk.timeline, device.create_timeline());
      if (!several) break;
    }
    return queue;
  }

  // Lists must outlive what they started, whatever became of it.
  ~RepackQueue() { (void)finish(); }

  Status add(std::span<const std::byte> stored, std::span<const std::shared_ptr<const Kernel>> kernels,
             std::span<const RepackLaunch> launches, const std::shared_ptr<Buffer>& tables,
             std::span<const BufferRange> planes) {
    RepackChunk& chunk = chunks_[next_];
    TRIREME_TRY(chunk.wait());
    TRIREME_TRY(chunk.stored->write(0, stored));
    TRIREME_ASSIGN(chunk.list, device_->create_list());
    for (size_t i = 0; i < kernels.size(); ++i) {
      std::vector<BufferRange> buffers = {{chunk.stored.get(), 0, chunk.stored->size()}};
      if (tables) buffers.push_back({tables.get(), 0, tables->size()});
      buffers.push_back(planes[i]);
      TRIREME_TRY(chunk.list->launch(kernels[i], {launches[i].groups, buffers, launches[i].words}));
    }
    TRIREME_TRY(chunk.list->finish());
    const TimelinePoint done{chunk.timeline.get(), chunk.submitted + 1};
    TRIREME_TRY(device_->submit(*chunk.list, {}, {&done, 1}));
    ++chunk.submitted;
    next_ = (next_ + 1) % kRepackChunks;
    return {};
  }

  Status finish() {
    Status result;
    for (RepackChunk& chunk : chunks_)
      if (Status over = chunk.wait(); !over && result) result = std::move(over);
    return result;
  }

 private:
  KernelDevice* device_ = nullptr;
  std::array<RepackChunk, kRepackChunks> chunks_;
  size_t next_ = 0;
};

Result<std::shared_ptr<Buffer>> upload_tables(KernelDevice& device, const FormatTables& tables) {
  if (tables.words.empty()) return std::shared_ptr<Buffer>();
  TRIREME_ASSIGN(std::shared_ptr<Buffer> buffer, device.allocate(tables.words.size() * 4));
  TRIREME_TRY(buffer->write(0, std::as_bytes(std::span(tables.words))));
  return buffer;
}

}  // namespace

Status repack_rows(KernelDevice& device, const BuildKernels& build, const WeightLayout& layout,
                   const HostTensor& tensor, const RowPart& part, std::span<const BufferRange> planes) {
  const Format& format = *tensor.desc.format;
  const int64_t columns = tensor.desc.shape.back();
  if (columns % format.block_elements != 0 || tensor.data.size() != uint64_t(tensor.desc.bytes()))
    return fail(ErrorCode::kInvalidArgument, tensor.name,
                "its " + std::to_string(tensor.data.size()) + " bytes do not match " + tensor.desc.text());
  const FormatTables tables = format_tables(format);
  TRIREME_ASSIGN(const std::vector<RepackKernel> written, write_repack(format, tables, layout));
  std::vector<KernelSource> sources;
  for (const RepackKernel& one : written) {
    TRIREME_ASSIGN(KernelSource source, emit(one.function, device.target()));
    sources.push_back(std::move(source));
  }
  TRIREME_ASSIGN(const std::vector<std::shared_ptr<const Kernel>> kernels, build(sources));
  TRIREME_ASSIGN(const std::shared_ptr<Buffer> table_buffer, upload_tables(device, tables));

  const auto row_bytes = uint64_t(format.row_bytes(columns));
  const int64_t chunk = repack_chunk_rows(format, columns, device.target());
  TRIREME_ASSIGN(
      const std::unique_ptr<RepackQueue> queue,
      RepackQueue::create(device, uint64_t(std::min<int64_t>(chunk, part.count)) * row_bytes, part.count > chunk));
  for (int64_t first = 0; first < part.count; first += chunk) {
    const int64_t rows = std::min<int64_t>(chunk, part.count - first);
    std::vector<RepackLaunch> launches;
    for (const RepackKernel& one : written) launches.push_back(repack_launch(one, format, first, rows, columns));
    const auto stored = tensor.data.subspan((part.first + uint64_t(first)) * row_bytes, uint64_t(rows) * row_bytes);
    TRIREME_TRY(queue->add(stored, kernels, launches, table_buffer, planes));
  }
  return queue->finish();
}

}  // namespace trireme::compiler
