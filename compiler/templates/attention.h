// What the templates of attention share.
#pragma once

#include "compiler/templates/templates.h"

namespace trireme::compiler {

struct AttentionShape {
  uint32_t rows = 1;  // capacity
  uint32_t heads = 1;
  uint32_t kv_heads = 1;
  uint32_t columns = 1;  // a head's width
  uint32_t block_size = 1;
  uint32_t table_columns = 1;
  bool half = true;   // the cache is in f16
  bool words = true;  // which are whole words of two

  uint32_t queries() const { return heads / kv_heads; }  // of a row, that meet one head of the cache
  uint32_t context() const { return table_columns * block_size; }
};

// The queries that a group takes, all of which meet one head of the cache: query s is head s % heads of row s / heads.
struct QueryTile {
  uint32_t heads = 1;
  uint32_t parts = 1;  // groups that share the queries of a row
  uint32_t rows = 1;

  uint32_t count() const { return heads * rows; }
};
// At most so many queries, of at most so many rows.
QueryTile query_tile(const AttentionShape& shape, uint32_t most, uint32_t most_rows);

// Numbers of the kernel's buffers.
struct AttentionOperands {
  uint32_t q = 0, k_cache = 0, v_cache = 0, table = 0, positions = 0, sequences = 0;
};
AttentionOperands bind(CallBuilder& b);

// The queries of a tile as terms. Where a row or a head is missing, a query repeats the last one, and does not exist.
class Queries {
 public:
  // `part` counts the parts of all heads of the cache, `first_row` is the tile's, `rows` the number of all rows, which
  // is known before.
  Queries(CallBuilder& b, const Attention& params, const AttentionShape& shape, const AttentionOperands& operands,
          const QueryTile& tile, kernel::Term part, kernel::Term first_row, kernel::Term rows);

  // Where each row's positions begin and end, and its sequence. Once, before what follows.
  void read_rows();

  kernel::Term kv_head() const { return part_ / tile_.parts; }
  kernel::Term row(uint32_t query) const { return first_row_ + query / tile_.heads; }
  kernel::Term head(uint32_t query) const;
  kernel::Term exists(uint32_t query) const;
  // Of the query's first element in q or y.
  kernel::Term start(uint32_t query) const;

  // The positions of one sequence that rows of the tile attend to: those of row `index`, or none when an earlier row of
  // the tile is of the same sequence.
  struct Span {
    kernel::Term begin, end, sequence;
  };
  Span span(kernel::Term index) const;
  // The block of the cache that holds a position of a sequence.
  kernel::Term block(kernel::Term sequence, kernel::Term position) const;
  // Of the query's row.
  kernel::Term length(uint32_t query) const { return lengths_[query / tile_.heads]; }
  kernel::Term first(uint32_t query) const { return firsts_[query / tile_.heads]; }
  kernel::Term sequence(uint32_t query) const { return sequences_[query / tile_.heads]; }

 private:
  kernel::Term row_at(kernel::Term index) const;

  CallBuilder& b_;
  const Attention& params_;
  const AttentionShape& shape_;
  AttentionOperands operands_;
  QueryTile tile_;
  kernel::Term part_, first_row_, rows_;
  kernel::Term table_columns_;                  // a number of the launch
  kernel::Terms lengths_, firsts_, sequences_;  // of the rows
};

kernel::Term capped(const Attention& params, kernel::Term score);

// Where an item is a thread of a processor, and where many share a query.
Result<OpCalls> write_attention_lanes(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                      const Target& target);
Result<OpCalls> write_attention_groups(const Attention& params, const OpDesc& op, const AttentionShape& shape,
                                       const Target& target);

}  // namespace trireme::compiler
