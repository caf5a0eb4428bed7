// What the handles of the test double stand for.
#pragma once

#include "backends/opencl/library.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/opencl_double/command_queue.h"
#include "tests/opencl_double/memory.h"

namespace trireme::opencl_double {

// What differs between the two kinds of devices.
class Engine;

struct Device {
  cl_device_id handle = nullptr;
  std::string name;
  cl_device_type type = CL_DEVICE_TYPE_ACCELERATOR;
  std::string built_in_kernels;  // their names, between semicolons; a device that has some has no compiler
  uint64_t global_bytes = 0;
  std::atomic<uint64_t> allocated_bytes = 0;

  bool compiles() const { return built_in_kernels.empty(); }
};

constexpr uint64_t kAllocationBytes = uint64_t{512} << 20;
constexpr size_t kBaseAlignment = 256;  // of sub-buffers
constexpr size_t kGroupItems = 256;
constexpr size_t kItemSizes[3] = {256, 256, 64};
constexpr cl_ulong kLocalBytes = 32768;

using Notify = void(CL_CALLBACK*)(const char*, const void*, size_t, void*);

struct Context {
  Device* device = nullptr;
  std::shared_ptr<Engine> engine;
  Notify notify = nullptr;
  void* notify_data = nullptr;
  std::atomic<bool> lost = false;

  void lose();
};

struct Buffer {
  ~Buffer() {
    if (!parent) context->device->allocated_bytes -= bytes;
  }

  std::shared_ptr<Context> context;
  std::shared_ptr<Buffer> parent;  // null for one that is no part
  size_t origin = 0;               // in the parent
  size_t bytes = 0;
  std::shared_ptr<Memory> memory;

  const Buffer& root() const { return parent ? *parent : *this; }
};

// What one argument of a kernel takes.
struct Parameter {
  enum class Kind { kBuffer, kLocal, kValue } kind = Kind::kValue;
  size_t bytes = 0;  // of a value; 0: not known
};

// An argument as it was set.
struct Argument {
  std::shared_ptr<Memory> memory;
  std::vector<std::byte> value;
  size_t local_bytes = 0;
};

struct Launch {
  std::vector<Argument> arguments;
  cl_uint dimensions = 1;
  size_t global[3] = {1, 1, 1};
  size_t local[3] = {1, 1, 1};
};

// A function of a program, as an engine has it.
class Function {
 public:
  virtual ~Function() = default;
  virtual const std::vector<Parameter>& parameters() const = 0;
  virtual size_t group_items() const = 0;
  virtual cl_ulong local_bytes() const = 0;
  virtual cl_int run(const Launch& launch) = 0;
};

// A program, as an engine has it.
class Code {
 public:
  virtual ~Code() = default;
  virtual cl_int build(const char* options) = 0;
  virtual std::string log() const = 0;
  virtual std::vector<unsigned char> binary() const = 0;
  virtual std::shared_ptr<Function> function(const std::string& name, cl_int& code) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::shared_ptr<Memory> allocate(cl_mem_flags flags, size_t bytes, void* host, cl_int& code) = 0;
  virtual std::shared_ptr<Code> compile(const std::string& source, cl_int& code) = 0;
  virtual std::shared_ptr<Code> load(const unsigned char* binary, size_t bytes, cl_int& code) = 0;
  virtual std::shared_ptr<Code> built_in(const std::string& names, cl_int& code) = 0;
};

struct Program {
  std::shared_ptr<Context> context;
  std::shared_ptr<Code> code;
  bool built = false;
  std::atomic<int> kernels = 0;  // that were made of it and not yet released
};

struct Kernel {
  std::shared_ptr<Program> program;
  std::string name;
  std::shared_ptr<Function> function;
  struct Set {
    cl_mem buffer = nullptr;
    Argument argument;
  };
  std::vector<std::optional<Set>> arguments;
};

}  // namespace trireme::opencl_double
