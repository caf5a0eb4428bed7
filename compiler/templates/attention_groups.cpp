// Attention where the items of a group share queries that meet one head of the cache, so that k and v are read once for
// all of them. Positions come in chunks of as many as the group has items: each item scores one against all queries,
// and then sums its columns of v over its share of the chunk, with the softmax kept online. Where there are too few
// queries for the device, several groups share the positions, and a second kernel joins what they found.
#include <algorithm>
#include <functional>
#include <limits>

#include "compiler/templates/attention.h"
#include "compiler/templates/attention_pieces.h"
#include "compiler/templates/attention_splits.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

constexpr uint32_t kSoftwareItems = 8;  // of an emulated GPU, which makes a vector of so many
constexpr uint32_t kMostQueries = 8;
constexpr uint32_t kMostSums = 64;     // that an item can keep in registers
constexpr uint32_t kPrefillRows = 64;  // from which on a tile has several rows
constexpr uint32_t kMostSplits = 16;
constexpr uint32_t kLeastSplit = 256;  // positions
constexpr uint32_t kLeastUnits = 32;   // of a GPU that does not tell how many it has

// How a group does its work.
struct Plan {
  QueryTile tile;
  Piece piece;
  uint32_t items = kGroupSize;
  uint32_t splits = 1;  // groups that share the positions

  uint32_t pieces = 1;  // of a row of the cache
  uint32_t owned = 1;   // of them, that an item sums of v
  uint32_t phases = 1;  // items that share a piece, each with its own positions

  uint32_t sums() const { return tile.count() * owned * piece.width(); }  // of an item
  uint32_t fold_words() const { return pieces * phases * piece.width(); }
  uint32_t shared_bytes(uint32_t columns) const {
    return 4 * (tile.count() * (columns + 2 * items) + items + fold_words());
  }
};

uint32_t split_count(const Attention& params, const AttentionShape& shape, const Plan& plan, const Target& target) {
  if (target.software || plan.tile.rows > 1) return 1;
  const uint64_t groups = uint64_t(shape.rows) * shape.kv_heads * plan.tile.parts;
  const uint64_t wanted = 2 * std::max(target.compute_units, kLeastUnits);
  const uint64_t seen =
      params.window > 0 ? std::min<uint64_t>(shape.context(), uint64_t(params.window)) : shape.context();
  uint32_t splits = 1;
  while (splits < kMostSplits && groups * splits < wanted && 2 * splits * kLeastSplit <= seen) splits *= 2;
  return splits;
}

Plan make_plan(const Attention& params, const AttentionShape& shape, const Target& target) {
  Plan plan;
  plan.items = target.software ? kSoftwareItems : kGroupSize;
  plan.piece = piece_of(shape);
  plan.pieces = shape.columns / plan.piece.width();
  plan.owned = ceil_div(plan.pieces, plan.items);
  plan.phases = std::max(1u, plan.items / plan.pieces);
  const uint32_t most_rows = shape.rows >= kPrefillRows ? kMostQueries : 1;
  for (uint32_t most = kMostQueries; most >= 1; most /= 2) {
    plan.tile = query_tile(shape, most, most_rows);
    if (plan.shared_bytes(shape.columns) <= target.shared_bytes && plan.sums() <= kMostSums) break;
  }
  plan.splits = split_count(params, shape, plan, target);
  while (target.max_buffer_bytes > 0 && plan.splits > 1 && left_bytes(shape, plan.splits) > target.max_buffer_bytes)
    plan.splits /= 2;
  return plan;
}

class GroupAttention {
 public:
  GroupAttention(const Attention& params, const OpDesc& op, const AttentionShape& shape, const Plan& plan,
                 const Target& target)
      : params_(params),
        shape_(shape),
        plan_(plan),
        target_(target),
        b_(attention_name("attention_", shape), plan.items),
        operands_(bind(b_)),
        out_(plan.splits > 1 ? b_.workspace("left", left_bytes(shape, plan.splits), Access::kWrite)
                             : b_.output(0, "y")),
        query_(b_.shared("query", kernel::kF32, plan.tile.count() * shape.columns)),
        weights_(b_.shared("weights", kernel::kF32, plan.tile.count() * plan.items)),
        places_(b_.shared("places", kernel::kU32, plan.items)),
        fold_(b_.shared("fold", kernel::kF32, plan.fold_words())),
        rows_(b_.row_count(op.inputs[0].desc)),
        item_(b_.local_id()),
        first_row_(b_.group_id(1) * plan.tile.rows),
        part_(plan.splits > 1 ? b_.group_id(0) / plan.splits : b_.group_id(0)),
        queries_(b_, params, shape, operands_, plan.tile, part_, first_row_, rows_) {
    b_.comment(std::to_string(plan.tile.heads) + " heads of " + std::to_string(plan.tile.rows) + " rows a group" +
               (plan.splits > 1 ? ", " + std::to_string(plan.splits) + " groups share the positions" : ""));
  }

