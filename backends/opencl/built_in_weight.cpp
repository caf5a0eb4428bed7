#include "backends/opencl/built_in_weight.h"

#include <algorithm>
#include <numeric>

#include "hal/format_decoder.h"
#include "hal/op_check.h"

namespace trireme::opencl {
namespace {

constexpr int64_t kChunkElements = 1 << 20;  // decoded at once

template <typename T>
Status write(OpenClBuffer& buffer, int64_t first, const std::vector<T>& values) {
  return buffer.write(uint64_t(first) * sizeof(T), std::as_bytes(std::span(values)));
}

}  // namespace

std::vector<uint64_t> built_in_planes(const TensorDesc& desc, WeightUse use) {
  const auto rows = uint64_t(desc.shape.rows()), columns = uint64_t(desc.shape.back());
  if (use == WeightUse::kVector && has_float_values(*desc.format)) return {rows * columns * sizeof(float)};
  if (use != WeightUse::kMatmul) return {};
  if (desc.format == &formats::f16()) return {uint64_t(desc.bytes())};
  const auto codes = integer_codes(*desc.format);
  if (!codes || desc.shape.back() % codes->group != 0) return {};
  const uint64_t numbers = rows * (columns / uint64_t(codes->group)) * sizeof(float);
  return {rows * columns, numbers, numbers};
}

Result<std::shared_ptr<const BuiltInWeight>> BuiltInWeight::create(std::shared_ptr<Connection> connection,
                                                                   const HostTensor& tensor, WeightUse use) {
  const std::vector<uint64_t> bytes = built_in_planes(tensor.desc, use);
  if (bytes.empty())
    return fail(ErrorCode::kUnsupported, "weight " + tensor.name,
                connection->id() + " has no built-in kernel that reads " + tensor.desc.text());
  if (uint64_t(tensor.desc.bytes()) != tensor.data.size())
    return fail(ErrorCode::kInvalidArgument, "weight " + tensor.name,
                std::to_string(tensor.data.size()) + " bytes are not what " + tensor.desc.text() + " takes");
  auto weight = std::make_shared<BuiltInWeight>();
  weight->desc_ = tensor.desc;
  weight->use_ = use;
  for (const uint64_t size : bytes) {
    TRIREME_ASSIGN(std::shared_ptr<OpenClBuffer> plane, OpenClBuffer::allocate(connection, size));
    weight->planes_.push_back(std::move(plane));
  }
  TRIREME_TRY(weight->fill(tensor));
  return weight;
}

Status BuiltInWeight::fill(const HostTensor& tensor) {
  if (planes_.size() == 1 && planes_[0]->size() == tensor.data.size() &&
      (desc_.format == &formats::f16() || desc_.format == &formats::f32()))
    return planes_[0]->write(0, tensor.data);
  const int64_t rows = desc_.shape.rows(), columns = desc_.shape.back(), block = desc_.format->block_rows;
  const int64_t chunk = std::max<int64_t>(1, kChunkElements / std::max<int64_t>(columns, 1) / block) * block;
  for (int64_t first = 0; first < rows; first += chunk) {
    const int64_t count = std::min(chunk, rows - first);
    if (planes_.size() > 1) {
      TRIREME_TRY(fill_codes(tensor, first, count));
      continue;
    }
    std::vector<float> values(size_t(count * columns));
    TRIREME_TRY(decode_rows(tensor, first, count, values));
    TRIREME_TRY(write(*planes_[0], first * columns, values));
  }
  return {};
}

Status BuiltInWeight::fill_codes(const HostTensor& tensor, int64_t first, int64_t count) {
  const auto integers = integer_codes(*desc_.format);
  const int64_t columns = desc_.shape.back(), groups = columns / integers->group;
  std::vector<int8_t> codes(size_t(count * columns));
  std::vector<float> scales(size_t(count * groups)), minima(scales.size(), 0.0f);
  TRIREME_TRY(decode_integer_rows(tensor, first, count, codes, scales,
                                  integers->has_minimum ? std::span(minima) : std::span<float>()));
  TRIREME_TRY(write(*planes_[0], first * columns, codes));
  TRIREME_TRY(write(*planes_[1], first * groups, scales));
  return write(*planes_[2], first * groups, minima);
}

uint64_t BuiltInWeight::device_bytes() const {
  return std::accumulate(planes_.begin(), planes_.end(), uint64_t{0},
                         [](uint64_t sum, const auto& plane) { return sum + plane->size(); });
}

}  // namespace trireme::opencl
