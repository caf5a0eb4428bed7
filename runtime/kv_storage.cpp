#include "runtime/kv_storage.h"

#include <cstring>

#include "compiler/memory_plan.h"

namespace trireme::runtime {

Result<KvStorage> KvStorage::create(Device& device, const std::vector<std::pair<std::string, TensorDesc>>& states) {
  KvStorage storage;
  uint64_t bytes = 0;
  for (const auto& [name, desc] : states) {
    storage.states_.push_back({name, desc, {nullptr, bytes, uint64_t(desc.bytes())}});
    bytes += compiler::align_offset(uint64_t(desc.bytes()));
  }
  if (states.empty()) return storage;
  auto buffer = device.allocate(bytes);
  if (!buffer)
    return fail(std::move(buffer).error(),
                "allocating " + std::to_string(bytes >> 20) + " MiB of KV cache on " + device.info().id);
  storage.buffer_ = std::move(*buffer);
  for (KvState& state : storage.states_) state.range.buffer = storage.buffer_.get();
  return storage;
}

const KvState* KvStorage::find(std::string_view name) const {
  for (const KvState& state : states_)
    if (state.name == name) return &state;
  return nullptr;
}

Status KvStorage::copy_block(const BlockCopy& copy) {
  if (!buffer_) return {};
  const auto mapped = buffer_->map();
  std::vector<std::byte> scratch;
  for (const KvState& state : states_) {
    const uint64_t bytes = state.block_bytes();
    if (mapped) {
      std::byte* base = mapped->data() + state.range.offset;
      std::memcpy(base + uint64_t(copy.to) * bytes, base + uint64_t(copy.from) * bytes, bytes);
      continue;
    }
    scratch.resize(bytes);
    TRIREME_TRY(read_block(state, copy.from, scratch));
    TRIREME_TRY(write_block(state, copy.to, scratch));
  }
  return {};
}

Status KvStorage::read_block(const KvState& state, int32_t block, std::span<std::byte> data) const {
  return buffer_->read(state.range.offset + uint64_t(block) * state.block_bytes(), data);
}

Status KvStorage::write_block(const KvState& state, int32_t block, std::span<const std::byte> data) {
  return buffer_->write(state.range.offset + uint64_t(block) * state.block_bytes(), data);
}

}  // namespace trireme::runtime
