// The cpu device through the HAL: what it refuses, what it promises about lists, memory and threads.
#include <gtest/gtest.h>

#include "backends/cpu/backend.h"
#include "backends/cpu/kernel.h"
#include "tests/backends/cpu/random_case.h"
#include "tests/support/counting_allocator.h"

namespace trireme::cpu {
namespace {

using conformance::bytes_of;
using conformance::Case;
using namespace std::chrono_literals;

TensorDesc f32(Shape shape, RowDomain rows = RowDomain::kFixed) { return {shape, &formats::f32(), rows}; }

class CpuDeviceTest : public testing::Test {
 protected:
  CpuDeviceTest() { device_ = *create_backend()->open(0, {.threads = 2}); }

  std::shared_ptr<Buffer> floats(const std::vector<float>& values) {
    auto buffer = *device_->allocate(values.size() * 4);
    EXPECT_TRUE(buffer->write(0, bytes_of(values)));
    return buffer;
  }
  static BufferRange all(const std::shared_ptr<Buffer>& buffer) { return {buffer.get(), 0, buffer->size()}; }
  static std::vector<float> read(const std::shared_ptr<Buffer>& buffer) {
    std::vector<std::byte> bytes(buffer->size());
    EXPECT_TRUE(buffer->read(0, bytes));
    return conformance::values_of<float>(bytes);
  }
  std::shared_ptr<const PreparedOp> scale(float factor, Shape shape, RowDomain rows = RowDomain::kFixed) {
    return *device_->prepare({Scale{factor}, {{f32(shape, rows)}}, {f32(shape, rows)}, ""}, {});
  }
  Status run(CommandList& list) {
    auto timeline = *device_->create_timeline();
    const TimelinePoint done{timeline.get(), 1};
    TRIREME_TRY(device_->submit(list, {}, {&done, 1}));
    return timeline->wait(1, 10s);
  }
  static ErrorCode code(const Status& status) { return status ? ErrorCode::kInternal : status.error().code(); }

