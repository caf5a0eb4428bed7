#include "compiler/device/compiled_weight.h"

#include <algorithm>
#include <numeric>

#include "hal/op_check.h"

namespace trireme::compiler {
namespace {

constexpr uint64_t kChunkBytes = 4 << 20;  // of the source, packed at once

}  // namespace

Result<std::shared_ptr<const CompiledWeight>> CompiledWeight::create(KernelDevice& device, const HostTensor& tensor,
                                                                     WeightUse use) {
  if (!has_float_values(*tensor.desc.format))
    return fail(ErrorCode::kUnsupported, "weight " + tensor.name,
                tensor.desc.format->name + " holds no numbers to compute with");
  const WeightLayout layout = weight_layout(tensor.desc, use, device.target());
  const int64_t rows = tensor.desc.shape.rows(), columns = tensor.desc.shape.back();
  auto weight = std::make_shared<CompiledWeight>();
  weight->device_ = &device;
  weight->desc_ = tensor.desc;
  weight->is_vector_ = use == WeightUse::kVector;
  for (const uint64_t bytes : plane_bytes(layout, rows, columns)) {
    TRIREME_ASSIGN(std::shared_ptr<Buffer> plane, device.allocate(std::max<uint64_t>(bytes, kBindingAlignment)));
    weight->planes_.push_back(std::move(plane));
  }
  // Whole words of every plane: as many rows as fill them, or all.
  const uint64_t row_bytes =
      std::max<uint64_t>(1, uint64_t(tensor.desc.bytes()) / uint64_t(std::max<int64_t>(rows, 1)));
  const int64_t chunk = std::max<int64_t>(32, int64_t(kChunkBytes / row_bytes) / 32 * 32);
  for (int64_t first = 0; first < rows; first += chunk) {
    const int64_t count = std::min(chunk, rows - first);
    const std::vector<uint64_t> before = plane_bytes(layout, first, columns),
                                bytes = plane_bytes(layout, count, columns);
    std::vector<std::vector<std::byte>> packed;
    std::vector<std::span<std::byte>> spans;
    for (const uint64_t size : bytes) packed.emplace_back(size);
    for (std::vector<std::byte>& plane : packed) spans.emplace_back(plane);
    TRIREME_TRY(pack_rows(layout, tensor, first, count, spans));
    for (size_t i = 0; i < packed.size(); ++i) TRIREME_TRY(weight->planes_[i]->write(before[i], packed[i]));
  }
  return weight;
}

uint64_t CompiledWeight::device_bytes() const {
  return std::accumulate(planes_.begin(), planes_.end(), uint64_t{0},
                         [](uint64_t sum, const auto& plane) { return sum + plane->size(); });
}

}  // namespace trireme::compiler
