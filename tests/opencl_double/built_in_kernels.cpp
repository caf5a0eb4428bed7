#include "tests/opencl_double/built_in_kernels.h"

#include <bit>
#include <cstring>

#include "backends/reference/ops/ops.h"
#include "hal/dtype.h"

namespace trireme::opencl_double {
namespace {

using reference::Call;

// Reads the words one after the other, and shows buffers as the operands of a call.
class Arguments {
 public:
  // `rows` is the number of the buffer with the row count.
  Arguments(const BuiltInArguments& arguments, size_t rows) : arguments_(arguments) {
    const uint64_t place = word();
    entries_ = word();
    int32_t count = -1;
    if (holds(rows, (place + 1) * sizeof(count)))
      std::memcpy(&count, buffer(rows).data() + place * sizeof(count), sizeof(count));
    require(count >= 0 && count <= entries_);
    count_ = ok_ ? count : 0;
  }

  int64_t word() { return arguments_.words[next_++]; }
  float number() { return std::bit_cast<float>(arguments_.words[next_++]); }
  std::span<std::byte> buffer(size_t index) const { return arguments_.buffers[index]; }
  int64_t rows() const { return count_; }        // that are computed
  bool ok() const { return ok_ && count_ > 0; }  // there is something to compute

  // The rows that are computed, of `columns` elements each, of a buffer that has room for all.
  void bind(reference::Tensor& tensor, TensorDesc& desc, size_t index, int64_t rows_of_entry, int64_t columns,
            const Format& format = formats::f32()) {
    require(columns > 0 && columns % format.block_elements == 0);
    if (ok_) holds(index, uint64_t(format.tensor_bytes(entries_ * rows_of_entry, columns)));
    desc = {{count_ * rows_of_entry, columns}, &format};
    tensor = {&desc, buffer(index).data()};
  }
  // A buffer of so many elements, all of which count.
  void bind_all(reference::Tensor& tensor, TensorDesc& desc, size_t index, Shape shape) {
    holds(index, uint64_t(shape.elements()) * sizeof(float));
    desc = {shape, &formats::f32()};
    tensor = {&desc, buffer(index).data()};
  }
  bool holds(size_t index, uint64_t bytes) { return require(bytes <= buffer(index).size()); }
  bool require(bool condition) { return ok_ = ok_ && condition; }

  cl_int finish(const Status& status) const { return status ? CL_SUCCESS : CL_INVALID_VALUE; }
  // Of a launch that has nothing to compute.
  cl_int nothing() const { return ok_ ? CL_SUCCESS : CL_INVALID_BUFFER_SIZE; }

