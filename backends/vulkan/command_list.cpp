#include "backends/vulkan/command_list.h"

#include <algorithm>

#include "backends/vulkan/structure.h"

namespace trireme::vulkan {
namespace {

constexpr uint32_t kSetsOfAPool = 128;
constexpr uint32_t kDescriptorsOfAPool = 1024;

}  // namespace

Result<std::unique_ptr<VulkanKernelList>> VulkanKernelList::create(std::shared_ptr<Connection> connection) {
  // make_unique cannot see the constructor.
  std::unique_ptr<VulkanKernelList> list(new VulkanKernelList(std::move(connection)));
  TRIREME_TRY(list->commands_.begin(*list->connection_));
  return list;
}

VulkanKernelList::~VulkanKernelList() {
  if (submission_ > 0) static_cast<void>(connection_->finish(submission_));
}

Status VulkanKernelList::check_open() const {
  if (finished_) return fail(ErrorCode::kInvalidArgument, "kernel list", "it is already finished");
  return {};
}

Result<VkDescriptorBufferInfo> VulkanKernelList::check_range(const BufferRange& range) const {
  TRIREME_ASSIGN(const VulkanBuffer* buffer, resolve(*connection_, range));
  if (range.offset % kBindingAlignment != 0 || range.bytes == 0)
    return fail(ErrorCode::kInvalidArgument, "buffer range",
                std::to_string(range.bytes) + " bytes at " + std::to_string(range.offset) +
                    " are not a range that starts at a multiple of " + std::to_string(kBindingAlignment));
  const uint32_t most = connection_->facts().limits.maxStorageBufferRange;
  if (range.bytes > most)
    return fail(ErrorCode::kInvalidArgument, "buffer range",
                connection_->id() + " binds at most " + std::to_string(most) + " bytes (maxStorageBufferRange), not " +
                    std::to_string(range.bytes));
  return VkDescriptorBufferInfo{buffer->get(), range.offset, range.bytes};
}

Status VulkanKernelList::check_groups(const KernelLaunch& launch, const KernelSource& source) const {
  for (size_t axis = 0; axis < launch.groups.size(); ++axis)
    if (launch.groups[axis] == 0 || launch.groups[axis] > connection_->facts().limits.maxComputeWorkGroupCount[axis])
      return fail(ErrorCode::kInvalidArgument, "kernel " + source.entry,
                  connection_->id() + " cannot launch " + std::to_string(launch.groups[axis]) + " groups on axis " +
                      std::to_string(axis));
  return {};
}

Result<VkDescriptorSet> VulkanKernelList::new_set(const VulkanKernel& kernel) {
  const Functions& functions = connection_->functions();
  const uint32_t needs = kernel.source().buffers;
  if (sets_left_ == 0 || descriptors_left_ < needs) {
    const uint32_t descriptors = std::max(kDescriptorsOfAPool, needs);
    const std::array<VkDescriptorPoolSize, 2> sizes = {
        {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, descriptors}, {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, descriptors}}};
    auto info = structure<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    info.maxSets = kSetsOfAPool;
    info.poolSizeCount = sizes.size();
    info.pPoolSizes = sizes.data();
    VkDescriptorPool pool = VK_NULL_HANDLE;
    TRIREME_TRY(connection_->check(functions.vkCreateDescriptorPool(connection_->device(), &info, nullptr, &pool),
                                   "vkCreateDescriptorPool", ErrorCode::kOutOfMemory));
    pools_.push_back(connection_->own(pool, functions.vkDestroyDescriptorPool));
    sets_left_ = info.maxSets;
    descriptors_left_ = descriptors;
  }
  const VkDescriptorSetLayout layout = kernel.set_layout();
  auto info = structure<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
  info.descriptorPool = pools_.back().get();
  info.descriptorSetCount = 1;
  info.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  TRIREME_TRY(connection_->check(functions.vkAllocateDescriptorSets(connection_->device(), &info, &set),
                                 "vkAllocateDescriptorSets", ErrorCode::kOutOfMemory));
  --sets_left_;
  descriptors_left_ -= needs;
  return set;
}