  Result<KernelCall> write() {
    b_.when(first_row_ < rows_, [&] {
      queries_.read_rows();
      read_queries();
      State state;
      for (uint32_t i = 0; i < count(); ++i) {
        state.largest.push_back(b_.f32(std::numeric_limits<float>::lowest()));
        state.weight.push_back(b_.f32(0));
      }
      state.sums = Terms(count() * plan_.owned * plan_.piece.vectors, zeros());
      State done = plan_.tile.rows == 1 ? add_sequence(b_.u32(0), state)
                                        : unpacked(b_.loop(b_.u32(0), b_.u32(plan_.tile.rows), b_.u32(1), packed(state),
                                                           [&](Term row, const Terms& carried) {
                                                             return packed(add_sequence(row, unpacked(carried)));
                                                           }));
      done.weight = group_reduce(b_, target_, Op::kAdd, done.weight, plan_.items);
      for (uint32_t query = 0; query < count(); ++query) finish(query, done);
      if (params_.quantize && plan_.splits == 1) quantize();
    });
    return b_.call({shape_.kv_heads * plan_.tile.parts * plan_.splits, ceil_div(shape_.rows, plan_.tile.rows), 1});
  }

 private:
  // Of each query: the largest score, this item's sum of weights, and of weights times v for each vector that it owns.
  struct State {
    Terms largest, weight, sums;
  };
  static Terms packed(const State& state) {
    Terms all = state.largest;
    all.insert(all.end(), state.weight.begin(), state.weight.end());
    all.insert(all.end(), state.sums.begin(), state.sums.end());
    return all;
  }
  State unpacked(const Terms& all) const {
    return {{all.begin(), all.begin() + count()},
            {all.begin() + count(), all.begin() + 2 * count()},
            {all.begin() + 2 * count(), all.end()}};
  }

  uint32_t count() const { return plan_.tile.count(); }
  // Loads that are on their way at once. An emulated GPU has no use for it, and takes long to build what is unrolled.
  uint32_t most_unrolled() const { return target_.software ? 1 : 4; }
  Term zeros() { return splat(b_.f32(0), int(plan_.piece.lanes)); }

  // Emulated GPUs load lane by lane from shared memory, too: queries come as texels, and what an item knows of its
  // position goes to the others by subgroups where those are whole groups.
  bool fetches_queries() const { return target_.fetches_texels && plan_.piece.lanes == 4; }
  bool broadcasts() const { return target_.software && target_.subgroup_size == plan_.items && plan_.phases == 1; }

  Terms load_piece(uint32_t cache, Term number) { return plan_.piece.load(b_, shape_, cache, number); }
  // What of a query meets a piece of k.
  Terms query_piece(uint32_t query, Term number) {
    if (fetches_queries()) return plan_.piece.load_query(b_, operands_.q, queries_.start(query), number);
    Terms vectors;
    for (uint32_t vector = 0; vector < plan_.piece.vectors; ++vector)
      vectors.push_back(b_.load_shared(query_, (number + query * plan_.pieces) * plan_.piece.vectors + vector,
                                       int(plan_.piece.lanes)));
    return vectors;
  }

  void read_queries() {
    if (fetches_queries()) return;
    for (uint32_t query = 0; query < count(); ++query) {
      const Term start = queries_.start(query);
      b_.loop(item_, b_.u32(shape_.columns), b_.u32(plan_.items), [&](Term column) {
        b_.store_shared(query_, plan_.piece.place(column) + query * shape_.columns,
                        b_.load(operands_.q, start + column, kernel::kF32));
      });
    }
    b_.barrier();
  }

  State add_sequence(Term index, const State& state) {
    const Queries::Span span = queries_.span(index);
    const Term begin = plan_.splits > 1 ? span.begin + b_.group_id(0) % plan_.splits * plan_.items : span.begin;
    return unpacked(
        b_.loop(begin, span.end, b_.u32(plan_.splits * plan_.items), packed(state),
                [&](Term chunk, const Terms& carried) { return packed(add_chunk(chunk, span, unpacked(carried))); }));
  }

