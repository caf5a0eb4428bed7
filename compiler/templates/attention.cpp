// Attention over a paged cache.
#include "compiler/templates/attention.h"

#include <algorithm>
#include <limits>

namespace trireme::compiler {

using kernel::Op;
using kernel::Term;

namespace {

constexpr uint32_t kMostColumns = 512;  // a head's width

AttentionShape attention_shape(const OpDesc& op) {
  const Shape &q = op.inputs[0].desc.shape, &cache = op.inputs[1].desc.shape;
  AttentionShape shape;
  shape.rows = uint32_t(q[0]);
  shape.heads = uint32_t(q[1]);
  shape.columns = uint32_t(q[2]);
  shape.kv_heads = uint32_t(cache[1]);
  shape.block_size = uint32_t(cache[2]);
  shape.table_columns = uint32_t(op.inputs[3].desc.shape[1]);
  shape.half = op.inputs[1].desc.format == &formats::f16();
  shape.words = cache.elements() % 2 == 0;
  return shape;
}

}  // namespace

QueryTile query_tile(const AttentionShape& shape, uint32_t most, uint32_t most_rows) {
  QueryTile tile;
  tile.parts = ceil_div(shape.queries(), most);
  tile.heads = ceil_div(shape.queries(), tile.parts);
  tile.rows = std::min({most / tile.heads, most_rows, shape.rows});
  return tile;
}

AttentionOperands bind(CallBuilder& b) {
  AttentionOperands operands;
  operands.q = b.input(0, "q");
  operands.k_cache = b.input(1, "k_cache");
  operands.v_cache = b.input(2, "v_cache");
  operands.table = b.input(3, "block_table");
  operands.positions = b.input(4, "positions");
  operands.sequences = b.input(5, "sequences");
  return operands;
}

Queries::Queries(CallBuilder& b, const Attention& params, const AttentionShape& shape,
                 const AttentionOperands& operands, const QueryTile& tile, Term part, Term first_row, Term rows)
    : b_(b),
      params_(params),
      shape_(shape),
      operands_(operands),
      tile_(tile),
      part_(part),
      first_row_(first_row),
      rows_(rows),
      table_columns_(b.call_constant("table_columns", shape.table_columns)) {}

Term Queries::row_at(Term index) const { return minimum(first_row_ + index, rows_ - 1u); }

void Queries::read_rows() {
  for (uint32_t i = 0; i < tile_.rows; ++i) {
    const Term row = row_at(b_.u32(i));
    lengths_.push_back(b_.load(operands_.positions, row, kernel::kU32) + 1u);
    sequences_.push_back(b_.load(operands_.sequences, row, kernel::kU32));
    if (params_.window == 0) {
      firsts_.push_back(b_.u32(0));
    } else {
      const auto window = uint32_t(params_.window);
      firsts_.push_back(select(lengths_[i] < window, b_.u32(0), lengths_[i] - window));
    }
  }
}

Term Queries::head(uint32_t query) const {
  const Term last = (kv_head() + 1u) * shape_.queries() - 1u;
  return minimum(kv_head() * shape_.queries() + part_ % tile_.parts * tile_.heads + query % tile_.heads, last);
}

Term Queries::exists(uint32_t query) const {
  const Term in_row = part_ % tile_.parts * tile_.heads + query % tile_.heads;
  return (row(query) < rows_) & (in_row < shape_.queries());
}

Term Queries::start(uint32_t query) const {
  return (row_at(b_.u32(query / tile_.heads)) * shape_.heads + head(query)) * shape_.columns;
}

Queries::Span Queries::span(Term index) const {
  const Term sequence = b_.load(operands_.sequences, row_at(index), kernel::kU32);
  Term begin = b_.u32(std::numeric_limits<uint32_t>::max()), end = b_.u32(0);
  for (uint32_t i = 0; i < tile_.rows; ++i) {
    const Term same = sequences_[i] == sequence;
    end = select(same, maximum(end, lengths_[i]), end);
    begin = select(same, minimum(begin, firsts_[i]), begin);
  }
  for (uint32_t i = 0; i + 1 < tile_.rows; ++i)
    end = select((sequences_[i] == sequence) & (b_.u32(i) < index), b_.u32(0), end);
  return {begin, end, sequence};
}

Term Queries::block(Term sequence, Term position) const {
  return b_.load(operands_.table, sequence * table_columns_ + position / shape_.block_size, kernel::kU32);
}

Term capped(const Attention& params, Term score) {
  if (params.softcap <= 0) return score;
  return like(score, params.softcap) * activate(Activation::kTanh, score / like(score, params.softcap));
}

Result<OpCalls> write_attention(const Attention& params, const OpDesc& op, const Target& target) {
  const AttentionShape shape = attention_shape(op);
  if (shape.columns > kMostColumns)
    return fail(ErrorCode::kUnsupported, "attention", "heads of more than 512 elements have no template");
  if (shape.half && !shape.words && !target.small_stores)
    return fail(ErrorCode::kUnsupported, "attention", "a cache of an odd number of f16 needs 16-bit loads");
  return target.vector_lanes > 1 ? write_attention_lanes(params, op, shape, target)
                                 : write_attention_groups(params, op, shape, target);
}

}  // namespace trireme::compiler
