#include "backends/opencl/device_facts.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "backends/opencl/error.h"
#include "hal/kernel_device.h"

namespace trireme::opencl {
namespace {

constexpr int kOldestVersion = 120;

// "OpenCL 1.2 ..." and "OpenCL C 1.2 ..." give 120.
int parse_version(const std::string& text, const char* pattern) {
  int major = 0, minor = 0;
  return std::sscanf(text.c_str(), pattern, &major, &minor) == 2 ? major * 100 + minor * 10 : 0;
}

std::string version_text(int version) {
  return std::to_string(version / 100) + "." + std::to_string(version / 10 % 10);
}

// Whether one of the words between the separators is `word`.
bool holds(const std::string& words, char separator, std::string_view word) {
  const std::string all = separator + words + separator;
  return all.find(separator + std::string(word) + separator) != std::string::npos;
}

// Asks one question after the other and keeps the first failure.
class Questions {
 public:
  Questions(const Library& library, DeviceFacts& facts) : library_(library), facts_(facts) {}

  std::string text(cl_platform_info what) const {
    return text("clGetPlatformInfo", library_.clGetPlatformInfo, facts_.platform, what);
  }
  std::string device_text(cl_device_info what) const {
    return text("clGetDeviceInfo", library_.clGetDeviceInfo, facts_.device, what);
  }
  template <typename T>
  T value(cl_device_info what) const {
    T answer{};
    keep("clGetDeviceInfo", library_.clGetDeviceInfo(facts_.device, what, sizeof(T), &answer, nullptr));
    return answer;
  }
  bool flag(cl_device_info what) const { return value<cl_bool>(what) == CL_TRUE; }
  // 0 where the driver does not say; older ones cannot.
  uint32_t extension_version(std::string_view name) const {
    size_t bytes = 0;
    if (library_.clGetDeviceInfo(facts_.device, CL_DEVICE_EXTENSIONS_WITH_VERSION_KHR, 0, nullptr, &bytes) !=
        CL_SUCCESS)
      return 0;
    std::vector<cl_name_version_khr> known(bytes / sizeof(cl_name_version_khr));
    keep("clGetDeviceInfo",
         library_.clGetDeviceInfo(facts_.device, CL_DEVICE_EXTENSIONS_WITH_VERSION_KHR,
                                  known.size() * sizeof(cl_name_version_khr), known.data(), nullptr));
    for (const cl_name_version_khr& one : known)
      if (std::string_view(one.name, strnlen(one.name, sizeof one.name)) == name) return one.version;
    return 0;
  }
  std::vector<size_t> sizes(cl_device_info what) const {
    size_t bytes = 0;
    keep("clGetDeviceInfo", library_.clGetDeviceInfo(facts_.device, what, 0, nullptr, &bytes));
    std::vector<size_t> answer(bytes / sizeof(size_t));
    if (!answer.empty())
      keep("clGetDeviceInfo",
           library_.clGetDeviceInfo(facts_.device, what, answer.size() * sizeof(size_t), answer.data(), nullptr));
    return answer;
  }
  // Work items along the first axis.
  uint64_t first_item_size() const {
    const std::vector<size_t> axes = sizes(CL_DEVICE_MAX_WORK_ITEM_SIZES);
    return axes.empty() ? 0 : axes[0];
  }

 private:
  template <typename Function, typename Object>
  std::string text(const char* call, Function function, Object object, cl_uint what) const {
    size_t bytes = 0;
    if (!keep(call, function(object, what, 0, nullptr, &bytes)) || bytes == 0) return {};
    std::string answer(bytes, '\0');
    if (!keep(call, function(object, what, bytes, answer.data(), nullptr))) return {};
    answer.resize(answer.find('\0') == std::string::npos ? bytes : answer.find('\0'));
    while (!answer.empty() && answer.back() == ' ') answer.pop_back();
    return answer;
  }
  bool keep(const char* call, cl_int code) const {
    if (code != CL_SUCCESS && !facts_.failure) facts_.failure = call_error("opencl", call, code);
    return code == CL_SUCCESS;
  }

