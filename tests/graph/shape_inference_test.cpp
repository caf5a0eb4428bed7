// Shape inference: the outputs of each op for right operands, and an error for each operand that is wrong.
#include "graph/shape_inference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace trireme::graph {
namespace {

using ::testing::HasSubstr;

const Format* const kF32 = &formats::f32();
const Format* const kF16 = &formats::f16();
const Format* const kBf16 = &formats::bf16();
const Format* const kI32 = &formats::i32();
const Format* const kQ8 = &formats::q8_act();
constexpr RowDomain kTokens = RowDomain::kTokens;
constexpr RowDomain kOutputs = RowDomain::kOutputs;

TensorDesc rows(Shape shape, const Format* format = kF32) { return {shape, format, kTokens}; }
TensorDesc fixed(Shape shape, const Format* format = kF32) { return {shape, format, RowDomain::kFixed}; }

// An op with operands that fit: 6 rows, width 64, 4 heads and 2 KV heads of 8.
struct Good {
  std::string name;
  OpParams params;
  std::vector<TensorDesc> inputs;
  std::vector<TensorDesc> outputs;
};

void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

std::vector<TensorDesc> rope_store_inputs(bool norm) {
  std::vector<TensorDesc> inputs = {rows({6, 4, 8}), rows({6, 2, 8}), rows({6, 2, 8})};
  if (norm) inputs.insert(inputs.end(), {fixed({8}), fixed({8}, kBf16)});
  inputs.insert(inputs.end(),
                {rows({6}, kI32), fixed({4}), rows({6}, kI32), fixed({3, 2, 16, 8}, kF16), fixed({3, 2, 16, 8}, kF16)});
  return inputs;
}

std::vector<Good> good_ops() {
  const TensorDesc x = rows({6, 64});
  const TensorDesc q = rows({6, 4, 8});
  const TensorDesc kv = rows({6, 2, 8});
  const TensorDesc numbers = rows({6}, kI32);
  const TensorDesc cache = fixed({3, 2, 16, 8}, kF16), wide_cache = fixed({3, 2, 16, 32}, kF16);
  return {
      {"embed_rows", EmbedRows{2.0f}, {fixed({100, 64}, kF16), numbers}, {x}},
      {"quantize_q8", QuantizeQ8{}, {x}, {rows({6, 64}, kQ8)}},
      {"matmul", Matmul{}, {x, fixed({32, 64}, kBf16)}, {rows({6, 32})}},
      {"matmul_all",
       Matmul{ActScheme::kQ8, true, true},
       {rows({6, 64}, kQ8), fixed({32, 64}), fixed({32}), rows({6, 32})},
       {rows({6, 32})}},
      {"matmul_glu",
       MatmulGlu{ActScheme::kQ8, Activation::kSilu, true},
       {rows({6, 64}, kQ8), fixed({32, 64}), fixed({32, 64})},
       {rows({6, 32}, kQ8)}},
      {"grouped_matmul", GroupedMatmul{}, {x, fixed({5, 32, 64}, kBf16), rows({6, 2}, kI32)}, {rows({6, 2, 32})}},
      {"grouped_matmul_q8",
       GroupedMatmul{ActScheme::kQ8},
       {rows({6, 64}, kQ8), fixed({5, 32, 64}), rows({6, 2}, kI32)},
       {rows({6, 2, 32})}},
      {"rms_norm", RmsNorm{}, {q, fixed({8}, kBf16)}, {q}},
      {"fused_norm", FusedNorm{{}, false, true}, {x, fixed({64})}, {rows({6, 64}, kQ8)}},
      {"fused_norm_residual", FusedNorm{{}, true, false}, {x, x, fixed({64})}, {x, x}},
      {"add", Binary{}, {q, q}, {q}},
      {"multiply_vector", Binary{Binary::Kind::kMultiply}, {x, fixed({64})}, {x}},
      {"unary", Unary{}, {x}, {x}},
      {"scale", Scale{0.5f}, {x}, {x}},
      {"softcap", Softcap{}, {x}, {x}},
      {"glu", Glu{}, {x, x}, {x}},
      {"rope", Rope{}, {q, numbers, fixed({4})}, {q}},
      {"kv_store", KvStore{}, {kv, kv, numbers, cache, cache}, {cache, cache}},
      {"attention", Attention{}, {q, cache, cache, fixed({2, 5}, kI32), numbers, numbers}, {q}},
      {"attention_quantized",
       Attention{.quantize = true},
       {rows({6, 4, 32}), wide_cache, wide_cache, fixed({2, 5}, kI32), numbers, numbers},
       {rows({6, 128}, kQ8)}},
      {"rope_store", RopeStore{}, rope_store_inputs(false), {q, cache, cache}},
      {"rope_store_norm", RopeStore{{}, true, {}}, rope_store_inputs(true), {q, cache, cache}},
      {"gather_rows", GatherRows{}, {x, {Shape{2}, kI32, kOutputs}}, {{Shape{2, 64}, kF32, kOutputs}}},
      {"softmax", Softmax{}, {x}, {x}},
      {"argmax", Argmax{}, {x}, {rows({6}, kI32)}},
      {"top_k", TopK{4}, {x}, {rows({6, 4}), rows({6, 4}, kI32)}},
      {"reshape", Reshape{}, {x}, {rows({6, 4, 16})}},
      {"cast", Cast{}, {x}, {rows({6, 64}, kF16)}},
  };
}

class ShapeInferenceTest : public ::testing::TestWithParam<Good> {
 protected:
  // Reshape and Cast take their result as wanted; the others must not look at it.
  Result<std::vector<TensorDesc>> infer(const std::vector<TensorDesc>& inputs) const {
    return infer_outputs(GetParam().params, inputs, GetParam().outputs);
  }
};

INSTANTIATE_TEST_SUITE_P(Ops, ShapeInferenceTest, ::testing::ValuesIn(good_ops()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ShapeInferenceTest, GivesTheOutputs) {
  const auto outputs = infer(GetParam().inputs);
  ASSERT_TRUE(outputs) << outputs.error().message();
  EXPECT_EQ(*outputs, GetParam().outputs);
}

TEST_P(ShapeInferenceTest, RefusesAnotherNumberOfInputs) {
  std::vector<TensorDesc> inputs = GetParam().inputs;
  inputs.push_back(inputs.back());
  EXPECT_FALSE(infer(inputs));
  inputs.resize(GetParam().inputs.size() - 1);
  EXPECT_FALSE(infer(inputs));
}

// Whatever changes in one operand of an op either gives other outputs or is an error: nothing is accepted and ignored.
TEST_P(ShapeInferenceTest, EveryChangeOfAnOperandIsSeen) {
  const Good& good = GetParam();
  const auto expect_seen = [&](size_t i, const TensorDesc& changed) {
    std::vector<TensorDesc> inputs = good.inputs;
    inputs[i] = changed;
    const auto outputs = infer(inputs);
    EXPECT_TRUE(!outputs || *outputs != good.outputs)
        << "input " << i << " as " << changed.text() << " instead of " << good.inputs[i].text();
    if (!outputs) {
      EXPECT_EQ(outputs.error().code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(outputs.error().message(), HasSubstr(std::string(op_name(good.params))));
    }
  };
  for (size_t i = 0; i < good.inputs.size(); ++i) {
    const TensorDesc& input = good.inputs[i];
    TensorDesc changed = input;
    const bool rows_of_any_domain = std::holds_alternative<GatherRows>(good.params) && i == 0;
    changed.rows = input.rows == kTokens ? kOutputs : kTokens;
    if (!rows_of_any_domain) expect_seen(i, changed);
    changed = input;
    changed.format = nullptr;
    expect_seen(i, changed);
    changed.format = input.format == kI32 ? kF32 : kI32;
    expect_seen(i, changed);
    changed = input;
    changed.shape = Shape{};
    expect_seen(i, changed);
    for (int axis = 0; axis < input.shape.rank(); ++axis) {
      for (const int64_t size : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max() / 8}) {
        changed = input;
        changed.shape[axis] = size;
        expect_seen(i, changed);
      }
    }
  }
}

struct Bad {
  std::string name;
  OpParams params;
  std::vector<TensorDesc> inputs;
  std::string why;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

std::vector<Bad> bad_ops() {
  const TensorDesc x = rows({6, 64});
  const TensorDesc q = rows({6, 4, 8});
  const TensorDesc kv = rows({6, 2, 8});
  const TensorDesc numbers = rows({6}, kI32);
  const TensorDesc cache = fixed({3, 2, 16, 8}, kF16);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<TensorDesc> odd_heads = rope_store_inputs(false);
  odd_heads[0] = rows({6, 3, 8});
  return {
      {"columns_differ", Matmul{}, {x, fixed({32, 63})}, "input 1"},
      {"float_x_for_q8", Matmul{ActScheme::kQ8}, {x, fixed({32, 64})}, "input 0"},
      {"packed_x_for_float", Matmul{}, {rows({6, 64}, kQ8), fixed({32, 64})}, "input 0"},
      {"integer_weight", Matmul{}, {x, fixed({32, 64}, kI32)}, "no float values"},
      {"packed_weight", Matmul{}, {x, fixed({32, 64}, kQ8)}, "no float values"},
      {"bias_of_columns", Matmul{ActScheme::kFloat, true}, {x, fixed({32, 64}), fixed({64})}, "input 2"},
      {"residual_of_columns", Matmul{ActScheme::kFloat, false, true}, {x, fixed({32, 64}), x}, "input 2"},
      {"gate_and_up_differ", MatmulGlu{}, {x, fixed({32, 64}), fixed({33, 64})}, "input 2"},
      {"experts_of_other_columns", GroupedMatmul{}, {x, fixed({5, 32, 63}), rows({6, 2}, kI32)}, "input 1"},
      {"one_matrix_as_experts", GroupedMatmul{}, {x, fixed({32, 64}), rows({6, 2}, kI32)}, "rank should be 3"},
      {"experts_of_other_rows", GroupedMatmul{}, {x, fixed({5, 32, 64}), rows({5, 2}, kI32)}, "input 2"},
      {"experts_by_floats", GroupedMatmul{}, {x, fixed({5, 32, 64}), rows({6, 2})}, "input 2"},
      {"top_none", TopK{0}, {x}, "an empty dimension"},
      {"top_of_too_few", TopK{5}, {rows({6, 4})}, "its k is 5, it should be 1 to 4"},
      {"top_of_too_many", TopK{65}, {rows({6, 100})}, "its k is 65, it should be 1 to 64"},
      {"quantised_rows_not_whole", QuantizeQ8{}, {rows({6, 63})}, "multiple of 32"},
      {"quantised_output_not_whole",
       MatmulGlu{ActScheme::kFloat, Activation::kSilu, true},
       {x, fixed({31, 64}), fixed({31, 64})},
       "multiple of 32"},
      {"norm_weight_too_long", RmsNorm{}, {x, fixed({65})}, "input 1"},
      {"norm_epsilon_nan", RmsNorm{nan, 0}, {x, fixed({64})}, "epsilon is not finite"},
      {"norm_epsilon_negative", RmsNorm{-1e-5f, 0}, {x, fixed({64})}, "epsilon is negative"},
      {"scale_infinite", Scale{std::numeric_limits<float>::infinity()}, {x}, "factor is not finite"},
      {"cap_zero", Softcap{0}, {x}, "cap must be positive"},
      {"more_frequencies_than_pairs", Rope{}, {q, numbers, fixed({5})}, "more rope frequencies"},
      {"rope_of_a_matrix", Rope{}, {x, numbers, fixed({4})}, "rank"},
      {"v_narrower", KvStore{}, {kv, rows({6, 2, 7}), numbers, cache, cache}, "input 1"},
      {"slots_of_another_length", KvStore{}, {kv, kv, rows({5}, kI32), cache, cache}, "input 2"},
      {"cache_of_other_heads",
       KvStore{},
       {kv, kv, numbers, fixed({3, 4, 16, 8}, kF16), fixed({3, 4, 16, 8}, kF16)},
       "another number of heads"},
      {"caches_differ", KvStore{}, {kv, kv, numbers, cache, fixed({4, 2, 16, 8}, kF16)}, "differ"},
      {"cache_in_bf16", KvStore{}, {kv, kv, numbers, fixed({3, 2, 16, 8}, kBf16), fixed({3, 2, 16, 8}, kBf16)}, "BF16"},
      {"more_slots_than_an_i32",
       KvStore{},
       {kv, kv, numbers, fixed({1 << 28, 2, 16, 8}, kF16), fixed({1 << 28, 2, 16, 8}, kF16)},
       "more slots"},
      {"heads_not_divided",
       Attention{},
       {rows({6, 3, 8}), cache, cache, fixed({2, 5}, kI32), numbers, numbers},
       "no multiple of the KV heads"},
      {"window_negative", Attention{1, -1, 0}, {q, cache, cache, fixed({2, 5}, kI32), numbers, numbers}, "negative"},
      {"narrow_heads_quantized",
       Attention{.quantize = true},
       {q, cache, cache, fixed({2, 5}, kI32), numbers, numbers},
       "groups of 32"},
      {"softcap_negative", Attention{1, 0, -1}, {q, cache, cache, fixed({2, 5}, kI32), numbers, numbers}, "negative"},
      {"rope_store_heads_not_divided", RopeStore{}, odd_heads, "no multiple of the KV heads"},
  };
}

class ShapeRefusalTest : public ::testing::TestWithParam<Bad> {};

INSTANTIATE_TEST_SUITE_P(Ops, ShapeRefusalTest, ::testing::ValuesIn(bad_ops()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ShapeRefusalTest, SaysWhatIsWrong) {
  const auto outputs = infer_outputs(GetParam().params, GetParam().inputs);
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(outputs.error().message(), HasSubstr(GetParam().why));
  EXPECT_THAT(outputs.error().message(), HasSubstr(GetParam().inputs[0].text()));
}

TEST(ReshapeInferenceTest, KeepsTheFirstDimensionTheElementsAndTheRest) {
  const TensorDesc x = rows({6, 64});
  const std::vector<TensorDesc> wrong = {rows({3, 128}), rows({6, 63}), rows({6, 8, 9}), fixed({6, 64}),
                                         rows({6, 64}, kF16)};
  for (const TensorDesc& wanted : wrong)
    EXPECT_FALSE(infer_outputs(Reshape{}, std::vector{x}, std::vector{wanted})) << wanted.text();
  EXPECT_FALSE(infer_outputs(Reshape{}, std::vector{x}));
  EXPECT_TRUE(infer_outputs(Reshape{}, std::vector{x}, std::vector{rows({6, 8, 8})}));
}

TEST(CastInferenceTest, ChangesTheFormatAlone) {
  const TensorDesc x = rows({6, 64});
  const std::vector<TensorDesc> wrong = {rows({6, 64}, kI32), rows({6, 32}, kF16), fixed({6, 64}, kF16)};
  for (const TensorDesc& wanted : wrong)
    EXPECT_FALSE(infer_outputs(Cast{}, std::vector{x}, std::vector{wanted})) << wanted.text();
  EXPECT_FALSE(infer_outputs(Cast{}, std::vector{rows({6, 64}, kI32)}, std::vector{x}));
  EXPECT_FALSE(infer_outputs(Cast{}, std::vector{x}));
}

}  // namespace
}  // namespace trireme::graph
