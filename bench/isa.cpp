// What the compiler's kernels become on AMD GPUs, without having one: RADV compiles for the family that
// RADV_FORCE_FAMILY names, and tells registers and instructions. Prints a table in Markdown.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>

#include "backends/vulkan/device_facts.h"
#include "compiler/emit/emit.h"
#include "compiler/templates/templates.h"

namespace trireme::isa {
namespace {

struct Family {
  const char* name;
  const char* radv;  // as RADV_FORCE_FAMILY knows it
  double bandwidth;  // bytes a second
  int compute_units;
  int simds_per_unit;
};
constexpr Family kFamilies[] = {{"gfx906", "vega20", 1024e9, 60, 4}, {"gfx1100", "gfx1100", 960e9, 96, 2}};
constexpr double kLatency = 700e-9;  // of memory

constexpr int64_t kColumns = 4096, kOutputs = 4096;

bool has_codes(const char* format) { return integer_codes(*find_format(format)).has_value(); }

OpDesc matmul(const char* format, int64_t rows) {
  const bool codes = has_codes(format);
  const TensorDesc x{{rows, kColumns}, codes ? &formats::q8_act() : &formats::f32(), RowDomain::kTokens};
  const TensorDesc weight{{kOutputs, kColumns}, find_format(format)};
  const TensorDesc y{{rows, kOutputs}, &formats::f32(), RowDomain::kTokens};
  return {Matmul{.act = codes ? ActScheme::kQ8 : ActScheme::kFloat}, {{x, false}, {weight, true}}, {y}, "matmul"};
}

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "error: bench_isa: %s\n", why.c_str());
  std::exit(1);
}
template <typename T>
T valid(Result<T> result) {
  if (!result) stop(result.error().message());
  return std::move(result).value();
}
void check(VkResult code, const char* call) {
  if (code != VK_SUCCESS) stop(fmt::format("{} gives {}", call, int(code)));
}

// What the driver tells of a kernel.
struct Compiled {
  std::map<std::string, uint64_t> statistics;
  std::string assembly;
};

// One device of one family, for compiling alone.
class Radv {
 public:
  Radv(const std::shared_ptr<const vulkan::Library>& library, const Family& family) : library_(library) {
    setenv("RADV_FORCE_FAMILY", family.radv, 1);
    instance_ = valid(vulkan::Instance::create(library, {}));
    for (vulkan::DeviceFacts& facts : valid(vulkan::find_devices(*instance_)))
      if (facts.driver_name == "radv") facts_ = std::move(facts);
    if (facts_.device == VK_NULL_HANDLE) stop("RADV is not installed (Debian: mesa-vulkan-drivers)");
    open();
  }
  ~Radv() { functions().vkDestroyDevice(device_, nullptr); }
  Radv(const Radv&) = delete;
  Radv& operator=(const Radv&) = delete;

  const vulkan::DeviceFacts& facts() const { return facts_; }
  Compiled compile(const KernelSource& source);

 private:
  const vulkan::Functions& functions() const { return instance_->functions; }
  template <typename Function>
  Function find(const char* name) const {
    const auto function = reinterpret_cast<Function>(library_->vkGetInstanceProcAddr(instance_->get(), name));
    if (!function) stop(std::string("the loader has no ") + name);
    return function;
  }
  void open();
  VkPipelineLayout create_layout(const KernelSource& source);

  std::shared_ptr<const vulkan::Library> library_;
  std::shared_ptr<const vulkan::Instance> instance_;
  vulkan::DeviceFacts facts_;
  VkDevice device_ = VK_NULL_HANDLE;
};

void Radv::open() {
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = facts_.queue_family.value_or(0);
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables{};
  executables.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR;
  executables.pipelineExecutableInfo = VK_TRUE;
  VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR dots{};
  dots.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR;
  dots.pNext = &executables;
  dots.shaderIntegerDotProduct = VK_TRUE;
  const char* const extensions[] = {VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME,
                                    VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME};
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &dots;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = 2;
  info.ppEnabledExtensionNames = extensions;
  check(functions().vkCreateDevice(facts_.device, &info, nullptr, &device_), "vkCreateDevice");
}