  std::shared_ptr<Device> device_;
};

TEST_F(CpuDeviceTest, TellsWhatItIs) {
  const DeviceInfo& info = device_->info();
  EXPECT_EQ(info.id, "cpu:0");
  EXPECT_EQ(info.threads, 2);
  EXPECT_FALSE(info.name.empty());
  EXPECT_FALSE(info.features.empty());
  EXPECT_EQ(info.numeric.kv_format, &formats::f16());
  const MemoryHeap heap = device_->memory().front();
  EXPECT_GT(heap.free_bytes, uint64_t{1} << 20);
  EXPECT_LE(heap.free_bytes, heap.total_bytes);
  const MeasuredSpeed speed = device_->measure_speed();
  EXPECT_GT(speed.read_bytes_per_s, 1e8);
  EXPECT_GT(speed.multiply_adds_per_s, 1e8);
  EXPECT_GT(speed.launch_s, 0);
}

TEST_F(CpuDeviceTest, OpensOnlyWhatExists) {
  EXPECT_EQ(create_backend()->open(1, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(create_backend()->open(0, {.threads = -1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(create_backend()->open(0, {.threads = 100000}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ((*create_backend()->open(0, {.threads = 3}))->info().threads, 3);
}

TEST_F(CpuDeviceTest, BuffersAreAlignedAndChecked) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{5} << 20}) {
    auto buffer = *device_->allocate(bytes);
    const auto memory = *buffer->map();
    EXPECT_EQ(memory.size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % (bytes > 1 ? 2 << 20 : 64), 0u);
    std::byte one[1];
    EXPECT_FALSE(buffer->write(bytes, one));
    EXPECT_FALSE(buffer->read(UINT64_MAX, one));
  }
  for (const uint64_t bytes : {UINT64_MAX, uint64_t{1} << 60})
    EXPECT_EQ(device_->allocate(bytes).error().code(), ErrorCode::kOutOfMemory);
}

TEST_F(CpuDeviceTest, ImportedMemoryIsUsedInPlace) {
  std::vector<float> host = {1, 2, 3, 4};
  auto buffer = *device_->import_host(std::as_writable_bytes(std::span(host)));
  auto y = floats({0, 0, 0, 0});
  auto list = *device_->create_command_list();
  const BufferRange ranges[] = {all(buffer), all(y)};
  ASSERT_TRUE(list->dispatch(scale(3, {1, 4}), {ranges, {}, {}}));
  ASSERT_TRUE(list->finish());
  host[2] = 10;
  ASSERT_TRUE(run(*list));
  EXPECT_EQ(read(y), (std::vector<float>{3, 6, 30, 12}));
}

TEST_F(CpuDeviceTest, BarriersOrderStepsAndCopies) {
  auto a = floats(std::vector<float>(100000, 1.0f)), b = floats(std::vector<float>(100000, 0.0f));
  auto list = *device_->create_command_list();
  const auto op = scale(2, {100, 1000});
  for (int i = 0; i < 5; ++i) {
    const BufferRange ranges[] = {all(a), all(b)};
    ASSERT_TRUE(list->dispatch(op, {ranges, {}, {}}));
    ASSERT_TRUE(list->barrier());
    ASSERT_TRUE(list->barrier());
    ASSERT_TRUE(list->copy(all(b), all(a)));
    ASSERT_TRUE(list->barrier());
  }
  ASSERT_TRUE(list->finish());
  ASSERT_TRUE(run(*list));
  EXPECT_EQ(read(a), std::vector<float>(100000, 32.0f));
  ASSERT_TRUE(run(*list));
  EXPECT_EQ(read(b), std::vector<float>(100000, 1024.0f));
}

TEST_F(CpuDeviceTest, StepsOfOneGroupAllRun) {
  auto x = floats(std::vector<float>(50000, 1.0f));
  std::vector<std::shared_ptr<Buffer>> y;
  auto list = *device_->create_command_list();
  for (int i = 0; i < 7; ++i) {
    y.push_back(floats(std::vector<float>(50000, 0.0f)));
    const BufferRange ranges[] = {all(x), all(y.back())};
    ASSERT_TRUE(list->dispatch(scale(float(i), {50, 1000}), {ranges, {}, {}}));
  }
  ASSERT_TRUE(list->finish());
  ASSERT_TRUE(run(*list));
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(read(y[i]), std::vector<float>(50000, float(i)));
}

TEST_F(CpuDeviceTest, RowCountsAreReadWhenTheListRuns) {
  auto x = floats({1, 2, 3, 4}), y = floats({0, 0, 0, 0});
  auto count = *device_->allocate(4);
  auto list = *device_->create_command_list();
  const BufferRange ranges[] = {all(x), all(y)};
  ASSERT_TRUE(list->dispatch(scale(10, {4, 1}, RowDomain::kTokens), {ranges, all(count), {}}));
  ASSERT_TRUE(list->finish());
  ASSERT_TRUE(count->write(0, bytes_of<int32_t>({1})));
  ASSERT_TRUE(run(*list));
  EXPECT_EQ(read(y), (std::vector<float>{10, 0, 0, 0}));
  ASSERT_TRUE(count->write(0, bytes_of<int32_t>({3})));
  ASSERT_TRUE(run(*list));
  EXPECT_EQ(read(y), (std::vector<float>{10, 20, 30, 0}));
  for (const int32_t bad : {5, -1}) {
    ASSERT_TRUE(count->write(0, bytes_of<int32_t>({bad})));
    EXPECT_EQ(code(run(*list)), ErrorCode::kInvalidArgument);
  }
}

TEST_F(CpuDeviceTest, RecordingRefusesWhatCannotRun) {
  auto other = *create_backend()->open(0, {.threads = 1});
  auto x = floats({1, 2, 3, 4}), y = floats({0, 0, 0, 0}), small = floats({0});
  auto foreign = *other->allocate(16);
  const auto op = scale(1, {1, 4});
  const auto foreign_op = *other->prepare({Scale{1}, {{f32({1, 4})}}, {f32({1, 4})}, ""}, {});
  auto list = *device_->create_command_list();
  const auto dispatch = [&](const auto& which, std::vector<BufferRange> ranges) {
    return code(list->dispatch(which, {ranges, {}, {}}));
  };
  EXPECT_EQ(dispatch(op, {all(x)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(op, {all(x), all(y), all(y)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(op, {all(x), all(small)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(op, {all(x), BufferRange{}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(op, {all(x), {y.get(), 8, 16}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(op, {all(x), all(foreign)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(foreign_op, {all(x), all(y)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(dispatch(std::shared_ptr<const PreparedOp>(), {all(x), all(y)}), ErrorCode::kInvalidArgument);
  auto large = *device_->allocate(64);
  EXPECT_EQ(dispatch(op, {all(x), {large.get(), 2, 16}}), ErrorCode::kInvalidArgument) << "misaligned";
  EXPECT_EQ(code(list->copy(all(x), all(small))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(list->copy(all(x), {large.get(), 60, 16})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(list->copy({large.get(), 0, 16}, {large.get(), 8, 16})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(run(*list)), ErrorCode::kInvalidArgument) << "not finished";
  ASSERT_TRUE(list->finish());
  EXPECT_EQ(dispatch(op, {all(x), all(y)}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(list->finish()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(other->submit(*list, {}, {})), ErrorCode::kInvalidArgument);
}

TEST_F(CpuDeviceTest, AFailedListFailsItsTimeline) {
  CaseMaker make(3);
  const Case test = make.attention({}, {2, 1, 16, 8, 1, 4, &formats::f16()}, {{0, 40}});
  const auto outputs = conformance::execute(*device_, test);
  ASSERT_FALSE(outputs);
  EXPECT_NE(outputs.error().message().find("position 40"), std::string::npos) << outputs.error().message();
}

TEST_F(CpuDeviceTest, WaitsForTimelinesOfOthers) {
  auto x = floats({1}), y = floats({0});
  auto list = *device_->create_command_list();
  const BufferRange ranges[] = {all(x), all(y)};
  ASSERT_TRUE(list->dispatch(scale(5, {1, 1}), {ranges, {}, {}}));
  ASSERT_TRUE(list->finish());
  auto gate = *device_->create_timeline(), done = *device_->create_timeline();
  const TimelinePoint wait{gate.get(), 3}, signal{done.get(), 7};
  ASSERT_TRUE(device_->submit(*list, {&wait, 1}, {&signal, 1}));
  EXPECT_EQ(code(done->wait(7, 10ms)), ErrorCode::kTimeout);
  EXPECT_EQ(read(y)[0], 0);
  ASSERT_TRUE(gate->signal(3));
  ASSERT_TRUE(done->wait(7, 10s));
  EXPECT_EQ(read(y)[0], 5);
}

TEST_F(CpuDeviceTest, AssessSaysWhatPrepareDoes) {
  CaseMaker make(5);
  std::vector<Case> cases = {make.matmul({}, 3, 40, 64, formats::f16()),
                             make.matmul_glu({}, 30, 64, 64, formats::f32()),
                             make.attention({}, {2, 1, 16, 8, 1, 40, &formats::f16()}, {{0, 3}}),
                             make.attention({}, {2, 1, 2048, 8, 1, 40, &formats::f16()}, {{0, 3}}),
                             make.rope_store({}, 3, 2, 2, 2048, 4, formats::f32()),
                             make.kv_store(2, 1, 2048, formats::f16()),
                             make.matmul({ActScheme::kQ8, false, false}, 3, 40, 64, formats::f16())};
  for (const Case& test : cases) {
    const Assessment answer = device_->assess({&test.op, 1}).front();
    std::vector<std::shared_ptr<const Weight>> constants;
    for (size_t i = 0; i < test.op.inputs.size(); ++i)
      if (test.op.inputs[i].constant)
        constants.push_back(*device_->prepare_weight(
            {test.op.inputs[i].desc, test.inputs[i], {}, "w"},
            test.op.inputs[i].desc.shape.rank() == 2 ? WeightUse::kMatmul : WeightUse::kVector));
    const auto prepared = device_->prepare(test.op, constants);
    const auto* cost = std::get_if<OpCost>(&answer);
    ASSERT_EQ(cost != nullptr, prepared.has_value()) << test.op.text();
    if (!cost) {
      EXPECT_EQ(prepared.error().code(), ErrorCode::kUnsupported);
      EXPECT_EQ(prepared.error().why(), std::get<Unsupported>(answer).reason);
      continue;
    }
    EXPECT_EQ(cost->workspace_bytes, (*prepared)->workspace_bytes()) << test.op.text();
    uint64_t weight_bytes = 0, mapped_bytes = 0;
    for (const auto& weight : constants) {
      weight_bytes += weight->device_bytes();
      if (weight->keeps_source()) mapped_bytes += uint64_t(weight->desc().bytes());
    }
    EXPECT_EQ(cost->weight_bytes, weight_bytes) << test.op.text();
    EXPECT_EQ(cost->mapped_weight_bytes, mapped_bytes) << test.op.text();
  }
}

TEST_F(CpuDeviceTest, ConstantsMustBeThoseOfTheOp) {
  CaseMaker make(5);
  const Case test = make.matmul({ActScheme::kFloat, true, false}, 3, 40, 64, formats::f32());
  const auto w = *device_->prepare_weight({test.op.inputs[1].desc, test.inputs[1], {}, "w"}, WeightUse::kMatmul);
  const auto vector = *device_->prepare_weight({test.op.inputs[1].desc, test.inputs[1], {}, "w"}, WeightUse::kVector);
  const auto bias = *device_->prepare_weight({test.op.inputs[2].desc, test.inputs[2], {}, "b"}, WeightUse::kVector);
  using List = std::vector<std::shared_ptr<const Weight>>;
  for (const List& bad : {List{}, List{w}, List{bias, w}, List{w, bias, bias}, List{vector, bias}, List{w, nullptr}})
    EXPECT_FALSE(device_->prepare(test.op, bad));
  EXPECT_TRUE(device_->prepare(test.op, List{w, bias}));
  EXPECT_FALSE(device_->prepare_weight({test.op.inputs[1].desc, std::span(test.inputs[1]).first(7), {}, "w"},
                                       WeightUse::kMatmul));
}

TEST_F(CpuDeviceTest, MatricesAreReadWhereTheyLie) {
  CaseMaker make(5);
  const Case test = make.matmul({}, 3, 40, 64, formats::f16());
  const auto w = *device_->prepare_weight({test.op.inputs[1].desc, test.inputs[1], {}, "w"}, WeightUse::kMatmul);
  EXPECT_TRUE(w->keeps_source());
  EXPECT_EQ(w->device_bytes(), 0u);
}

// A step of every kind of kernel, run twice: the second time must not touch the heap.
TEST_F(CpuDeviceTest, RunningAListAllocatesNothing) {
  CaseMaker make(9);
  const std::vector<Case> cases = {make.matmul({ActScheme::kFloat, true, true}, 1, 100, 576, formats::f16()),
                                   make.attention({}, {6, 2, 64, 16, 1, 40, &formats::f16()}, {{0, 600}}),
                                   make.rope_store({}, 1, 6, 2, 64, 32, formats::f16()),
                                   make.plain(FusedNorm{{}, true, false}, {Shape{1, 576}, Shape{1, 576}, Shape{576}},
                                              {f32({1, 576}), f32({1, 576})}, 2)};
  std::vector<std::shared_ptr<Buffer>> buffers;
  auto list = *device_->create_command_list();
  for (const Case& test : cases) {
    std::vector<std::shared_ptr<const Weight>> constants;
    std::vector<BufferRange> ranges;
    const auto bind = [&](const conformance::Bytes& bytes) {
      buffers.push_back(*device_->allocate(bytes.size()));
      ASSERT_TRUE(buffers.back()->write(0, bytes));
      ranges.push_back(all(buffers.back()));
    };
    for (size_t i = 0; i < test.op.inputs.size(); ++i) {
      const TensorDesc& desc = test.op.inputs[i].desc;
      if (!test.op.inputs[i].constant)
        bind(test.inputs[i]);
      else
        constants.push_back(*device_->prepare_weight({desc, test.inputs[i], {}, "w"},
                                                     desc.shape.rank() == 2 ? WeightUse::kMatmul : WeightUse::kVector));
    }
    for (size_t i = 0; i < test.op.outputs.size(); ++i)
      if (aliased_input(test.op.params, int(i)) < 0) bind(conformance::Bytes(size_t(test.op.outputs[i].bytes())));
    const auto op = *device_->prepare(test.op, constants);
    if (op->workspace_bytes() > 0) bind(conformance::Bytes(op->workspace_bytes()));
    ASSERT_TRUE(list->dispatch(op, {ranges, {}, {}}));
    ASSERT_TRUE(list->barrier());
  }
  ASSERT_TRUE(list->finish());
  auto timeline = *device_->create_timeline();
  for (uint64_t value = 1; value <= 3; ++value) {
    const TimelinePoint done{timeline.get(), value};
    const int64_t before = testing_support::allocation_count();
    ASSERT_TRUE(device_->submit(*list, {}, {&done, 1}));
    ASSERT_TRUE(timeline->wait(value, 10s));
    const int64_t made = testing_support::allocation_count() - before;
    EXPECT_TRUE(value == 1 || made == 0) << made << " allocations";
  }
}

}  // namespace
}  // namespace trireme::cpu
