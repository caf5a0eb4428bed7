// Kernels are built once, together, wherever their compiler may run; one that fails fails alone.
#include "compiler/build/kernel_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <thread>

#include "compiler/build/parallel.h"
#include "compiler/device/compile_for.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/compiler/watched_device.h"

namespace trireme::compiler::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<WatchedDevice> watched_device() {
  auto device = std::make_shared<WatchedDevice>(create_interpreter_device());
  device->target_changes.build_key = "the interpreter";
  return device;
}

KernelSource scale_by(float factor) {
  const TensorDesc floats{{64}, &formats::f32()};
  return (*kernel_sources(**open_interpreter(), {Scale{factor}, {{floats, false}}, {floats}, "scale"})).at(0);
}

// What the worker double takes as an order.
KernelSource named(const std::string& entry) {
  KernelSource source = scale_by(7.0f);
  source.entry = entry;
  return source;
}

class KernelBuilding : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  BuildOptions options() {
    BuildOptions options;
    options.threads = 2;
    options.progress = [this](int done, int all) {
      told_.push_back(std::to_string(done) + "/" + std::to_string(all));
      return done < most_;
    };
    return options;
  }

  std::filesystem::path folder_ = testing::TempDir() + "trireme_building_" + std::to_string(::getpid());
  std::vector<std::string> told_;
  int most_ = 1000;  // built before the wish to go on ends
};

TEST_F(KernelBuilding, TheSameSourceIsBuiltOnce) {
  const auto device = watched_device();
  KernelBuilder builder(device, options());
  const KernelSource one = scale_by(1.5f), two = scale_by(2.5f);
  const auto built = builder.build(std::vector{one, two, one}, nullptr);
  ASSERT_EQ(built.size(), 3u);
  for (const auto& kernel : built) ASSERT_TRUE(kernel) << kernel.error().message();
  EXPECT_EQ(*built[0], *built[2]);
  EXPECT_NE(*built[0], *built[1]);
  EXPECT_EQ(device->builds, 2);
  EXPECT_THAT(told_, ElementsAre("0/2", "1/2", "2/2"));
  EXPECT_TRUE(builder.build({}, nullptr).empty());
}

TEST_F(KernelBuilding, NoneIsBegunAfterTheWishToEnd) {
  const auto device = watched_device();
  most_ = 1;
  BuildOptions one_thread = options();
  one_thread.threads = 1;
  const auto built =
      KernelBuilder(device, one_thread).build(std::vector{scale_by(1), scale_by(2), scale_by(3)}, nullptr);
  EXPECT_TRUE(built[0]);
  for (const size_t i : {1u, 2u}) {
    ASSERT_FALSE(built[i]);
    EXPECT_EQ(built[i].error().code(), ErrorCode::kCancelled);
  }
  EXPECT_EQ(device->builds, 1);
}

TEST_F(KernelBuilding, WhatIsKeptIsNotBuilt) {
  const KernelCache cache(folder_);
  const std::vector sources{scale_by(1.5f), scale_by(2.5f)};
  for (const bool concurrent : {false, true}) {
    const auto device = watched_device();
    device->target_changes.concurrent_builds = concurrent;
    ASSERT_TRUE(KernelBuilder(device, options()).build(sources, &cache)[0]);
    EXPECT_EQ(device->builds, concurrent ? 0 : 2);
  }
  EXPECT_THAT(told_, ElementsAre("0/2", "1/2", "2/2")) << "nobody hears of what is kept";
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    std::ofstream(entry.path()) << "spoilt";
    break;
  }
  const auto device = watched_device();
  for (const auto& kernel : KernelBuilder(device, options()).build(sources, &cache)) EXPECT_TRUE(kernel);
  EXPECT_EQ(device->builds, 1);
}

TEST_F(KernelBuilding, SeveralAreBuiltAtOnceWhereTheDriverAllowsIt) {
  const auto device = watched_device();
  device->target_changes.concurrent_builds = true;
  std::latch both(2);
  device->building = [&](const KernelSource&) -> Status {
    both.count_down();
    for (int i = 0; i < 3000 && !both.try_wait(); ++i) std::this_thread::sleep_for(milliseconds(10));
    if (!both.try_wait()) return fail(ErrorCode::kTimeout, "build", "nobody builds at the same time");
    return {};
  };
  for (const auto& kernel :
       KernelBuilder(device, options()).build(std::vector{scale_by(1.5f), scale_by(2.5f)}, nullptr))
    EXPECT_TRUE(kernel) << kernel.error().message();
}

