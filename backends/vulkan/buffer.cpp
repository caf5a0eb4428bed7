#include "backends/vulkan/buffer.h"

#include <algorithm>
#include <cstring>

#include "backends/vulkan/structure.h"

namespace trireme::vulkan {
namespace {

uint64_t heap_bytes(const DeviceFacts& facts) { return facts.memory.memoryHeaps[facts.heap()].size; }

// Adds to what is allocated, unless the device does not have as much.
bool reserve(Connection& connection, uint64_t bytes) {
  const uint64_t total = heap_bytes(connection.facts());
  uint64_t before = connection.allocated_bytes();
  do {
    if (bytes > total - std::min(before, total)) return false;
  } while (!connection.allocated_bytes().compare_exchange_weak(before, before + bytes));
  return true;
}

}  // namespace

VulkanBuffer::~VulkanBuffer() { connection_->allocated_bytes() -= allocated_bytes_; }

Result<std::shared_ptr<VulkanBuffer>> VulkanBuffer::allocate(std::shared_ptr<Connection> connection,
                                                             std::shared_ptr<Staging> staging, uint64_t bytes) {
  const DeviceFacts& facts = connection->facts();
  if (bytes > facts.allocation_bytes)
    return fail(ErrorCode::kOutOfMemory, connection->id(),
                "a buffer of " + std::to_string(bytes) + " bytes is more than the " +
                    std::to_string(facts.allocation_bytes) + " that its driver gives at once",
                "use a smaller model, a shorter context or another device");
  if (!reserve(*connection, bytes))
    return fail(
        ErrorCode::kOutOfMemory, connection->id(),
        "of its " + std::to_string(heap_bytes(facts)) + " bytes fewer than " + std::to_string(bytes) + " are left",
        "use a smaller model, a shorter context or another device");
  // make_shared cannot see the constructor.
  std::shared_ptr<VulkanBuffer> buffer(new VulkanBuffer(std::move(connection), bytes));
  buffer->allocated_bytes_ = bytes;
  buffer->staging_ = std::move(staging);
  const Connection& owner = *buffer->connection_;
  TRIREME_ASSIGN(buffer->buffer_, owner.create_buffer(bytes));
  VkMemoryRequirements needs{};
  owner.functions().vkGetBufferMemoryRequirements(owner.device(), buffer->get(), &needs);
  const auto type = facts.buffer_memory(needs.memoryTypeBits);
  if (!type) return fail(ErrorCode::kOutOfMemory, owner.id(), "none of its memory can hold a buffer");
  TRIREME_ASSIGN(buffer->memory_, owner.bind_memory(buffer->get(), *type));
  if (!buffer->staging_) {
    TRIREME_ASSIGN(buffer->mapped_, owner.map(buffer->memory_.get(), bytes));
  }
  return buffer;
}

Result<std::shared_ptr<VulkanBuffer>> VulkanBuffer::import(std::shared_ptr<Connection> connection,
                                                           std::span<std::byte> memory) {
  const DeviceFacts& facts = connection->facts();
  const Functions& functions = connection->functions();
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::kUnsupported, connection->id(), "it cannot use host memory in place: " + why,
                "copy it into a buffer");
  };
  const uint64_t grain = facts.host_pointer_alignment;
  if (facts.staged) return refuse("it has its own memory");
  if (grain == 0 || !functions.vkGetMemoryHostPointerPropertiesEXT)
    return refuse("its driver lacks VK_EXT_external_memory_host");
  if (memory.empty() || reinterpret_cast<uintptr_t>(memory.data()) % grain != 0 || memory.size() % grain != 0)
    return refuse("it must not be empty, and must start and end at multiples of " + std::to_string(grain));
  if (memory.size() > facts.allocation_bytes)
    return refuse(std::to_string(memory.size()) + " bytes are more than the " + std::to_string(facts.allocation_bytes) +
                  " that its driver takes at once");
  constexpr auto kKind = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  auto properties = structure<VkMemoryHostPointerPropertiesEXT>(VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT);
  TRIREME_TRY(connection->check(
      functions.vkGetMemoryHostPointerPropertiesEXT(connection->device(), kKind, memory.data(), &properties),
      "vkGetMemoryHostPointerPropertiesEXT", ErrorCode::kUnsupported));

  std::shared_ptr<VulkanBuffer> buffer(new VulkanBuffer(std::move(connection), memory.size()));
  const Connection& owner = *buffer->connection_;
  auto kind = structure<VkExternalMemoryBufferCreateInfo>(VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
  kind.handleTypes = kKind;
  TRIREME_ASSIGN(buffer->buffer_, owner.create_buffer(memory.size(), &kind));
  VkMemoryRequirements needs{};
  functions.vkGetBufferMemoryRequirements(owner.device(), buffer->get(), &needs);
  const auto type = facts.host_memory(needs.memoryTypeBits & properties.memoryTypeBits);
  if (!type) return refuse("none of its memory types takes it");
  if (needs.size > memory.size()) return refuse("its driver wants " + std::to_string(needs.size) + " bytes");
  auto import = structure<VkImportMemoryHostPointerInfoEXT>(VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
  import.handleType = kKind;
  import.pHostPointer = memory.data();
  auto bound = owner.bind_memory(buffer->get(), *type, &import);
  if (!bound) return refuse(bound.error().why());
  buffer->memory_ = std::move(*bound);
  buffer->mapped_ = memory;
  return buffer;
}

Status VulkanBuffer::write(uint64_t offset, std::span<const std::byte> data) {
  TRIREME_TRY(check_range({this, offset, data.size()}));
  if (staging_) return staging_->write(get(), offset, data);
  if (!data.empty()) std::memcpy(mapped_.data() + offset, data.data(), data.size());
  return {};
}

Status VulkanBuffer::read(uint64_t offset, std::span<std::byte> data) const {
  TRIREME_TRY(check_range({const_cast<VulkanBuffer*>(this), offset, data.size()}));
  if (staging_) return staging_->read(get(), offset, data);
  if (!data.empty()) std::memcpy(data.data(), mapped_.data() + offset, data.size());
  return {};
}

Result<std::span<std::byte>> VulkanBuffer::map() {
  if (!staging_) return mapped_;
  return fail(ErrorCode::kUnsupported, connection_->id(), "the host does not see its memory", "read and write buffers");
}

Result<const VulkanBuffer*> resolve(const Connection& connection, const BufferRange& range) {
  TRIREME_TRY(check_range(range));
  const auto* buffer = dynamic_cast<const VulkanBuffer*>(range.buffer);
  if (!buffer || buffer->connection() != &connection)
    return fail(ErrorCode::kInvalidArgument, "buffer range", "the buffer belongs to another device");
  return buffer;
}

}  // namespace trireme::vulkan
