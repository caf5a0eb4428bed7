// Each rule of the validation layer where it fires and where it must not.
#include "hal/validation.h"

#include <gmock/gmock.h>

#include <thread>

#include "backends/reference/backend.h"
#include "tests/hal/forwarding_device.h"

namespace trireme {
namespace {

using ::testing::HasSubstr;
constexpr std::chrono::seconds kPatience{20};

class ValidationLayer : public ::testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() { device_ = validate(*reference::create_backend()->open(0, {}), validation_); }

  // A test that expects no finding ends with this; the device and all its objects are gone by then.
  void expect_clean() {
    for (const Error& finding : validation_.findings()) ADD_FAILURE() << finding.message();
  }
  // The call returned a finding with this text, which is the last one that was collected.
  template <typename T>
  void expect_found(const Result<T>& result, const std::string& text) {
    ASSERT_FALSE(result) << "expected: " << text;
    EXPECT_THAT(result.error().message(), HasSubstr(text));
    expect_collected(text);
  }
  void expect_collected(const std::string& text) {
    ASSERT_FALSE(validation_.findings().empty()) << "expected: " << text;
    EXPECT_THAT(validation_.findings().back().message(), HasSubstr(text));
  }

  std::shared_ptr<Buffer> buffer(uint64_t bytes) { return *device_->allocate(bytes); }
  std::unique_ptr<CommandList> list() { return *device_->create_command_list(); }
  std::shared_ptr<Timeline> timeline() { return *device_->create_timeline(); }
  std::shared_ptr<const PreparedOp> scale(RowDomain rows = RowDomain::kFixed) {
    const TensorDesc desc{{1, 4}, &formats::f32(), rows};
    return *device_->prepare({Scale{2.0f}, {{desc, false}}, {desc}, "twice"}, {});
  }
  static Status dispatch(CommandList& list, std::shared_ptr<const PreparedOp> op, std::vector<BufferRange> ranges,
                         BufferRange tokens = {}) {
    return list.dispatch(std::move(op), {ranges, tokens, {}});
  }
  Status submit(CommandList& list, std::vector<TimelinePoint> waits, std::vector<TimelinePoint> signals) {
    return device_->submit(list, waits, signals);
  }
  // A finished list that copies the first 16 bytes of the buffer to the next 16.
  std::unique_ptr<CommandList> copy_list(Buffer& buffer) {
    auto copy = list();
    EXPECT_TRUE(copy->copy({&buffer, 0, 16}, {&buffer, 16, 16}));
    EXPECT_TRUE(copy->finish());
    return copy;
  }