TEST_F(KernelBuilding, OneAfterTheOtherWhereItDoesNot) {
  const auto device = watched_device();
  device->building = [thread = std::this_thread::get_id()](const KernelSource&) -> Status {
    if (std::this_thread::get_id() == thread) return {};
    return fail(ErrorCode::kInternal, "build", "another thread builds");
  };
  for (const auto& kernel :
       KernelBuilder(device, options()).build(std::vector{scale_by(1.5f), scale_by(2.5f)}, nullptr))
    EXPECT_TRUE(kernel) << kernel.error().message();
}

// So that no thread is left alone with a long one at the end.
TEST_F(KernelBuilding, TheLongestIsBegunFirst) {
  const auto device = watched_device();
  std::vector<std::string> begun;
  device->building = [&](const KernelSource& source) -> Status {
    begun.push_back(source.entry);
    return {};
  };
  std::vector<KernelSource> sources = {named("short"), named("longest"), named("longer")};
  sources[1].code += std::string(20, '\n');
  sources[2].code += std::string(10, '\n');
  KernelBuilder(device, options()).build(sources, nullptr);
  EXPECT_THAT(begun, ElementsAre("longest", "longer", "short"));
}

TEST_F(KernelBuilding, AFailureIsOfItsKernelAlone) {
  for (const bool concurrent : {false, true}) {
    const auto device = watched_device();
    device->target_changes.concurrent_builds = concurrent;
    device->building = [](const KernelSource& source) -> Status {
      if (source.entry != "wrong") return {};
      return fail(ErrorCode::kInternal, "kernel wrong", "the test refuses it");
    };
    const KernelCache cache(folder_);
    const std::vector sources{scale_by(1.5f), named("wrong"), scale_by(2.5f)};
    const auto built = KernelBuilder(device, options()).build(sources, &cache);
    EXPECT_TRUE(built[0]);
    ASSERT_FALSE(built[1]);
    EXPECT_THAT(built[1].error().message(), HasSubstr("the test refuses it"));
    EXPECT_TRUE(built[2]);
    EXPECT_FALSE(cache.find(device->target(), sources[1]));
  }
}

TEST_F(KernelBuilding, WhatTheDriverRefusesAfterBuildingItIsNoCorruptFile) {
  const auto device = watched_device();
  device->refuses_all = true;
  const KernelCache cache(folder_);
  const auto built = KernelBuilder(device, options()).build(std::vector{scale_by(1.5f)}, &cache);
  ASSERT_FALSE(built[0]);
  EXPECT_EQ(built[0].error().code(), ErrorCode::kInternal);
  EXPECT_THAT(built[0].error().message(), HasSubstr("which was just built); update the device's driver"));
  EXPECT_FALSE(cache.find(device->target(), scale_by(1.5f))) << "it would be of no use";
}

TEST(RunParallel, DoesEachPieceOnceAndTellsOnTheCallersThread) {
  EXPECT_GE(usable_core_count(), 1);
  for (const int threads : {1, 3}) {
    std::vector<int> worked(100), told(100);
    run_parallel(
        100, threads, [&](int i) { ++worked[size_t(i)]; },
        [&, caller = std::this_thread::get_id()](int i) {
          EXPECT_EQ(std::this_thread::get_id(), caller);
          told[size_t(i)] += worked[size_t(i)];
        });
    EXPECT_EQ(worked, std::vector<int>(100, 1));
    EXPECT_EQ(told, std::vector<int>(100, 1));
  }
}

class KernelWorkers : public KernelBuilding {
 protected:
  KernelWorkers() { device_->target_changes.compiler_may_abort = true; }

  KernelBuilder builder(milliseconds patience = std::chrono::minutes(1),
                        const std::string& program = TRIREME_WORKER_DOUBLE) {
    BuildOptions chosen = options();
    chosen.worker = program;
    chosen.patience = patience;
    return KernelBuilder(device_, chosen);
  }
  // What comes of a kernel of this name, among others that must not suffer.
  Error error_of(const std::string& entry, milliseconds patience = std::chrono::minutes(1)) {
    const std::vector sources{scale_by(1.5f), named(entry), scale_by(2.5f), scale_by(3.5f)};
    const auto built = builder(patience).build(sources, nullptr);
    for (const size_t i : {0, 2, 3}) EXPECT_TRUE(built[i]) << entry << ": " << built[i].error().message();
    if (!built[1]) return built[1].error();
    ADD_FAILURE() << entry << " was built";
    return {ErrorCode::kInternal, "", ""};
  }

  std::shared_ptr<WatchedDevice> device_ = watched_device();
};

TEST_F(KernelWorkers, BuildWhatThisProcessThenLoads) {
  KernelBuilder built_by = builder();
  const KernelCache cache(folder_);
  const std::vector sources{scale_by(1.5f), scale_by(2.5f), scale_by(1.5f)};
  for (const auto& kernel : built_by.build(sources, &cache)) ASSERT_TRUE(kernel) << kernel.error().message();
  EXPECT_EQ(device_->builds, 0);
  EXPECT_EQ(device_->loads, 2);
  EXPECT_TRUE(cache.find(device_->target(), sources[0]));
  EXPECT_THAT(told_, ElementsAre("0/2", "1/2", "2/2"));
}

