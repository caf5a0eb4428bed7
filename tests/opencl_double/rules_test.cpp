// The rules that the test double watches over, each broken once.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "backends/opencl/backend.h"
#include "backends/opencl/handle.h"
#include "tests/opencl_double/double.h"

namespace trireme::opencl_double {
namespace {

using opencl::Handle;
using opencl::Library;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kSource[] = R"(
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void add(__global float* x, uint count, float term) {
  if (get_global_id(0) < count) x[get_global_id(0)] += term;
})";

TEST(OpenClDouble, IsNamedSoWhereverItShows) {
  const auto backend = opencl::create_backend(kPath);
  ASSERT_FALSE(backend->unavailable()) << *backend->unavailable();
  const auto listings = backend->devices();
  ASSERT_EQ(listings.size(), 5u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(listings[i].name, "Trireme test double: accelerator session " + std::to_string(i));
  EXPECT_EQ(listings[4].name, "Trireme test double: custom NPU");
  for (const DeviceListing& listing : listings) {
    EXPECT_THAT(listing.name, StartsWith("Trireme test double: "));
    EXPECT_THAT(listing.driver, StartsWith("Trireme test double"));
  }
}

// A context of the first session with a queue, a buffer of 256 floats and a kernel.
class Rules : public testing::Test {
 protected:
  template <typename T>
  Handle<T> own(T object, cl_int (*release)(T)) {
    return Handle<T>(object, {release});
  }

  void SetUp() override {
    const auto library = Library::load(kPath);
    ASSERT_TRUE(library) << library.error().message();
    cl_ = *library;
    cl_platform_id platform = nullptr;
    ASSERT_EQ(cl_->clGetPlatformIDs(1, &platform, nullptr), CL_SUCCESS);
    ASSERT_EQ(cl_->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ACCELERATOR, 1, &device_, nullptr), CL_SUCCESS);
    context_ = own(cl_->clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &code_), cl_->clReleaseContext);
    ASSERT_EQ(code_, CL_SUCCESS);
    queue_ = own(cl_->clCreateCommandQueue(context_.get(), device_, 0, &code_), cl_->clReleaseCommandQueue);
    buffer_ = make_buffer(1024);
    const char* text = kSource;
    program_ = own(cl_->clCreateProgramWithSource(context_.get(), 1, &text, nullptr, &code_), cl_->clReleaseProgram);
    ASSERT_EQ(cl_->clBuildProgram(program_.get(), 1, &device_, "-cl-std=CL1.2", nullptr, nullptr), CL_SUCCESS);
    kernel_ = own(cl_->clCreateKernel(program_.get(), "add", &code_), cl_->clReleaseKernel);
    ASSERT_EQ(code_, CL_SUCCESS);
  }
  void TearDown() override {
    kernel_.reset();
    program_.reset();
    buffer_.reset();
    queue_.reset();
    context_.reset();
    expect_clean();
  }

  Handle<cl_mem> make_buffer(size_t bytes) {
    return own(cl_->clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, bytes, nullptr, &code_), cl_->clReleaseMemObject);
  }
  cl_int set(cl_uint index, auto value) { return cl_->clSetKernelArg(kernel_.get(), index, sizeof(value), &value); }
  cl_int set_all(cl_mem buffer) {
    const cl_int code = cl_->clSetKernelArg(kernel_.get(), 0, sizeof(buffer), static_cast<const void*>(&buffer));
    return code ? code : set(1, cl_uint{256}) ? CL_INVALID_VALUE : set(2, 1.5f);
  }
  cl_int launch(size_t global, size_t local, cl_event* event = nullptr) {
    return cl_->clEnqueueNDRangeKernel(queue_.get(), kernel_.get(), 1, nullptr, &global, &local, 0, nullptr, event);
  }
  cl_int read(std::vector<float>& values) {
    return cl_->clEnqueueReadBuffer(queue_.get(), buffer_.get(), CL_TRUE, 0, values.size() * sizeof(float),
                                    values.data(), 0, nullptr, nullptr);
  }
  cl_int write(const std::vector<float>& values) {
    return cl_->clEnqueueWriteBuffer(queue_.get(), buffer_.get(), CL_TRUE, 0, values.size() * sizeof(float),
                                     values.data(), 0, nullptr, nullptr);
  }
  // That the last call broke a rule, which the double's own text names.
  static void expect_violation(const std::string& text) {
    const auto [count, first] = take_violations();
    EXPECT_EQ(count, 1u);
    EXPECT_THAT(first, HasSubstr(text));
  }

  std::shared_ptr<const Library> cl_;
  cl_int code_ = CL_SUCCESS;
  cl_device_id device_ = nullptr;
  Handle<cl_context> context_;
  Handle<cl_command_queue> queue_;
  Handle<cl_mem> buffer_;
  Handle<cl_program> program_;
  Handle<cl_kernel> kernel_;
};

