// Attention where an item is a thread of a processor: a group of one item takes all queries that meet one head of the
// cache, of several rows, as the lanes of vectors. A position's row of k or v is then one number after the other for
// all of them, and the softmax is kept online in every lane. Positions come in chunks that a block of the cache holds.
#include <bit>
#include <limits>

#include "compiler/templates/attention.h"

namespace trireme::compiler {

using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

constexpr uint32_t kMostChunk = 8;  // positions

// A lane a query; lanes beyond them repeat the last.
struct Lanes {
  QueryTile tile;
  uint32_t count = 1;
  uint32_t chunk = 1;  // positions at a time
};

uint32_t shared_words(const Lanes& lanes, uint32_t columns) { return columns * (2 * lanes.count + lanes.chunk); }

Lanes deal(const AttentionShape& shape, const Target& target) {
  Lanes lanes;
  lanes.chunk = std::min(kMostChunk, shape.block_size & -shape.block_size);
  for (uint32_t most = target.vector_lanes; most >= 1; most /= 2) {
    lanes.tile = query_tile(shape, most, most);
    lanes.count = std::bit_ceil(lanes.tile.count());
    while (lanes.chunk > 4 && 4 * shared_words(lanes, shape.columns) > target.shared_bytes) lanes.chunk /= 2;
    if (4 * shared_words(lanes, shape.columns) <= target.shared_bytes) break;
  }
  return lanes;
}

class LaneAttention {
 public:
  LaneAttention(const Attention& params, const OpDesc& op, const AttentionShape& shape, const Target& target)
      : params_(params),
        shape_(shape),
        target_(target),
        lanes_(deal(shape, target)),
        b_("attention_" + std::to_string(shape.heads) + "x" + std::to_string(shape.columns) + "_rows" +
               std::to_string(lanes_.tile.rows),
           1),
        operands_(bind(b_)),
        y_(b_.output(0, "y")),
        query_(b_.shared("query", kernel::kF32, shape.columns * lanes_.count)),
        sums_(b_.shared("sums", kernel::kF32, shape.columns * lanes_.count)),
        cached_(b_.shared("cached", kernel::kF32, shape.columns * lanes_.chunk)),
        rows_(b_.row_count(op.inputs[0].desc)),
        first_row_(b_.group_id(1) * lanes_.tile.rows),
        queries_(b_, params, shape, operands_, lanes_.tile, b_.group_id(0), first_row_, rows_) {
    b_.comment("a lane a query: " + std::to_string(lanes_.tile.heads) + " heads of " +
               std::to_string(lanes_.tile.rows) + " rows, " + std::to_string(lanes_.chunk) + " positions at a time");
  }

  Result<OpCalls> write() {
    b_.when(first_row_ < rows_, [&] {
      queries_.read_rows();
      read_queries();
      Terms state = {numbers(std::numeric_limits<float>::lowest()), numbers(0)};  // largest score, sum of weights
      const Terms done = b_.loop(b_.u32(0), b_.u32(lanes_.tile.rows), b_.u32(1), state,
                                 [&](Term row, const Terms& carried) { return add_sequence(row, carried); });
      if (params_.quantize) return quantize_rows(done[1]);
      write_rows(done[1]);
    });
    return b_.calls({shape_.kv_heads * lanes_.tile.parts, ceil_div(shape_.rows, lanes_.tile.rows), 1});
  }

 private:
  Term numbers(float value) { return splat(b_.f32(value), int(lanes_.count)); }
  Term wide(Term value) const { return splat(value, int(lanes_.count)); }
  Term of_lanes(Term (Queries::*of_query)(uint32_t) const) const {
    Terms all;
    for (uint32_t lane = 0; lane < lanes_.count; ++lane)
      all.push_back((queries_.*of_query)(std::min(lane, lanes_.tile.count() - 1)));
    return packed(all);
  }
  Term packed(const Terms& terms) const { return terms.size() == 1 ? terms[0] : pack(terms); }

