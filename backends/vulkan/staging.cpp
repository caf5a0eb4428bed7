#include "backends/vulkan/staging.h"

#include <algorithm>
#include <cstring>

namespace trireme::vulkan {
namespace {

constexpr uint64_t kStagingBytes = 4 << 20;

}  // namespace

Result<std::shared_ptr<Staging>> Staging::create(std::shared_ptr<Connection> connection) {
  // make_shared cannot see the constructor.
  std::shared_ptr<Staging> staging(new Staging(std::move(connection)));
  const Connection& owner = *staging->connection_;
  TRIREME_ASSIGN(staging->buffer_, owner.create_buffer(kStagingBytes));
  VkMemoryRequirements needs{};
  owner.functions().vkGetBufferMemoryRequirements(owner.device(), staging->buffer_.get(), &needs);
  const auto type = owner.facts().host_memory(needs.memoryTypeBits);
  if (!type) return fail(ErrorCode::kOutOfMemory, owner.id(), "it has no memory for a staging buffer");
  TRIREME_ASSIGN(staging->memory_, owner.bind_memory(staging->buffer_.get(), *type));
  TRIREME_ASSIGN(staging->mapped_, owner.map(staging->memory_.get(), kStagingBytes));
  return staging;
}

Status Staging::copy(VkBuffer source, VkBuffer target, const VkBufferCopy& region) {
  TRIREME_TRY(commands_.begin(*connection_));
  connection_->functions().vkCmdCopyBuffer(commands_.get(), source, target, 1, &region);
  TRIREME_TRY(commands_.end(*connection_));
  std::atomic<uint64_t> submission = 0;
  TRIREME_TRY(connection_->submit(commands_.get(), {}, {}, submission));
  return connection_->finish(submission);
}

Status Staging::write(VkBuffer target, uint64_t offset, std::span<const std::byte> data) {
  const std::lock_guard lock(mutex_);
  for (size_t done = 0; done < data.size();) {
    const size_t part = std::min(data.size() - done, mapped_.size());
    std::memcpy(mapped_.data(), data.data() + done, part);
    TRIREME_TRY(copy(buffer_.get(), target, {0, offset + done, part}));
    done += part;
  }
  return {};
}

Status Staging::read(VkBuffer source, uint64_t offset, std::span<std::byte> data) {
  const std::lock_guard lock(mutex_);
  for (size_t done = 0; done < data.size();) {
    const size_t part = std::min(data.size() - done, mapped_.size());
    TRIREME_TRY(copy(source, buffer_.get(), {offset + done, 0, part}));
    std::memcpy(data.data() + done, mapped_.data(), part);
    done += part;
  }
  return {};
}

}  // namespace trireme::vulkan
