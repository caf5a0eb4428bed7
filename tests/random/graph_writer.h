// GraphWriter: adds named values with random contents, and nodes that fit the values there are.
#pragma once

#include "tests/conformance/packed.h"
#include "tests/random/graph_case.h"

namespace trireme::random {

// Sizes that all row operands of a graph share.
struct Rows {
  int64_t tokens = 1;  // capacities
  int64_t outputs = 1;
};

class GraphWriter {
 public:
  explicit GraphWriter(const std::string& seed);

  conformance::Random& random() { return random_; }
  bool chance(int percent) { return random_.integer(0, 99) < percent; }
  template <typename T, size_t n>
  T one_of(const T (&values)[n]) {
    return values[random_.integer(0, int64_t(n) - 1)];
  }

  GraphCase& made() { return made_; }
  graph::Graph& graph() { return made_.graph; }
  const Rows& rows() const { return rows_; }
  int64_t count(RowDomain domain) const {
    return domain == RowDomain::kTokens ? made_.token_count : made_.output_count;
  }
  const TensorDesc& desc(graph::ValueId id) const { return made_.graph.value(id).desc; }

  // Adds a node, whose operands must fit: an error is the generator's own and ends the run of it.
  graph::ValueId add(OpParams params, std::vector<graph::ValueId> inputs);
  std::vector<graph::ValueId> add_all(OpParams params, std::vector<graph::ValueId> inputs);
  graph::ValueId reshape(graph::ValueId value, const Shape& shape);
  graph::ValueId cast(graph::ValueId value, const Format& format);
  const Status& status() const { return status_; }

  // F32[rows, columns] of numbers in [-2, 2].
  graph::ValueId float_rows(int64_t columns, RowDomain domain);
  // I32[rows] with these numbers where rows count, or I32[rows, columns].
  graph::ValueId row_numbers(const std::vector<int32_t>& numbers, RowDomain domain, int64_t columns = 0);
  graph::ValueId table(const Shape& shape, const std::vector<int32_t>& numbers);
  graph::ValueId weight(const Format& format, int64_t rows, int64_t columns);
  graph::ValueId weight(const Format& format, const Shape& shape);
  graph::ValueId vector(int64_t count);  // f32, f16 or bf16
  graph::ValueId frequencies(int64_t count);
  graph::ValueId cache(const Format& format, const Shape& shape);

  // A format that a weight with so many columns may have, and the next number of rows that it allows.
  const Format& weight_format(int64_t columns);
  static int64_t rows_for(const Format& format, int64_t wanted);

 private:
  std::string name(const char* stem) { return stem + std::to_string(names_++); }
  graph::ValueId input(const TensorDesc& desc, Bytes bytes);

  conformance::Random random_;
  GraphCase made_;
  Rows rows_;
  Status status_;
  int names_ = 0;
};

}  // namespace trireme::random
