// The inner loops of attention: queries against cache rows in place or widened, weights, and weighted values.
#if defined(TRIREME_CPU_OPS_ATTENTION_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TRIREME_CPU_OPS_ATTENTION_LOOPS_INL_H_
#undef TRIREME_CPU_OPS_ATTENTION_LOOPS_INL_H_
#else
#define TRIREME_CPU_OPS_ATTENTION_LOOPS_INL_H_
#endif

#include <limits>

#include "backends/cpu/ops/attention.h"
#include "backends/cpu/ops/math-inl.h"
#include "backends/cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// Registers decide how many queries and value vectors one inner loop holds.
constexpr int kLoopQueries = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 ? 2 : 4;
constexpr int kLoopVectors = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4 ? 2 : 4;

// Four vectors to one that holds, in each 128-bit block, the four sums over that block.
template <class D>
HWY_INLINE VecF32 sum_blocks(D d, const VecF32* HWY_RESTRICT v) {
  const hn::Repartition<double, D> dd;
  const auto ab = hn::Add(hn::InterleaveLower(d, v[0], v[1]), hn::InterleaveUpper(d, v[0], v[1]));
  const auto cd = hn::Add(hn::InterleaveLower(d, v[2], v[3]), hn::InterleaveUpper(d, v[2], v[3]));
  const auto a = hn::BitCast(dd, ab), c = hn::BitCast(dd, cd);
  return hn::Add(hn::BitCast(d, hn::InterleaveLower(dd, a, c)), hn::BitCast(d, hn::InterleaveUpper(dd, a, c)));
}

// Lane 4 i + j of the result is the sum over the blocks of lane j of v[i]. Each sum has the same order.
template <class D>
HWY_INLINE VecF32 sum_across(D d, const VecF32* HWY_RESTRICT v) {
  constexpr int64_t kLanesOfD = int64_t(hn::MaxLanes(D()));  // depends on D, so that branches are discarded
  if constexpr (kLanesOfD == 4) {
    return v[0];
  } else if constexpr (kLanesOfD == 8) {
    return hn::Add(hn::ConcatLowerLower(d, v[1], v[0]), hn::ConcatUpperUpper(d, v[1], v[0]));
  } else {
    static_assert(kLanesOfD == 16);
    const auto x = hn::Add(hn::ConcatLowerLower(d, v[2], v[0]), hn::ConcatUpperUpper(d, v[2], v[0]));
    const auto y = hn::Add(hn::ConcatLowerLower(d, v[3], v[1]), hn::ConcatUpperUpper(d, v[3], v[1]));
    return hn::Add(hn::OddEvenBlocks(y, x), hn::SwapAdjacentBlocks(hn::OddEvenBlocks(x, y)));
  }
}

// Cache rows as they lie, for columns that are whole vectors; or a tile that was widened before.
struct HalfRows {
  static VecF32 load(F32 d, const std::byte* row, int64_t i) {
    return load_f16(d, reinterpret_cast<const uint16_t*>(row) + i);
  }
};
struct FloatRowsInPlace {
  static VecF32 load(F32 d, const std::byte* row, int64_t i) {
    return hn::LoadU(d, reinterpret_cast<const float*>(row) + i);
  }
};

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

// scores[q][j] = q . row j, for kQueries queries and kLanes rows. Every sum has one chain over the columns.
template <class Rows, int kQueries>
HWY_INLINE void score_rows(const AttentionShape& shape, const float* q, const std::byte* const* rows, float* scores) {
  const F32 d;
  VecF32 parts[kQueries][kLanes / 4];
  for (int64_t j = 0; j < kLanes; j += 4) {
    VecF32 sums[kQueries][4];
    for (auto& query : sums)
      for (auto& sum : query) sum = hn::Zero(d);
    for (int64_t i = 0; i < shape.padded; i += kLanes) {
      const VecF32 k[4] = {Rows::load(d, rows[j], i), Rows::load(d, rows[j + 1], i), Rows::load(d, rows[j + 2], i),
                           Rows::load(d, rows[j + 3], i)};
      for (int n = 0; n < kQueries; ++n) {
        const auto x = hn::Load(d, q + n * shape.padded + i);
        for (int r = 0; r < 4; ++r) sums[n][r] = hn::MulAdd(x, k[r], sums[n][r]);
      }
    }
    for (int n = 0; n < kQueries; ++n) parts[n][j / 4] = sum_blocks(d, sums[n]);
  }
  for (int n = 0; n < kQueries; ++n) hn::Store(sum_across(d, parts[n]), d, scores + n * kSplitPositions);
}

