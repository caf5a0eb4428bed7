#include "tests/random/kernel_case.h"

#include <chrono>

#include "compiler/emit/emit.h"
#include "compiler/kernel/interpreter.h"

namespace trireme::random {

namespace {

constexpr std::chrono::seconds kPatience{60};

}  // namespace

Result<std::vector<Words>> interpret(const KernelCase& test) {
  std::vector<Words> memory = test.memory;
  kernel::Launch launch;
  launch.groups = test.groups;
  launch.launch_constants = test.launch_words;
  for (const size_t index : test.bound) launch.buffers.push_back({std::as_writable_bytes(std::span(memory[index]))});
  TRIREME_TRY(kernel::interpret(test.function, launch));
  return memory;
}

Result<std::vector<Words>> run(KernelDevice& device, const KernelCase& test) {
  TRIREME_ASSIGN(const KernelSource source, compiler::emit(test.function, device.target()));
  TRIREME_ASSIGN(const auto built, device.build_kernel(source));
  TRIREME_ASSIGN(const auto kernel, device.load_kernel(source, built));
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (const Words& words : test.memory) {
    TRIREME_ASSIGN(auto buffer, device.allocate(words.size() * sizeof(uint32_t)));
    TRIREME_TRY(buffer->write(0, std::as_bytes(std::span(words))));
    buffers.push_back(std::move(buffer));
  }
  std::vector<BufferRange> ranges;
  for (const size_t index : test.bound) ranges.push_back({buffers[index].get(), 0, buffers[index]->size()});
  TRIREME_ASSIGN(const auto list, device.create_list());
  TRIREME_TRY(list->launch(kernel, {test.groups, ranges, test.launch_words}));
  TRIREME_TRY(list->finish());
  TRIREME_ASSIGN(const auto timeline, device.create_timeline());
  const TimelinePoint done{timeline.get(), 1};
  TRIREME_TRY(device.submit(*list, {}, {&done, 1}));
  TRIREME_TRY(timeline->wait(1, kPatience));
  std::vector<Words> memory = test.memory;
  for (size_t i = 0; i < memory.size(); ++i)
    TRIREME_TRY(buffers[i]->read(0, std::as_writable_bytes(std::span(memory[i]))));
  return memory;
}

}  // namespace trireme::random
