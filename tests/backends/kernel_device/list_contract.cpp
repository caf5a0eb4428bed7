// Recorded launches and copies of any device of compiled kernels.
#include <numeric>

#include "tests/backends/kernel_device/contract.h"

namespace trireme::testing_support {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

}  // namespace

void KernelListContract::launch(const KernelSource& source, std::vector<BufferRange> buffers,
                                std::vector<uint32_t> words, std::array<uint32_t, 3> groups) {
  const Status status = list_->launch(rig_->load(source), {groups, buffers, words});
  EXPECT_TRUE(status) << status.error().message();
}

void KernelListContract::finish_and_run() {
  ASSERT_TRUE(list_->finish());
  rig_->run(*list_);
}

TEST_P(KernelListContract, ScalesABufferByALaunchWord) {
  auto x = buffer_of<float>({1, 2, 3, 4});
  launch(rig_->scale(), {whole(x)}, {3, 10});
  finish_and_run();
  EXPECT_THAT(values_of<float>(*x, 0, 4), ElementsAre(10, 20, 30, 4));
}

TEST_P(KernelListContract, EachLaunchKeepsItsOwnArguments) {
  auto x = buffer_of<float>({1, 1}), y = buffer_of<float>({1, 1});
  const auto kernel = rig_->load(rig_->scale());
  const BufferRange first = whole(x), second = whole(y);
  ASSERT_TRUE(list_->launch(kernel, {{1, 1, 1}, {&first, 1}, std::vector<uint32_t>{1, 3}}));
  ASSERT_TRUE(list_->launch(kernel, {{1, 1, 1}, {&second, 1}, std::vector<uint32_t>{2, 5}}));
  finish_and_run();
  EXPECT_THAT(values_of<float>(*x, 0, 2), ElementsAre(3, 1));
  EXPECT_THAT(values_of<float>(*y, 0, 2), ElementsAre(5, 5));
}

TEST_P(KernelListContract, SumsRowsThroughSharedMemory) {
  constexpr uint32_t kRows = 37, kColumns = 200;
  std::vector<float> values(kRows * kColumns), expected(kRows);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(i % 97) - 31;
    expected[i / kColumns] += values[i];
  }
  auto x = buffer_of(values);
  auto sums = *device().allocate(kRows * sizeof(float));
  launch(rig_->row_sum(), {whole(x), whole(sums)}, {kColumns}, {kRows, 1, 1});
  finish_and_run();
  EXPECT_EQ(values_of<float>(*sums, 0, kRows), expected) << "small integers: exact in any order";
}

TEST_P(KernelListContract, LaunchesGroupsOnThreeAxes) {
  auto ids = *device().allocate(2 * 3 * 4 * 8 * sizeof(uint32_t));
  launch(rig_->group_ids(), {whole(ids)}, {2, 3}, {2, 3, 4});
  finish_and_run();
  std::vector<uint32_t> expected;
  for (uint32_t z = 0; z < 4; ++z)
    for (uint32_t y = 0; y < 3; ++y)
      for (uint32_t x = 0; x < 2; ++x) expected.insert(expected.end(), 8, z * 100 + y * 10 + x);
  EXPECT_EQ(values_of<uint32_t>(*ids, 0, expected.size()), expected);
}

TEST_P(KernelListContract, AChainOfStepsSeesWhatThoseBeforeItWrote) {
  std::vector<float> ones(2 * 64, 1.0f);
  auto x = buffer_of(ones);
  auto sums = *device().allocate(2 * sizeof(float)), copied = *device().allocate(2 * sizeof(float));
  launch(rig_->scale(), {whole(x)}, {128, 3}, {2, 1, 1});
  ASSERT_TRUE(list_->barrier());
  launch(rig_->scale(), {whole(x)}, {64, 5}, {2, 1, 1});
  ASSERT_TRUE(list_->barrier());
  launch(rig_->row_sum(), {whole(x), whole(sums)}, {64}, {2, 1, 1});
  ASSERT_TRUE(list_->barrier());
  ASSERT_TRUE(list_->copy(whole(sums), whole(copied)));
  finish_and_run();
  EXPECT_THAT(values_of<float>(*copied, 0, 2), ElementsAre(64 * 15, 64 * 3));
}

TEST_P(KernelListContract, BindsPartsOfABuffer) {
  std::vector<float> values(5 * 64, 1.0f);
  auto x = buffer_of(values);
  launch(rig_->scale(), {whole(x).part(256, 256)}, {64, 2});
  launch(rig_->scale(), {whole(x).part(768, 128)}, {32, 7});
  ASSERT_TRUE(list_->barrier());
  launch(rig_->scale(), {whole(x).part(256, 256)}, {64, 3});
  finish_and_run();
  EXPECT_THAT(values_of<float>(*x, 0, 64), Each(1));
  EXPECT_THAT(values_of<float>(*x, 256, 64), Each(6));
  EXPECT_THAT(values_of<float>(*x, 512, 64), Each(1));
  EXPECT_THAT(values_of<float>(*x, 768, 32), Each(7));
  EXPECT_THAT(values_of<float>(*x, 768 + 128, 96), Each(1));
}