VkPipelineLayout Radv::create_layout(const KernelSource& source) {
  std::vector<VkDescriptorSetLayoutBinding> bindings(source.buffers);
  for (uint32_t i = 0; i < source.buffers; ++i)
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo set{};
  set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set.bindingCount = source.buffers;
  set.pBindings = bindings.data();
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  check(functions().vkCreateDescriptorSetLayout(device_, &set, nullptr, &set_layout), "vkCreateDescriptorSetLayout");
  const VkPushConstantRange words = {VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(source.launch_words * sizeof(uint32_t))};
  VkPipelineLayoutCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.setLayoutCount = 1;
  info.pSetLayouts = &set_layout;
  info.pushConstantRangeCount = source.launch_words > 0 ? 1 : 0;
  info.pPushConstantRanges = &words;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  check(functions().vkCreatePipelineLayout(device_, &info, nullptr, &layout), "vkCreatePipelineLayout");
  functions().vkDestroyDescriptorSetLayout(device_, set_layout, nullptr);
  return layout;
}

Compiled Radv::compile(const KernelSource& source) {
  std::vector<uint32_t> words(source.code.size() / sizeof(uint32_t));
  std::copy_n(source.code.data(), source.code.size(), reinterpret_cast<char*>(words.data()));
  VkShaderModuleCreateInfo text{};
  text.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  text.codeSize = source.code.size();
  text.pCode = words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  check(functions().vkCreateShaderModule(device_, &text, nullptr, &module), "vkCreateShaderModule");
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.flags =
      VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = source.entry.c_str();
  info.layout = create_layout(source);
  VkPipeline pipeline = VK_NULL_HANDLE;
  check(functions().vkCreateComputePipelines(device_, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline),
        "vkCreateComputePipelines");

  Compiled compiled;
  VkPipelineExecutableInfoKHR executable{};
  executable.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR;
  executable.pipeline = pipeline;
  const auto statistics = find<PFN_vkGetPipelineExecutableStatisticsKHR>("vkGetPipelineExecutableStatisticsKHR");
  uint32_t count = 0;
  check(statistics(device_, &executable, &count, nullptr), "vkGetPipelineExecutableStatisticsKHR");
  VkPipelineExecutableStatisticKHR number_like{};
  number_like.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  std::vector<VkPipelineExecutableStatisticKHR> numbers(count, number_like);
  check(statistics(device_, &executable, &count, numbers.data()), "vkGetPipelineExecutableStatisticsKHR");
  for (const VkPipelineExecutableStatisticKHR& number : numbers) compiled.statistics[number.name] = number.value.u64;

  const auto representations =
      find<PFN_vkGetPipelineExecutableInternalRepresentationsKHR>("vkGetPipelineExecutableInternalRepresentationsKHR");
  check(representations(device_, &executable, &count, nullptr), "vkGetPipelineExecutableInternalRepresentationsKHR");
  VkPipelineExecutableInternalRepresentationKHR text_like{};
  text_like.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  std::vector<VkPipelineExecutableInternalRepresentationKHR> texts(count, text_like);
  check(representations(device_, &executable, &count, texts.data()),
        "vkGetPipelineExecutableInternalRepresentationsKHR");
  std::vector<std::string> contents(count);
  for (uint32_t i = 0; i < count; ++i) {
    contents[i].resize(texts[i].dataSize);
    texts[i].pData = contents[i].data();
  }
  check(representations(device_, &executable, &count, texts.data()),
        "vkGetPipelineExecutableInternalRepresentationsKHR");
  for (uint32_t i = 0; i < count; ++i)
    if (std::string_view(texts[i].name) == "Assembly") compiled.assembly = contents[i];
  functions().vkDestroyPipeline(device_, pipeline, nullptr);
  functions().vkDestroyPipelineLayout(device_, info.layout, nullptr);
  functions().vkDestroyShaderModule(device_, module, nullptr);
  return compiled;
}

// What a loop over blocks of columns does in a round.
struct Loop {
  int vector = 0;      // instructions
  int dots = 0;        // of them
  int fused = 0;       // multiply-adds of floats
  int wide_loads = 0;  // of 16 bytes a lane
  int loads = 0;       // of vectors, all
};

