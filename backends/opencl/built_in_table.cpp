#include "backends/opencl/built_in_table.h"

#include <bit>
#include <limits>
#include <string>

#include "hal/op_check.h"

namespace trireme::opencl {
namespace {

using Argument = BuiltInArgument;
using Calls = std::vector<BuiltInCall>;

constexpr Argument kRowCount{Argument::Kind::kRowCount};

Argument input(int index) { return {Argument::Kind::kInput, index}; }
Argument output(int index) { return {Argument::Kind::kOutput, index}; }
Argument plane(int index, int plane) { return {Argument::Kind::kPlane, index, plane}; }

uint32_t word(int64_t number) { return uint32_t(number); }
uint32_t word(float number) { return std::bit_cast<uint32_t>(number); }

// Elements of one entry of the first dimension.
int64_t entry_elements(const TensorDesc& desc) { return desc.shape.elements() / desc.shape[0]; }

// The table: each operator() is the entry of one op.
struct Table {
  const OpDesc& op;

  const TensorDesc& in(int index) const { return op.inputs[size_t(index)].desc; }
  Argument operand(int index) const { return op.inputs[size_t(index)].constant ? plane(index, 0) : input(index); }

  // add and multiply: a, b, row count, y; entries, elements of an entry, elements after which b begins again.
  BuiltInCall binary(std::string_view kernel, Argument a, Argument b, Argument y, const TensorDesc& desc,
                     int64_t period) const {
    return {kernel, {a, b, kRowCount, y}, {word(desc.shape[0]), word(entry_elements(desc)), word(period)}};
  }
  // silu: x, row count, y; entries, elements of an entry.
  BuiltInCall silu(Argument x, Argument y, const TensorDesc& desc) const {
    return {"silu", {x, kRowCount, y}, {word(desc.shape[0]), word(entry_elements(desc))}};
  }
  // rms_norm: x, weight, row count, y; entries, rows of an entry, columns, epsilon, what is added to the weight.
  BuiltInCall rms_norm(const RmsNorm& norm, Argument x, Argument weight, Argument y, const TensorDesc& desc) const {
    const int64_t columns = desc.shape.back();
    return {"rms_norm",
            {x, weight, kRowCount, y},
            {word(desc.shape[0]), word(entry_elements(desc) / columns), word(columns), word(norm.epsilon),
             word(norm.weight_offset)}};
  }

  // int8_matmul_bias: x Q8_ACT, codes, scales, minima, bias, row count, y; entries, N, K, elements of a scale.
  // f16_matmul_bias: x, weights, bias, row count, y; entries, N, K.
  BuiltInCalls operator()(const Matmul& matmul) const {
    if (!op.inputs[1].constant) return Unsupported{"its built-in matmul kernels read constant weights"};
    const TensorDesc& weight = in(1);
    const Argument bias = matmul.has_bias ? operand(2) : Argument{Argument::Kind::kZeros};
    const uint32_t entries = word(in(0).shape[0]), rows = word(weight.shape[0]), columns = word(weight.shape[1]);
    Calls calls;
    if (matmul.act == ActScheme::kQ8) {
      const auto codes = integer_codes(*weight.format);
      if (!codes || weight.shape[1] % codes->group != 0)
        return Unsupported{"its built-in kernel int8_matmul_bias reads no " + weight.format->name};
      calls.push_back({"int8_matmul_bias",
                       {input(0), plane(1, 0), plane(1, 1), plane(1, 2), bias, kRowCount, output(0)},
                       {entries, rows, columns, word(codes->group)}});
    } else if (weight.format == &formats::f16()) {
      calls.push_back(
          {"f16_matmul_bias", {input(0), plane(1, 0), bias, kRowCount, output(0)}, {entries, rows, columns}});
    } else {
      return Unsupported{"with float activations its built-in matmul kernels read F16 weights alone"};
    }
    if (matmul.has_residual) {
      const int residual = matmul.has_bias ? 3 : 2;
      calls.push_back(
          binary("add", output(0), operand(residual), output(0), op.outputs[0], op.outputs[0].shape.elements()));
    }
    return calls;
  }

  BuiltInCalls operator()(const RmsNorm& norm) const {
    if (in(0).shape.rank() == 1) return one_dimension();
    return Calls{rms_norm(norm, input(0), operand(1), output(0), in(0))};
  }
  BuiltInCalls operator()(const FusedNorm& fused) const {
    if (fused.quantize) return Unsupported{"it has no built-in kernel that quantizes what a norm gives"};
    if (!fused.has_residual) return (*this)(fused.norm);
    return Calls{binary("add", input(0), input(1), output(0), in(0), in(0).shape.elements()),
                 rms_norm(fused.norm, output(0), operand(2), output(1), in(0))};
  }

  // softmax: x, row count, y; entries, rows of an entry, columns.
  BuiltInCalls operator()(const Softmax&) const {
    if (in(0).shape.rank() == 1) return one_dimension();
    const int64_t columns = in(0).shape.back();
    return Calls{{"softmax",
                  {input(0), kRowCount, output(0)},
                  {word(in(0).shape[0]), word(entry_elements(in(0)) / columns), word(columns)}}};
  }

  BuiltInCalls operator()(const Binary& op_binary) const {
    if (op_binary.kind == Binary::Kind::kSubtract) return Unsupported{"it has no built-in kernel that subtracts"};
    return Calls{binary(op_binary.kind == Binary::Kind::kAdd ? "add" : "multiply", input(0), operand(1), output(0),
                        in(0), in(1).shape.elements())};
  }
  BuiltInCalls operator()(const Unary& unary) const {
    if (unary.activation != Activation::kSilu) return no_activation();
    return Calls{silu(input(0), output(0), in(0))};
  }
  BuiltInCalls operator()(const Glu& glu) const {
    if (glu.activation != Activation::kSilu) return no_activation();
    return Calls{silu(input(0), output(0), in(0)),
                 binary("multiply", output(0), input(1), output(0), in(0), in(0).shape.elements())};
  }
  BuiltInCalls operator()(const auto&) const { return Unsupported{"it has no built-in kernel for the op"}; }

 private:
  static BuiltInCalls one_dimension() { return Unsupported{"its built-in kernels reduce rows of a matrix"}; }
  static BuiltInCalls no_activation() {
    return Unsupported{"of the activations it has a built-in kernel for silu alone"};
  }
};

}  // namespace

BuiltInCalls built_in_calls(const OpDesc& op) {
  if (const Status checked = check_op(op); !checked) return Unsupported{checked.error().why()};
  const auto fits = [](const TensorDesc& desc) {
    return desc.shape.rank() > 0 && desc.shape.elements() <= std::numeric_limits<uint32_t>::max();
  };
  for (const Operand& operand : op.inputs)
    if (!fits(operand.desc)) return Unsupported{operand.desc.text() + " is more than its built-in kernels count"};
  for (const TensorDesc& desc : op.outputs)
    if (!fits(desc)) return Unsupported{desc.text() + " is more than its built-in kernels count"};
  return std::visit(Table{op}, op.params);
}

}  // namespace trireme::opencl
