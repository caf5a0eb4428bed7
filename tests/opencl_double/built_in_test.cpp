// Ops on the test double's custom device, which has built-in kernels and no compiler.
#include <gmock/gmock.h>

#include "backends/opencl/backend.h"
#include "backends/opencl/built_in_device.h"
#include "tests/conformance/suite.h"
#include "tests/opencl_double/double.h"

namespace trireme::opencl_double {
namespace {

using ::testing::HasSubstr;

constexpr int kCustom = 4;

Result<std::shared_ptr<Device>> open_custom() { return opencl::create_backend(kPath)->open(kCustom, {}); }

// What the device has no kernel for. That it does everything else is told by the test of its table below.
bool may_refuse(const conformance::CaseResult& result) {
  for (const char* start : {"it has no built-in kernel", "its built-in ", "of the activations it has a built-in kernel",
                            "with float activations its built-in matmul kernels"})
    if (result.message.starts_with(start)) return true;
  return false;
}

TRIREME_CONFORMANCE(Custom, 3, open_custom, may_refuse);

constexpr int64_t kRows = 5, kColumns = 64;

TensorDesc tokens(int64_t columns) { return {{kRows, columns}, &formats::f32(), RowDomain::kTokens}; }
Operand value(int64_t columns) { return {tokens(columns), false}; }
Operand vector(int64_t columns) { return {{{columns}, &formats::f32()}, true}; }
Operand weight(const char* format) { return {{{32, kColumns}, find_format(format)}, true}; }

OpDesc matmul(const char* format, bool q8, bool bias = false, bool residual = false) {
  Operand x = value(kColumns);
  if (q8) x.desc.format = &formats::q8_act();
  OpDesc op{Matmul{q8 ? ActScheme::kQ8 : ActScheme::kFloat, bias, residual}, {x, weight(format)}, {tokens(32)}, "w"};
  if (bias) op.inputs.push_back(vector(32));
  if (residual) op.inputs.push_back(value(32));
  return op;
}

std::string reason_of(const Assessment& answer) {
  const auto* refused = std::get_if<Unsupported>(&answer);
  return refused ? refused->reason : "done";
}

class BuiltIn : public testing::Test {
 protected:
  void SetUp() override {
    const auto device = open_custom();
    ASSERT_TRUE(device) << device.error().message();
    device_ = *device;
  }
  void TearDown() override {
    device_.reset();
    expect_clean();
  }
  std::string assess(const OpDesc& op) const { return reason_of(device_->assess({&op, 1})[0]); }

