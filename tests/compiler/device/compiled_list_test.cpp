// A list asks for its kernels when it is complete, and takes nothing after that.
#include <gtest/gtest.h>

#include "compiler/device/compile_for.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/compiler/watched_device.h"

namespace trireme::compiler::test {
namespace {

struct ScaledList {
  std::shared_ptr<WatchedDevice> watched = std::make_shared<WatchedDevice>(create_interpreter_device());
  std::shared_ptr<Device> device = *compile_for(watched);
  std::shared_ptr<Buffer> buffer = *device->allocate(3 * kBindingAlignment);
  std::unique_ptr<CommandList> list = *device->create_command_list();

  BufferRange place(uint64_t index) const { return {buffer.get(), index * kBindingAlignment, 64 * sizeof(float)}; }
  std::array<BufferRange, 2> ranges{place(0), place(1)};
  Status scale(float factor) {
    const TensorDesc floats{{64}, &formats::f32()};
    TRIREME_ASSIGN(const std::shared_ptr<const PreparedOp> op,
                   device->prepare({Scale{factor}, {{floats, false}}, {floats}, "scale"}, {}));
    return list->dispatch(op, {ranges, {}, {}});
  }
};

TEST(CompiledList, BuildsAllKernelsWhenItIsFinished) {
  ScaledList scaled;
  ASSERT_TRUE(scaled.buffer->write(0, std::vector<std::byte>(3 * kBindingAlignment)));
  const std::vector<float> ones(64, 1.0f);
  ASSERT_TRUE(scaled.buffer->write(0, std::as_bytes(std::span(ones))));
  for (const float factor : {2.0f, 3.0f, 2.0f}) {
    ASSERT_TRUE(scaled.scale(factor));
    ASSERT_TRUE(scaled.list->barrier());
  }
  ASSERT_TRUE(scaled.list->copy(scaled.place(1), scaled.place(2)));
  EXPECT_EQ(scaled.watched->builds, 0);
  ASSERT_TRUE(scaled.list->finish());
  EXPECT_EQ(scaled.watched->builds, 2) << "one for each factor";

  const auto timeline = *scaled.device->create_timeline();
  const TimelinePoint done{timeline.get(), 1};
  ASSERT_TRUE(scaled.device->submit(*scaled.list, {}, {&done, 1}));
  ASSERT_TRUE(timeline->wait(1, std::chrono::seconds(60)));
  std::vector<float> result(64);
  ASSERT_TRUE(scaled.buffer->read(2 * kBindingAlignment, std::as_writable_bytes(std::span(result))));
  EXPECT_EQ(result, std::vector<float>(64, 2.0f));
}

TEST(CompiledList, TakesNothingAfterItIsFinished) {
  ScaledList scaled;
  ASSERT_TRUE(scaled.list->finish());
  for (const Status& status : {scaled.scale(2.0f), scaled.list->copy(scaled.place(0), scaled.place(1)),
                               scaled.list->barrier(), scaled.list->finish()}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(CompiledList, RefusesCopiesThatCannotBe) {
  ScaledList scaled;
  const BufferRange whole{scaled.buffer.get(), 0, 3 * kBindingAlignment};
  EXPECT_FALSE(scaled.list->copy(whole.part(0, 8), whole.part(16, 4)));
  EXPECT_FALSE(scaled.list->copy(whole.part(0, 8), whole.part(4, 8)));
  EXPECT_FALSE(scaled.list->copy(whole.part(0, 8), whole.part(3 * kBindingAlignment - 4, 8)));
  EXPECT_FALSE(scaled.list->copy({}, whole.part(0, 8)));
  EXPECT_TRUE(scaled.list->copy(whole.part(0, 8), whole.part(8, 8)));
}

}  // namespace
}  // namespace trireme::compiler::test