  void read_queries() {
    Terms starts;
    for (uint32_t lane = 0; lane < lanes_.count; ++lane)
      starts.push_back(queries_.start(std::min(lane, lanes_.tile.count() - 1)));
    b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), [&](Term column) {
      Terms elements;
      for (const Term& start : starts) elements.push_back(b_.load(operands_.q, start + column, kernel::kF32));
      b_.store_shared(query_, column, packed(elements));
      b_.store_shared(sums_, column, numbers(0));
    });
  }

  // The positions of row `index`'s sequence, for all rows of it, unless an earlier row has had it.
  Terms add_sequence(Term index, const Terms& state) {
    const auto [begin, end, sequence] = queries_.span(index);
    const Term concerned = of_lanes(&Queries::sequence) == wide(sequence);
    const Term aligned = begin / lanes_.chunk * lanes_.chunk;
    return b_.loop(aligned, end, b_.u32(lanes_.chunk), state, [&](Term chunk, const Terms& carried) {
      const Term block = queries_.block(sequence, chunk);
      const Term place =
          ((block * shape_.kv_heads + queries_.kv_head()) * shape_.block_size + chunk % shape_.block_size) *
          shape_.columns;
      // Positions outside of what is written repeat one inside; they have no weight.
      Terms places;
      for (uint32_t i = 0; i < lanes_.chunk; ++i) {
        const Term position = maximum(minimum(chunk + i, end - 1u), begin);
        places.push_back(place + (position - chunk) * shape_.columns);
      }
      return add_chunk(chunk, concerned, places, carried);
    });
  }

  Terms add_chunk(Term chunk, Term concerned, const Terms& places, const Terms& carried) {
    read_cache(operands_.k_cache, places);
    Terms scores = b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), Terms(places.size(), numbers(0)),
                           [&](Term column, const Terms& before) {
                             const Term query = b_.load_shared(query_, column, int(lanes_.count));
                             Terms after;
                             for (uint32_t i = 0; i < lanes_.chunk; ++i)
                               after.push_back(fused_multiply_add(wide(cached(i, column)), query, before[i]));
                             return after;
                           });
    const Term lengths = of_lanes(&Queries::length);
    Term most = carried[0];
    for (uint32_t i = 0; i < lanes_.chunk; ++i) {
      Term seen = concerned & (wide(chunk + i) < lengths);
      if (params_.window > 0) seen = seen & (of_lanes(&Queries::first) <= wide(chunk + i));
      const Term score = capped(params_, scores[i] * numbers(params_.scale));
      scores[i] = select(seen, score, numbers(-std::numeric_limits<float>::infinity()));
      most = maximum(most, scores[i]);
    }
    const Term shrink = apply_function(Op::kExponential, carried[0] - most);
    Term sum = carried[1] * shrink;
    for (Term& score : scores) {
      score = apply_function(Op::kExponential, score - most);
      sum = sum + score;
    }
    read_cache(operands_.v_cache, places);
    b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), [&](Term column) {
      Term total = b_.load_shared(sums_, column, int(lanes_.count)) * shrink;
      for (uint32_t i = 0; i < lanes_.chunk; ++i) total = fused_multiply_add(wide(cached(i, column)), scores[i], total);
      b_.store_shared(sums_, column, total);
    });
    return {most, sum};
  }

  Term cached(uint32_t position, Term column) { return b_.load_shared(cached_, column + position * shape_.columns); }

  // Rows of a cache as f32 in shared memory.
  void read_cache(uint32_t cache, const Terms& places) {
    const uint32_t width = std::min(16u, shape_.columns & -shape_.columns);
    const auto lanes = int(width);
    b_.loop(b_.u32(0), b_.u32(shape_.columns / width), b_.u32(1), [&](Term part) {
      for (uint32_t i = 0; i < lanes_.chunk; ++i) {
        const Term index = places[i] / width + part;
        const Term value = shape_.half
                               ? half_to_float(convert(b_.load(cache, index, {Scalar::kU16, lanes}), Scalar::kU32))
                               : b_.load(cache, index, {Scalar::kF32, lanes});
        b_.store_shared(cached_, part + i * (shape_.columns / width), value);
      }
    });
  }

  void quantize_rows(Term weights) {
    Terms stored;
    for (uint32_t query = 0; query < lanes_.tile.count(); ++query) stored.push_back(queries_.exists(query));
    const uint32_t parts = shape_.columns / 32;
    b_.loop(b_.u32(0), b_.u32(parts), b_.u32(1), [&](Term part) {
      std::vector<Q8Group> groups;
      for (uint32_t query = 0; query < lanes_.tile.count(); ++query)
        groups.push_back({y_, queries_.row(query), queries_.head(query) * parts + part, shape_.heads * shape_.columns});
      store_q8_lanes(b_, target_, int(lanes_.count), groups, stored,
                     [&](Term i) { return b_.load_shared(sums_, (part << 5u) + i, int(lanes_.count)) / weights; });
    });
  }

  void write_rows(Term weights) {
    for (uint32_t query = 0; query < lanes_.tile.count(); ++query) {
      b_.when(queries_.exists(query), [&] {
        const Term start = queries_.start(query), weight = extract(weights, query);
        b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), [&](Term column) {
          b_.store(y_, start + column, b_.load_shared(sums_, column * lanes_.count + query) / weight);
        });
      });
    }
  }

  const Attention& params_;
  const AttentionShape& shape_;
  const Target& target_;
  Lanes lanes_;
  CallBuilder b_;
  AttentionOperands operands_;
  uint32_t y_;
  uint32_t query_;   // [columns][lanes]
  uint32_t sums_;    // [columns][lanes]: of weights times v
  uint32_t cached_;  // [chunk][columns]
  Term rows_;
  Term first_row_;
  Queries queries_;
};

}  // namespace

Result<OpCalls> write_attention_lanes(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                      const Target& target) {
  return LaneAttention(params, op, shape, target).write();
}

}  // namespace trireme::compiler
