#include "runtime/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "runtime/planner.h"
#include "tests/hal/forwarding_device.h"
#include "tests/support/counting_allocator.h"
#include "tests/support/counting_device.h"
#include "tests/support/golden_model.h"
#include "tests/support/largest_difference.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing_support::GoldenModel;
using testing_support::open_device;

std::shared_ptr<const Model> open_model(const GoldenModel& golden) {
  auto model = Model::open(golden.folder);
  EXPECT_TRUE(model) << model.error().message();
  return *model;
}

std::unique_ptr<Session> open_session(const std::shared_ptr<const Model>& model, compiler::Placement placement,
                                      SessionOptions options = {}) {
  if (options.context == 0) options.context = 96;
  if (options.max_outputs == 0) options.max_outputs = 32;
  auto session = Session::create(model, std::move(placement), options);
  EXPECT_TRUE(session) << session.error().message();
  return std::move(*session);
}

std::vector<StepRow> rows_of(std::span<const int32_t> ids, SequenceId sequence, bool outputs = true) {
  std::vector<StepRow> rows;
  for (const int32_t id : ids) rows.push_back({id, sequence, outputs});
  return rows;
}

std::vector<float> run(Session& session, const std::vector<StepRow>& rows) {
  const auto logits = session.step(rows);
  EXPECT_TRUE(logits) << logits.error().message();
  if (!logits) return {};
  return {logits->values.begin(), logits->values.end()};
}

double relative_error(std::span<const float> values, std::span<const float> expected) {
  EXPECT_EQ(values.size(), expected.size());
  return testing_support::largest_difference(values, expected) / testing_support::largest_size(expected);
}

struct OnLlama : testing::TestWithParam<const char*> {
  GoldenModel golden = testing_support::load_golden_model("llama");
  std::shared_ptr<const Model> model = open_model(golden);
  int layers = int(model->hyperparameters().layers);
  std::unique_ptr<Session> session(SessionOptions options = {}) {
    return open_session(model, compiler::Placement::on(open_device(GetParam()), layers), options);
  }
};

std::string device_name(const testing::TestParamInfo<const char*>& info) {
  const std::string id = info.param;
  return id.substr(0, id.find(':'));
}

constexpr const char* kDevices[] = {
#ifdef TRIREME_HAVE_REFERENCE
    "reference:0",
#endif
#ifdef TRIREME_HAVE_CPU
    "cpu:0",
#endif
#ifdef TRIREME_HAVE_OPENCL
    "opencl:0",
#endif
#ifdef TRIREME_HAVE_VULKAN
    "vulkan:0",
#endif
};

#if defined(TRIREME_HAVE_CPU) && defined(TRIREME_HAVE_REFERENCE)
// Placements of two devices cut at each layer, in both orders, compute what one device computes.
TEST(Split, AtEveryLayerBetweenReferenceAndCpu) {
  const GoldenModel golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden);
  const int layers = int(model->hyperparameters().layers);
  for (int cut = 0; cut <= layers; ++cut) {
    for (const bool cpu_first : {false, true}) {
      compiler::Placement placement;
      placement.devices = {open_device(cpu_first ? "cpu:0" : "reference:0"),
                           open_device(cpu_first ? "reference:0" : "cpu:0")};
      placement.ranges = {{-1, cut - 1, 0}, {cut, layers, 1}};
      const auto session = open_session(model, placement);
      const SequenceId sequence = *session->create_sequence();
      EXPECT_LE(relative_error(run(*session, rows_of(golden.input_ids, sequence)), golden.logits), 2e-3)
          << "cut at " << cut;
      EXPECT_EQ(session->memory().size(), 2u);
    }
  }
}

#ifdef TRIREME_HAVE_OPENCL
// Neither sees the other's memory: values cross through the host.
TEST(Split, BetweenDevicesThatShareNoMemory) {
  const GoldenModel golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden);
  compiler::Placement placement;
  placement.devices = {open_device("cpu:0"), open_device("opencl:0")};
  placement.ranges = {{-1, 0, 0}, {1, 1, 1}, {2, int(model->hyperparameters().layers), 0}};
  const auto session = open_session(model, placement);
  const SequenceId sequence = *session->create_sequence();
  for (int again = 0; again < 3; ++again) {
    EXPECT_LE(relative_error(run(*session, rows_of(golden.input_ids, sequence)), golden.logits), 3e-3);
    ASSERT_TRUE(session->truncate(sequence, 0));
  }
}
#endif

// Starts lists late.
class Slow final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  ~Slow() override {
    if (thread_.joinable()) thread_.join();
  }
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override {
    thread_ = std::thread([this, &list, before = std::vector(waits.begin(), waits.end()),
                           after = std::vector(signals.begin(), signals.end())] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      started_ = true;
      EXPECT_TRUE(ForwardingDevice::submit(list, before, after));
    });
    return {};
  }
  bool started() const { return started_; }

 private:
  std::thread thread_;
  std::atomic<bool> started_ = false;
};

class Broken final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  Status submit(CommandList&, std::span<const TimelinePoint>, std::span<const TimelinePoint>) override {
    return fail(ErrorCode::kDeviceLost, "test double", "it takes nothing");
  }
};

