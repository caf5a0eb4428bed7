#include "tests/opencl_double/built_in.h"

#include <algorithm>
#include <cstring>

#include "tests/opencl_double/built_in_kernels.h"
#include "tests/opencl_double/driver.h"

namespace trireme::opencl_double {
namespace {

class HostMemory final : public Memory {
 public:
  explicit HostMemory(std::span<std::byte> bytes, std::shared_ptr<std::vector<std::byte>> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}

  std::span<std::byte> bytes() const { return bytes_; }
  cl_int write(size_t offset, const void* data, size_t bytes) override {
    std::memcpy(bytes_.data() + offset, data, bytes);
    return CL_SUCCESS;
  }
  cl_int read(size_t offset, void* data, size_t bytes) const override {
    std::memcpy(data, bytes_.data() + offset, bytes);
    return CL_SUCCESS;
  }
  std::shared_ptr<Memory> part(size_t offset, size_t bytes, cl_int&) override {
    return std::make_shared<HostMemory>(bytes_.subspan(offset, bytes), owner_);
  }

 private:
  std::span<std::byte> bytes_;
  std::shared_ptr<std::vector<std::byte>> owner_;
};

class BuiltInFunction final : public Function {
 public:
  explicit BuiltInFunction(const BuiltInKernel& kernel) : kernel_(kernel) {
    parameters_.assign(kernel.buffers, {Parameter::Kind::kBuffer, 0});
    parameters_.resize(kernel.buffers + kernel.words, {Parameter::Kind::kValue, sizeof(uint32_t)});
  }

  const std::vector<Parameter>& parameters() const override { return parameters_; }
  size_t group_items() const override { return 1; }
  cl_ulong local_bytes() const override { return 0; }
  cl_int run(const Launch& launch) override {
    BuiltInArguments arguments;
    for (const Argument& argument : launch.arguments) {
      if (argument.memory) {
        arguments.buffers.push_back(dynamic_cast<const HostMemory&>(*argument.memory).bytes());
        continue;
      }
      uint32_t word = 0;
      std::memcpy(&word, argument.value.data(), sizeof(word));
      arguments.words.push_back(word);
    }
    const cl_int code = kernel_.run(arguments);
    if (code == CL_SUCCESS) return code;
    return driver().violation(code, "a command", std::string(kernel_.name) + " got buffers or words that do not fit");
  }

 private:
  const BuiltInKernel& kernel_;
  std::vector<Parameter> parameters_;
};

class BuiltInCode final : public Code {
 public:
  explicit BuiltInCode(std::vector<const BuiltInKernel*> kernels) : kernels_(std::move(kernels)) {}

  cl_int build(const char*) override { return CL_INVALID_OPERATION; }
  std::string log() const override { return {}; }
  std::vector<unsigned char> binary() const override { return {}; }
  std::shared_ptr<Function> function(const std::string& name, cl_int& code) override {
    for (const BuiltInKernel* kernel : kernels_)
      if (name == kernel->name) return std::make_shared<BuiltInFunction>(*kernel);
    code = CL_INVALID_KERNEL_NAME;
    return nullptr;
  }

 private:
  std::vector<const BuiltInKernel*> kernels_;
};

class BuiltInEngine final : public Engine {
 public:
  std::shared_ptr<Memory> allocate(cl_mem_flags flags, size_t bytes, void* host, cl_int& code) override {
    if ((flags & CL_MEM_USE_HOST_PTR) != 0) {
      code = CL_INVALID_VALUE;
      return nullptr;
    }
    // Whoever reads new memory is to find no zeros there.
    auto memory = std::make_shared<std::vector<std::byte>>(bytes, std::byte{0xff});
    if (host) std::memcpy(memory->data(), host, bytes);
    return std::make_shared<HostMemory>(std::span(*memory), memory);
  }
  std::shared_ptr<Code> compile(const std::string&, cl_int& code) override {
    code = CL_INVALID_OPERATION;
    return nullptr;
  }
  std::shared_ptr<Code> load(const unsigned char*, size_t, cl_int& code) override {
    code = CL_INVALID_BINARY;
    return nullptr;
  }
  std::shared_ptr<Code> built_in(const std::string& names, cl_int& code) override {
    std::vector<const BuiltInKernel*> found;
    for (size_t start = 0; start <= names.size();) {
      const size_t end = std::min(names.find(';', start), names.size());
      const std::string name = names.substr(start, end - start);
      const auto kernels = built_in_kernels();
      const auto kernel =
          std::find_if(kernels.begin(), kernels.end(), [&](const BuiltInKernel& known) { return name == known.name; });
      if (kernel == kernels.end()) {
        code = CL_INVALID_VALUE;
        return nullptr;
      }
      found.push_back(&*kernel);
      start = end + 1;
    }
    return std::make_shared<BuiltInCode>(std::move(found));
  }
};

}  // namespace

std::string built_in_names() {
  std::string names;
  for (const BuiltInKernel& kernel : built_in_kernels()) names += (names.empty() ? "" : ";") + std::string(kernel.name);
  return names;
}

std::shared_ptr<Engine> built_in_engine() { return std::make_shared<BuiltInEngine>(); }

}  // namespace trireme::opencl_double