 private:
  const BuiltInArguments& arguments_;
  size_t next_ = 0;
  int64_t entries_ = 0;
  int64_t count_ = 0;
  bool ok_ = true;
};

// y = x W^T + bias, with W in f32. x is buffer 0.
cl_int multiply(Arguments& arguments, ActScheme act, std::vector<float>& weight, int64_t rows, int64_t columns,
                size_t bias, size_t y) {
  Call call;
  TensorDesc x_desc, bias_desc, y_desc;
  TensorDesc weight_desc{{rows, columns}, &formats::f32()};
  arguments.bind(call.in[0], x_desc, 0, 1, columns, act == ActScheme::kQ8 ? formats::q8_act() : formats::f32());
  call.in[1] = {&weight_desc, reinterpret_cast<std::byte*>(weight.data())};
  arguments.bind_all(call.in[2], bias_desc, bias, {rows});
  arguments.bind(call.out[0], y_desc, y, 1, rows);
  if (!arguments.ok()) return arguments.nothing();
  return arguments.finish(reference::run(Matmul{act, true, false}, call));
}

// x, codes, scales, minima, bias, row count, y.
cl_int int8_matmul_bias(const BuiltInArguments& given) {
  Arguments arguments(given, 5);
  const int64_t rows = arguments.word(), columns = arguments.word(), group = arguments.word();
  arguments.require(group > 0 && columns % 32 == 0 && columns % group == 0);
  if (arguments.ok()) {
    arguments.holds(1, uint64_t(rows * columns));
    for (const size_t numbers : {2, 3}) arguments.holds(numbers, uint64_t(rows * columns / group) * sizeof(float));
  }
  if (!arguments.ok()) return arguments.nothing();
  const auto* codes = reinterpret_cast<const int8_t*>(arguments.buffer(1).data());
  const auto* scales = reinterpret_cast<const float*>(arguments.buffer(2).data());
  const auto* minima = reinterpret_cast<const float*>(arguments.buffer(3).data());
  std::vector<float> weight(size_t(rows * columns));
  for (int64_t i = 0; i < rows * columns; ++i)
    weight[size_t(i)] = scales[i / group] * float(codes[i]) + minima[i / group];
  return multiply(arguments, ActScheme::kQ8, weight, rows, columns, 4, 6);
}

// x, weights, bias, row count, y.
cl_int f16_matmul_bias(const BuiltInArguments& given) {
  Arguments arguments(given, 3);
  const int64_t rows = arguments.word(), columns = arguments.word();
  if (!arguments.ok() || !arguments.holds(1, uint64_t(rows * columns) * sizeof(uint16_t))) return arguments.nothing();
  const auto* halves = reinterpret_cast<const uint16_t*>(arguments.buffer(1).data());
  std::vector<float> weight(size_t(rows * columns));
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = f16_to_f32(halves[i]);
  return multiply(arguments, ActScheme::kFloat, weight, rows, columns, 2, 4);
}

// x, weight, row count, y.
cl_int rms_norm(const BuiltInArguments& given) {
  Arguments arguments(given, 2);
  const int64_t rows_of_entry = arguments.word(), columns = arguments.word();
  RmsNorm norm;
  norm.epsilon = arguments.number();
  norm.weight_offset = arguments.number();
  Call call;
  TensorDesc x, weight, y;
  arguments.bind(call.in[0], x, 0, rows_of_entry, columns);
  arguments.bind_all(call.in[1], weight, 1, {columns});
  arguments.bind(call.out[0], y, 3, rows_of_entry, columns);
  return arguments.ok() ? arguments.finish(reference::run(norm, call)) : arguments.nothing();
}

// An op from one operand to one of the same shape: x, row count, y.
template <typename Op>
cl_int from_one(const Op& op, const BuiltInArguments& given, bool has_rows) {
  Arguments arguments(given, 1);
  const int64_t rows_of_entry = has_rows ? arguments.word() : 1, columns = arguments.word();
  Call call;
  TensorDesc x, y;
  arguments.bind(call.in[0], x, 0, rows_of_entry, columns);
  arguments.bind(call.out[0], y, 2, rows_of_entry, columns);
  return arguments.ok() ? arguments.finish(reference::run(op, call)) : arguments.nothing();
}

cl_int softmax(const BuiltInArguments& given) { return from_one(Softmax{}, given, true); }
cl_int silu(const BuiltInArguments& given) { return from_one(Unary{Activation::kSilu}, given, false); }

// a, b, row count, y.
template <Binary::Kind kKind>
cl_int from_two(const BuiltInArguments& given) {
  Arguments arguments(given, 2);
  const int64_t elements = arguments.word(), period = arguments.word();
  arguments.require(period > 0);
  Call call;
  TensorDesc a, b, y;
  arguments.bind(call.in[0], a, 0, 1, elements);
  arguments.bind_all(call.in[1], b, 1, {period});
  arguments.bind(call.out[0], y, 3, 1, elements);
  return arguments.ok() ? arguments.finish(reference::run(Binary{kKind}, call)) : arguments.nothing();
}

constexpr BuiltInKernel kKernels[] = {{"int8_matmul_bias", 7, 5, int8_matmul_bias},
                                      {"f16_matmul_bias", 5, 4, f16_matmul_bias},
                                      {"rms_norm", 4, 6, rms_norm},
                                      {"softmax", 3, 4, softmax},
                                      {"add", 4, 4, from_two<Binary::Kind::kAdd>},
                                      {"multiply", 4, 4, from_two<Binary::Kind::kMultiply>},
                                      {"silu", 3, 3, silu}};

}  // namespace

std::span<const BuiltInKernel> built_in_kernels() { return kKernels; }

}  // namespace trireme::opencl_double
