// One attention task on one target: online softmax over tiles of KV positions.
#if defined(TRIREME_CPU_OPS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_ATTENTION_INL_H_
#undef TRIREME_CPU_OPS_ATTENTION_INL_H_
#else
#define TRIREME_CPU_OPS_ATTENTION_INL_H_
#endif

#include <limits>

#include "backends/cpu/ops/attention.h"
#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// Lane p of the result is the sum of the lanes of v[p].
template <class D>
HWY_INLINE VecF32 sum_each(D d, const VecF32* HWY_RESTRICT v) {
  constexpr int64_t kLanesOfD = int64_t(hn::MaxLanes(D()));  // depends on D, so that branches are discarded
  const hn::Repartition<double, D> dd;
  // Four vectors to one that holds, in each 128-bit block, the four sums over that block.
  const auto four = [&](const VecF32* u) HWY_ATTR {
    const auto ab = hn::Add(hn::InterleaveLower(d, u[0], u[1]), hn::InterleaveUpper(d, u[0], u[1]));
    const auto cd = hn::Add(hn::InterleaveLower(d, u[2], u[3]), hn::InterleaveUpper(d, u[2], u[3]));
    const auto a = hn::BitCast(dd, ab), c = hn::BitCast(dd, cd);
    return hn::Add(hn::BitCast(d, hn::InterleaveLower(dd, a, c)), hn::BitCast(d, hn::InterleaveUpper(dd, a, c)));
  };
  if constexpr (kLanesOfD == 4) {
    return four(v);
  } else if constexpr (kLanesOfD == 8) {
    const auto low = four(v), high = four(v + 4);
    return hn::Add(hn::ConcatLowerLower(d, high, low), hn::ConcatUpperUpper(d, high, low));
  } else {
    static_assert(kLanesOfD == 16);
    const auto a = four(v), c = four(v + 4), b = four(v + 8), e = four(v + 12);
    const auto x = hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
    const auto y = hn::Add(hn::ConcatLowerLower(d, e, c), hn::ConcatUpperUpper(d, e, c));
    return hn::Add(hn::OddEvenBlocks(y, x), hn::SwapAdjacentBlocks(hn::OddEvenBlocks(x, y)));
  }
}

// One row of the cache as f32, padded with zeros.
HWY_INLINE void load_cache_row(const AttentionShape& shape, const std::byte* row, float* values) {
  const F32 d;
  int64_t i = 0;
  if (shape.half) {
    const auto* half = reinterpret_cast<const uint16_t*>(row);
    for (; i + kLanes <= shape.columns; i += kLanes) hn::Store(load_f16(d, half + i), d, values + i);
    for (; i < shape.columns; ++i) values[i] = f16_to_f32(half[i]);
  } else {
    std::memcpy(values, row, size_t(shape.columns) * sizeof(float));
    i = shape.columns;
  }
  for (; i < shape.padded; ++i) values[i] = 0.0f;
}

// scores[p] = q . k[p] for the tile's positions; those outside [begin, end) are not meaningful.
HWY_INLINE void score_tile(const AttentionShape& shape, const float* q, const float* k, int64_t begin, int64_t end,
                           float* scores) {
  const F32 d;
  for (int64_t p = begin / kLanes * kLanes; p < end; p += kLanes) {
    VecF32 sums[kLanes];
    for (int64_t j = 0; j < kLanes; ++j) sums[j] = hn::Zero(d);
    const float* rows = k + p * shape.padded;
    for (int64_t i = 0; i < shape.padded; i += kLanes) {
      const auto x = hn::Load(d, q + i);
      for (int64_t j = 0; j < kLanes; ++j)
        sums[j] = hn::MulAdd(x, hn::Load(d, rows + j * shape.padded + i), sums[j]);
    }
    hn::Store(sum_each(d, sums), d, scores + p);
  }
}

// Scores of one query to weights e^(score - largest), updating its running maximum and total. Positions outside
// [begin, end) get weight 0. Returns what the sums so far must be multiplied by.
HWY_INLINE float weigh_tile(const AttentionShape& shape, int64_t begin, int64_t end, float* scores, float& largest,
                            float& total) {
  const F32 d;
  const auto none = hn::Set(d, kNone);
  const auto low = hn::Set(d, float(begin)), high = hn::Set(d, float(end));
  const auto scale = hn::Set(d, shape.scale), cap = hn::Set(d, shape.softcap);
  auto best = none;
  for (int64_t p = 0; p < shape.tile(); p += kLanes) {
    auto score = hn::Mul(hn::Load(d, scores + p), scale);
    if (shape.softcap > 0) score = hn::Mul(cap, tanh(d, hn::Div(score, cap)));
    const auto index = hn::Iota(d, float(p));
    score = hn::IfThenElse(hn::And(hn::Ge(index, low), hn::Lt(index, high)), score, none);
    hn::Store(score, d, scores + p);
    best = hn::Max(score, best);
  }
  const float grown = std::max(largest, hn::GetLane(hn::MaxOfLanes(d, best)));
  if (grown == kNone) {
    for (int64_t p = 0; p < shape.tile(); p += kLanes) hn::Store(hn::Zero(d), d, scores + p);
    return 1.0f;
  }
  const auto shift = hn::Set(d, grown);
  auto sum = hn::Zero(d);
  for (int64_t p = 0; p < shape.tile(); p += kLanes) {
    const auto weight = exp(d, hn::Sub(hn::Load(d, scores + p), shift));
    hn::Store(weight, d, scores + p);
    sum = hn::Add(sum, weight);
  }
  const float correction =
      largest == grown ? 1.0f : hn::GetLane(exp(d, hn::Set(d, std::max(largest, -1e30f) - grown)));
  largest = grown;
  total = total * correction + hn::GetLane(hn::SumOfLanes(d, sum));
  return correction;
}

