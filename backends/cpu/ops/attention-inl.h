// One attention task on one target: online softmax over tiles of KV positions.
#if defined(TRIREME_CPU_OPS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_ATTENTION_INL_H_
#undef TRIREME_CPU_OPS_ATTENTION_INL_H_
#else
#define TRIREME_CPU_OPS_ATTENTION_INL_H_
#endif

#include "backends/cpu/ops/attention_loops-inl.h"
#include "backends/cpu/ops/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

// Empties a state for `queries` queries.
HWY_INLINE void clear(const AttentionShape& shape, int64_t queries, const AttentionState& state) {
  std::fill_n(state.largest, queries, kNone);
  std::fill_n(state.total, queries, 0.0f);
  std::fill_n(state.sums, queries * shape.padded, 0.0f);
}

// Adds what `part` saw to `into`, for one query.
HWY_INLINE void merge_query(const AttentionShape& shape, const AttentionState& part, int64_t from,
                            const AttentionState& into, int64_t to) {
  const F32 d;
  const float theirs = part.largest[from], ours = into.largest[to];
  if (theirs == kNone) return;
  const float largest = std::max(theirs, ours);
  const float a = ours == kNone ? 0.0f : hn::GetLane(exp(d, hn::Set(d, ours - largest)));
  const float b = hn::GetLane(exp(d, hn::Set(d, theirs - largest)));
  into.largest[to] = largest;
  into.total[to] = into.total[to] * a + part.total[from] * b;
  const auto keep = hn::Set(d, a), add = hn::Set(d, b);
  transform(shape.padded, into.sums + to * shape.padded, part.sums + from * shape.padded, into.sums + to * shape.padded,
            [&](auto u, auto v) HWY_ATTR { return hn::MulAdd(u, keep, hn::Mul(v, add)); });
}

// Scores and weighted values of one split, over cache rows in place or over tiles widened into the scratch.
template <class Rows>
HWY_INLINE void score_split(const AttentionShape& shape, int64_t queries, const std::byte* const* rows, int64_t begin,
                            int64_t end, const AttentionScratch& scratch) {
  for (int64_t p = begin / kLanes * kLanes; p < end; p += kLanes)
    for_queries(queries, [&](int64_t q, auto count) HWY_ATTR {
      score_rows<Rows, decltype(count)::value>(shape, scratch.q + q * shape.padded, rows + p,
                                               scratch.scores + q * kSplitPositions + p);
    });
}
template <class Rows>
HWY_INLINE void add_split(const AttentionShape& shape, int64_t queries, const std::byte* const* rows, int64_t begin,
                          int64_t end, const AttentionScratch& scratch) {
  for_queries(queries, [&](int64_t q, auto count) HWY_ATTR {
    add_all_values<Rows, decltype(count)::value>(shape, scratch.scores + q * kSplitPositions, rows, begin, end,
                                                 scratch.split.sums + q * shape.padded);
  });
}

// Calls body(rows, begin, end) for widened tiles of [begin, end); `rows` is indexed by position in the split.
template <class Body>
HWY_INLINE void for_tiles(const AttentionShape& shape, const std::byte* const* cache_rows, int64_t begin, int64_t end,
                          float* tile, const Body& body) {
  const std::byte* rows[kSplitPositions];
  for (int64_t start = begin / kTilePositions * kTilePositions; start < end; start += kTilePositions) {
    for (int64_t p = start; p < start + kTilePositions; ++p) {
      rows[p] = reinterpret_cast<const std::byte*>(tile + (p - start) * shape.padded);
      if (p >= begin && p < end) load_cache_row(shape, cache_rows[p], tile + (p - start) * shape.padded);
    }
    body(rows, std::max(begin, start), std::min(end, start + kTilePositions));
  }
}

// Where the cache rows of positions [begin, end) of a split lie, K and V at the same offsets. Those beside them in the
// same vectors of positions repeat a neighbour, so that they can be read.
HWY_INLINE void find_rows(const AttentionShape& shape, const AttentionTask& task, int64_t split, int64_t begin,
                          int64_t end, int64_t* offsets) {
  const int64_t row_bytes = shape.columns * (shape.half ? 2 : 4);
  const int64_t block_bytes = shape.kv_heads * shape.block_size * row_bytes;
  int64_t block = (split * kSplitPositions + begin) / shape.block_size;
  int64_t left = (block + 1) * shape.block_size - (split * kSplitPositions + begin);
  for (int64_t p = begin; p < end; left = shape.block_size, ++block)
    for (const int64_t stop = std::min(end, p + left); p < stop; ++p, --left)
      offsets[p] = task.blocks[block] * block_bytes + (shape.block_size - left) * row_bytes;
  for (int64_t p = begin / kLanes * kLanes; p < begin; ++p) offsets[p] = offsets[begin];
  for (int64_t p = end; p % kLanes != 0; ++p) offsets[p] = offsets[end - 1];
}