TEST(Split, AStepThatFailsIsOverOnEveryDeviceAndIsTheLast) {
  const GoldenModel golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden);
  const auto slow = std::make_shared<Slow>(testing_support::open_bare_device("reference:0"));
  compiler::Placement placement;
  placement.devices = {slow, std::make_shared<Broken>(testing_support::open_bare_device("reference:0"))};
  placement.ranges = {{-1, 0, 0}, {1, int(model->hyperparameters().layers), 1}};
  const auto session = open_session(model, placement);
  const SequenceId sequence = *session->create_sequence();
  const auto failed = session->step(rows_of(golden.input_ids, sequence));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kDeviceLost);
  EXPECT_TRUE(slow->started()) << "its list uses memory of the session";
  EXPECT_EQ(*session->length(sequence), 0);
  const auto again = session->step(rows_of(golden.input_ids, sequence));
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message().find("an earlier step"), std::string::npos) << again.error().message();
}

TEST(Split, GoesBackToADeviceThatWasLeft) {
  const GoldenModel golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden);
  compiler::Placement placement;
  placement.devices = {open_device("cpu:0"), open_device("reference:0")};
  placement.ranges = {{-1, 0, 0}, {1, 1, 1}, {2, int(model->hyperparameters().layers), 0}};
  const auto session = open_session(model, placement);
  EXPECT_LE(relative_error(run(*session, rows_of(golden.input_ids, *session->create_sequence())), golden.logits), 2e-3);
}
#endif

#ifdef TRIREME_HAVE_CPU
// The reference is written to be read and may allocate; the token path of a device that is meant to be fast may not.
TEST(TokenPath, AllocatesNothingOnTheCpu) {
  const GoldenModel golden = testing_support::load_golden_model("llama");
  const auto model = open_model(golden);
  const auto session = open_session(
      model, compiler::Placement::on(testing_support::open_bare_device("cpu:0"), int(model->hyperparameters().layers)));
  const SequenceId sequence = *session->create_sequence();
  const std::vector<StepRow> prompt = rows_of(golden.input_ids, sequence, false);
  const StepRow next{golden.greedy_ids[0], sequence, true};
  run(*session, prompt);
  run(*session, {next});
  const int64_t before = testing_support::allocation_count();
  for (int i = 0; i < 40; ++i) {
    const auto logits = session->step(std::span(&next, 1));
    if (!logits) break;
  }
  EXPECT_EQ(testing_support::allocation_count(), before);
  EXPECT_EQ(*session->length(sequence), int64_t(golden.input_ids.size()) + 41);
}
#endif

TEST_P(OnLlama, ReportsExactlyWhatItAllocates) {
  const auto device = std::make_shared<testing_support::CountingDevice>(open_device(GetParam()));
  const auto session = open_session(model, compiler::Placement::on(device, layers));
  const uint64_t before_weights = device->allocated_bytes();
  run(*session, rows_of(golden.input_ids, *session->create_sequence()));
  const DeviceMemory memory = session->memory()[0];
  EXPECT_EQ(device->allocated_bytes(), memory.kv_bytes + memory.step_bytes);
  EXPECT_EQ(device->allocated_bytes(), before_weights) << "a step must not allocate on the device";
  EXPECT_EQ(device->weight_bytes(), memory.weight_bytes);
}

TEST_P(OnLlama, HoldsWhatThePlanSays) {
  const auto device = open_device(GetParam());
  const auto plan = plan_placement(*model, {{device, {}}}, {.context = 96});
  ASSERT_TRUE(plan) << plan.error().message();
  SessionOptions options;
  options.max_outputs = 1;
  const auto session = open_session(model, plan->placement, options);
  run(*session, rows_of(std::span(golden.input_ids).first(1), *session->create_sequence()));
  const DeviceMemory memory = session->memory()[0];
  const PlannedRange& planned = plan->ranges.at(0);
  EXPECT_EQ(planned.weight_bytes, memory.weight_bytes + memory.mapped_weight_bytes);
  EXPECT_EQ(planned.kv_bytes, memory.kv_bytes);
  EXPECT_EQ(planned.step_bytes, memory.step_bytes);
}

// Takes memory while it prepares weights.
class LoadingDevice final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  uint64_t loading_bytes() const override { return uint64_t{1} << 20; }
};

TEST_P(OnLlama, ThePlanLeavesRoomForLoading) {
  const auto device = open_device(GetParam());
  const PlannedRange needed = plan_placement(*model, {{device, {}}}, {.context = 96})->ranges.at(0);
  const uint64_t bytes = needed.weight_bytes + needed.kv_bytes + needed.step_bytes;
  const auto fits = [&](const std::shared_ptr<Device>& on, uint64_t budget) {
    return plan_placement(*model, {{on, budget}}, {.context = 96}).has_value();
  };
  EXPECT_TRUE(fits(device, bytes));
  EXPECT_FALSE(fits(device, bytes - 1));
  const auto loading = std::make_shared<LoadingDevice>(device);
  EXPECT_TRUE(fits(loading, bytes + loading->loading_bytes()));
  EXPECT_FALSE(fits(loading, bytes + loading->loading_bytes() - 1));
}

