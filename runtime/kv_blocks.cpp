#include "runtime/kv_blocks.h"

#include <algorithm>

namespace trireme::runtime {

KvBlocks::KvBlocks(const KvBlocksShape& shape)
    : shape_(shape),
      table_(size_t(shape.sequences * shape.blocks_per_sequence), 0),
      lengths_(size_t(shape.sequences), -1),
      references_(size_t(shape.blocks), 0) {
  free_.reserve(size_t(shape.blocks));
  for (int64_t block = shape.blocks - 1; block >= 0; --block) free_.push_back(int32_t(block));
}

Status KvBlocks::check(SequenceId sequence) const {
  if (sequence < 0 || sequence >= shape_.sequences || lengths_[size_t(sequence)] < 0)
    return fail(ErrorCode::kInvalidArgument, "sequence " + std::to_string(sequence), "it does not exist");
  return {};
}

Result<SequenceId> KvBlocks::create() {
  const auto found = std::find(lengths_.begin(), lengths_.end(), -1);
  if (found == lengths_.end())
    return fail(ErrorCode::kOutOfMemory, "KV cache",
                "all " + std::to_string(shape_.sequences) + " sequences are in use",
                "open the session with more sequences");
  *found = 0;
  return SequenceId(found - lengths_.begin());
}

Status KvBlocks::remove(SequenceId sequence) {
  TRIREME_TRY(truncate(sequence, 0));
  lengths_[size_t(sequence)] = -1;
  return {};
}

Result<int64_t> KvBlocks::length(SequenceId sequence) const {
  TRIREME_TRY(check(sequence));
  return lengths_[size_t(sequence)];
}

Status KvBlocks::append(SequenceId sequence, int64_t tokens, std::vector<BlockCopy>& copies) {
  TRIREME_TRY(check(sequence));
  int64_t& length = lengths_[size_t(sequence)];
  if (tokens < 0 || tokens > capacity() - length)
    return fail(ErrorCode::kContextOverflow, "sequence " + std::to_string(sequence),
                std::to_string(length) + " tokens and " + std::to_string(tokens) + " more pass its context of " +
                    std::to_string(capacity()),
                "use a longer --context or a shorter text");
  if (tokens == 0) return {};
  const int64_t held = blocks_for(length);
  const int64_t needed = blocks_for(length + tokens);
  const bool writes_shared = length % shape_.block_size != 0 && references_[size_t(entry(sequence, held - 1))] > 1;
  if (needed - held + int64_t(writes_shared) > free_blocks())
    return fail(ErrorCode::kOutOfMemory, "KV cache",
                "it has " + std::to_string(free_blocks()) + " free blocks and the step needs " +
                    std::to_string(needed - held + int64_t(writes_shared)),
                "remove or truncate a sequence");
  const auto take = [&] {
    const int32_t block = free_.back();
    free_.pop_back();
    references_[size_t(block)] = 1;
    return block;
  };
  if (writes_shared) {
    int32_t& last = entry(sequence, held - 1);
    const int32_t copy = take();
    copies.push_back({last, copy});
    release(last);
    last = copy;
  }
  for (int64_t index = held; index < needed; ++index) entry(sequence, index) = take();
  length += tokens;
  return {};
}

Status KvBlocks::truncate(SequenceId sequence, int64_t length) {
  TRIREME_TRY(check(sequence));
  int64_t& current = lengths_[size_t(sequence)];
  if (length < 0 || length > current)
    return fail(ErrorCode::kInvalidArgument, "sequence " + std::to_string(sequence),
                "it has " + std::to_string(current) + " tokens and cannot be cut to " + std::to_string(length));
  for (int64_t index = blocks_for(current); index > blocks_for(length); --index) {
    release(entry(sequence, index - 1));
    entry(sequence, index - 1) = 0;
  }
  current = length;
  return {};
}

Result<SequenceId> KvBlocks::fork(SequenceId sequence, int64_t length) {
  TRIREME_TRY(check(sequence));
  if (length < 0 || length > lengths_[size_t(sequence)])
    return fail(ErrorCode::kInvalidArgument, "sequence " + std::to_string(sequence),
                "it has fewer than " + std::to_string(length) + " tokens to share");
  TRIREME_ASSIGN(const SequenceId copy, create());
  for (int64_t index = 0; index < blocks_for(length); ++index) {
    entry(copy, index) = entry(sequence, index);
    ++references_[size_t(entry(copy, index))];
  }
  lengths_[size_t(copy)] = length;
  return copy;
}

int32_t KvBlocks::slot(SequenceId sequence, int64_t position) const {
  const int32_t block = table_[size_t(sequence * shape_.blocks_per_sequence + position / shape_.block_size)];
  return int32_t(block * shape_.block_size + position % shape_.block_size);
}

std::span<const int32_t> KvBlocks::blocks_of(SequenceId sequence) const {
  return std::span(table_).subspan(size_t(sequence * shape_.blocks_per_sequence),
                                   size_t(blocks_for(lengths_[size_t(sequence)])));
}

void KvBlocks::release(int32_t block) {
  if (--references_[size_t(block)] == 0) free_.push_back(block);
}

}  // namespace trireme::runtime