// The longest region that ends in a branch back to its first line.
Loop longest_loop(const std::string& assembly) {
  std::vector<std::string> lines;
  std::istringstream stream(assembly);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::map<std::string, size_t> labels;
  size_t begin = 0, end = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (lines[i].starts_with("BB") && colon != std::string::npos) labels[lines[i].substr(0, colon)] = i;
    const size_t branch = lines[i].find("branch");
    const size_t target = branch == std::string::npos ? branch : lines[i].find("BB", branch);
    if (target == std::string::npos) continue;
    const auto label =
        labels.find(lines[i].substr(target, lines[i].find_first_not_of("0123456789", target + 2) - target));
    if (label != labels.end() && i - label->second > end - begin) begin = label->second, end = i;
  }
  Loop loop;
  for (size_t i = begin; i < end; ++i) {
    std::string word;
    std::istringstream(lines[i]) >> word;
    loop.vector += word.starts_with("v_") ? 1 : 0;
    loop.dots += word.starts_with("v_dot") ? 1 : 0;
    loop.fused += word.starts_with("v_fma") || word.starts_with("v_mac") || word.starts_with("v_mad_f") ? 1 : 0;
    const bool load = word.starts_with("buffer_load") || word.starts_with("global_load");
    loop.loads += load ? 1 : 0;
    loop.wide_loads += load && (word.ends_with("dwordx4") || word.ends_with("b128")) ? 1 : 0;
  }
  return loop;
}

void print_row(const Radv& radv, const Family& family, const char* format, int64_t rows, const Target& target,
               const Compiled& compiled, uint32_t group_size) {
  const Loop loop = longest_loop(compiled.assembly);
  const auto number = [&](const char* name) {
    const auto found = compiled.statistics.find(name);
    return found == compiled.statistics.end() ? uint64_t{0} : found->second;
  };
  const compiler::WeightLayout layout = compiler::weight_layout(matmul(format, rows).inputs[1].desc, target);
  // A dot product takes four weights, a multiply-add of floats one, and each weight meets as many activation rows as
  // the kernel's tile has.
  const int tile = int(std::min<int64_t>(rows, 4)), products = has_codes(format) ? loop.dots : loop.fused;
  const double weights = (has_codes(format) ? 4.0 : 1.0) * products / tile;  // of a lane in a round
  const uint64_t groups = kOutputs / 32 * uint64_t((rows + tile - 1) / tile);
  const uint64_t most = number("Subgroups per SIMD") * uint64_t(family.simds_per_unit) * radv.facts().subgroup_size;
  const uint64_t lanes = std::min(most, groups * group_size / uint64_t(family.compute_units));
  const double in_flight = double(lanes) * weights * layout.bits / 8;
  fmt::print("| {} | {} | {} | {} | {} | {} | {} | {:.2f} | {} | {}/{} | {:.1f} | {:.1f} |\n", family.name,
             rows == 1 ? "gemv" : "gemm", format, number("VGPRs"), number("SGPRs"),
             number("Spilled VGPRs") + number("Spilled SGPRs"), number("Subgroups per SIMD"),
             weights > 0 ? loop.vector / weights / tile : 0.0, products, loop.wide_loads, loop.loads, in_flight / 1024,
             family.bandwidth * kLatency / family.compute_units / 1024);
}

int run(bool with_assembly) {
  const auto library = valid(vulkan::Library::load("libvulkan.so.1"));
  fmt::print(
      "| chip | kernel | format | VGPRs | SGPRs | spills | waves a SIMD | vector instructions a weight and row | "
      "products | 16-byte loads | KB in flight a unit | KB wanted "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Family& family : kFamilies) {
    Radv radv(library, family);
    const Target target = vulkan::target_of(radv.facts());
    for (const int64_t rows : {int64_t{1}, int64_t{128}})
      for (const char* format : {"Q4_0", "Q4_K", "Q8_0", "F16"}) {
        const compiler::OpCalls calls = valid(compiler::write_kernels(matmul(format, rows), target));
        const Compiled compiled = radv.compile(valid(compiler::emit(calls[0].function, target)));
        print_row(radv, family, format, rows, target, compiled, calls[0].function.group_size);
        if (with_assembly) fmt::print("```text\n{}```\n", compiled.assembly);
      }
  }
  return 0;
}

}  // namespace
}  // namespace trireme::isa

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc > 2 || (argc == 2 && option != "--assembly")) {
    std::fprintf(stderr, "usage: bench_isa [--assembly]\n");
    return 2;
  }
  return trireme::isa::run(!option.empty());
}