#if defined(TRIREME_HAVE_OPENCL) && defined(TRIREME_HAVE_VULKAN)
struct OnKernelDevices : OnLlama {};

// Norm, q with k and v, rope and store, attention, output, norm, gate with up, down; beside the layers the embedding,
// the last norm, the rows that are asked for and the head.
TEST_P(OnKernelDevices, ATokenIsAtMostEightLaunchesALayer) {
  const auto launches = session()->step_launches(1);
  ASSERT_TRUE(launches) << launches.error().message();
  EXPECT_LE(*launches, 8 * layers + 4);
  EXPECT_GE(*launches, 4 * layers);
}

INSTANTIATE_TEST_SUITE_P(Devices, OnKernelDevices, testing::Values("opencl:0", "vulkan:0"), device_name);
#endif

TEST_P(OnLlama, SequencesOfOneStepDoNotSeeEachOther) {
  SessionOptions options;
  options.sequences = 3;
  const auto session = this->session(options);
  const std::span<const int32_t> ids = golden.input_ids;
  const SequenceId a = *session->create_sequence();
  const SequenceId b = *session->create_sequence();
  const std::vector<float> alone = run(*session, rows_of(ids.first(6), a));
  ASSERT_TRUE(session->truncate(a, 0));
  std::vector<StepRow> mixed;
  for (size_t i = 0; i < 6; ++i) {
    mixed.push_back({ids[i + 7], b, false});
    mixed.push_back({ids[i], a, true});
  }
  EXPECT_LE(relative_error(run(*session, mixed), alone), 1e-3);
}

TEST_P(OnLlama, RefusedStepsLeaveEverySequenceAsItWas) {
  SessionOptions options;
  options.context = 30;  // no whole number of blocks
  options.sequences = 2;
  options.pool_tokens = 32;
  const auto session = this->session(options);
  const SequenceId a = *session->create_sequence();
  const SequenceId b = *session->create_sequence();
  const std::vector<float> first = run(*session, rows_of(std::span(golden.input_ids).first(8), a));
  const auto expect_refused = [&](std::vector<StepRow> rows, ErrorCode code) {
    const auto logits = session->step(rows);
    ASSERT_FALSE(logits);
    EXPECT_EQ(logits.error().code(), code) << logits.error().message();
    EXPECT_EQ(*session->length(a), 8);
    EXPECT_EQ(*session->length(b), 0);
  };
  expect_refused({}, ErrorCode::kInvalidArgument);
  expect_refused({{-1, a, true}}, ErrorCode::kInvalidArgument);
  expect_refused({{int32_t(model->hyperparameters().vocab), a, true}}, ErrorCode::kInvalidArgument);
  expect_refused({{1, 7, true}}, ErrorCode::kInvalidArgument);
  expect_refused(std::vector<StepRow>(23, StepRow{1, a, false}), ErrorCode::kContextOverflow);
  expect_refused({{1, a, true}, {1, b, true}}, ErrorCode::kOutOfMemory);
  run(*session, rows_of(std::span(golden.input_ids).subspan(8, 4), a));
  ASSERT_TRUE(session->truncate(a, 0));
  EXPECT_EQ(run(*session, rows_of(std::span(golden.input_ids).first(8), a)), first);
}

TEST_P(OnLlama, ForksThatGoDifferentWaysKeepTheirOwnTokens) {
  SessionOptions options;
  options.sequences = 3;
  const auto session = this->session(options);
  const std::span<const int32_t> ids = golden.input_ids;
  const SequenceId stem = *session->create_sequence();
  run(*session, rows_of(ids.first(5), stem));
  const SequenceId branch = *session->fork(stem, 5);
  const std::vector<int32_t> other = {7, 9, 11};
  const std::vector<float> expected = run(*session, rows_of(ids.subspan(5, 3), stem));
  run(*session, rows_of(other, branch));
  ASSERT_TRUE(session->truncate(stem, 5));
  EXPECT_EQ(run(*session, rows_of(ids.subspan(5, 3), stem)), expected);
}

INSTANTIATE_TEST_SUITE_P(Devices, OnLlama, testing::ValuesIn(kDevices), device_name);

// The compiler's rewrites change the rounding of a few sums and nothing else.
TEST(Fusion, FusedEqualsUnfused) {
  for (const char* name : {"llama", "qwen2", "qwen3", "gemma3"}) {
    const GoldenModel golden = testing_support::load_golden_model(name);
    const auto model = open_model(golden);
    const int layers = int(model->hyperparameters().layers);
    std::vector<std::vector<float>> logits;
    for (const bool fuse : {true, false}) {
      SessionOptions options;
      options.compile.fuse = fuse;
      const auto session = open_session(model, compiler::Placement::on(open_device(kDevices[0]), layers), options);
      logits.push_back(run(*session, rows_of(golden.input_ids, *session->create_sequence())));
    }
    EXPECT_LE(relative_error(logits[0], logits[1]), 1e-5) << name;
  }
}

}  // namespace
}  // namespace trireme::runtime
