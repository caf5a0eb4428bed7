// What the opencl backend says of drivers and devices.
#include <algorithm>
#include <cstring>

#include "backends/opencl/device.h"
#include "backends/opencl/program.h"
#include "tests/backends/opencl/kernel_fixture.h"

namespace trireme::opencl {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OpenClBackend : public OpenClTest {};

// In the place of any call: does nothing and answers with one code.
template <cl_int kCode, typename... Arguments>
cl_int answer(Arguments...) {
  return kCode;
}

DeviceFacts usable() {
  DeviceFacts facts;
  facts.version = facts.c_version = 120;
  facts.available = facts.compiler = facts.little_endian = true;
  facts.alignment_bits = 2048;
  return facts;
}

TEST_F(OpenClBackend, ListsDevicesInOneOrderWithTheirDrivers) {
  const auto first = backend_->devices(), second = create_backend()->devices();
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].id, "opencl:" + std::to_string(i));
    EXPECT_EQ(first[i].name, second[i].name);
    EXPECT_FALSE(first[i].name.empty());
    EXPECT_THAT(first[i].driver, HasSubstr(", OpenCL "));
  }
}

TEST_F(OpenClBackend, OpensByIndexOnlyAndNotWithoutACompiler) {
  EXPECT_EQ(backend_->open(-1, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(backend_->open(int(backend_->devices().size()), {}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(backend_->open(index_, {}).error().code(), ErrorCode::kUnsupported);
  DeviceOptions options;
  options.native_bf16 = true;
  EXPECT_EQ(backend_->open(index_, options).error().code(), ErrorCode::kUnsupported);
}

TEST_F(OpenClBackend, DescribesItsDevices) {
  const DeviceListing listing = backend_->devices()[size_t(index_)];
  EXPECT_EQ(device_->info().id, listing.id);
  EXPECT_EQ(device_->info().name, listing.name);
  EXPECT_TRUE(device_->info().software);
  EXPECT_FALSE(device_->info().numeric.fused_multiply_add);
  const Target& target = device_->target();
  EXPECT_EQ(target.language, TargetLanguage::kOpenClC);
  EXPECT_GE(target.version, 120);
  EXPECT_THAT(target.build_key, HasSubstr(listing.name));
  EXPECT_TRUE(target.software);
  EXPECT_TRUE(target.small_stores);
  EXPECT_GE(target.max_group_size, 64u);
  EXPECT_GE(target.shared_bytes, 16384u);
  EXPECT_GE(target.max_buffer_bytes, uint64_t(1) << 27);
}

// What a driver says of subgroups, in the place of its own answers; the rest it says itself.
struct SubgroupAnswers {
  std::string extensions;
  std::vector<size_t> sizes;  // Intel's
  cl_uint width;              // AMD's
};

TEST_F(OpenClBackend, KnowsTheSizeOfSubgroupsWhereTheDriverSaysIt) {
  static SubgroupAnswers answers;
  static const auto driver = (*Library::load("libOpenCL.so.1"))->clGetDeviceInfo;
  Library library = **Library::load("libOpenCL.so.1");
  library.clGetDeviceInfo = [](cl_device_id device, cl_device_info what, size_t room, void* to,
                               size_t* bytes) -> cl_int {
    const auto give = [&](const void* from, size_t length) {
      if (bytes) *bytes = length;
      if (to) std::memcpy(to, from, std::min(room, length));
      return CL_SUCCESS;
    };
    if (what == CL_DEVICE_EXTENSIONS) return give(answers.extensions.c_str(), answers.extensions.size() + 1);
    if (what == CL_DEVICE_SUB_GROUP_SIZES_INTEL)
      return give(answers.sizes.data(), answers.sizes.size() * sizeof(size_t));
    if (what == CL_DEVICE_WAVEFRONT_WIDTH_AMD) return give(&answers.width, sizeof(answers.width));
    return driver(device, what, room, to, bytes);
  };
  const auto size = [&](SubgroupAnswers told) {
    answers = std::move(told);
    return find_devices(library)->at(size_t(index_)).subgroup_size;
  };
  const std::string amd = "cl_khr_subgroups cl_amd_device_attribute_query";
  const std::string intel = "cl_khr_subgroups cl_intel_required_subgroup_size";
  EXPECT_EQ(size({amd, {}, 64}), 64u);
  EXPECT_EQ(size({amd, {}, 48}), 0u) << "no power of two";
  EXPECT_EQ(size({intel, {8, 16, 32}, 0}), 32u);
  EXPECT_EQ(size({intel, {}, 0}), 0u);
  EXPECT_EQ(size({"cl_amd_device_attribute_query", {}, 64}), 0u) << "it has no subgroups";
  EXPECT_EQ(size({"cl_khr_subgroups", {}, 64}), 0u) << "nobody says their size";
}

TEST_F(OpenClBackend, TextsWithSubgroupsAreOfTheNewestLanguage) {
  const auto library = *Library::load("libOpenCL.so.1");
  DeviceFacts facts = find_devices(*library)->at(size_t(index_));
  const auto builds = [&](int version) {
    Connection connection(library, facts, "opencl:0");
    EXPECT_TRUE(connection.open());
    return bool(build_text(connection, "#if __OPENCL_C_VERSION__ != " + std::to_string(version) +
                                           "\n#error\n#endif\n__kernel void none() {}"));
  };
  EXPECT_TRUE(builds(120));
  facts.subgroup_size = 32;
  EXPECT_TRUE(builds(facts.language()));
  EXPECT_FALSE(builds(120));
  facts.version = facts.c_version = 200;
  EXPECT_EQ(facts.language(), 200);
  facts.version = 300;
  EXPECT_EQ(facts.language(), 300);
}

TEST(OpenClWithoutDriver, AMissingLoaderIsAReasonAndNoError) {
  const auto backend = create_backend("libOpenCL-of-nobody.so.1");
  ASSERT_TRUE(backend->unavailable());
  EXPECT_THAT(*backend->unavailable(), StartsWith("libOpenCL-of-nobody.so.1"));
  EXPECT_TRUE(backend->devices().empty());
  EXPECT_EQ(backend->open(0, {}).error().code(), ErrorCode::kNotFound);
}

TEST(OpenClWithoutDriver, AnotherLibraryIsAReasonThatNamesWhatItLacks) {
  const auto backend = create_backend("libm.so.6");
  ASSERT_TRUE(backend->unavailable());
  EXPECT_THAT(*backend->unavailable(), HasSubstr("libm.so.6 has no clGetPlatformIDs"));
}

TEST(OpenClWithoutDriver, ALoaderWithoutPlatformsOrDevicesIsAReason) {
  Library library = **Library::load("libOpenCL.so.1");
  library.clGetDeviceIDs = answer<CL_DEVICE_NOT_FOUND>;
  EXPECT_THAT(find_devices(library).error().message(),
              HasSubstr("no driver has a device: clGetDeviceIDs gives CL_DEVICE_NOT_FOUND"));
  library.clGetPlatformIDs = answer<-1001>;
  EXPECT_THAT(find_devices(library).error().message(), HasSubstr("CL_PLATFORM_NOT_FOUND_KHR"));
  library.clGetPlatformIDs = [](cl_uint, cl_platform_id*, cl_uint* count) -> cl_int {
    *count = 0;
    return CL_SUCCESS;
  };
  EXPECT_THAT(find_devices(library).error().message(), HasSubstr("no platform"));
}

TEST(OpenClWithoutDriver, ADeviceThatDoesNotAnswerIsListedAndRefused) {
  Library library = **Library::load("libOpenCL.so.1");
  library.clGetDeviceInfo = answer<CL_DEVICE_NOT_AVAILABLE>;
  const auto found = find_devices(library);
  ASSERT_TRUE(found);
  ASSERT_FALSE(found->empty());
  EXPECT_THAT(*found->front().refusal(), HasSubstr("clGetDeviceInfo failed with CL_DEVICE_NOT_AVAILABLE"));
}

TEST(OpenClRefusals, NameWhatADeviceLacks) {
  const auto refusal = [](auto change) {
    DeviceFacts facts = usable();
    change(facts);
    return facts.refusal().value_or("none");
  };
  EXPECT_EQ(refusal([](DeviceFacts&) {}), "none");
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.version = 110; }), HasSubstr("it has OpenCL 1.1"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.c_version = 110; }), HasSubstr("OpenCL C 1.1"));
  const Error unanswered(ErrorCode::kInternal, "opencl", "a question of 1.2 failed");
  EXPECT_THAT(refusal([&](DeviceFacts& facts) { facts.failure = unanswered; }), HasSubstr("a question of 1.2 failed"));
  EXPECT_THAT(refusal([&](DeviceFacts& facts) {
                facts.failure = unanswered;
                facts.version = 110;
              }),
              HasSubstr("it has OpenCL 1.1"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.available = false; }), HasSubstr("not available"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.little_endian = false; }), HasSubstr("little-endian"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.compiler = false; }), HasSubstr("no compiler"));
  EXPECT_THAT(refusal([](DeviceFacts& facts) { facts.alignment_bits = 4096; }), HasSubstr("multiples of 512 bytes"));
  DeviceFacts facts = usable();
  facts.compiler = false;
  const auto device = OpenClDevice::open(*Library::load("libOpenCL.so.1"), facts, "opencl:7");
  EXPECT_EQ(device.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(device.error().message(), StartsWith("device opencl:7: its driver has no compiler"));
}

