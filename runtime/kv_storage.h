// KvStorage: the device memory of the KV cache, and the canonical form of one block in which it leaves a device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hal/device.h"
#include "runtime/kv_blocks.h"

namespace trireme::runtime {

// One state of the graph: [blocks, KV heads, block size, head dim] in `format`.
struct KvState {
  std::string name;  // "blk.0.kcache"
  TensorDesc desc;
  BufferRange range;

  uint64_t block_bytes() const { return uint64_t(desc.bytes() / desc.shape[0]); }
};

class KvStorage {
 public:
  // Allocates one buffer for all states that the device holds.
  static Result<KvStorage> create(Device& device, const std::vector<std::pair<std::string, TensorDesc>>& states);

  const std::vector<KvState>& states() const { return states_; }
  const KvState* find(std::string_view name) const;  // null when absent
  uint64_t bytes() const { return buffer_ ? buffer_->size() : 0; }

  // Copies every state's block. Allocates nothing where the device's memory is visible to the host.
  Status copy_block(const BlockCopy& copy);

  // One state's block, [KV heads, block size, head dim].
  Status read_block(const KvState& state, int32_t block, std::span<std::byte> data) const;
  Status write_block(const KvState& state, int32_t block, std::span<const std::byte> data);

 private:
  std::shared_ptr<Buffer> buffer_;
  std::vector<KvState> states_;
};

}  // namespace trireme::runtime