// One split of a task; `scratch.q` is loaded. Gives scratch.split.
HWY_INLINE void attend_split(const AttentionShape& shape, const AttentionTask& task, int64_t split,
                             const AttentionScratch& scratch) {
  const int64_t group = shape.group(), queries = task.rows * group, base = split * kSplitPositions;
  const auto first_seen = [&](int64_t position) {
    return shape.window > 0 ? std::max<int64_t>(0, position - shape.window + 1) : 0;
  };
  const int64_t begin = std::max<int64_t>(0, first_seen(task.position) - base);
  const int64_t end = std::min(kSplitPositions, task.position + task.rows - base);
  int64_t offsets[kSplitPositions];
  const std::byte* rows[kSplitPositions];
  find_rows(shape, task, split, begin, end, offsets);
  const int64_t first = begin / kLanes * kLanes, last = (end + kLanes - 1) / kLanes * kLanes;
  // Widening a tile pays when many queries share it.
  const bool in_place = queries <= 4 && shape.columns % kLanes == 0 && shape.padded == shape.columns;
  for (int64_t p = first; p < last; ++p) rows[p] = task.k + offsets[p];
  if (!in_place)
    for_tiles(shape, rows, begin, end, scratch.tile,
              [&](const std::byte* const* tile, int64_t from, int64_t to)
                  HWY_ATTR { score_split<FloatRowsInPlace>(shape, queries, tile, from, to, scratch); });
  else if (shape.half)
    score_split<HalfRows>(shape, queries, rows, begin, end, scratch);
  else
    score_split<FloatRowsInPlace>(shape, queries, rows, begin, end, scratch);

  for (int64_t q = 0; q < queries; ++q) {
    const int64_t position = task.position + q / group;
    weigh(shape, first_seen(position) - base, std::min(end, position + 1 - base), first, last,
          scratch.scores + q * kSplitPositions, scratch.split.largest[q], scratch.split.total[q]);
  }
  std::fill_n(scratch.split.sums, queries * shape.padded, 0.0f);
  for (int64_t p = first; p < last; ++p) rows[p] = task.v + offsets[p];
  if (!in_place)
    for_tiles(shape, rows, begin, end, scratch.tile,
              [&](const std::byte* const* tile, int64_t from, int64_t to)
                  HWY_ATTR { add_split<FloatRowsInPlace>(shape, queries, tile, from, to, scratch); });
  else if (shape.half)
    add_split<HalfRows>(shape, queries, rows, begin, end, scratch);
  else
    add_split<FloatRowsInPlace>(shape, queries, rows, begin, end, scratch);
}

// All splits of a task, merged in order into scratch.merged.
HWY_INLINE void attend_task(const AttentionShape& shape, const AttentionTask& task, const AttentionScratch& scratch) {
  const int64_t group = shape.group(), queries = task.rows * group;
  for (int64_t q = 0; q < queries; ++q) {
    const float* source = task.q + (q / group * shape.heads + q % group) * shape.columns;
    std::memcpy(scratch.q + q * shape.padded, source, size_t(shape.columns) * sizeof(float));
    std::fill(scratch.q + q * shape.padded + shape.columns, scratch.q + (q + 1) * shape.padded, 0.0f);
  }
  clear(shape, queries, scratch.merged);
  for (int64_t split = task.first_split; split < task.end_split; ++split) {
    attend_split(shape, task, split, scratch);
    for (int64_t q = 0; q < queries; ++q) merge_query(shape, scratch.split, q, scratch.merged, q);
  }
}

// sums / total of one query, in place where they are quantised afterwards.
HWY_INLINE void finish_query(const AttentionShape& shape, const AttentionState& state, int64_t query,
                             const AttentionTarget& target) {
  const F32 d;
  const int64_t group = shape.group(), row = query / group, head = query % group;
  const auto factor = hn::Set(d, 1.0f / state.total[query]);
  float* sums = state.sums + query * shape.padded;
  float* y = target.y ? target.y + (row * shape.heads + head) * shape.columns : sums;
  transform(shape.columns, sums, y, [&](auto v) HWY_ATTR { return hn::Mul(v, factor); });
  if (target.y) return;
  const int64_t columns = shape.heads * shape.columns;
  std::byte* target_row = target.rows + row * (columns + columns / 4);
  for (int64_t part = 0; part < shape.columns / 32; ++part) {
    const int64_t to = target.group + head * shape.columns / 32 + part;
    quantize_group(y + 32 * part, reinterpret_cast<int8_t*>(target_row) + 32 * to, q8_scales(target_row, columns)[to],
                   q8_sums(target_row, columns)[to]);
  }
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_ATTENTION_INL_H_
