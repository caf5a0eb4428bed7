#include "backends/reference/kernel.h"

#include <new>

#include "backends/reference/ops/ops.h"
#include "hal/format_decoder.h"
#include "hal/op_check.h"

namespace trireme::reference {

Result<std::shared_ptr<const HostWeight>> HostWeight::decode(const HostTensor& tensor) {
  const TensorDesc& desc = tensor.desc;
  if (!desc.format || !has_float_values(*desc.format))
    return fail(ErrorCode::kUnsupported, tensor.name, desc.text() + " has no float values");
  std::array<int64_t, kMaxRank> sizes{};
  for (int i = 0; i < desc.shape.rank(); ++i) sizes[size_t(i)] = desc.shape[i];
  TRIREME_TRY(Shape::from(std::span(sizes).first(size_t(desc.shape.rank()))));
  const int64_t columns = desc.shape.back(), rows = desc.shape.rows();
  // No format packs more than a few elements into a byte, so data of the right size also bounds what is allocated.
  if (columns <= 0 || rows <= 0 || columns % desc.format->block_elements != 0 || rows % desc.format->block_rows != 0 ||
      uint64_t(desc.bytes()) != tensor.data.size())
    return fail(ErrorCode::kInvalidArgument, tensor.name,
                std::to_string(tensor.data.size()) + " bytes are not what " + desc.text() + " takes");
  auto weight = std::make_shared<HostWeight>();
  weight->desc_ = desc;
  if (desc.format == &formats::f32() && reinterpret_cast<uintptr_t>(tensor.data.data()) % alignof(float) == 0) {
    weight->values_ = reinterpret_cast<const float*>(tensor.data.data());
    return weight;
  }
  try {
    weight->decoded_.resize(size_t(rows * columns));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, tensor.name,
                "the system cannot hold its " + std::to_string(rows * columns) + " floats");
  }
  TRIREME_TRY(decode_rows(tensor, 0, rows, weight->decoded_));
  weight->values_ = weight->decoded_.data();
  return weight;
}

Result<int64_t> Call::rows(const Tensor& tensor) const {
  const int64_t capacity = tensor.size(0);
  if (tensor.desc->rows == RowDomain::kFixed) return capacity;
  const int32_t* count = tensor.desc->rows == RowDomain::kTokens ? token_count : output_count;
  if (!count || *count < 0 || *count > capacity)
    return fail(ErrorCode::kInvalidArgument, tensor.desc->text(),
                count ? "a run-time count of " + std::to_string(*count) + " does not fit" : "it has no run-time count");
  return *count;
}

std::optional<std::string> unsupported(const OpDesc& op) {
  if (Status checked = check_op(op); !checked) return checked.error().why();
  for (const Operand& input : op.inputs) {
    if (input.constant ? has_float_values(*input.desc.format)
                       : input.desc.format->plain || input.desc.format == &formats::q8_act())
      continue;
    return "an operand in " + input.desc.format->name +
           (input.constant ? " has no float values" : " must be a constant");
  }
  return std::nullopt;
}

Result<std::shared_ptr<const Kernel>> Kernel::create(const OpDesc& op,
                                                     std::span<const std::shared_ptr<const Weight>> constants) {
  if (auto reason = unsupported(op))
    return fail(ErrorCode::kUnsupported, "reference:0 cannot do " + op.text(), *reason);
  auto kernel = std::make_shared<Kernel>();
  kernel->desc_ = op;
  size_t next = 0;
  for (const Operand& input : op.inputs) {
    if (!input.constant) {
      kernel->bound_.push_back(input.desc);
      continue;
    }
    auto weight = next < constants.size() ? std::dynamic_pointer_cast<const HostWeight>(constants[next]) : nullptr;
    ++next;
    if (!weight || weight->desc() != input.desc)
      return fail(ErrorCode::kInvalidArgument, op.text(),
                  "constant " + std::to_string(next) + " is not a " + input.desc.text() + " of this device");
    kernel->constants_.push_back(std::move(weight));
  }
  if (next != constants.size())
    return fail(ErrorCode::kInvalidArgument, op.text(), std::to_string(constants.size()) + " constants were given");
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (aliased_input(op.params, int(i)) < 0) kernel->bound_.push_back(op.outputs[i]);
  return kernel;
}

Call Kernel::call(std::span<std::byte* const> memory) const {
  Call call;
  size_t bound = 0, constant = 0;
  for (size_t i = 0; i < desc_.inputs.size(); ++i) {
    const Operand& input = desc_.inputs[i];
    // Loops only read constants; one pointer type serves both kinds of operand.
    std::byte* data = input.constant
                          ? reinterpret_cast<std::byte*>(const_cast<float*>(constants_[constant++]->values()))
                          : memory[bound++];
    call.in[i] = {&input.desc, data};
  }
  for (size_t i = 0; i < desc_.outputs.size(); ++i) {
    const int input = aliased_input(desc_.params, int(i));
    call.out[i] = {&desc_.outputs[i], input < 0 ? memory[bound++] : call.in[size_t(input)].data};
  }
  return call;
}

Status Kernel::run(const Call& call) const {
  Status status = std::visit([&](const auto& params) { return reference::run(params, call); }, desc_.params);
  if (!status) return fail(std::move(status).error(), "running " + desc_.text());
  return {};
}

}  // namespace trireme::reference