TEST(OpenClFacts, ExtensionsAreWholeWords) {
  DeviceFacts facts;
  facts.extensions = "cl_khr_fp16_x cl_khr_fp64";
  EXPECT_TRUE(facts.has("cl_khr_fp64"));
  EXPECT_FALSE(facts.has("cl_khr_fp16"));
}

// A device whose library is changed, with a list of one launch that is ready to be submitted.
class OpenClFailure : public OpenClTest {
 protected:
  Error failure(const Library& library) {
    const auto facts = *find_devices(library);
    const auto device = *OpenClDevice::open(std::make_shared<Library>(library), facts[size_t(index_)], "opencl:0");
    auto buffer = *device->allocate(256);
    auto list = *device->create_list();
    const BufferRange range = whole(buffer);
    const uint32_t words[] = {64, 2};
    EXPECT_TRUE(list->launch(load(*device, scale()), {{1, 1, 1}, {&range, 1}, words}));
    EXPECT_TRUE(list->finish());
    const Status status = run(*device, *list);
    EXPECT_FALSE(status);
    return status ? Error(ErrorCode::kInternal, "test", "no failure") : status.error();
  }

  Library library_ = **Library::load("libOpenCL.so.1");
};

// In the place of the driver's answer: it has no functions of extensions.
void* no_extension(cl_platform_id, const char*) { return nullptr; }