  State add_chunk(Term chunk, const Queries::Span& span, const State& before) {
    const Term position = b_.named(chunk + item_, "position");
    const Term inside = minimum(position, span.end - 1u);
    const Term block = queries_.block(span.sequence, inside);
    const Term place =
        ((block * shape_.kv_heads + queries_.kv_head()) * shape_.block_size + inside % shape_.block_size) *
        plan_.pieces;
    Terms scores = dot_products(place);
    for (uint32_t query = 0; query < count(); ++query) {
      Term seen = (queries_.sequence(query) == span.sequence) & (position < queries_.length(query));
      if (params_.window > 0) seen = seen & (queries_.first(query) <= position);
      scores[query] = select(seen, capped(params_, scores[query] * b_.f32(params_.scale)),
                             b_.f32(-std::numeric_limits<float>::infinity()));
    }
    State after;
    after.largest = group_reduce(b_, target_, Op::kMaximum, scores, plan_.items);
    Terms shrinks, weights;
    if (!broadcasts()) b_.store_shared(places_, item_, place);
    for (uint32_t query = 0; query < count(); ++query) {
      after.largest[query] = maximum(after.largest[query], before.largest[query]);
      const Term weight = apply_function(Op::kExponential, scores[query] - after.largest[query]);
      if (!broadcasts()) b_.store_shared(weights_, item_ + query * plan_.items, weight);
      weights.push_back(weight);
      shrinks.push_back(apply_function(Op::kExponential, before.largest[query] - after.largest[query]));
      after.weight.push_back(before.weight[query] * shrinks[query] + weight);
    }
    if (!broadcasts()) b_.barrier();
    after.sums = before.sums;
    const uint32_t each = plan_.owned * plan_.piece.vectors;
    for (uint32_t i = 0; i < after.sums.size(); ++i)
      after.sums[i] = after.sums[i] * splat(shrinks[i / each], int(plan_.piece.lanes));
    after.sums = broadcasts() ? add_broadcast_values(place, weights, after.sums)
                              : add_values(minimum(span.end - chunk, b_.u32(plan_.items)), after.sums);
    return after;
  }

  // Of every query with the row of k at `place`.
  Terms dot_products(Term place) {
    uint32_t unroll = most_unrolled();
    while (plan_.pieces % unroll != 0) unroll /= 2;
    const Terms sums = b_.loop(
        b_.u32(0), b_.u32(plan_.pieces), b_.u32(unroll), Terms(count(), zeros()), [&](Term first, const Terms& before) {
          std::vector<Terms> pieces;
          for (uint32_t i = 0; i < unroll; ++i) pieces.push_back(load_piece(operands_.k_cache, place + (first + i)));
          Terms after = before;
          std::vector<Terms> values;
          for (uint32_t i = 0; i < unroll; ++i)
            for (uint32_t vector = 0; vector < plan_.piece.vectors; ++vector)
              for (uint32_t query = 0; query < count(); ++query) {
                if (vector == 0) values.push_back(query_piece(query, first + i));
                after[query] = fused_multiply_add(values[i * count() + query][vector], pieces[i][vector], after[query]);
              }
          return after;
        });
    Terms products;
    for (const Term& sum : sums) {
      Term product = extract(sum, 0);
      for (uint32_t lane = 1; lane < plan_.piece.lanes; ++lane) product = product + extract(sum, lane);
      products.push_back(product);
    }
    return products;
  }

  Term phase() { return plan_.phases == 1 ? b_.u32(0) : item_ / plan_.pieces; }
  Term own_piece(uint32_t i) {
    if (plan_.owned == 1) return plan_.pieces >= plan_.items ? item_ : item_ % plan_.pieces;
    return minimum(item_ + i * plan_.items, b_.u32(plan_.pieces - 1));
  }
  // Items beyond the last phase have nothing.
  Term works() { return phase() < plan_.phases; }

  // `count` rows of v, loaded at once, times their weights: place(i) is where row i begins.
  Terms add_rows(uint32_t count, const std::function<Term(uint32_t i)>& place,
                 const std::function<Term(uint32_t i, uint32_t query)>& weight, const Terms& before) {
    std::vector<Terms> pieces;
    for (uint32_t i = 0; i < count; ++i) {
      const Term row = place(i);
      for (uint32_t own = 0; own < plan_.owned; ++own)
        pieces.push_back(load_piece(operands_.v_cache, row + own_piece(own)));
    }
    Terms after;
    for (uint32_t query = 0; query < this->count(); ++query) {
      Terms weights;
      for (uint32_t i = 0; i < count; ++i) weights.push_back(splat(weight(i, query), int(plan_.piece.lanes)));
      for (uint32_t own = 0; own < plan_.owned; ++own)
        for (uint32_t vector = 0; vector < plan_.piece.vectors; ++vector) {
          Term sum = before[after.size()];
          for (uint32_t i = 0; i < count; ++i)
            sum = fused_multiply_add(weights[i], pieces[i * plan_.owned + own][vector], sum);
          after.push_back(sum);
        }
    }
    return after;
  }