// Texels that are not whole are none of the kernel's.
Result<VkBufferView> VulkanKernelList::new_view(const VkDescriptorBufferInfo& range, uint32_t texel_words) {
  auto info = structure<VkBufferViewCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO);
  info.buffer = range.buffer;
  info.format = texel_words == 1 ? VK_FORMAT_R32_UINT : VK_FORMAT_R32G32B32A32_UINT;
  info.offset = range.offset;
  const VkDeviceSize bytes = texel_words * sizeof(uint32_t), texels = range.range / bytes;
  const uint32_t most = connection_->facts().limits.maxTexelBufferElements;
  if (texels == 0 || texels > most)
    return fail(ErrorCode::kInvalidArgument, "buffer range",
                connection_->id() + " binds 1 to " + std::to_string(most) + " texels (maxTexelBufferElements), not " +
                    std::to_string(texels));
  info.range = texels * bytes;
  VkBufferView view = VK_NULL_HANDLE;
  const Functions& functions = connection_->functions();
  TRIREME_TRY(connection_->check(functions.vkCreateBufferView(connection_->device(), &info, nullptr, &view),
                                 "vkCreateBufferView", ErrorCode::kOutOfMemory));
  views_.push_back(connection_->own(view, functions.vkDestroyBufferView));
  return view;
}

Result<VkDescriptorSet> VulkanKernelList::bind(const VulkanKernel& kernel, std::span<const BufferRange> buffers) {
  TRIREME_ASSIGN(const VkDescriptorSet set, new_set(kernel));
  std::vector<VkDescriptorBufferInfo> ranges(buffers.size());
  std::vector<VkBufferView> views(buffers.size());
  std::vector<VkWriteDescriptorSet> writes;
  for (uint32_t i = 0; i < buffers.size(); ++i) {
    TRIREME_ASSIGN(ranges[i], check_range(buffers[i]));
    if (kernel.texel_words(i) > 0) {
      TRIREME_ASSIGN(views[i], new_view(ranges[i], kernel.texel_words(i)));
    }
    auto write = structure<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
    write.dstSet = set;
    write.dstBinding = i;
    write.descriptorCount = 1;
    write.descriptorType = kernel.descriptor(i);
    write.pBufferInfo = &ranges[i];
    write.pTexelBufferView = &views[i];
    writes.push_back(write);
  }
  connection_->functions().vkUpdateDescriptorSets(connection_->device(), uint32_t(writes.size()), writes.data(), 0,
                                                  nullptr);
  return set;
}

Status VulkanKernelList::launch(std::shared_ptr<const Kernel> any_kernel, const KernelLaunch& launch) {
  TRIREME_TRY(check_open());
  auto kernel = std::dynamic_pointer_cast<const VulkanKernel>(std::move(any_kernel));
  if (!kernel || kernel->connection() != connection_.get())
    return fail(ErrorCode::kInvalidArgument, "kernel list", "the kernel was loaded by another device");
  const KernelSource& source = kernel->source();
  if (launch.buffers.size() != source.buffers || launch.words.size() != source.launch_words)
    return fail(ErrorCode::kInvalidArgument, "kernel " + source.entry,
                "it takes " + std::to_string(source.buffers) + " buffers and " + std::to_string(source.launch_words) +
                    " words, not " + std::to_string(launch.buffers.size()) + " and " +
                    std::to_string(launch.words.size()));
  TRIREME_TRY(check_groups(launch, source));
  const Functions& functions = connection_->functions();
  const VkCommandBuffer commands = commands_.get();
  if (!launch.buffers.empty()) {
    auto set = bind(*kernel, launch.buffers);
    if (!set) return fail(std::move(set).error(), "recording a launch of kernel " + source.entry);
    functions.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->layout(), 0, 1, &*set, 0,
                                      nullptr);
  }
  functions.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline());
  if (!launch.words.empty())
    functions.vkCmdPushConstants(commands, kernel->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                 uint32_t(launch.words.size_bytes()), launch.words.data());
  functions.vkCmdDispatch(commands, launch.groups[0], launch.groups[1], launch.groups[2]);
  if (kernels_.empty() || kernels_.back() != kernel) kernels_.push_back(std::move(kernel));
  return {};
}

Status VulkanKernelList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_open());
  TRIREME_ASSIGN(const VulkanBuffer* from, resolve(*connection_, source));
  TRIREME_ASSIGN(const VulkanBuffer* to, resolve(*connection_, target));
  if (source.bytes != target.bytes || source.overlaps(target))
    return fail(ErrorCode::kInvalidArgument, "kernel list", "a copy needs two ranges of one size that do not overlap");
  if (source.bytes == 0) return {};
  const VkBufferCopy region = {source.offset, target.offset, source.bytes};
  connection_->functions().vkCmdCopyBuffer(commands_.get(), from->get(), to->get(), 1, &region);
  return {};
}

Status VulkanKernelList::barrier() {
  TRIREME_TRY(check_open());
  commands_.barrier(*connection_);
  return {};
}

Status VulkanKernelList::finish() {
  TRIREME_TRY(check_open());
  finished_ = true;
  return commands_.end(*connection_);
}

}  // namespace trireme::vulkan