TEST_F(KernelWorkers, AreNotStartedForWhatIsKept) {
  const KernelCache cache(folder_);
  const std::vector sources{scale_by(1.5f)};
  ASSERT_TRUE(builder().build(sources, &cache)[0]);
  ASSERT_TRUE(builder(milliseconds(1), "/nowhere/kernel-builder").build(sources, &cache)[0]);
}

TEST_F(KernelWorkers, ThatWentForWantOfWorkAreReplaced) {
  KernelBuilder built_by = builder();
  ASSERT_TRUE(built_by.build(std::vector{scale_by(1.5f)}, nullptr)[0]);
  std::this_thread::sleep_for(milliseconds(1200));
  const auto later = built_by.build(std::vector{scale_by(2.5f)}, nullptr);
  EXPECT_TRUE(later[0]) << later[0].error().message();
}

TEST_F(KernelWorkers, ThatWereKilledWhileTheyWaitedAreReplaced) {
  KernelBuilder built_by = builder();
  ASSERT_TRUE(built_by.build(std::vector{scale_by(1.5f)}, nullptr)[0]);
  std::vector<pid_t> workers;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    workers.insert(workers.end(), std::istream_iterator<pid_t>(children), {});
  }
  ASSERT_FALSE(workers.empty());
  for (const pid_t worker : workers) {
    ASSERT_EQ(::kill(worker, SIGKILL), 0);
    siginfo_t ended;
    ASSERT_EQ(::waitid(P_PID, id_t(worker), &ended, WEXITED | WNOWAIT), 0);
  }
  const auto later = built_by.build(std::vector{scale_by(2.5f)}, nullptr);
  EXPECT_TRUE(later[0]) << later[0].error().message();
}

TEST_F(KernelWorkers, ThatDieFailTheirKernelAlone) {
  Error error = error_of("abort");
  EXPECT_EQ(error.code(), ErrorCode::kInternal);
  EXPECT_THAT(error.message(),
              HasSubstr("kernel abort for interpreter:0: kernel builder: it was ended by signal 6 (Aborted"));
  EXPECT_THAT(error_of("exit").message(), HasSubstr("it ended with exit code 3"));
  error = error_of("half");
  EXPECT_THAT(error.message(), HasSubstr("kernel half for interpreter:0: "));
  EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
}

TEST_F(KernelWorkers, ThatHangAreEnded) {
  const Error error = error_of("hang", milliseconds(3000));
  EXPECT_EQ(error.code(), ErrorCode::kTimeout);
  EXPECT_THAT(error.message(),
              HasSubstr("kernel hang for interpreter:0: kernel builder: it gave no answer within 3000 ms"));
}

TEST_F(KernelWorkers, ThatTalkNonsenseAreNotBelieved) {
  for (const char* entry : {"garbage", "claim"}) {
    const Error error = error_of(entry);
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.message(), HasSubstr(std::string("kernel ") + entry + " for interpreter:0: "));
  }
}

TEST_F(KernelWorkers, PassOnWhatTheCompilerSays) {
  const Error error = error_of("refuse");
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error.message(), "kernel refuse: the double refuses it");
}

TEST_F(KernelWorkers, OfAnotherDriverAreRefused) {
  device_->target_changes.build_key = "another interpreter";
  const auto built = builder().build(std::vector{scale_by(1.5f)}, nullptr);
  ASSERT_FALSE(built[0]);
  EXPECT_THAT(built[0].error().message(), HasSubstr("its driver is 'the interpreter', not 'another interpreter'"));
}

TEST_F(KernelWorkers, ThatCannotBeStartedAreAnError) {
  const auto built = builder(milliseconds(1000), "/nowhere/kernel-builder").build(std::vector{scale_by(1.5f)}, nullptr);
  ASSERT_FALSE(built[0]);
  EXPECT_EQ(built[0].error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(built[0].error().message(), HasSubstr("/nowhere/kernel-builder: it cannot be started"));
  EXPECT_EQ(device_->builds, 0);
}

TEST_F(KernelWorkers, AreLeftAloneByCompilersThatMayNotAbort) {
  device_->target_changes.compiler_may_abort = false;
  ASSERT_TRUE(builder(milliseconds(1000), "/nowhere/kernel-builder").build(std::vector{scale_by(1.5f)}, nullptr)[0]);
  EXPECT_EQ(device_->builds, 1);
}

}  // namespace
}  // namespace trireme::compiler::test