TEST_F(Rules, WhatKeepsToThemComputes) {
  ASSERT_EQ(write(std::vector<float>(256, 2.0f)), CL_SUCCESS);
  ASSERT_EQ(set_all(buffer_.get()), CL_SUCCESS);
  ASSERT_EQ(launch(256, 64), CL_SUCCESS);
  std::vector<float> values(256);
  ASSERT_EQ(read(values), CL_SUCCESS);
  EXPECT_THAT(values, testing::Each(3.5f));
}

TEST_F(Rules, NewBuffersHoldNoZeros) {
  std::vector<float> values(256);
  ASSERT_EQ(read(values), CL_SUCCESS);
  for (const float value : values) EXPECT_NE(value, value);
}

TEST_F(Rules, ArgumentsHaveTheirSizesAndAreAllSet) {
  EXPECT_EQ(launch(256, 64), CL_INVALID_KERNEL_ARGS);
  expect_violation("argument 0 of add was not set");
  EXPECT_EQ(set(1, uint64_t{256}), CL_INVALID_ARG_SIZE);
  expect_violation("argument 1 of add takes 4 bytes, not 8");
  EXPECT_EQ(set(3, 1.0f), CL_INVALID_ARG_INDEX);
  expect_violation("argument 3 of add");
  EXPECT_EQ(cl_->clSetKernelArg(kernel_.get(), 1, 4, nullptr), CL_INVALID_ARG_VALUE);
  expect_violation("has no value");
  EXPECT_EQ(set(0, cl_uint{1}), CL_INVALID_ARG_SIZE);
  expect_violation("is a buffer, not 4");
  EXPECT_EQ(set(0, reinterpret_cast<cl_mem>(uintptr_t{4096})), CL_INVALID_MEM_OBJECT);
  expect_violation("is no buffer of the context");
}

TEST_F(Rules, GroupsAreWholeAndNotTooLarge) {
  ASSERT_EQ(set_all(buffer_.get()), CL_SUCCESS);
  EXPECT_EQ(launch(100, 64), CL_INVALID_WORK_GROUP_SIZE);
  expect_violation("a group is not whole");
  EXPECT_EQ(launch(512, 512), CL_INVALID_WORK_ITEM_SIZE);
  expect_violation("512 items of a group on axis 0");
  EXPECT_EQ(launch(0, 64), CL_INVALID_GLOBAL_WORK_SIZE);
  expect_violation("0 items");
  const size_t sizes[3] = {64, 8, 1};
  EXPECT_EQ(cl_->clEnqueueNDRangeKernel(queue_.get(), kernel_.get(), 3, nullptr, sizes, sizes, 0, nullptr, nullptr),
            CL_INVALID_WORK_GROUP_SIZE);
  expect_violation("512 items");
}

TEST_F(Rules, WhatWasReleasedIsNotUsed) {
  cl_mem released = nullptr;
  {
    const auto other = make_buffer(1024);
    released = other.get();
    ASSERT_EQ(set_all(released), CL_SUCCESS);
  }
  EXPECT_EQ(launch(256, 64), CL_INVALID_KERNEL_ARGS);
  expect_violation("argument 0 of add is a buffer that was released");
  EXPECT_EQ(cl_->clReleaseMemObject(released), CL_INVALID_MEM_OBJECT);
  expect_violation("clReleaseMemObject: it is none, or was released");
  const cl_kernel kernel = kernel_.get();
  kernel_.reset();
  EXPECT_EQ(cl_->clSetKernelArg(kernel, 1, 4, &code_), CL_INVALID_KERNEL);
  expect_violation("clSetKernelArg");
}

TEST_F(Rules, RangesStayInsideTheirBuffersAndDoNotOverlap) {
  std::vector<float> values(257);
  EXPECT_EQ(write(values), CL_INVALID_VALUE);
  expect_violation("1028 bytes at 0 are no range of a buffer of 1024");
  EXPECT_EQ(cl_->clEnqueueCopyBuffer(queue_.get(), buffer_.get(), buffer_.get(), 0, 4, 8, 0, nullptr, nullptr),
            CL_MEM_COPY_OVERLAP);
  expect_violation("overlap");
  EXPECT_EQ(cl_->clEnqueueCopyBuffer(queue_.get(), buffer_.get(), buffer_.get(), 0, 1020, 8, 0, nullptr, nullptr),
            CL_INVALID_VALUE);
  expect_violation("8 bytes at 1020");
}

