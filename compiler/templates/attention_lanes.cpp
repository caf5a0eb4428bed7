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

constexpr uint32_t kMostChunk = 16;  // positions

// How the queries are dealt to the lanes: lane l has head l % per_row of row l / per_row of the group's.
struct Lanes {
  uint32_t per_row = 1;  // heads of a row
  uint32_t parts = 1;    // groups that share the heads of one head of the cache
  uint32_t rows = 1;
  uint32_t count = 1;
  uint32_t chunk = 1;  // positions at a time
};

uint32_t shared_words(const Lanes& lanes, uint32_t columns) { return columns * (2 * lanes.count + lanes.chunk); }

Lanes deal(const AttentionShape& shape, const Target& target) {
  Lanes lanes;
  const uint32_t queries = shape.heads / shape.kv_heads;
  lanes.chunk = std::min(kMostChunk, shape.block_size & -shape.block_size);
  for (uint32_t most = target.vector_lanes; most >= 1; most /= 2) {
    lanes.per_row = std::min(queries, most);
    lanes.parts = ceil_div(queries, lanes.per_row);
    lanes.rows = std::min(most / lanes.per_row, shape.rows);
    lanes.count = std::bit_ceil(lanes.per_row * lanes.rows);
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
               std::to_string(lanes_.rows),
           1),
        operands_(bind(b_)),
        query_(b_.shared("query", kernel::kF32, shape.columns * lanes_.count)),
        sums_(b_.shared("sums", kernel::kF32, shape.columns * lanes_.count)),
        cached_(b_.shared("cached", kernel::kF32, shape.columns * lanes_.chunk)),
        rows_(b_.row_count(op.inputs[0].desc)),
        group_(b_.group_id(0)) {
    b_.comment("a lane a query: " + std::to_string(lanes_.per_row) + " heads of " + std::to_string(lanes_.rows) +
               " rows, " + std::to_string(lanes_.chunk) + " positions at a time");
  }

  Result<OpCalls> write() {
    b_.when(b_.group_id(1) * lanes_.rows < rows_, [&] {
      read_rows();
      read_queries();
      Terms state = {numbers(std::numeric_limits<float>::lowest()), numbers(0)};  // largest score, sum of weights
      const Terms done = b_.loop(b_.u32(0), b_.u32(lanes_.rows), b_.u32(1), state,
                                 [&](Term row, const Terms& carried) { return add_sequence(row, carried); });
      if (params_.quantize) return quantize_rows(done[1]);
      write_rows(done[1]);
    });
    return b_.calls({shape_.kv_heads * lanes_.parts, ceil_div(shape_.rows, lanes_.rows), 1});
  }

 private:
  Term numbers(float value) { return splat(b_.f32(value), int(lanes_.count)); }
  Term wide(Term value) const { return splat(value, int(lanes_.count)); }
  Term row_at(Term index) { return minimum(b_.group_id(1) * lanes_.rows + index, rows_ - 1u); }
  Term first_head() {
    return group_ / lanes_.parts * (shape_.heads / shape_.kv_heads) + group_ % lanes_.parts * lanes_.per_row;
  }
  // Lanes beyond the queries repeat the last one, and are not stored.
  Terms of_lanes(const Terms& of_rows) const {
    Terms all;
    for (uint32_t lane = 0; lane < lanes_.count; ++lane)
      all.push_back(of_rows[std::min(lane / lanes_.per_row, lanes_.rows - 1)]);
    return all;
  }
  Term packed(const Terms& terms) const { return terms.size() == 1 ? terms[0] : pack(terms); }

  void read_rows() {
    for (uint32_t i = 0; i < lanes_.rows; ++i) {
      const Term row = row_at(b_.u32(i));
      lengths_.push_back(b_.load(operands_.positions, row, kernel::kU32) + 1u);
      row_sequences_.push_back(b_.load(operands_.sequences, row, kernel::kU32));
      firsts_.push_back(first_position(b_, params_, lengths_[i]));
    }
  }

  Term head_of(uint32_t lane) {
    const uint32_t queries = shape_.heads / shape_.kv_heads;
    const Term last = (group_ / lanes_.parts + 1u) * queries - 1u;
    return minimum(first_head() + lane % lanes_.per_row, last);
  }

  void read_queries() {
    Terms starts;
    for (uint32_t lane = 0; lane < lanes_.count; ++lane) {
      const Term row = row_at(b_.u32(std::min(lane / lanes_.per_row, lanes_.rows - 1)));
      starts.push_back((row * shape_.heads + head_of(lane)) * shape_.columns);
    }
    b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), [&](Term column) {
      Terms elements;
      for (const Term& start : starts) elements.push_back(b_.load(operands_.q, start + column, kernel::kF32));
      b_.store_shared(query_, column, packed(elements));
      b_.store_shared(sums_, column, numbers(0));
    });
  }

  // The positions of row `index`'s sequence, for all rows of it, unless an earlier row has had it.
  Terms add_sequence(Term index, const Terms& state) {
    const Term sequence = b_.load(operands_.sequences, row_at(index), kernel::kU32);
    Term begin = b_.u32(std::numeric_limits<uint32_t>::max()), end = b_.u32(0);
    for (uint32_t i = 0; i < lanes_.rows; ++i) {
      const Term same = row_sequences_[i] == sequence;
      end = select(same, maximum(end, lengths_[i]), end);
      begin = select(same, minimum(begin, firsts_[i]), begin);
    }
    for (uint32_t i = 0; i + 1 < lanes_.rows; ++i)
      end = select((row_sequences_[i] == sequence) & (b_.u32(i) < index), b_.u32(0), end);
    const Term concerned = packed(of_lanes(row_sequences_)) == wide(sequence);
    const Term aligned = begin / lanes_.chunk * lanes_.chunk;
    const Term entries = sequence * shape_.table_columns;
    return b_.loop(aligned, end, b_.u32(lanes_.chunk), state, [&](Term chunk, const Terms& carried) {
      const Term block = b_.load(operands_.table, entries + chunk / shape_.block_size, kernel::kU32);
      const Term place =
          ((block * shape_.kv_heads + group_ / lanes_.parts) * shape_.block_size + chunk % shape_.block_size) *
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
    const Term lengths = packed(of_lanes(lengths_));
    Term most = carried[0];
    for (uint32_t i = 0; i < lanes_.chunk; ++i) {
      Term seen = concerned & (wide(chunk + i) < lengths);
      if (params_.window > 0) seen = seen & (packed(of_lanes(firsts_)) <= wide(chunk + i));
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

  uint32_t queries() const { return lanes_.per_row * lanes_.rows; }
  Term row_of(uint32_t lane) { return b_.group_id(1) * lanes_.rows + lane / lanes_.per_row; }
  Term exists(uint32_t lane) {
    const Term in_group = group_ % lanes_.parts * lanes_.per_row + lane % lanes_.per_row;
    return (row_of(lane) < rows_) & (in_group < shape_.heads / shape_.kv_heads);
  }

  void quantize_rows(Term weights) {
    Terms stored;
    for (uint32_t lane = 0; lane < queries(); ++lane) stored.push_back(exists(lane));
    const uint32_t parts = shape_.columns / 32;
    b_.loop(b_.u32(0), b_.u32(parts), b_.u32(1), [&](Term part) {
      std::vector<Q8Group> groups;
      for (uint32_t lane = 0; lane < queries(); ++lane) {
        const Term head = first_head() + lane % lanes_.per_row;
        groups.push_back({operands_.y, row_of(lane), head * parts + part, shape_.heads * shape_.columns});
      }
      store_q8_lanes(b_, target_, int(lanes_.count), groups, stored,
                     [&](Term i) { return b_.load_shared(sums_, (part << 5u) + i, int(lanes_.count)) / weights; });
    });
  }

  void write_rows(Term weights) {
    for (uint32_t lane = 0; lane < queries(); ++lane) {
      b_.when(exists(lane), [&] {
        const Term start = (row_of(lane) * shape_.heads + first_head() + lane % lanes_.per_row) * shape_.columns;
        const Term weight = extract(weights, lane);
        b_.loop(b_.u32(0), b_.u32(shape_.columns), b_.u32(1), [&](Term column) {
          b_.store(operands_.y, start + column, b_.load_shared(sums_, column * lanes_.count + lane) / weight);
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
  uint32_t query_;   // [columns][lanes]
  uint32_t sums_;    // [columns][lanes]: of weights times v
  uint32_t cached_;  // [chunk][columns]
  Term rows_;
  Term group_;
  Terms lengths_, firsts_, row_sequences_;  // of the group's rows
};

}  // namespace

Result<OpCalls> write_attention_lanes(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                      const Target& target) {
  return LaneAttention(params, op, shape, target).write();
}

}  // namespace trireme::compiler
