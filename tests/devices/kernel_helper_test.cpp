// The installed helper builds for the drivers of this machine, and for one that is named by its path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/built_in.h"
#include "compiler/device/compile_for.h"

namespace trireme::devices_test {
namespace {

Result<std::vector<float>> scale_on(const std::string& library, const std::string& worker) {
  compiler::BuildOptions options;
  options.worker = worker;
  Registry registry = built_in_backends();
  if (!library.empty()) {
    TRIREME_TRY(registry.use_library("opencl", library));
    options.libraries["opencl"] = library;
  }
  registry.compile_with(compiler::kernel_compiler({}, options));
  TRIREME_ASSIGN(const std::shared_ptr<Device> device, registry.open("opencl:0"));

  std::vector<float> values(64, 1.5f);
  const TensorDesc floats{{64}, &formats::f32()};
  TRIREME_ASSIGN(const std::shared_ptr<Buffer> buffer, device->allocate(2 * kBindingAlignment));
  TRIREME_TRY(buffer->write(0, std::as_bytes(std::span(values))));
  TRIREME_ASSIGN(const std::shared_ptr<const PreparedOp> op,
                 device->prepare({Scale{2.0f}, {{floats, false}}, {floats}, "scale"}, {}));
  TRIREME_ASSIGN(const std::unique_ptr<CommandList> list, device->create_command_list());
  const uint64_t bytes = values.size() * sizeof(float);
  const std::array<BufferRange, 2> ranges{BufferRange{buffer.get(), 0, bytes},
                                          BufferRange{buffer.get(), kBindingAlignment, bytes}};
  TRIREME_TRY(list->dispatch(op, {ranges, {}, {}}));
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const std::shared_ptr<Timeline> timeline, device->create_timeline());
  const TimelinePoint done{timeline.get(), 1};
  TRIREME_TRY(device->submit(*list, {}, {&done, 1}));
  TRIREME_TRY(timeline->wait(1, std::chrono::seconds(60)));
  TRIREME_TRY(buffer->read(kBindingAlignment, std::as_writable_bytes(std::span(values))));
  return values;
}

class KernelHelper : public testing::TestWithParam<const char*> {};

TEST_P(KernelHelper, BuildsKernelsThatRunHere) {
  const auto scaled = scale_on(GetParam(), TRIREME_KERNEL_BUILDER);
  ASSERT_TRUE(scaled) << scaled.error().message();
  EXPECT_THAT(*scaled, testing::Each(3.0f));
}

TEST_P(KernelHelper, IsWhereOpenClKernelsAreBuilt) {
  const auto scaled = scale_on(GetParam(), "/nowhere/kernel-builder");
  ASSERT_FALSE(scaled);
  EXPECT_THAT(scaled.error().message(), testing::HasSubstr("/nowhere/kernel-builder: it cannot be started"));
}

INSTANTIATE_TEST_SUITE_P(Drivers, KernelHelper, testing::Values("", TRIREME_OPENCL_DOUBLE));

}  // namespace
}  // namespace trireme::devices_test
