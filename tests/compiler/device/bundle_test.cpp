// Which launches become one.
#include "compiler/device/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/kernel/builder.h"
#include "tests/compiler/interpreter_device.h"

namespace trireme::compiler::test {
namespace {

using testing::ElementsAre;

class BundleTest : public testing::Test {
 protected:
  // x -> y, `groups` groups of one item and as many rows, with words of its own.
  const KernelCall& call(uint32_t groups, uint32_t rows = 1, bool waits = false, uint32_t group_size = 1) {
    kernel::Builder b("copy", group_size);
    const uint32_t x = b.buffer("x", kernel::Access::kRead), y = b.buffer("y", kernel::Access::kWrite);
    const kernel::Term at = b.launch("at", kernel::kU32) + b.group_id(0);
    if (waits) b.barrier();
    b.store(y, at, b.load(x, at, kernel::kU32));
    calls_.push_back(std::make_unique<KernelCall>(KernelCall{*b.finish(), {}, {groups, rows, 1}, {}}));
    return *calls_.back();
  }
  BufferRange range(uint64_t place) { return {memory_.get(), place * 256, 256}; }
  std::vector<Bundle> bundles(const std::vector<BoundCall>& calls) { return bundle(calls, target_); }

  std::shared_ptr<Buffer> memory_ = *create_interpreter_device()->allocate(1 << 16);
  std::vector<std::unique_ptr<KernelCall>> calls_;
  Target target_;
};

TEST_F(BundleTest, CallsOfOneShapeAreOneAndShareWhatTheyRead) {
  const auto made = bundles({{&call(3, 2), {range(0), range(1)}, {10}},
                             {&call(4, 2), {range(0), range(2)}, {11}},
                             {&call(5, 2), {range(3), range(4)}, {12}}});
  ASSERT_EQ(made.size(), 1u);
  EXPECT_THAT(made[0].groups, ElementsAre(12, 2, 1));
  EXPECT_THAT(made[0].words, ElementsAre(10, 11, 12));
  EXPECT_THAT(made[0].numbers, ElementsAre(ElementsAre(0, 1), ElementsAre(0, 2), ElementsAre(3, 4)));
  EXPECT_EQ(made[0].buffers.size(), 5u);
  EXPECT_TRUE(kernel_of(made[0]));
}

TEST_F(BundleTest, WhatIsWrittenIsNeverShared) {
  const auto made = bundles({{&call(1), {range(0), range(1)}, {0}}, {&call(1), {range(0), range(1)}, {64}}});
  ASSERT_EQ(made.size(), 1u);
  EXPECT_THAT(made[0].numbers, ElementsAre(ElementsAre(0, 1), ElementsAre(0, 2)));
}

TEST_F(BundleTest, OtherShapesStayApart) {
  EXPECT_EQ(bundles({{&call(1, 1), {range(0), range(1)}, {0}}, {&call(1, 2), {range(0), range(2)}, {0}}}).size(), 2u);
  EXPECT_EQ(bundles({{&call(1), {range(0), range(1)}, {0}}, {&call(1, 1, false, 2), {range(0), range(2)}, {0}}}).size(),
            2u);
}

TEST_F(BundleTest, WhatWaitsStaysAloneInOpenClC) {
  const std::vector<BoundCall> calls = {{&call(1, 1, true), {range(0), range(1)}, {0}},
                                        {&call(1, 1, true), {range(0), range(2)}, {0}},
                                        {&call(1), {range(0), range(3)}, {0}},
                                        {&call(1), {range(0), range(4)}, {0}},
                                        {&call(1, 1, true), {range(0), range(5)}, {0}}};
  EXPECT_EQ(bundles(calls).size(), 4u);
  target_.language = TargetLanguage::kSpirV;
  EXPECT_EQ(bundles(calls).size(), 1u);
}

TEST_F(BundleTest, ABundleBindsNoMoreThanDevicesAllow) {
  std::vector<BoundCall> calls;
  for (uint64_t i = 0; i < 20; ++i) calls.push_back({&call(1), {range(2 * i), range(2 * i + 1)}, {0}});
  const auto made = bundles(calls);
  ASSERT_EQ(made.size(), 3u);
  for (const Bundle& bundle : made) EXPECT_LE(bundle.buffers.size(), 16u);
  EXPECT_EQ(bundles({{&call(65535), {range(0), range(1)}, {0}}, {&call(1), {range(0), range(2)}, {0}}}).size(), 2u);
}

}  // namespace
}  // namespace trireme::compiler::test
