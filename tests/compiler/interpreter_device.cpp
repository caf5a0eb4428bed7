#include "tests/compiler/interpreter_device.h"

#include <cstring>

#include "compiler/device/compile_for.h"
#include "compiler/kernel/interpreter.h"
#include "compiler/kernel/text.h"
#include "hal/host_queue.h"
#include "hal/host_timeline.h"

namespace trireme::compiler::test {
namespace {

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(uint64_t bytes) : bytes_(bytes) {}

  uint64_t size() const override { return bytes_.size(); }
  Status write(uint64_t offset, std::span<const std::byte> data) override {
    TRIREME_TRY(check_range({this, offset, data.size()}));
    if (!data.empty()) std::memcpy(bytes_.data() + offset, data.data(), data.size());
    return {};
  }
  Status read(uint64_t offset, std::span<std::byte> data) const override {
    TRIREME_TRY(check_range({const_cast<HostBuffer*>(this), offset, data.size()}));
    if (!data.empty()) std::memcpy(data.data(), bytes_.data() + offset, data.size());
    return {};
  }
  Result<std::span<std::byte>> map() override { return std::span(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class InterpretedKernel final : public Kernel {
 public:
  InterpretedKernel(KernelSource source, kernel::Function function)
      : source_(std::move(source)), function_(std::move(function)) {}
  const KernelSource& source() const override { return source_; }
  const kernel::Function& function() const { return function_; }

 private:
  KernelSource source_;
  kernel::Function function_;
};

class InterpretedList final : public KernelList {
 public:
  Status launch(std::shared_ptr<const Kernel> kernel, const KernelLaunch& launch) override {
    const auto interpreted = std::dynamic_pointer_cast<const InterpretedKernel>(kernel);
    if (!interpreted || launch.buffers.size() != kernel->source().buffers ||
        launch.words.size() != kernel->source().launch_words)
      return fail(ErrorCode::kInvalidArgument, "launch", "its arguments do not fit");
    kernel::Launch recorded;
    recorded.groups = launch.groups;
    for (const BufferRange& range : launch.buffers) {
      TRIREME_TRY(check_range(range));
      if (range.offset % kBindingAlignment != 0)
        return fail(ErrorCode::kInvalidArgument, "launch of " + kernel->source().entry, "a range is off the alignment");
      recorded.buffers.push_back({range.buffer->map()->subspan(range.offset, range.bytes)});
    }
    recorded.launch_constants.assign(launch.words.begin(), launch.words.end());
    steps_.push_back([interpreted, recorded] { return kernel::interpret(interpreted->function(), recorded); });
    return {};
  }
  Status copy(const BufferRange& source, const BufferRange& target) override {
    steps_.push_back([source, target]() -> Status {
      std::vector<std::byte> bytes(source.bytes);
      TRIREME_TRY(source.buffer->read(source.offset, bytes));
      return target.buffer->write(target.offset, bytes);
    });
    return {};
  }
  Status barrier() override { return {}; }
  Status finish() override { return {}; }

  Status run() const {
    for (const auto& step : steps_) TRIREME_TRY(step());
    return {};
  }

 private:
  std::vector<std::function<Status()>> steps_;
};

class InterpreterDevice final : public KernelDevice {
 public:
  explicit InterpreterDevice(const Target& target) : target_(target) {
    info_.id = "interpreter:0";
    info_.name = "test double: the kernel interpreter";
    info_.driver = "built in";
    info_.software = true;
    info_.numeric.kv_format = &formats::f16();
    target_.language = TargetLanguage::kKernelText;
  }

  const DeviceInfo& info() const override { return info_; }
  const Target& target() const override { return target_; }
  std::vector<MemoryHeap> memory() const override { return {{"host", 1 << 30, 1 << 30}}; }
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override { return std::make_shared<HostBuffer>(bytes); }
  Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte>) override {
    return fail(ErrorCode::kUnsupported, "import", "a test double does not");
  }
  Result<std::shared_ptr<Timeline>> create_timeline() override { return std::make_shared<HostTimeline>(); }
  Status submit(KernelList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override {
    auto* const interpreted = dynamic_cast<InterpretedList*>(&list);
    if (!interpreted) return fail(ErrorCode::kInvalidArgument, "submit", "a foreign list");
    return queue_.submit([interpreted] { return interpreted->run(); }, waits, signals);
  }
  Result<std::vector<std::byte>> build_kernel(const KernelSource& source) override {
    TRIREME_ASSIGN(const kernel::Function function, kernel::parse(source.code));
    const std::string text = kernel::print(function);
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource& source,
                                                    std::span<const std::byte> built) override {
    const std::string_view text(reinterpret_cast<const char*>(built.data()), built.size());
    TRIREME_ASSIGN(kernel::Function function, kernel::parse(text));
    return std::make_shared<InterpretedKernel>(source, std::move(function));
  }
  Result<std::unique_ptr<KernelList>> create_list() override { return std::make_unique<InterpretedList>(); }

 private:
  DeviceInfo info_;
  Target target_;
  HostQueue queue_;
};

}  // namespace

std::shared_ptr<KernelDevice> create_interpreter_device(const Target& changes) {
  Target target = changes;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  if (target.max_buffer_bytes == 0) target.max_buffer_bytes = 1 << 30;
  target.small_stores = true;
  return std::make_shared<InterpreterDevice>(target);
}

Result<std::shared_ptr<Device>> open_interpreter(const Target& changes) {
  return compile_for(create_interpreter_device(changes));
}

Result<std::shared_ptr<Device>> open_matrix_interpreter(const MatrixTile& tile) {
  Target target;
  target.subgroup_size = tile.lanes;
  target.matrix = tile;
  return open_interpreter(target);
}

Result<std::shared_ptr<Device>> open_vector_interpreter(uint32_t lanes) {
  Target target;
  target.vector_lanes = lanes;
  target.exact_division = true;
  target.software = true;
  return compile_for(create_interpreter_device(target));
}

}  // namespace trireme::compiler::test