TEST_F(Rules, PartsBeginWhereTheDeviceCanAddressThem) {
  const auto part = [&](size_t origin, size_t bytes) {
    const cl_buffer_region region{origin, bytes};
    const auto made =
        own(cl_->clCreateSubBuffer(buffer_.get(), CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code_),
            cl_->clReleaseMemObject);
    return code_;
  };
  EXPECT_EQ(part(256, 256), CL_SUCCESS);
  EXPECT_EQ(part(64, 64), CL_MISALIGNED_SUB_BUFFER_OFFSET);
  expect_violation("it begins at 64");
  EXPECT_EQ(part(512, 1024), CL_INVALID_VALUE);
  expect_violation("leaves its buffer");
  EXPECT_EQ(part(0, 0), CL_INVALID_BUFFER_SIZE);
  expect_violation("it is empty");
}

TEST_F(Rules, ADeviceHasTwoGibibytesAndNoMore) {
  std::vector<Handle<cl_mem>> held;
  for (int i = 0; i < 3; ++i) held.push_back(make_buffer(size_t{512} << 20));
  EXPECT_EQ(code_, CL_SUCCESS);
  (void)make_buffer(size_t{512} << 20);
  EXPECT_EQ(code_, CL_MEM_OBJECT_ALLOCATION_FAILURE) << "a kilobyte is used already";
  (void)make_buffer((size_t{512} << 20) + 1);
  EXPECT_EQ(code_, CL_INVALID_BUFFER_SIZE);
  expect_violation("clCreateBuffer: 536870913 bytes");
}

TEST_F(Rules, ProgramsAreBuiltBeforeTheirKernelsAreMade) {
  const char* text = kSource;
  const auto program =
      own(cl_->clCreateProgramWithSource(context_.get(), 1, &text, nullptr, &code_), cl_->clReleaseProgram);
  EXPECT_EQ(cl_->clCreateKernel(program.get(), "add", &code_), nullptr);
  EXPECT_EQ(code_, CL_INVALID_PROGRAM_EXECUTABLE);
  expect_violation("was not built");
  EXPECT_EQ(cl_->clBuildProgram(program_.get(), 1, &device_, "", nullptr, nullptr), CL_INVALID_OPERATION);
  expect_violation("there are kernels of it");
}

TEST_F(Rules, CommandsRunOnlyWhenTheyWereFlushed) {
  ASSERT_EQ(set_all(buffer_.get()), CL_SUCCESS);
  cl_event event = nullptr;
  ASSERT_EQ(launch(256, 64, &event), CL_SUCCESS);
  const auto owned = own(event, cl_->clReleaseEvent);
  static std::atomic<bool> completed;
  completed = false;
  ASSERT_EQ(cl_->clSetEventCallback(
                event, CL_COMPLETE, [](cl_event, cl_int status, void*) { completed = status == CL_COMPLETE; }, nullptr),
            CL_SUCCESS);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(completed);
  ASSERT_EQ(cl_->clFinish(queue_.get()), CL_SUCCESS);
  EXPECT_TRUE(completed);
}

TEST_F(Rules, TheSameSeedGivesTheSameFailures) {
  const auto codes = [&] {
    set_chance({7, 0.3, 0, 0, 0});
    std::vector<cl_int> found;
    for (int i = 0; i < 100; ++i) found.push_back(set(1, cl_uint{1}));
    return found;
  };
  const auto first = codes();
  EXPECT_EQ(first, codes());
  EXPECT_GT(failures(), 10u);
  EXPECT_LT(failures(), 60u);
}

TEST_F(Rules, AContextWhoseCommandFailedIsLost) {
  std::vector<float> values(256);
  set_chance({1, 1.0, 0, 0, 0});
  EXPECT_LT(read(values), 0);
  set_chance({});
  EXPECT_EQ(read(values), CL_SUCCESS) << "a call that failed did nothing";
  set_chance({1, 0, 1.0, 0, 0});
  EXPECT_LT(read(values), 0);
  set_chance({});
  EXPECT_EQ(read(values), CL_OUT_OF_RESOURCES);
  (void)make_buffer(16);
  EXPECT_EQ(code_, CL_OUT_OF_RESOURCES);
}

}  // namespace
}  // namespace trireme::opencl_double
