// The device contract as the reference keeps it.
#include <gmock/gmock.h>

#include <cstring>

#include "backends/reference/backend.h"
#include "tests/conformance/execute.h"

namespace trireme {
namespace {

using conformance::bytes_of;
using ::testing::HasSubstr;

class ReferenceDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    backend_ = reference::create_backend();
    device_ = *backend_->open(0, {});
  }

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<Device> device_;
};

OpDesc scale_op(int64_t columns) {
  const TensorDesc desc{{1, columns}, &formats::f32(), RowDomain::kFixed};
  return {Scale{2.0f}, {{desc, false}}, {desc}, "twice"};
}

TEST_F(ReferenceDevice, IsListedAndOpensByItsIndexOnly) {
  ASSERT_EQ(backend_->devices().size(), 1u);
  EXPECT_EQ(backend_->devices()[0].id, "reference:0");
  EXPECT_EQ(backend_->open(1, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(backend_->unavailable());
}

TEST_F(ReferenceDevice, ReportsMemoryAndSpeed) {
  ASSERT_EQ(device_->memory().size(), 1u);
  const MemoryHeap heap = device_->memory()[0];
  EXPECT_GT(heap.free_bytes, 1u << 20);
  EXPECT_GE(heap.total_bytes, heap.free_bytes);
  const MeasuredSpeed speed = device_->measure_speed();
  EXPECT_GT(speed.read_bytes_per_s, 1e6);
  EXPECT_GT(speed.multiply_adds_per_s, 1e6);
  EXPECT_GT(speed.launch_s, 0);
  EXPECT_LT(speed.launch_s, 1e-3);
  EXPECT_EQ(device_->measure_speed().launch_s, speed.launch_s) << "it is measured once";
}

TEST_F(ReferenceDevice, BuffersRefuseRangesThatLeaveThem) {
  auto buffer = *device_->allocate(8);
  const auto data = bytes_of<int32_t>({1, 2});
  ASSERT_TRUE(buffer->write(0, data));
  conformance::Bytes back(4);
  ASSERT_TRUE(buffer->read(4, back));
  EXPECT_EQ(back, bytes_of<int32_t>({2}));
  EXPECT_EQ(buffer->write(1, data).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(buffer->read(UINT64_MAX, back).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ReferenceDevice, RefusesAnAllocationThatCannotBe) {
  EXPECT_EQ(device_->allocate(uint64_t(1) << 62).error().code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(device_->allocate(UINT64_MAX).error().code(), ErrorCode::kOutOfMemory);
}

TEST_F(ReferenceDevice, ImportedMemoryIsNotCopied) {
  std::vector<float> memory = {3.0f, 0.0f};
  auto buffer = *device_->import_host(std::as_writable_bytes(std::span(memory)));
  EXPECT_EQ(buffer->map()->data(), reinterpret_cast<std::byte*>(memory.data()));
  auto op = *device_->prepare(scale_op(1), {});
  auto list = *device_->create_command_list();
  const BufferRange ranges[] = {{buffer.get(), 0, 4}, {buffer.get(), 4, 4}};
  ASSERT_TRUE(list->dispatch(op, {ranges, {}, {}}));
  ASSERT_TRUE(list->finish());
  auto timeline = *device_->create_timeline();
  const TimelinePoint done{timeline.get(), 1};
  ASSERT_TRUE(device_->submit(*list, {}, {&done, 1}));
  ASSERT_TRUE(timeline->wait(1, std::chrono::seconds(10)));
  EXPECT_EQ(memory[1], 6.0f);
}

TEST_F(ReferenceDevice, AListRunsAgainOnNewContents) {
  auto buffer = *device_->allocate(8);
  auto list = *device_->create_command_list();
  const BufferRange whole{buffer.get(), 0, 8};
  ASSERT_TRUE(list->copy(whole.part(0, 4), whole.part(4, 4)));
  ASSERT_TRUE(list->finish());
  auto timeline = *device_->create_timeline();
  for (int32_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(buffer->write(0, bytes_of<int32_t>({round})));
    const TimelinePoint done{timeline.get(), uint64_t(round)};
    ASSERT_TRUE(device_->submit(*list, {}, {&done, 1}));
    ASSERT_TRUE(timeline->wait(uint64_t(round), std::chrono::seconds(10)));
    conformance::Bytes copy(4);
    ASSERT_TRUE(buffer->read(4, copy));
    EXPECT_EQ(copy, bytes_of<int32_t>({round}));
  }
}

TEST_F(ReferenceDevice, ListsRefuseWhatDoesNotFit) {
  auto buffer = *device_->allocate(64);
  auto list = *device_->create_command_list();
  auto op = *device_->prepare(scale_op(4), {});
  const BufferRange x{buffer.get(), 0, 16}, y{buffer.get(), 16, 16};
  const auto dispatch = [&](std::vector<BufferRange> ranges) {
    Status status = list->dispatch(op, {ranges, {}, {}});
    return status ? std::string() : status.error().message();
  };
  EXPECT_THAT(dispatch({x}), HasSubstr("it takes 2 operands, not 1"));
  EXPECT_THAT(dispatch({x, y.part(0, 12)}), HasSubstr("operand 1"));
  EXPECT_THAT(dispatch({x, {buffer.get(), 56, 16}}), HasSubstr("leave a buffer of 64"));
  EXPECT_THAT(dispatch({x, {buffer.get(), 17, 16}}), HasSubstr("aligned"));
  EXPECT_THAT(dispatch({x, {}}), HasSubstr("no buffer"));
  EXPECT_FALSE(list->copy(x, y.part(0, 8)));
  EXPECT_FALSE(list->copy(x, {buffer.get(), 8, 16}));
  auto other = *backend_->open(0, {});
  auto foreign = *other->allocate(16);
  EXPECT_THAT(dispatch({x, {foreign.get(), 0, 16}}), HasSubstr("another device"));
  const TimelinePoint none{};
  EXPECT_FALSE(device_->submit(*list, {}, {})) << "it is not finished";
  ASSERT_TRUE(list->finish());
  EXPECT_FALSE(list->finish());
  EXPECT_FALSE(list->barrier());
  EXPECT_THAT(dispatch({x, y}), HasSubstr("already finished"));
  EXPECT_FALSE(other->submit(*list, {}, {}));
  EXPECT_FALSE(device_->submit(*list, {}, {&none, 1}));
}

TEST_F(ReferenceDevice, AFailingOpFailsItsTimeline) {
  const TensorDesc table{{2, 1}, &formats::f32(), RowDomain::kFixed}, ids{{1}, &formats::i32(), RowDomain::kFixed};
  const TensorDesc y{{1, 1}, &formats::f32(), RowDomain::kFixed};
  auto op = *device_->prepare({EmbedRows{}, {{table, false}, {ids, false}}, {y}, "tok_embd"}, {});
  auto buffer = *device_->allocate(16);
  ASSERT_TRUE(buffer->write(8, bytes_of<int32_t>({2})));
  auto list = *device_->create_command_list();
  const BufferRange ranges[] = {{buffer.get(), 0, 8}, {buffer.get(), 8, 4}, {buffer.get(), 12, 4}};
  ASSERT_TRUE(list->dispatch(op, {ranges, {}, {}}));
  ASSERT_TRUE(list->finish());
  auto timeline = *device_->create_timeline();
  const TimelinePoint done{timeline.get(), 1};
  ASSERT_TRUE(device_->submit(*list, {}, {&done, 1}));
  EXPECT_THAT(timeline->wait(1, std::chrono::seconds(10)).error().message(), HasSubstr("running embed_rows tok_embd"));
}

TEST_F(ReferenceDevice, WeightsInF32AreReadInPlaceAndOthersAreDecoded) {
  const std::vector<float> values = {1.0f, 2.0f};
  const auto bytes = std::as_bytes(std::span(values));
  const TensorDesc plain{{1, 2}, &formats::f32(), RowDomain::kFixed}, half{{1, 4}, &formats::f16(), RowDomain::kFixed};
  auto kept = *device_->prepare_weight({plain, bytes, {}, "kept"}, WeightUse::kMatmul);
  EXPECT_TRUE(kept->keeps_source());
  EXPECT_EQ(kept->device_bytes(), 0u);
  auto decoded = *device_->prepare_weight({half, bytes, {}, "decoded"}, WeightUse::kMatmul);
  EXPECT_FALSE(decoded->keeps_source());
  EXPECT_EQ(decoded->device_bytes(), 16u);
  EXPECT_FALSE(device_->prepare_weight({plain, bytes.first(4), {}, "short"}, WeightUse::kMatmul));
  const TensorDesc integers{{1, 2}, &formats::i32(), RowDomain::kFixed};
  EXPECT_EQ(device_->prepare_weight({integers, bytes, {}, "ids"}, WeightUse::kMatmul).error().code(),
            ErrorCode::kUnsupported);
}

TEST_F(ReferenceDevice, AssessAndPrepareGiveTheSameReason) {
  OpDesc wrong = scale_op(4);
  wrong.outputs[0].shape = {1, 5};
  OpDesc quantised = scale_op(64);
  quantised.inputs[0].desc.format = &formats::q8_act();
  const OpDesc ops[] = {scale_op(4), wrong, quantised};
  const auto answers = device_->assess(ops);
  ASSERT_EQ(answers.size(), 3u);
  ASSERT_TRUE(std::holds_alternative<OpCost>(answers[0]));
  EXPECT_EQ(std::get<OpCost>(answers[0]).bytes_moved, 32u);
  for (const size_t i : {size_t(1), size_t(2)}) {
    ASSERT_TRUE(std::holds_alternative<Unsupported>(answers[i]));
    const Error error = device_->prepare(ops[i], {}).error();
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.why(), std::get<Unsupported>(answers[i]).reason);
  }
}

TEST_F(ReferenceDevice, AssessCountsDecodedWeights) {
  const TensorDesc x{{2, 64}, &formats::f32(), RowDomain::kTokens}, w{{3, 64}, &formats::f16(), RowDomain::kFixed};
  const TensorDesc y{{2, 3}, &formats::f32(), RowDomain::kTokens};
  const OpDesc op{Matmul{}, {{x, false}, {w, true}}, {y}, ""};
  const auto cost = std::get<OpCost>(device_->assess({&op, 1})[0]);
  EXPECT_EQ(cost.multiply_adds, 2.0 * 3 * 64);
  EXPECT_EQ(cost.weight_bytes, 3u * 64 * 4);
  EXPECT_EQ(cost.mapped_weight_bytes, 0u);
  EXPECT_EQ(cost.bytes_moved, 2u * 64 * 4 + 3 * 64 * 4 + 2 * 3 * 4);
}

TEST_F(ReferenceDevice, PrepareWantsTheConstantsOfItsOp) {
  const TensorDesc x{{1, 2}, &formats::f32(), RowDomain::kFixed}, w{{1, 2}, &formats::f32(), RowDomain::kFixed};
  const OpDesc op{Matmul{}, {{x, false}, {w, true}}, {{{1, 1}, &formats::f32(), RowDomain::kFixed}}, ""};
  const std::vector<float> values(4);
  const auto bytes = std::as_bytes(std::span(values));
  auto fits = *device_->prepare_weight({w, bytes.first(8), {}, "w"}, WeightUse::kMatmul);
  auto larger =
      *device_->prepare_weight({{{2, 2}, &formats::f32(), RowDomain::kFixed}, bytes, {}, "w"}, WeightUse::kMatmul);
  EXPECT_TRUE(device_->prepare(op, {&fits, 1}));
  EXPECT_EQ(device_->prepare(op, {&larger, 1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(device_->prepare(op, {}).error().code(), ErrorCode::kInvalidArgument);
  const std::shared_ptr<const Weight> both[] = {fits, fits};
  EXPECT_EQ(device_->prepare(op, both).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace trireme
