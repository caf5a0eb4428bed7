// What a dispatch binds of a run-time count.
#include "hal/op_ranges.h"

#include <gtest/gtest.h>

#include "backends/reference/backend.h"
#include "hal/kernel_device.h"

namespace trireme {
namespace {

TEST(CountBinding, BeginsAtTheGrainAndSaysWhereTheNumberIs) {
  const auto device = *reference::create_backend()->open(0, {});
  const std::shared_ptr<Buffer> buffer = *device->allocate(2 * kBindingAlignment);
  for (const uint64_t offset : {uint64_t(0), uint64_t(12), kBindingAlignment, kBindingAlignment + 8}) {
    const auto bound = count_binding({buffer.get(), offset, 4});
    ASSERT_TRUE(bound) << bound.error().message();
    EXPECT_EQ(bound->range.offset % kBindingAlignment, 0u);
    EXPECT_EQ(bound->range.offset + 4 * bound->index, offset);
    EXPECT_EQ(bound->range.offset + bound->range.bytes, offset + 4);
  }
  for (const BufferRange& wrong :
       {BufferRange{buffer.get(), 6, 4}, BufferRange{buffer.get(), 0, 0}, BufferRange{buffer.get(), 0, 8},
        BufferRange{buffer.get(), 2 * kBindingAlignment, 4}, BufferRange{}}) {
    const auto refused = count_binding(wrong);
    ASSERT_FALSE(refused) << wrong.offset << " " << wrong.bytes;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace trireme