TEST_P(KernelListContract, CopiesBetweenAnyOffsets) {
  auto x = buffer_of<int32_t>({1, 2, 3, 4, 5}), y = buffer_of<int32_t>({0, 0, 0});
  ASSERT_TRUE(list_->copy(whole(x).part(4, 8), whole(y).part(4, 8)));
  ASSERT_TRUE(list_->copy(whole(x).part(0, 4), whole(x).part(16, 4)));
  ASSERT_TRUE(list_->copy(whole(x).part(0, 0), whole(y).part(12, 0)));
  finish_and_run();
  EXPECT_THAT(values_of<int32_t>(*y, 0, 3), ElementsAre(0, 2, 3));
  EXPECT_THAT(values_of<int32_t>(*x, 0, 5), ElementsAre(1, 2, 3, 4, 1));
}

TEST_P(KernelListContract, RunsAgainOnNewContents) {
  auto x = buffer_of<float>({0});
  launch(rig_->scale(), {whole(x)}, {1, 2});
  ASSERT_TRUE(list_->finish());
  auto timeline = *device().create_timeline();
  for (uint64_t round = 1; round <= 5; ++round) {
    const float value = float(round);
    ASSERT_TRUE(x->write(0, std::as_bytes(std::span(&value, 1))));
    const TimelinePoint done{timeline.get(), round};
    ASSERT_TRUE(device().submit(*list_, {}, {&done, 1}));
    ASSERT_TRUE(timeline->wait(round, kPatience));
    EXPECT_THAT(values_of<float>(*x, 0, 1), ElementsAre(2 * value));
  }
}

TEST_P(KernelListContract, KeepsItsKernelsAlive) {
  auto x = buffer_of<float>({1});
  launch(rig_->scale(), {whole(x)}, {1, 2});  // the only owner of the kernel is the list
  finish_and_run();
  EXPECT_THAT(values_of<float>(*x, 0, 1), ElementsAre(2));
}

TEST_P(KernelListContract, RefusesWhatDoesNotFit) {
  auto x = *device().allocate(1024);
  const auto kernel = rig_->load(rig_->scale());
  const auto refusal = [&](std::vector<BufferRange> buffers, std::vector<uint32_t> words,
                           std::array<uint32_t, 3> groups = {1, 1, 1}) {
    const Status status = list_->launch(kernel, {groups, buffers, words});
    EXPECT_FALSE(status);
    if (status) return std::string("none");
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    return status.error().message();
  };
  EXPECT_THAT(refusal({}, {1, 2}), HasSubstr("it takes 1 buffers and 2 words, not 0 and 2"));
  EXPECT_THAT(refusal({whole(x)}, {1}), HasSubstr("not 1 and 1"));
  EXPECT_THAT(refusal({whole(x).part(128, 128)}, {1, 2}), HasSubstr("multiple of 256"));
  EXPECT_THAT(refusal({whole(x).part(256, 0)}, {1, 2}), HasSubstr("0 bytes at 256"));
  EXPECT_THAT(refusal({whole(x).part(768, 512)}, {1, 2}), HasSubstr("leave a buffer of 1024"));
  EXPECT_THAT(refusal({{}}, {1, 2}), HasSubstr("no buffer"));
  EXPECT_THAT(refusal({whole(x)}, {1, 2}, {1, 0, 1}), HasSubstr("cannot launch 0 groups on axis 1"));
  const auto other = rig_->open();
  auto foreign = *other->allocate(256);
  EXPECT_THAT(refusal({whole(foreign)}, {1, 2}), HasSubstr("another device"));
  const BufferRange range = whole(foreign);
  const std::vector<uint32_t> words = {1, 2};
  EXPECT_THAT((*other->create_list())->launch(kernel, {{1, 1, 1}, {&range, 1}, words}).error().message(),
              HasSubstr("loaded by another device"));
  EXPECT_FALSE(list_->launch(nullptr, {{1, 1, 1}, {}, {}}));
  EXPECT_FALSE(list_->copy(whole(x), whole(foreign)));
  EXPECT_FALSE(list_->copy(whole(x).part(0, 4), whole(x).part(8, 8)));
  EXPECT_FALSE(list_->copy(whole(x).part(0, 8), whole(x).part(4, 8)));
  EXPECT_FALSE(list_->copy(whole(x).part(0, 8), whole(x).part(1020, 8)));
  finish_and_run();  // nothing was recorded
}

// More launches than a descriptor pool holds, each of a range of its own.
TEST_P(KernelListContract, HoldsManyLaunches) {
  constexpr size_t kLaunches = 300;
  auto x = buffer_of(std::vector<float>(kLaunches * 64, 1.0f));
  const auto kernel = rig_->load(rig_->scale());
  for (uint32_t i = 0; i < kLaunches; ++i) {
    const BufferRange range = whole(x).part(i * 256, 256);
    const uint32_t words[] = {1, i};
    ASSERT_TRUE(list_->launch(kernel, {{1, 1, 1}, {&range, 1}, words}));
  }
  finish_and_run();
  const std::vector<float> values = values_of<float>(*x, 0, kLaunches * 64);
  for (size_t i = 0; i < kLaunches; ++i) EXPECT_EQ(values[i * 64], float(i));
}

TEST_P(KernelListContract, RefusesStepsAfterItsEnd) {
  auto x = *device().allocate(256);
  const auto kernel = rig_->load(rig_->scale());
  const BufferRange range = whole(x);
  ASSERT_TRUE(list_->finish());
  EXPECT_EQ(list_->launch(kernel, {{1, 1, 1}, {&range, 1}, std::vector<uint32_t>{1, 2}}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(list_->copy(range.part(0, 4), range.part(4, 4)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(list_->barrier().error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(list_->finish().error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace trireme::testing_support