  // The whole chunk, by subgroups: weights beyond its end are 0.
  Terms add_broadcast_values(Term place, const Terms& weights, const Terms& before) {
    b_.use_subgroups(plan_.items);
    Terms sums = before;
    for (uint32_t position = 0; position < plan_.items; ++position) {
      const auto of_position = [&](Term value) {
        return b_.apply(Op::kSubgroupBroadcast, value.type(), {value}, position);
      };
      sums = add_rows(
          1, [&](uint32_t) { return of_position(place); },
          [&](uint32_t, uint32_t query) { return of_position(weights[query]); }, sums);
    }
    return sums;
  }

  // The chunk's first `positions` rows of v, times their weights.
  Terms add_values(Term positions, const Terms& sums) {
    uint32_t unroll = most_unrolled();
    while (unroll > 1 && plan_.items % (plan_.phases * unroll) != 0) unroll /= 2;
    const Term begin = select(works(), phase(), positions);
    return b_.loop(begin, positions, b_.u32(plan_.phases * unroll), sums, [&](Term first, const Terms& before) {
      return add_rows(
          unroll, [&](uint32_t i) { return b_.load_shared(places_, first + i * plan_.phases); },
          [&](uint32_t i, uint32_t query) {
            return b_.load_shared(weights_, first + (i * plan_.phases + query * plan_.items));
          },
          before);
    });
  }

  // A query's sums of all phases become one, and go where they belong. Begins with a barrier after the first.
  void finish(uint32_t query, const State& done) {
    if (query > 0) b_.barrier();
    const uint32_t each = plan_.owned * plan_.piece.vectors;
    b_.when(works(), [&] {
      for (uint32_t own = 0; own < plan_.owned; ++own)
        b_.when(item_ + own * plan_.items < plan_.pieces * plan_.phases, [&] {
          for (uint32_t vector = 0; vector < plan_.piece.vectors; ++vector)
            b_.store_shared(fold_, (phase() * plan_.pieces + own_piece(own)) * plan_.piece.vectors + vector,
                            done.sums[query * each + own * plan_.piece.vectors + vector]);
        });
    });
    b_.barrier();
    const Term left =
        (queries_.start(query) / shape_.columns * plan_.splits + b_.group_id(0) % plan_.splits) * left_words(shape_);
    b_.loop(item_, b_.u32(shape_.columns), b_.u32(plan_.items), [&](Term column) {
      const Term at = plan_.piece.place(column);
      const Term sum =
          b_.loop(at, b_.u32(plan_.phases * shape_.columns), b_.u32(shape_.columns), {b_.f32(0)},
                  [&](Term place, const Terms& before) { return Terms{before[0] + b_.load_shared(fold_, place)}; })[0];
      if (plan_.splits > 1) {
        b_.when(queries_.exists(query), [&] { b_.store(out_, left + column + 2u, sum); });
      } else if (params_.quantize) {
        b_.store_shared(query_, column + query * shape_.columns,
                        sum / done.weight[query]);  // nothing reads it any more
      } else {
        b_.when(queries_.exists(query),
                [&] { b_.store(out_, queries_.start(query) + column, sum / done.weight[query]); });
      }
    });
    if (plan_.splits == 1) return;
    b_.when((item_ == 0u) & queries_.exists(query), [&] {
      b_.store(out_, left, done.largest[query]);
      b_.store(out_, left + 1u, done.weight[query]);
    });
  }

  void quantize() {
    b_.barrier();
    for (uint32_t query = 0; query < count(); ++query)
      b_.when(queries_.exists(query), [&] {
        quantize_head(b_, target_, shape_, plan_.items, {out_, queries_.row(query), queries_.head(query)},
                      {query_, query * shape_.columns});
      });
  }

  const Attention& params_;
  const AttentionShape& shape_;
  const Plan& plan_;
  const Target& target_;
  CallBuilder b_;
  AttentionOperands operands_;
  uint32_t out_;      // y, or what splits leave
  uint32_t query_;    // [queries][columns], in the order of pieces
  uint32_t weights_;  // [queries][items]: of the chunk
  uint32_t places_;   // [items]: of the chunk's rows, in pieces
  uint32_t fold_;     // [phases][columns]
  Term rows_, item_, first_row_, part_;
  Queries queries_;
};

}  // namespace

Result<OpCalls> write_attention_groups(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                       const Target& target) {
  const Plan plan = make_plan(params, shape, target);
  OpCalls calls;
  TRIREME_ASSIGN(KernelCall main, GroupAttention(params, op, shape, plan, target).write());
  calls.push_back(std::move(main));
  if (plan.splits > 1) {
    TRIREME_ASSIGN(KernelCall join, write_join(params, op, shape, plan.splits, target));
    calls.push_back(std::move(join));
  }
  return calls;
}

}  // namespace trireme::compiler