  std::shared_ptr<Device> device_;
};

TEST_F(BuiltIn, DescribesItself) {
  EXPECT_EQ(device_->info().id, "opencl:4");
  EXPECT_EQ(device_->info().name, "Trireme test double: custom NPU");
  EXPECT_FALSE(device_->info().software);
  EXPECT_EQ(device_->memory()[0].total_bytes, uint64_t{2} << 30);
}

TEST_F(BuiltIn, DoesWhatItsTableHoldsAndNamesWhatItDoesNot) {
  for (const char* format : {"Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K"}) {
    OpDesc op = matmul(format, true, true, true);
    op.inputs[0].desc.shape = {kRows, 256};
    op.inputs[1].desc.shape = {32, 256};
    EXPECT_EQ(assess(op), "done") << format;
  }
  EXPECT_EQ(assess(matmul("F16", false)), "done");
  EXPECT_EQ(assess({RmsNorm{}, {value(8), vector(8)}, {tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({Softmax{}, {value(8)}, {tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({Unary{}, {value(8)}, {tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({Glu{}, {value(8), value(8)}, {tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({FusedNorm{{}, true, false}, {value(8), value(8), vector(8)}, {tokens(8), tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({Binary{Binary::Kind::kAdd}, {value(8), value(8)}, {tokens(8)}, ""}), "done");
  EXPECT_EQ(assess({Binary{Binary::Kind::kMultiply}, {value(8), vector(8)}, {tokens(8)}, ""}), "done");

  EXPECT_THAT(assess(matmul("F32", false)), HasSubstr("read F16 weights alone"));
  EXPECT_THAT(assess(matmul("Q4_0", false)), HasSubstr("with float activations"));
  EXPECT_THAT(assess(matmul("F16", true)), HasSubstr("reads no F16"));
  EXPECT_THAT(assess({Binary{Binary::Kind::kSubtract}, {value(8), value(8)}, {tokens(8)}, ""}),
              HasSubstr("no built-in kernel that subtracts"));
  EXPECT_THAT(assess({Unary{Activation::kTanh}, {value(8)}, {tokens(8)}, ""}), HasSubstr("for silu alone"));
  EXPECT_THAT(assess({Scale{}, {value(8)}, {tokens(8)}, ""}), HasSubstr("no built-in kernel for the op"));
  TensorDesc ids{{kRows, 2}, &formats::i32(), RowDomain::kTokens}, mixed = tokens(2);
  EXPECT_THAT(assess({TopK{2}, {value(8)}, {mixed, ids}, ""}), HasSubstr("no built-in kernel for the op"));
  mixed.shape = {kRows, 2, 32};
  const Operand experts{{{4, 32, kColumns}, &formats::f16()}, true};
  EXPECT_THAT(assess({GroupedMatmul{}, {value(kColumns), experts, {ids, false}}, {mixed}, ""}),
              HasSubstr("no built-in kernel for the op"));
  TensorDesc q8 = tokens(kColumns);
  q8.format = &formats::q8_act();
  EXPECT_THAT(assess({FusedNorm{{}, false, true}, {value(kColumns), vector(kColumns)}, {q8}, ""}),
              HasSubstr("quantizes what a norm gives"));
}

TEST_F(BuiltIn, PrepareRefusesByNameAsAssessDoes) {
  const auto refused = device_->prepare({Scale{}, {value(8)}, {tokens(8)}, "blk.0.scale"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(), HasSubstr("opencl:4 cannot do scale blk.0.scale"));
  EXPECT_THAT(refused.error().message(), HasSubstr("no built-in kernel for the op"));
}

TEST_F(BuiltIn, WeightsAndConstantsMustBeTheOps) {
  const OpDesc op{RmsNorm{}, {value(8), vector(8)}, {tokens(8)}, ""};
  EXPECT_EQ(device_->prepare(op, {}).error().code(), ErrorCode::kInvalidArgument);
  const std::vector<std::byte> data(7 * sizeof(float));
  const HostTensor short_one{vector(7).desc, data, {}, "w"};
  const auto other = device_->prepare_weight(short_one, WeightUse::kVector);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_EQ(device_->prepare(op, {&*other, 1}).error().code(), ErrorCode::kInvalidArgument);
  const HostTensor wrong{vector(8).desc, data, {}, "w"};
  EXPECT_EQ(device_->prepare_weight(wrong, WeightUse::kVector).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(device_->prepare_weight(short_one, WeightUse::kEmbedding).error().code(), ErrorCode::kUnsupported);
}

TEST(BuiltInDriver, AKernelThatItLacksIsNamed) {
  const auto library = opencl::Library::load(kPath);
  ASSERT_TRUE(library) << library.error().message();
  opencl::DeviceFacts facts = opencl::find_devices(**library)->at(kCustom);
  EXPECT_TRUE(facts.op_level());
  EXPECT_TRUE(facts.has_built_in("softmax"));
  facts.built_in_kernels = "rms_norm;softmax_2";
  EXPECT_FALSE(facts.has_built_in("softmax"));
  const auto device = opencl::BuiltInDevice::open(*library, facts, "opencl:4");
  ASSERT_TRUE(device) << device.error().message();
  const OpDesc op{Softmax{}, {value(8)}, {tokens(8)}, ""};
  EXPECT_EQ(reason_of((*device)->assess({&op, 1})[0]), "its driver has no built-in kernel softmax");
  facts.built_in_kernels.clear();
  EXPECT_THAT(*facts.refusal(), HasSubstr("no compiler and no built-in kernels"));
}

}  // namespace
}  // namespace trireme::opencl_double
