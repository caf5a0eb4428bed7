// KernelDevice: a programmable device, below the level of ops. The compiler makes a Device of one: it writes the
// kernels, and the KernelDevice allocates, builds, records, runs and waits.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hal/device.h"
#include "hal/target.h"

namespace trireme {

// Bound ranges, and the grain at which a memory plan may cut a buffer for them.
inline constexpr uint64_t kBindingAlignment = 256;

// One kernel as the target's language spells it: text of OpenCL C, or words of SPIR-V. Its parameters are the buffers
// in their order, and then the launch words: text of OpenCL C takes each word as one argument of type uint, SPIR-V all
// of them as one block of push constants. A module's buffers are storage buffers, or uniform texel buffers of R32ui or
// Rgba32ui.
struct KernelSource {
  std::string entry;  // the kernel's name
  std::string code;   // text, or the bytes of words
  uint32_t group_size = 64;
  uint32_t buffers = 0;
  uint32_t launch_words = 0;   // 32-bit words given when a launch is recorded
  uint32_t subgroup_size = 0;  // that it relies on: Target::subgroup_size, or 0 for none
};

// What Kernel::source() says.
inline KernelSource without_code(const KernelSource& source) {
  return {source.entry, {}, source.group_size, source.buffers, source.launch_words, source.subgroup_size};
}

// A kernel that a device is ready to launch.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual const KernelSource& source() const = 0;  // without its code
};

struct KernelLaunch {
  std::array<uint32_t, 3> groups = {1, 1, 1};
  // None is empty, and offsets are multiples of kBindingAlignment. Two of one launch are the same range, or do not
  // overlap, or are only read.
  std::span<const BufferRange> buffers;
  std::span<const uint32_t> words;
};

// As CommandList, of kernels.
class KernelList {
 public:
  virtual ~KernelList() = default;

  virtual Status launch(std::shared_ptr<const Kernel> kernel, const KernelLaunch& launch) = 0;
  // Of ranges at any offset.
  virtual Status copy(const BufferRange& source, const BufferRange& target) = 0;
  virtual Status barrier() = 0;
  // Errors of all four: kInvalidArgument for a range outside its buffer or off the alignment, a number of arguments
  // that the kernel does not take, a foreign kernel or buffer, a group count that the device cannot launch, or a call
  // after finish().
  virtual Status finish() = 0;
};

class KernelDevice {
 public:
  virtual ~KernelDevice() = default;

  virtual const DeviceInfo& info() const = 0;
  virtual const Target& target() const = 0;
  virtual std::vector<MemoryHeap> memory() const = 0;

  // As Device's.
  virtual Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) = 0;
  virtual Result<std::shared_ptr<Buffer>> import_host(std::span<std::byte> memory) = 0;
  virtual Result<std::shared_ptr<Timeline>> create_timeline() = 0;
  virtual Status submit(KernelList& list, std::span<const TimelinePoint> waits,
                        std::span<const TimelinePoint> signals) = 0;

  // Turns a source into what load_kernel() takes, to be kept for later starts under Target::build_key; may run for
  // seconds. Errors: kInternal with what the driver's compiler said, and the entry's name.
  virtual Result<std::vector<std::byte>> build_kernel(const KernelSource& source) = 0;
  // `built` is what build_kernel() gave for this source under this Target::build_key; who keeps it sees to that, for
  // drivers do not. Errors: kCorruptData when the driver does not take it, or when it holds another kernel;
  // kUnsupported, also of build_kernel(), when the kernel's groups are larger or share more than the device can.
  virtual Result<std::shared_ptr<const Kernel>> load_kernel(const KernelSource& source,
                                                            std::span<const std::byte> built) = 0;
  virtual Result<std::unique_ptr<KernelList>> create_list() = 0;
};

}  // namespace trireme