// sums[q] = sums[q] * corrections[q] + weights[q] . v, for kQueries queries and kVectors vectors of columns.
template <int kQueries, int kVectors>
HWY_INLINE void add_values(const AttentionShape& shape, const float* corrections, const float* weights, const float* v,
                           int64_t begin, int64_t end, float* sums) {
  const F32 d;
  VecF32 acc[kQueries][kVectors];
  for (int q = 0; q < kQueries; ++q) {
    const auto correction = hn::Set(d, corrections[q]);
    for (int c = 0; c < kVectors; ++c) acc[q][c] = hn::Mul(hn::Load(d, sums + q * shape.padded + c * kLanes), correction);
  }
  for (int64_t p = begin; p < end; ++p) {
    VecF32 value[kVectors];
    for (int c = 0; c < kVectors; ++c) value[c] = hn::Load(d, v + p * shape.padded + c * kLanes);
    for (int q = 0; q < kQueries; ++q) {
      const auto weight = hn::Set(d, weights[q * shape.tile() + p]);
      for (int c = 0; c < kVectors; ++c) acc[q][c] = hn::MulAdd(weight, value[c], acc[q][c]);
    }
  }
  for (int q = 0; q < kQueries; ++q)
    for (int c = 0; c < kVectors; ++c) hn::Store(acc[q][c], d, sums + q * shape.padded + c * kLanes);
}

template <int kQueries>
HWY_INLINE void add_values_columns(const AttentionShape& shape, const float* corrections, const float* weights,
                                   const float* v, int64_t begin, int64_t end, float* sums) {
  constexpr int kVectors = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 ? 2 : 4;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= shape.padded; i += kVectors * kLanes)
    add_values<kQueries, kVectors>(shape, corrections, weights, v + i, begin, end, sums + i);
  for (; i < shape.padded; i += kLanes)
    add_values<kQueries, 1>(shape, corrections, weights, v + i, begin, end, sums + i);
}

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

// One split of a task; `scratch.q` is loaded. Gives scratch.split.
HWY_INLINE void attend_split(const AttentionShape& shape, const AttentionTask& task, int64_t split,
                             const AttentionScratch& scratch) {
  const int64_t group = shape.group(), queries = task.rows * group, tile = shape.tile();
  const auto first_seen = [&](int64_t position) {
    return shape.window > 0 ? std::max<int64_t>(0, position - shape.window + 1) : 0;
  };
  const int64_t begin = std::max(split * kSplitPositions, first_seen(task.position));
  const int64_t end = std::min((split + 1) * kSplitPositions, task.position + task.rows);
  const int64_t row_bytes = shape.columns * (shape.half ? 2 : 4);
  const int64_t block_bytes = shape.kv_heads * shape.block_size * row_bytes;
  float corrections[4];
  clear(shape, queries, scratch.split);
  for (int64_t start = begin / tile * tile; start < end; start += tile) {
    const int64_t tile_begin = std::max<int64_t>(0, begin - start), tile_end = std::min(tile, end - start);
    for (int64_t p = tile_begin; p < tile_end; ++p) {
      const int64_t position = start + p;
      const int64_t at = task.blocks[position / shape.block_size] * block_bytes + position % shape.block_size * row_bytes;
      load_cache_row(shape, task.k + at, scratch.k + p * shape.padded);
      load_cache_row(shape, task.v + at, scratch.v + p * shape.padded);
    }
    for (int64_t q = 0; q < queries; q += 4) {
      const int64_t some = std::min<int64_t>(4, queries - q);
      float* weights = scratch.scores + q * tile;
      for (int64_t j = 0; j < some; ++j) {
        const int64_t position = task.position + (q + j) / group;
        score_tile(shape, scratch.q + (q + j) * shape.padded, scratch.k, tile_begin, tile_end, weights + j * tile);
        corrections[j] = weigh_tile(shape, first_seen(position) - start, std::min(tile_end, position + 1 - start),
                                    weights + j * tile, scratch.split.largest[q + j], scratch.split.total[q + j]);
      }
      float* sums = scratch.split.sums + q * shape.padded;
      switch (some) {
        case 4: add_values_columns<4>(shape, corrections, weights, scratch.v, tile_begin, tile_end, sums); break;
        case 3: add_values_columns<3>(shape, corrections, weights, scratch.v, tile_begin, tile_end, sums); break;
        case 2: add_values_columns<2>(shape, corrections, weights, scratch.v, tile_begin, tile_end, sums); break;
        default: add_values_columns<1>(shape, corrections, weights, scratch.v, tile_begin, tile_end, sums); break;
      }
    }
  }
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

// y = sums / total of one query.
HWY_INLINE void finish_query(const AttentionShape& shape, const AttentionState& state, int64_t query, float* y) {
  const F32 d;
  const auto factor = hn::Set(d, 1.0f / state.total[query]);
  transform(shape.columns, state.sums + query * shape.padded, y, [&](auto v) HWY_ATTR { return hn::Mul(v, factor); });
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_ATTENTION_INL_H_