// sums[q] += weights[q][p] * row p for p in [begin, end), for kQueries queries and kVectors vectors of columns at i.
template <class Rows, int kQueries, int kVectors>
HWY_INLINE void add_values(const AttentionShape& shape, const float* weights, const std::byte* const* rows,
                           int64_t begin, int64_t end, int64_t i, float* sums) {
  const F32 d;
  VecF32 acc[kQueries][kVectors];
  for (int n = 0; n < kQueries; ++n)
    for (int c = 0; c < kVectors; ++c) acc[n][c] = hn::Load(d, sums + n * shape.padded + i + c * kLanes);
  for (int64_t p = begin; p < end; ++p) {
    VecF32 value[kVectors];
    for (int c = 0; c < kVectors; ++c) value[c] = Rows::load(d, rows[p], i + c * kLanes);
    for (int n = 0; n < kQueries; ++n) {
      const auto weight = hn::Set(d, weights[n * kSplitPositions + p]);
      for (int c = 0; c < kVectors; ++c) acc[n][c] = hn::MulAdd(weight, value[c], acc[n][c]);
    }
  }
  for (int n = 0; n < kQueries; ++n)
    for (int c = 0; c < kVectors; ++c) hn::Store(acc[n][c], d, sums + n * shape.padded + i + c * kLanes);
}

template <class Rows, int kQueries>
HWY_INLINE void add_all_values(const AttentionShape& shape, const float* weights, const std::byte* const* rows,
                               int64_t begin, int64_t end, float* sums) {
  int64_t i = 0;
  for (; i + kLoopVectors * kLanes <= shape.padded; i += kLoopVectors * kLanes)
    add_values<Rows, kQueries, kLoopVectors>(shape, weights, rows, begin, end, i, sums);
  for (; i < shape.padded; i += kLanes) add_values<Rows, kQueries, 1>(shape, weights, rows, begin, end, i, sums);
}

// Calls body(query, integral constant) for groups of at most kLoopQueries queries.
template <class Body>
HWY_INLINE void for_queries(int64_t queries, const Body& body) {
  int64_t q = 0;
  for (; q + kLoopQueries <= queries; q += kLoopQueries) body(q, std::integral_constant<int, kLoopQueries>());
  if constexpr (kLoopQueries > 2) {
    if (queries - q == 3) return body(q, std::integral_constant<int, 3>());
    if (queries - q == 2) return body(q, std::integral_constant<int, 2>());
  }
  if (q < queries) body(q, std::integral_constant<int, 1>());
}

// e^x for x <= 0, to 1 ulp above e^-87 and 0 below it.
template <class D, class V>
HWY_INLINE V exp_nonpositive(D d, V x) {
  V n;
  const V q = expm1_reduced(d, reduce_by_ln2(d, hn::Max(x, hn::Set(d, -87.0f)), n));
  const V y = hn::Mul(hn::Add(q, hn::Set(d, 1.0f)), power_of_two(d, n));
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(d, -87.0f)), y);
}

// Scores of one query in a split to weights e^(score - largest). Positions outside [begin, end) get weight 0; only
// [first, last), whole vectors around what the task looks at, is read and written.
HWY_INLINE void weigh(const AttentionShape& shape, int64_t begin, int64_t end, int64_t first, int64_t last,
                      float* scores, float& largest, float& total) {
  const F32 d;
  const auto none = hn::Set(d, kNone);
  const auto low = hn::Set(d, float(begin)), high = hn::Set(d, float(end));
  const auto scale = hn::Set(d, shape.scale), cap = hn::Set(d, shape.softcap);
  auto best = none;
  for (int64_t p = first; p < last; p += kLanes) {
    auto score = hn::Mul(hn::Load(d, scores + p), scale);
    if (shape.softcap > 0) score = hn::Mul(cap, tanh(d, hn::Div(score, cap)));
    if (p < begin || p + kLanes > end) {
      const auto index = hn::Iota(d, float(p));
      score = hn::IfThenElse(hn::And(hn::Ge(index, low), hn::Lt(index, high)), score, none);
    }
    hn::Store(score, d, scores + p);
    best = hn::Max(score, best);
  }
  largest = hn::GetLane(hn::MaxOfLanes(d, best));
  const auto shift = hn::Set(d, largest == kNone ? 0.0f : largest);
  auto sum = hn::Zero(d);
  for (int64_t p = first; p < last; p += kLanes) {
    const auto weight = exp_nonpositive(d, hn::Sub(hn::Load(d, scores + p), shift));
    hn::Store(weight, d, scores + p);
    sum = hn::Add(sum, weight);
  }
  total = hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TRIREME_CPU_OPS_ATTENTION_LOOPS_INL_H_
