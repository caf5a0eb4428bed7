// What the attention kernels share across targets: the shape of a task and its scratch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trireme::cpu {

// Positions are taken in splits at multiples of kSplitPositions from the sequence's start; a split has one softmax, and
// splits are merged in order. Every row sums in this order, alone or beside others, whatever the thread count; that
// makes prefill and decode agree bit by bit.
inline constexpr int64_t kSplitPositions = 256;
inline constexpr int64_t kTilePositions = 32;  // that are widened at a time
inline constexpr int64_t kTaskQueries = 24;    // query vectors that share a KV tile, about
inline constexpr int64_t kSplitRows = 4;       // steps with more rows have tasks enough without splits

struct AttentionShape {
  int64_t heads;
  int64_t kv_heads;
  int64_t columns;  // D
  int64_t padded;   // D up to whole vectors of any target
  int64_t block_size;
  int64_t table_columns;  // blocks of a sequence
  bool half;              // the cache is F16
  float scale;
  float softcap;
  int64_t window;

  int64_t group() const { return heads / kv_heads; }
  int64_t task_rows() const { return group() >= kTaskQueries ? 1 : kTaskQueries / group(); }
  int64_t queries() const { return task_rows() * group(); }
  int64_t splits() const { return (table_columns * block_size + kSplitPositions - 1) / kSplitPositions; }
};

// Consecutive rows of one sequence at consecutive positions, one KV head, and a range of splits.
struct AttentionTask {
  const float* q;      // [rows, H, D] at the task's first row and first query head
  const std::byte* k;  // caches at the KV head of block 0
  const std::byte* v;
  const int32_t* blocks;  // the sequence's row of the block table
  int64_t rows;
  int64_t position;  // of the first row
  int64_t first_split;
  int64_t end_split;
};

// Largest score, sum of exponentials and weighted sum of values, for each query of a task.
struct AttentionState {
  float* largest;
  float* total;
  float* sums;  // [queries, padded]
};

// Where a task's results go.
struct AttentionTarget {
  float* y;         // [rows, H, D] at the task's first row and query head; null when they are quantised
  std::byte* rows;  // of Q8_ACT[H * D], the task's first
  int64_t group;    // of 32, the first of the task's first query head
};

// Per-worker memory, in floats.
struct AttentionScratch {
  float* q;       // [queries, padded]
  float* scores;  // [queries, kSplitPositions]
  float* tile;    // [kTilePositions, padded]
  AttentionState split;
  AttentionState merged;
};

}  // namespace trireme::cpu