TEST_F(OpenClFailure, ALaunchThatTheDriverRefusesFailsTheTimeline) {
  library_.clGetExtensionFunctionAddressForPlatform = no_extension;
  library_.clEnqueueNDRangeKernel = answer<CL_OUT_OF_RESOURCES>;
  const Error error = failure(library_);
  EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
  EXPECT_THAT(error.message(), HasSubstr("clEnqueueNDRangeKernel failed with CL_OUT_OF_RESOURCES"));
  EXPECT_THAT(error.message(), HasSubstr("launching kernel scale"));
  library_.clEnqueueNDRangeKernel = answer<CL_MEM_OBJECT_ALLOCATION_FAILURE>;
  EXPECT_EQ(failure(library_).code(), ErrorCode::kOutOfMemory);
}

TEST_F(OpenClFailure, ACommandBufferThatTheDriverRefusesFailsTheTimeline) {
  static const auto find = library_.clGetExtensionFunctionAddressForPlatform;
  library_.clGetExtensionFunctionAddressForPlatform = [](cl_platform_id platform, const char* name) -> void* {
    if (name != std::string_view("clEnqueueCommandBufferKHR")) return find(platform, name);
    const clEnqueueCommandBufferKHR_fn refuse = answer<CL_OUT_OF_RESOURCES>;
    return reinterpret_cast<void*>(refuse);
  };
  const Error error = failure(library_);
  EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
  EXPECT_THAT(error.message(), HasSubstr("clEnqueueCommandBufferKHR failed with CL_OUT_OF_RESOURCES"));
}

TEST_F(OpenClBackend, RecordsListsAsCommandBuffersOfTheVersionThatItKnows) {
  EXPECT_THAT(device_->info().features, Contains("command_buffers"));
  Library library = **Library::load("libOpenCL.so.1");
  DeviceFacts facts = find_devices(library)->at(size_t(index_));
  EXPECT_TRUE(CommandBufferCalls::find(library, facts));
  for (const uint32_t other : {0u, 8u << 12, (9u << 12) | 5u, 1u << 22}) {
    facts.command_buffer_version = other;
    EXPECT_FALSE(CommandBufferCalls::find(library, facts)) << other;
  }
  library.clGetExtensionFunctionAddressForPlatform = no_extension;
  facts = find_devices(library)->at(size_t(index_));
  EXPECT_FALSE(CommandBufferCalls::find(library, facts));
  const auto device = *OpenClDevice::open(std::make_shared<Library>(library), facts, "opencl:0");
  EXPECT_THAT(device->info().features, Not(Contains("command_buffers")));
}

TEST_F(OpenClFailure, ACommandThatFailsWhileRunningFailsTheTimeline) {
  library_.clSetEventCallback = [](cl_event event, cl_int, void (*notify)(cl_event, cl_int, void*),
                                   void* data) -> cl_int {
    notify(event, CL_OUT_OF_RESOURCES, data);
    return CL_SUCCESS;
  };
  const Error error = failure(library_);
  EXPECT_EQ(error.code(), ErrorCode::kDeviceLost);
  EXPECT_THAT(error.message(), HasSubstr("a command failed with CL_OUT_OF_RESOURCES"));
}

TEST_F(OpenClFailure, FailuresQuoteTheDriver) {
  static const auto create = library_.clCreateContext;
  library_.clCreateContext = [](const cl_context_properties* properties, cl_uint count, const cl_device_id* devices,
                                void (*notify)(const char*, const void*, size_t, void*), void* data, cl_int* code) {
    notify("the board is too hot", nullptr, 0, data);
    return create(properties, count, devices, notify, data, code);
  };
  library_.clFlush = answer<CL_DEVICE_NOT_AVAILABLE>;
  EXPECT_THAT(failure(library_).message(), HasSubstr("and its driver says: the board is too hot"));
}

}  // namespace
}  // namespace trireme::opencl
