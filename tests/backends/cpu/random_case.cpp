#include "tests/backends/cpu/random_case.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace trireme::cpu {
namespace {

using conformance::Bytes;
using conformance::bytes_of;
using conformance::Case;

TensorDesc f32(Shape shape) { return {shape, &formats::f32(), RowDomain::kFixed}; }
TensorDesc i32(Shape shape) { return {shape, &formats::i32(), RowDomain::kFixed}; }

}  // namespace

std::vector<float> CaseMaker::floats(int64_t count, float size) {
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random_);
  return values;
}

Bytes CaseMaker::pack(const std::vector<float>& values, const Format& format) {
  if (format.plain == DType::kF32) return bytes_of(values);
  std::vector<uint16_t> halves;
  for (float value : values) halves.push_back(format.plain == DType::kF16 ? f32_to_f16(value) : f32_to_bf16(value));
  return bytes_of(halves);
}

Case CaseMaker::plain(OpParams params, std::vector<Shape> inputs, std::vector<TensorDesc> outputs, size_t bound,
                      float size) {
  Case test;
  test.op.params = std::move(params);
  for (size_t i = 0; i < inputs.size(); ++i) {
    test.op.inputs.push_back({f32(inputs[i]), i >= bound});
    test.inputs.push_back(bytes_of(floats(inputs[i].elements(), size)));
  }
  test.op.outputs = std::move(outputs);
  return test;
}

Case CaseMaker::matmul(const Matmul& op, int64_t rows, int64_t n, int64_t k, const Format& format) {
  Case test = plain(op, {Shape{rows, k}}, {f32({rows, n})}, 1);
  test.op.inputs.push_back({{Shape{n, k}, &format, RowDomain::kFixed}, true});
  test.inputs.push_back(pack(floats(n * k), format));
  if (op.has_bias) {
    test.op.inputs.push_back({f32({n}), true});
    test.inputs.push_back(bytes_of(floats(n)));
  }
  if (op.has_residual) {
    test.op.inputs.push_back({f32({rows, n}), false});
    test.inputs.push_back(bytes_of(floats(rows * n)));
  }
  return test;
}

Case CaseMaker::matmul_glu(const MatmulGlu& op, int64_t rows, int64_t n, int64_t k, const Format& format) {
  const TensorDesc y{Shape{rows, n}, op.quantize ? &formats::q8_act() : &formats::f32(), RowDomain::kFixed};
  Case test = plain(op, {Shape{rows, k}}, {y}, 1, 0.3f);
  for (int i = 0; i < 2; ++i) {
    test.op.inputs.push_back({{Shape{n, k}, &format, RowDomain::kFixed}, true});
    test.inputs.push_back(pack(floats(n * k, 0.3f), format));
  }
  return test;
}

Case CaseMaker::attention(const Attention& op, const AttentionSizes& sizes,
                          const std::vector<std::pair<int32_t, int32_t>>& rows) {
  const auto count = int64_t(rows.size());
  const int64_t blocks = sizes.sequences * sizes.blocks_each + 1;
  const Shape cache{blocks, sizes.kv_heads, sizes.block_size, sizes.columns};
  std::vector<int32_t> table(static_cast<size_t>(blocks - 1)), positions, sequences;
  std::iota(table.begin(), table.end(), 1);
  std::shuffle(table.begin(), table.end(), random_);
  for (const auto& [sequence, position] : rows) {
    sequences.push_back(sequence);
    positions.push_back(position);
  }
  const TensorDesc q = f32({count, sizes.heads, sizes.columns});
  Case test;
  test.op.params = op;
  test.op.inputs = {{q},
                    {{cache, sizes.cache, RowDomain::kFixed}},
                    {{cache, sizes.cache, RowDomain::kFixed}},
                    {i32({sizes.sequences, sizes.blocks_each})},
                    {i32({count})},
                    {i32({count})}};
  test.op.outputs = {q};
  test.inputs = {bytes_of(floats(q.shape.elements())),
                 pack(floats(cache.elements()), *sizes.cache),
                 pack(floats(cache.elements()), *sizes.cache),
                 bytes_of(table),
                 bytes_of(positions),
                 bytes_of(sequences)};
  return test;
}

Case CaseMaker::rope_store(const RopeStore& op, int64_t rows, int64_t heads, int64_t kv_heads, int64_t columns,
                           int64_t frequencies, const Format& format) {
  const TensorDesc q = f32({rows, heads, columns}), k = f32({rows, kv_heads, columns});
  const TensorDesc cache{Shape{3, kv_heads, (rows + 1) / 2 + 1, columns}, &format, RowDomain::kFixed};
  Case test = plain(op, {q.shape, k.shape, k.shape}, {q, cache, cache}, 3);
  if (op.has_norm)
    for (int i = 0; i < 2; ++i) {
      test.op.inputs.push_back({f32({columns}), true});
      test.inputs.push_back(bytes_of(floats(columns)));
    }
  std::vector<int32_t> positions, slots(static_cast<size_t>(cache.shape[0] * cache.shape[2]));
  for (int64_t i = 0; i < rows; ++i) positions.push_back(int32_t(between(0, i == 0 ? 0 : 100000)));
  std::iota(slots.begin(), slots.end(), 0);
  std::shuffle(slots.begin(), slots.end(), random_);
  slots.resize(static_cast<size_t>(rows));
  if (rows > 2) slots[1] = -1;
  std::vector<float> table;
  for (int64_t i = 0; i < frequencies; ++i) table.push_back(std::pow(10000.0f, -float(i) / float(frequencies)));
  test.op.inputs.insert(test.op.inputs.end(),
                        {{i32({rows})}, {f32({frequencies}), true}, {i32({rows})}, {cache}, {cache}});
  test.inputs.insert(test.inputs.end(),
                     {bytes_of(positions), bytes_of(table), bytes_of(slots),
                      pack(floats(cache.shape.elements()), format), pack(floats(cache.shape.elements()), format)});
  return test;
}

Case CaseMaker::kv_store(int64_t rows, int64_t kv_heads, int64_t columns, const Format& format) {
  const TensorDesc k = f32({rows, kv_heads, columns});
  const TensorDesc cache{Shape{rows, kv_heads, 2, columns}, &format, RowDomain::kFixed};
  Case test = plain(KvStore{}, {k.shape, k.shape}, {cache, cache}, 2);
  std::vector<int32_t> slots;
  for (int64_t i = 0; i < rows; ++i) slots.push_back(int32_t(2 * rows - 1 - 2 * i));
  if (rows > 1) slots[0] = -7;
  test.op.inputs.insert(test.op.inputs.end(), {{i32({rows})}, {cache}, {cache}});
  test.inputs.insert(test.inputs.end(), {bytes_of(slots), pack(floats(cache.shape.elements()), format),
                                         pack(floats(cache.shape.elements()), format)});
  return test;
}

}  // namespace trireme::cpu
