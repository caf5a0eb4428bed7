#include "backends/cpu/weight.h"

#include <cstring>

#include "hal/format_decoder.h"

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
  Status decoded = decode_rows(tensor, 0, tensor.desc.shape.rows(), weight->values_);
  if (!decoded) return fail(std::move(decoded).error(), "reading weight " + tensor.name);
  return weight;
}

Result<std::shared_ptr<const Weight>> MappedWeight::view(const HostTensor& tensor) {
  TRIREME_TRY(check_size(tensor));
  auto weight = std::make_shared<MappedWeight>();
  weight->source_ = tensor;
  weight->row_bytes_ = tensor.desc.format->row_bytes(tensor.desc.shape.back());
  if (tensor.desc.format == &formats::f32()) return weight;
  // A row that decodes shows that all do: sizes and planes are those of the whole tensor.
  std::vector<float> values(size_t(tensor.desc.shape.back()));
  if (Status decoded = decode_rows(tensor, 0, 1, values); !decoded)
    return fail(std::move(decoded).error(), "reading weight " + tensor.name);
  return weight;
}

void MappedWeight::read_row(int64_t index, std::span<float> values) const {
  (void)decode_rows(source_, index, 1, values);
}

}  // namespace trireme::cpu