  const Library& library_;
  DeviceFacts& facts_;
};

// The size that kernels ask for (as the emitter writes it), or the only one that there is. Smaller groups than a
// subgroup are no whole ones.
uint32_t subgroup_size(const DeviceFacts& facts, const Questions& questions) {
  constexpr size_t kMost = 64;
  if (facts.language() < 200 || !facts.has("cl_khr_subgroups")) return 0;
  std::vector<size_t> sizes;
  if (facts.has("cl_intel_required_subgroup_size")) {
    sizes = questions.sizes(CL_DEVICE_SUB_GROUP_SIZES_INTEL);
  } else if (facts.has("cl_amd_device_attribute_query")) {
    sizes = {questions.value<cl_uint>(CL_DEVICE_WAVEFRONT_WIDTH_AMD)};
  }
  size_t largest = 0;
  for (const size_t size : sizes)
    if (std::has_single_bit(size) && size <= kMost) largest = std::max(largest, size);
  return uint32_t(largest);
}

DeviceFacts ask(const Library& library, cl_platform_id platform, cl_device_id device) {
  DeviceFacts facts;
  facts.platform = platform;
  facts.device = device;
  const Questions questions(library, facts);
  facts.platform_name = questions.text(CL_PLATFORM_NAME);
  facts.platform_version = questions.text(CL_PLATFORM_VERSION);
  facts.name = questions.device_text(CL_DEVICE_NAME);
  facts.driver_version = questions.device_text(CL_DRIVER_VERSION);
  facts.extensions = questions.device_text(CL_DEVICE_EXTENSIONS);
  if (facts.has("cl_khr_command_buffer"))
    facts.command_buffer_version = questions.extension_version("cl_khr_command_buffer");
  facts.built_in_kernels = questions.device_text(CL_DEVICE_BUILT_IN_KERNELS);
  facts.version = parse_version(questions.device_text(CL_DEVICE_VERSION), "OpenCL %d.%d");
  facts.c_version = parse_version(questions.device_text(CL_DEVICE_OPENCL_C_VERSION), "OpenCL C %d.%d");
  facts.type = questions.value<cl_device_type>(CL_DEVICE_TYPE);
  facts.available = questions.flag(CL_DEVICE_AVAILABLE);
  facts.compiler = questions.flag(CL_DEVICE_COMPILER_AVAILABLE);
  facts.little_endian = questions.flag(CL_DEVICE_ENDIAN_LITTLE);
  facts.unified_memory = questions.flag(CL_DEVICE_HOST_UNIFIED_MEMORY);
  facts.compute_units = questions.value<cl_uint>(CL_DEVICE_MAX_COMPUTE_UNITS);
  facts.address_bits = questions.value<cl_uint>(CL_DEVICE_ADDRESS_BITS);
  facts.alignment_bits = questions.value<cl_uint>(CL_DEVICE_MEM_BASE_ADDR_ALIGN);
  facts.exact_division =
      (questions.value<cl_device_fp_config>(CL_DEVICE_SINGLE_FP_CONFIG) & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0;
  facts.vector_lanes =
      std::bit_floor(std::clamp(questions.value<cl_uint>(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT), 1u, 16u));
  facts.group_size =
      std::min<uint64_t>(questions.value<size_t>(CL_DEVICE_MAX_WORK_GROUP_SIZE), questions.first_item_size());
  facts.local_bytes = questions.value<cl_ulong>(CL_DEVICE_LOCAL_MEM_SIZE);
  facts.allocation_bytes = questions.value<cl_ulong>(CL_DEVICE_MAX_MEM_ALLOC_SIZE);
  facts.global_bytes = questions.value<cl_ulong>(CL_DEVICE_GLOBAL_MEM_SIZE);
  facts.subgroup_size = subgroup_size(facts, questions);
  return facts;
}

// A driver that has no device of a type, or does not know the type, answers with an error; `code` is then its code.
std::vector<cl_device_id> devices_of(const Library& library, cl_platform_id platform, cl_device_type type,
                                     cl_int& code) {
  cl_uint count = 0;
  cl_int answer = library.clGetDeviceIDs(platform, type, 0, nullptr, &count);
  std::vector<cl_device_id> devices(answer == CL_SUCCESS ? count : 0);
  if (!devices.empty()) answer = library.clGetDeviceIDs(platform, type, count, devices.data(), nullptr);
  if (answer == CL_SUCCESS) return devices;
  code = answer;
  return {};
}

}  // namespace

bool DeviceFacts::has(std::string_view extension) const { return holds(extensions, ' ', extension); }

bool DeviceFacts::has_built_in(std::string_view kernel) const { return holds(built_in_kernels, ';', kernel); }

std::string DeviceFacts::driver() const {
  return platform_name + " " + driver_version + ", OpenCL " + version_text(version);
}

std::optional<std::string> DeviceFacts::refusal() const {
  // Older drivers do not know all questions.
  const bool old = version > 0 && version < kOldestVersion;
  if (failure && !old) return failure->why();
  if (!old && !compiler && !op_level()) return "its driver has no compiler and no built-in kernels";
  if (version < kOldestVersion || (c_version < kOldestVersion && !op_level()))
    return "it has OpenCL " + version_text(version) + " with OpenCL C " + version_text(c_version) +
           ", and 1.2 is the oldest that will do";
  if (!available) return "its driver says that it is not available";
  if (!little_endian) return "it is not little-endian";
  if (alignment_bits > 8 * kBindingAlignment)
    return "it binds buffers at multiples of " + std::to_string(alignment_bits / 8) + " bytes, and " +
           std::to_string(kBindingAlignment) + " are needed";
  return std::nullopt;
}

Result<std::vector<DeviceFacts>> find_devices(const Library& library) {
  constexpr std::string_view kRemedy = "install a driver, which 'clinfo' should then show";
  cl_uint count = 0;
  cl_int code = library.clGetPlatformIDs(0, nullptr, &count);
  std::vector<cl_platform_id> platforms(code == CL_SUCCESS ? count : 0);
  if (!platforms.empty()) code = library.clGetPlatformIDs(count, platforms.data(), nullptr);
  if (platforms.empty() || code != CL_SUCCESS)
    return fail(ErrorCode::kNotFound, "OpenCL",
                "no driver is installed: clGetPlatformIDs gives " +
                    (code == CL_SUCCESS ? "no platform" : std::string(code_name(code))),
                kRemedy);
  std::vector<DeviceFacts> found;
  for (const cl_platform_id platform : platforms)
    // Devices for custom programs are not among all.
    for (const cl_device_type type : {cl_device_type(CL_DEVICE_TYPE_ALL), cl_device_type(CL_DEVICE_TYPE_CUSTOM)})
      for (const cl_device_id device : devices_of(library, platform, type, code))
        found.push_back(ask(library, platform, device));
  if (found.empty())
    return fail(ErrorCode::kNotFound, "OpenCL",
                "no driver has a device: clGetDeviceIDs gives " + std::string(code_name(code)), kRemedy);
  std::stable_sort(found.begin(), found.end(), [](const DeviceFacts& left, const DeviceFacts& right) {
    return std::tie(left.platform_name, left.platform_version) < std::tie(right.platform_name, right.platform_version);
  });
  return found;
}

}  // namespace trireme::opencl
