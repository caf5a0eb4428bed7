// KvBlocks: which blocks of the KV cache belong to which sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime {

// An index below KvBlocksShape::sequences. It is also the row of the block table.
using SequenceId = int32_t;

struct KvBlocksShape {
  int64_t blocks = 0;               // blocks in the pool
  int64_t block_size = 32;          // tokens a block holds
  int64_t sequences = 1;            // sequences that can be alive at once
  int64_t blocks_per_sequence = 0;  // the longest sequence
  int64_t context = 0;              // its tokens, where they do not fill its last block; 0: they do
};

// The contents of block `from` must be copied to block `to` before the step that asked for it runs.
struct BlockCopy {
  int32_t from = 0;
  int32_t to = 0;
  bool operator==(const BlockCopy&) const = default;
};

// Blocks are shared between sequences and copied when one of them writes. Nothing is allocated after construction.
class KvBlocks {
 public:
  explicit KvBlocks(const KvBlocksShape& shape);

  const KvBlocksShape& shape() const { return shape_; }
  int64_t free_blocks() const { return int64_t(free_.size()); }
  // Tokens of one sequence.
  int64_t capacity() const { return shape_.context ? shape_.context : shape_.blocks_per_sequence * shape_.block_size; }

  // An empty sequence. Errors: kOutOfMemory when all are in use.
  Result<SequenceId> create();
  // The sequence's blocks go back to the pool where no other sequence reads them.
  Status remove(SequenceId sequence);

  // Tokens in the sequence. kInvalidArgument when it does not exist.
  Result<int64_t> length(SequenceId sequence) const;

  // Grows the sequence by `tokens`, so that slot() is valid for them. A shared block that would be written is replaced
  // by a copy, appended to `copies` (at most one a call). On an error nothing has changed.
  // Errors: kContextOverflow when the sequence would pass capacity(), kOutOfMemory when the pool is empty.
  Status append(SequenceId sequence, int64_t tokens, std::vector<BlockCopy>& copies);

  // Forgets every token at or past `length`. Errors: kInvalidArgument when the sequence is shorter.
  Status truncate(SequenceId sequence, int64_t length);

  // A new sequence with the first `length` tokens of another; its blocks are shared, not copied.
  Result<SequenceId> fork(SequenceId sequence, int64_t length);

  // Where the token at `position` of a live sequence is stored: block * block_size + offset.
  int32_t slot(SequenceId sequence, int64_t position) const;

  // I32 [sequences, blocks_per_sequence]; entries past a sequence's end are 0.
  std::span<const int32_t> table() const { return table_; }
  // The blocks of one sequence, as many as its length needs.
  std::span<const int32_t> blocks_of(SequenceId sequence) const;

 private:
  Status check(SequenceId sequence) const;
  int64_t blocks_for(int64_t tokens) const { return (tokens + shape_.block_size - 1) / shape_.block_size; }
  int32_t& entry(SequenceId sequence, int64_t index) {
    return table_[size_t(sequence * shape_.blocks_per_sequence + index)];
  }
  void release(int32_t block);

  KvBlocksShape shape_;
  std::vector<int32_t> table_;
  std::vector<int64_t> lengths_;     // -1: not alive
  std::vector<int32_t> references_;  // sequences that read each block
  std::vector<int32_t> free_;
};

}  // namespace trireme::runtime