  Validation validation_;
  std::shared_ptr<Device> device_;
};

TEST_F(ValidationLayer, SaysNothingOfCorrectUse) {
  {
    auto memory = buffer(64);
    auto op = scale();
    auto steps = list();
    const BufferRange a{memory.get(), 0, 16}, b{memory.get(), 16, 16}, c{memory.get(), 32, 16};
    ASSERT_TRUE(dispatch(*steps, op, {a, b}));
    ASSERT_TRUE(dispatch(*steps, op, {a, c})) << "two readers need no order";
    ASSERT_TRUE(steps->barrier());
    ASSERT_TRUE(dispatch(*steps, op, {b, a}));
    ASSERT_TRUE(steps->finish());
    auto done = timeline();
    for (uint64_t round = 1; round <= 3; ++round) {
      const std::vector<float> x(4, float(round));
      ASSERT_TRUE(memory->write(0, std::as_bytes(std::span(x))));
      ASSERT_TRUE(submit(*steps, {}, {{done.get(), round}}));
      ASSERT_TRUE(done->wait(round, kPatience));
      std::vector<float> y(4);
      ASSERT_TRUE(memory->read(0, std::as_writable_bytes(std::span(y))));
      EXPECT_EQ(y[0], 4.0f * float(round));
    }
  }
  device_.reset();
  expect_clean();
}

TEST_F(ValidationLayer, ReportsEachFindingOnceThroughTheCallback) {
  std::vector<std::string> reported;
  const Validation validation([&](const Error& error) { reported.push_back(error.message()); });
  auto device = validate(*reference::create_backend()->open(0, {}), validation);
  auto memory = *device->allocate(4);
  EXPECT_FALSE(memory->map().value().empty());
  std::vector<std::byte> data(8);
  EXPECT_FALSE(memory->write(0, data));
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_EQ(reported[0], validation.findings()[0].message());
}

TEST_F(ValidationLayer, FindsRangesOutsideTheirBuffer) {
  auto memory = buffer(32);
  std::vector<std::byte> data(16);
  expect_found(memory->write(17, data), "leave a buffer of 32");
  expect_found(memory->read(UINT64_MAX, data), "leave a buffer of 32");
  auto steps = list();
  expect_found(steps->copy({memory.get(), 0, 16}, {memory.get(), 24, 16}), "leave a buffer of 32");
  EXPECT_TRUE(steps->copy({memory.get(), 0, 16}, {memory.get(), 16, 16}));
}

TEST_F(ValidationLayer, FindsOperandsThatAreNotTheOps) {
  auto memory = buffer(64);
  const BufferRange x{memory.get(), 0, 16}, y{memory.get(), 16, 16}, count{memory.get(), 32, 4};
  auto steps = list();
  expect_found(dispatch(*steps, scale(), {x}), "it takes 2 ranges, not 1");
  expect_found(dispatch(*steps, scale(), {x, y.part(0, 12)}), "output 0 is a range of 12 bytes, it takes 16");
  expect_found(dispatch(*steps, scale(), {x, {}}), "output 0 is a range of 0 bytes");
  expect_found(dispatch(*steps, scale(RowDomain::kTokens), {x, y}), "run-time count: it has no buffer");
  expect_found(dispatch(*steps, scale(RowDomain::kTokens), {x, y}, {memory.get(), 32, 8}), "not of one I32");
  EXPECT_TRUE(dispatch(*steps, scale(RowDomain::kTokens), {x, y}, count));
}

TEST_F(ValidationLayer, FindsObjectsOfAnotherDevice) {
  auto other = validate(*reference::create_backend()->open(0, {}), validation_);
  auto mine = buffer(32);
  auto foreign = *other->allocate(32);
  auto steps = list();
  expect_found(steps->copy({mine.get(), 0, 16}, {foreign.get(), 16, 16}), "belongs to");
  auto foreign_list = *other->create_command_list();
  expect_found(submit(*foreign_list, {}, {}), "was not made by this device");
  const TensorDesc desc{{1, 4}, &formats::f32(), RowDomain::kFixed};
  auto foreign_op = *other->prepare({Scale{}, {{desc, false}}, {desc}, ""}, {});
  expect_found(dispatch(*steps, foreign_op, {{mine.get(), 0, 16}, {mine.get(), 16, 16}}),
               "not prepared by this device");
}

TEST_F(ValidationLayer, FindsConstantsThatAreNotTheOps) {
  const std::vector<float> values(8);
  const TensorDesc x{{1, 4}, &formats::f32(), RowDomain::kFixed}, w{{4}, &formats::f32(), RowDomain::kFixed};
  const OpDesc norm{RmsNorm{}, {{x, false}, {w, true}}, {x}, ""};
  const auto bytes = std::as_bytes(std::span(values));
  auto fits = *device_->prepare_weight({w, bytes.first(16), {}, "w"}, WeightUse::kVector);
  auto larger =
      *device_->prepare_weight({{{8}, &formats::f32(), RowDomain::kFixed}, bytes, {}, "w"}, WeightUse::kVector);
  expect_found(device_->prepare(norm, {}), "constant 0 is no F32[4]");
  expect_found(device_->prepare(norm, {&larger, 1}), "constant 0 is no F32[4]");
  const std::shared_ptr<const Weight> both[] = {fits, fits};
  expect_found(device_->prepare(norm, both), "2 constants are given, it has 1");
  EXPECT_TRUE(device_->prepare(norm, {&fits, 1}));
}

TEST_F(ValidationLayer, FindsUseOfFreedBuffers) {
  auto memory = buffer(32), kept = buffer(32);
  const BufferRange freed{memory.get(), 0, 16};
  auto before = copy_list(*memory), kept_list = copy_list(*kept);
  memory.reset();
  auto steps = list();
  expect_found(steps->copy(freed, {kept.get(), 0, 16}), "was freed");
  expect_found(submit(*before, {}, {}), "a buffer that the list uses was freed");
  EXPECT_TRUE(submit(*kept_list, {}, {}));
}

TEST_F(ValidationLayer, FindsUseOfFreedListsAndTimelines) {
  auto memory = buffer(32);
  auto steps = copy_list(*memory), kept = copy_list(*memory);
  CommandList& freed_list = *steps;
  steps.reset();
  expect_found(submit(freed_list, {}, {}), "the list was freed");
  auto done = timeline();
  const TimelinePoint point{done.get(), 1};
  done.reset();
  expect_found(submit(*kept, {point}, {}), "a timeline was freed");
  expect_found(submit(*kept, {}, {point}), "a timeline was freed");
  expect_found(submit(*kept, {{}}, {}), "a timeline was freed");
}

TEST_F(ValidationLayer, FindsUnorderedAccessBetweenBarriers) {
  auto memory = buffer(96);
  const auto range = [&](uint64_t offset) { return BufferRange{memory.get(), offset, 16}; };
  const auto op = scale();
  struct Pair {
    uint64_t from1, to1, from2, to2;
    bool conflict;
  };
  // Read after write, write after read, write after write, each also by a single shared byte.
  for (const Pair pair :
       {Pair{0, 16, 16, 32, true}, Pair{0, 16, 32, 0, true}, Pair{0, 16, 32, 16, true}, Pair{0, 16, 31, 48, true},
        Pair{0, 16, 48, 31, true}, Pair{0, 16, 0, 32, false}, Pair{0, 16, 32, 48, false}, Pair{0, 16, 64, 48, false}}) {
    for (const bool ordered : {false, true}) {
      auto steps = list();
      ASSERT_TRUE(steps->copy(range(pair.from1), range(pair.to1)));
      if (ordered) {
        ASSERT_TRUE(steps->barrier());
      }
      const Status second = steps->copy(range(pair.from2), range(pair.to2));
      if (pair.conflict && !ordered)
        expect_found(second, "without an order between them");
      else
        EXPECT_TRUE(second) << pair.from2 << " " << pair.to2;
    }
  }
  auto steps = list();
  expect_found(dispatch(*steps, op, {range(0), range(8)}), "two operands at once");
  EXPECT_TRUE(dispatch(*steps, op, {range(0), range(16)}));
}

// The caches of a store are operands of its inputs, and are written through its outputs.
TEST_F(ValidationLayer, KnowsWritesThroughAliasedOutputs) {
  const TensorDesc rows{{1, 1, 4}, &formats::f32(), RowDomain::kFixed}, slots{{1}, &formats::i32(), RowDomain::kFixed};
  const TensorDesc cache{{1, 1, 1, 4}, &formats::f32(), RowDomain::kFixed};
  auto store = *device_->prepare({KvStore{}, {{rows}, {rows}, {slots}, {cache}, {cache}}, {cache, cache}, ""}, {});
  const TensorDesc flat{{1, 4}, &formats::f32(), RowDomain::kFixed};
  auto reshape = *device_->prepare({Reshape{}, {{rows}}, {flat}, ""}, {});
  auto memory = buffer(96);
  const auto range = [&](uint64_t offset, uint64_t bytes = 16) { return BufferRange{memory.get(), offset, bytes}; };
  auto steps = list();
  ASSERT_TRUE(dispatch(*steps, store, {range(0), range(0), range(16, 4), range(32), range(48)}));
  EXPECT_TRUE(steps->copy(range(0), range(64))) << "k is only read";
  EXPECT_TRUE(dispatch(*steps, reshape, {range(0)})) << "nothing is written";
  expect_found(steps->copy(range(48), range(80)), "without an order between them");
}

TEST_F(ValidationLayer, FindsUnfinishedAndChangedLists) {
  auto memory = buffer(32);
  auto steps = list();
  expect_found(submit(*steps, {}, {}), "the list is not finished");
  ASSERT_TRUE(steps->finish());
  expect_found(steps->copy({memory.get(), 0, 16}, {memory.get(), 16, 16}), "recorded after finish()");
  expect_found(steps->barrier(), "recorded after finish()");
  expect_found(steps->finish(), "recorded after finish()");
  EXPECT_TRUE(submit(*steps, {}, {}));
}

TEST_F(ValidationLayer, FindsAListThatIsStillPending) {
  auto memory = buffer(32);
  auto steps = copy_list(*memory);
  auto done = timeline();
  ASSERT_TRUE(submit(*steps, {}, {{done.get(), 1}}));
  expect_found(submit(*steps, {}, {{done.get(), 2}}), "still pending");
  ASSERT_TRUE(done->wait(1, kPatience));
  EXPECT_TRUE(submit(*steps, {}, {{done.get(), 2}}));
  EXPECT_TRUE(done->wait(2, kPatience));
}

// Who signals the value that a submission waits for may have filled its memory until then.
TEST_F(ValidationLayer, LetsTheHostWriteWhatAWaitingSubmissionWillUse) {
  auto memory = buffer(32);
  auto steps = copy_list(*memory);
  auto filled = timeline();
  auto done = timeline();
  const std::vector<std::byte> data(16);
  ASSERT_TRUE(submit(*steps, {{filled.get(), 1}}, {{done.get(), 1}}));
  EXPECT_TRUE(memory->write(0, data));
  ASSERT_TRUE(filled->signal(1));
  expect_found(memory->write(0, data), "a pending submission uses bytes 0 to 16");
  EXPECT_TRUE(done->wait(1, kPatience));
}

TEST_F(ValidationLayer, FindsForgottenWaits) {
  auto memory = buffer(64);
  auto steps = copy_list(*memory);
  auto done = timeline();
  std::vector<std::byte> data(16);
  ASSERT_TRUE(submit(*steps, {}, {{done.get(), 1}}));
  expect_found(memory->read(16, data), "a pending submission writes bytes 16 to 32");
  expect_found(memory->write(0, data), "a pending submission uses bytes 0 to 16");
  expect_found(memory->map(), "a pending submission writes");
  EXPECT_TRUE(memory->read(0, data)) << "both only read";
  EXPECT_TRUE(memory->write(32, data)) << "nobody uses it";
  while (done->value() < 1) std::this_thread::yield();
  EXPECT_TRUE(memory->read(16, data)) << "the value was seen";
  EXPECT_TRUE(memory->write(0, data));
  EXPECT_TRUE(memory->map());
}

// Waiting for the last of a chain is waiting for all of it, also across devices.
TEST_F(ValidationLayer, ASeenSignalCoversWhatCameBefore) {
  auto other = validate(*reference::create_backend()->open(0, {}), validation_);
  auto memory = buffer(32), foreign = *other->allocate(32);
  auto first = copy_list(*memory), second = copy_list(*memory);
  auto third = *other->create_command_list();
  ASSERT_TRUE(third->copy({foreign.get(), 0, 16}, {foreign.get(), 16, 16}));
  ASSERT_TRUE(third->finish());
  auto here = timeline();
  auto there = *other->create_timeline();
  ASSERT_TRUE(submit(*first, {}, {}));
  ASSERT_TRUE(submit(*second, {}, {{here.get(), 1}}));
  const TimelinePoint wait{here.get(), 1}, signal{there.get(), 1};
  ASSERT_TRUE(other->submit(*third, {&wait, 1}, {&signal, 1}));
  std::vector<std::byte> data(16);
  expect_found(memory->read(16, data), "a pending submission");
  expect_found(foreign->read(16, data), "a pending submission");
  ASSERT_TRUE(there->wait(1, kPatience));
  EXPECT_TRUE(memory->read(16, data));
  EXPECT_TRUE(foreign->read(16, data));
}

TEST_F(ValidationLayer, AWaitThatFailsOrTimesOutIsToldApart) {
  auto memory = buffer(32);
  auto steps = copy_list(*memory);
  auto gate = timeline(), done = timeline();
  ASSERT_TRUE(submit(*steps, {{gate.get(), 1}}, {{done.get(), 1}}));
  std::vector<std::byte> data(16);
  EXPECT_EQ(done->wait(1, std::chrono::milliseconds(1)).error().code(), ErrorCode::kTimeout);
  expect_found(memory->read(16, data), "a pending submission");
  gate->fail_with(Error(ErrorCode::kDeviceLost, "gate", "it broke"));
  EXPECT_EQ(done->wait(1, kPatience).error().code(), ErrorCode::kDeviceLost);
  EXPECT_TRUE(memory->read(16, data)) << "the submission has ended";
}

TEST_F(ValidationLayer, FindsObjectsThatAreFreedInFlight) {
  auto memory = buffer(32);
  auto steps = copy_list(*memory);
  auto gate = timeline(), done = timeline();
  ASSERT_TRUE(submit(*steps, {{gate.get(), 1}}, {{done.get(), 1}}));
  memory.reset();
  expect_collected("freed while a submission uses it");
  steps.reset();
  expect_collected("freed while it is pending");
  ASSERT_TRUE(gate->signal(1));
  ASSERT_TRUE(done->wait(1, kPatience)) << "the work ends on memory that is kept for it";
  EXPECT_EQ(validation_.findings().size(), 2u);
  auto empty = list();
  ASSERT_TRUE(empty->finish());
  ASSERT_TRUE(submit(*empty, {{gate.get(), 1}}, {{done.get(), 2}}));
  done.reset();
  expect_collected("timeline of reference:0: it was freed");
}

TEST_F(ValidationLayer, ObjectsMayBeFreedAfterTheWait) {
  {
    auto memory = buffer(32);
    auto steps = copy_list(*memory);
    auto done = timeline();
    ASSERT_TRUE(submit(*steps, {}, {{done.get(), 1}}));
    ASSERT_TRUE(done->wait(1, kPatience));
    memory.reset();
    done.reset();
  }
  device_.reset();
  expect_clean();
}

TEST_F(ValidationLayer, FindsBackwardSignals) {
  auto steps = list();
  ASSERT_TRUE(steps->finish());
  auto done = timeline();
  ASSERT_TRUE(done->signal(3));
  expect_found(done->signal(3), "signalled 3 although it is at or will reach 3");
  expect_found(submit(*steps, {}, {{done.get(), 2}}), "it signals 2 on a timeline that is at or will reach 3");
  expect_found(submit(*steps, {}, {{done.get(), 5}, {done.get(), 4}}), "it signals 4");
  expect_found(submit(*steps, {{done.get(), 4}}, {{done.get(), 4}}), "only comes after its own signal");
  EXPECT_TRUE(submit(*steps, {{done.get(), 3}}, {{done.get(), 4}}));
  expect_found(done->signal(9), "while a submission is to signal it");
  ASSERT_TRUE(done->wait(4, kPatience));
  EXPECT_TRUE(done->signal(9));
}

TEST_F(ValidationLayer, FindsLeaksAtClose) {
  auto memory = buffer(32);
  auto gate = timeline();
  device_.reset();
  expect_collected("closed while objects of it are alive (buffers: 1, timelines: 1)");
  std::vector<std::byte> data(16);
  expect_found(memory->read(0, data), "used after its device was closed");
  expect_found(gate->signal(1), "used after its device was closed");
}

// A device whose two answers about an op do not agree.
class Fickle final : public ForwardingDevice {
 public:
  Fickle(std::shared_ptr<Device> inner, bool promise) : ForwardingDevice(std::move(inner)), promise_(promise) {}
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override {
    return std::vector<Assessment>(ops.size(), promise_ ? Assessment(OpCost{}) : Assessment(Unsupported{"no"}));
  }

 private:
  bool promise_;
};

TEST_F(ValidationLayer, FindsAssessAndPrepareThatDisagree) {
  const TensorDesc good{{1, 4}, &formats::f32(), RowDomain::kFixed}, bad{{1, 5}, &formats::f32(), RowDomain::kFixed};
  const auto fickle = [&](bool promise) {
    return validate(std::make_shared<Fickle>(*reference::create_backend()->open(0, {}), promise), validation_);
  };
  const OpDesc possible{Scale{}, {{good, false}}, {good}, ""}, impossible{Scale{}, {{good, false}}, {bad}, ""};
  expect_found(fickle(true)->prepare(impossible, {}), "do not agree");
  expect_found(fickle(false)->prepare(possible, {}), "do not agree");
  const size_t before = validation_.findings().size();
  EXPECT_TRUE(device_->prepare(possible, {}));
  EXPECT_EQ(device_->prepare(impossible, {}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(validation_.findings().size(), before) << "an op that is refused as promised is no finding";
}

}  // namespace
}  // namespace trireme
