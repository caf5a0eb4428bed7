#include "backends/cpu/weight.h"

#include <cstring>

namespace trireme::cpu {
namespace {

Status check_size(const HostTensor& tensor) {
  if (!tensor.desc.format || int64_t(tensor.data.size()) != tensor.desc.bytes())
    return fail(ErrorCode::kInvalidArgument, "weight " + tensor.name,
                "its " + std::to_string(tensor.data.size()) + " bytes do not match " + tensor.desc.text());
  return {};
}

}  // namespace

Result<std::shared_ptr<const Weight>> VectorWeight::read(const HostTensor& tensor) {
  TRIREME_TRY(check_size(tensor));
  auto weight = std::make_shared<VectorWeight>();
  weight->desc_ = tensor.desc;
  weight->values_.resize(size_t(tensor.desc.shape.elements()));
  if (tensor.desc.format->plain == DType::kI32) {
    if (!tensor.data.empty()) std::memcpy(weight->values_.data(), tensor.data.data(), tensor.data.size());
    return weight;
  }
  const auto row_bytes = size_t(tensor.desc.format->row_bytes(tensor.desc.shape.back()));
  const auto columns = size_t(tensor.desc.shape.back());
  for (size_t row = 0; row < size_t(tensor.desc.shape.rows()); ++row) {
    Status decoded = decode_row(*tensor.desc.format, tensor.data.subspan(row * row_bytes, row_bytes),
                                std::span(weight->values_).subspan(row * columns, columns));
    if (!decoded) return fail(std::move(decoded).error(), "reading weight " + tensor.name);
  }
  return weight;
}

Result<std::shared_ptr<const Weight>> MappedWeight::view(const HostTensor& tensor) {
  TRIREME_TRY(check_size(tensor));
  auto weight = std::make_shared<MappedWeight>();
  weight->desc_ = tensor.desc;
  weight->data_ = tensor.data;
  weight->row_bytes_ = tensor.desc.format->row_bytes(tensor.desc.shape.back());
  return weight;
}

}  // namespace trireme::cpu
