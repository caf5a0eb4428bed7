#include "tests/random/graph_generator.h"

#include <algorithm>
#include <cmath>

#include "graph/verifier.h"
#include "tests/random/graph_writer.h"

namespace trireme::random {

using graph::NodeId;
using graph::ValueId;

namespace {

constexpr int64_t kWidths[] = {1, 2, 3, 5, 7, 13, 31, 32, 37, 64, 96, 160, 256};
constexpr int64_t kGroup = 32;  // columns that are quantised together

class GraphGenerator {
 public:
  explicit GraphGenerator(const std::string& seed) : seed_(seed), w_(seed) {}

  Result<GraphCase> run() {
    const int64_t wanted = w_.random().integer(1, 9);
    for (int64_t i = 0; i < wanted && w_.status(); ++i) step();
    some_experts();
    TRIREME_TRY(w_.status());
    name_outputs();
    TRIREME_TRY(graph::verify(w_.graph()));
    return std::move(w_.made());
  }

 private:
  Activation any_activation() { return Activation(w_.random().integer(0, int64_t(Activation::kTanh))); }
  int64_t columns(ValueId id) const { return w_.desc(id).shape.back(); }
  RowDomain domain(ValueId id) const { return w_.desc(id).rows; }

  // A new value that no node makes, or rows of a table.
  ValueId fresh(int64_t width, RowDomain rows) {
    const bool embed = w_.chance(50) && rows == RowDomain::kTokens;
    ValueId made = 0;
    if (embed) {
      const Format& format = w_.weight_format(width);
      const int64_t vocabulary = w_.rows_for(format, w_.random().integer(1, 40));
      std::vector<int32_t> ids;
      for (int64_t i = 0; i < w_.count(rows); ++i) ids.push_back(int32_t(w_.random().integer(0, vocabulary - 1)));
      const ValueId table = w_.weight(format, vocabulary, width);
      made = w_.add(EmbedRows{w_.chance(60) ? 1.0f : 1.7f}, {table, w_.row_numbers(ids, rows)});
    } else {
      made = w_.float_rows(width, rows);
    }
    pool_.push_back(made);
    return made;
  }

  ValueId any() {
    if (pool_.empty() || w_.chance(15)) return fresh(w_.one_of(kWidths), RowDomain::kTokens);
    // Those made last more often: chains are longer then.
    const auto last = int64_t(pool_.size()) - 1;
    return pool_[size_t(w_.chance(50) ? last : w_.random().integer(0, last))];
  }

  // A value of this width: one that there is, a product of another, or a new one.
  ValueId sized(int64_t width, RowDomain rows) {
    std::vector<ValueId> fitting;
    for (const ValueId id : pool_)
      if (columns(id) == width && domain(id) == rows) fitting.push_back(id);
    if (!fitting.empty() && w_.chance(85)) return fitting[size_t(w_.random().integer(0, int64_t(fitting.size()) - 1))];
    if (w_.chance(40)) return fresh(width, rows);
    const ValueId x = any();
    if (domain(x) != rows) return fresh(width, rows);
    const Format& format = w_.weight_format(columns(x));
    if (width % format.block_rows != 0) return fresh(width, rows);
    return keep(shrunk(w_.add(Matmul{}, {x, w_.weight(format, width, columns(x))}), columns(x)));
  }

  ValueId keep(ValueId id) {
    pool_.push_back(id);
    return id;
  }
  // A sum of so many products, back at the size of its factors.
  ValueId shrunk(ValueId id, int64_t terms) {
    return w_.chance(30) && terms < 40 ? id : w_.add(Scale{float(1 / std::sqrt(double(terms)))}, {id});
  }

  void step() {
    switch (w_.random().integer(0, 15)) {
      case 0:
      case 1:
      case 2: return matmul();
      case 3:
      case 4: return glu();
      case 5: return norm();
      case 6: return fused_norm();
      case 7: return binary();
      case 8: return unary();
      case 9: return rows_of_others();
      case 10: return softmax();
      case 11: return casts();
      case 12: return views();
      default: return attention();
    }
  }

  // The operand of a matmul with this weight: quantised now, by the compiler, or not at all.
  ValueId activations(ValueId x, const Format& format, ActScheme& act) {
    if (columns(x) % kGroup != 0 || !has_integer_codes(format) || w_.chance(50)) return x;
    act = ActScheme::kQ8;
    return w_.add(QuantizeQ8{}, {x});
  }

  void matmul() {
    const ValueId x = any();
    const int64_t k = columns(x);
    const Format& format = w_.weight_format(k);
    const int64_t n = w_.rows_for(format, w_.one_of(kWidths));
    Matmul op;
    std::vector<ValueId> inputs = {activations(x, format, op.act), w_.weight(format, n, k)};
    op.has_bias = w_.chance(15);
    op.has_residual = w_.chance(15);
    if (op.has_bias) inputs.push_back(w_.vector(n));
    if (op.has_residual) inputs.push_back(sized(n, domain(x)));
    ValueId y = w_.add(op, inputs);
    // As a family writes them.
    if (w_.chance(20)) y = w_.add(Binary{Binary::Kind::kAdd}, {y, w_.vector(n)});
    if (w_.chance(20)) y = w_.add(Binary{Binary::Kind::kAdd}, {y, sized(n, domain(x))});
    keep(shrunk(y, k));
  }

  void glu() {
    const ValueId x = any();
    const int64_t k = columns(x);
    const Format& format = w_.weight_format(k);
    const int64_t n = w_.rows_for(format, w_.one_of(kWidths));
    const ValueId gate = w_.weight(format, n, k), up = w_.weight(format, n, k);
    const Activation activation = any_activation();
    // Products that a square or another product still lets grow no further.
    const ValueId small = w_.add(Scale{float(1 / std::sqrt(double(k)))}, {x});
    if (w_.chance(50)) {
      const ValueId a = w_.add(Matmul{}, {small, gate}), b = w_.add(Matmul{}, {small, up});
      keep(w_.add(Glu{activation}, {a, b}));
      return;
    }
    MatmulGlu op{ActScheme::kFloat, activation, false};
    const ValueId seen = activations(small, format, op.act);
    op.quantize = n % kGroup == 0 && w_.chance(50);
    const ValueId y = w_.add(op, {seen, gate, up});
    if (!op.quantize) return void(keep(y));
    multiply_quantised(y);
  }

  // Q8_ACT rows have no other use.
  void multiply_quantised(ValueId q) {
    const int64_t k = columns(q);
    const Format* format = &w_.weight_format(k);
    while (!has_integer_codes(*format)) format = &w_.weight_format(k);
    const int64_t n = w_.rows_for(*format, w_.one_of(kWidths));
    keep(shrunk(w_.add(Matmul{.act = ActScheme::kQ8}, {q, w_.weight(*format, n, k)}), k));
  }

  RmsNorm any_norm() { return {w_.chance(50) ? 1e-5f : 1e-2f, w_.chance(30) ? 1.0f : 0.0f}; }

  void norm() {
    const ValueId x = any();
    keep(w_.add(any_norm(), {x, w_.vector(columns(x))}));
  }

  void fused_norm() {
    const ValueId x = any();
    const int64_t d = columns(x);
    if (w_.chance(50)) {  // as a family writes it
      const ValueId sum = keep(w_.add(Binary{Binary::Kind::kAdd}, {x, sized(d, domain(x))}));
      keep(w_.add(any_norm(), {sum, w_.vector(d)}));
      return;
    }
    FusedNorm op{any_norm(), w_.chance(60), d % kGroup == 0 && w_.chance(50)};
    std::vector<ValueId> inputs = {x};
    if (op.has_residual) inputs.push_back(sized(d, domain(x)));
    inputs.push_back(w_.vector(d));
    const std::vector<ValueId> outputs = w_.add_all(op, inputs);
    if (op.has_residual) keep(outputs[0]);
    if (op.quantize) return multiply_quantised(outputs.back());
    keep(outputs.back());
  }

  void binary() {
    const ValueId x = any();
    const auto kind = Binary::Kind(w_.random().integer(0, 2));
    const ValueId other = w_.chance(25) ? w_.vector(columns(x)) : w_.chance(15) ? x : sized(columns(x), domain(x));
    keep(w_.add(Binary{kind}, {x, other}));
  }

  void unary() {
    const ValueId x = any();
    if (w_.chance(20)) return void(keep(w_.add(Scale{float(w_.random().uniform(-1.5, 1.5))}, {x})));
    if (w_.chance(25)) return void(keep(w_.add(Softcap{w_.chance(50) ? 30.0f : 2.0f}, {x})));
    if (w_.chance(30)) return void(keep(w_.add(Glu{any_activation()}, {x, sized(columns(x), domain(x))})));
    keep(w_.add(Unary{any_activation()}, {x}));
  }

  void softmax() {
    const ValueId x = any();
    if (w_.chance(70)) return void(keep(w_.add(Softmax{}, {x})));
    extra_.push_back(w_.add(Argmax{}, {x}));
  }

  // Drawn from numbers of their own, so that graphs without experts stay what they are.
  void some_experts() {
    conformance::Random own("experts of " + seed_);
    std::swap(w_.random(), own);
    if (w_.chance(40)) {
      for (int64_t i = w_.random().integer(1, 2); i > 0; --i) experts();
      for (int64_t i = w_.random().integer(0, 2); i > 0; --i) step();
    }
    std::swap(w_.random(), own);
  }

  // The ids of the first of each row; their values can be used.
  ValueId top(int64_t k, ValueId x) {
    const std::vector<ValueId> best = w_.add_all(TopK{k}, {x});
    keep(best[0]);
    return best[1];
  }

  // Which of so many experts each row uses: the best ones of scores, or any, of which some do not exist.
  ValueId chosen(int64_t experts, int64_t slots, RowDomain rows) {
    if (w_.chance(60)) return top(slots, fresh(experts, rows));
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < w_.count(rows) * slots; ++i)
      ids.push_back(
          int32_t(w_.chance(90) ? w_.random().integer(0, experts - 1) : w_.random().integer(-2, 2 * experts)));
    return w_.row_numbers(ids, rows, slots);
  }

  void experts() {
    const ValueId x = any();
    if (w_.chance(20)) return extra_.push_back(top(w_.random().integer(1, std::min(columns(x), kMostTopK)), x));
    const int64_t k = columns(x), count = w_.random().integer(1, 6);
    const int64_t slots = w_.random().integer(1, std::min<int64_t>(count, 3));
    const Format& format = w_.weight_format(k);
    const int64_t n = w_.rows_for(format, w_.one_of(kWidths));
    GroupedMatmul op;
    const ValueId seen = activations(x, format, op.act);
    const ValueId weight = w_.weight(format, Shape{count, n, k});
    const ValueId y = w_.add(op, {seen, weight, chosen(count, slots, domain(x))});
    keep(shrunk(w_.reshape(y, {w_.desc(y).shape[0], slots * n}), k));
  }

  void rows_of_others() {
    const ValueId x = any();
    if (domain(x) != RowDomain::kTokens) return;
    std::vector<int32_t> rows;
    for (int64_t i = 0; i < w_.count(RowDomain::kOutputs); ++i)
      rows.push_back(int32_t(w_.random().integer(0, w_.count(RowDomain::kTokens) - 1)));
    keep(w_.add(GatherRows{}, {x, w_.row_numbers(rows, RowDomain::kOutputs)}));
  }

  void casts() {
    const ValueId x = any();
    const ValueId half = w_.cast(x, w_.chance(50) ? formats::f16() : formats::bf16());
    if (w_.chance(40)) extra_.push_back(half);
    keep(w_.cast(half, formats::f32()));
  }

  // Other shapes of the same storage, with a use of their own.
  void views() {
    const ValueId x = any();
    const int64_t d = columns(x), rows = w_.desc(x).shape[0];
    const int64_t parts = d % 2 == 0 ? 2 : 1;
    const ValueId heads = w_.reshape(x, {rows, parts, d / parts});
    ValueId y = heads;
    if (w_.chance(50))
      y = w_.add(any_norm(), {y, w_.vector(d / parts)});
    else if (w_.chance(50))
      y = w_.add(Softmax{}, {y});
    else
      y = w_.add(Unary{any_activation()}, {y});
    keep(w_.reshape(y, {rows, d}));
  }

  struct Heads {
    int64_t query, kv, columns;
  };

  // What all attentions of the graph share.
  struct Cached {
    int64_t block_size, blocks_each, sequences;
    ValueId positions, sequence_ids, table, slots;
  };

  const Cached& cached() {
    if (cached_) return *cached_;
    Cached made{w_.random().integer(1, 5), w_.random().integer(1, 4), w_.random().integer(1, 3), 0, 0, 0, 0};
    const int64_t rows = w_.count(RowDomain::kTokens), length = made.block_size * made.blocks_each;
    std::vector<int32_t> positions, sequences, slots, table;
    for (int64_t i = 0; i < made.sequences * made.blocks_each; ++i) table.push_back(int32_t(i));
    for (size_t i = table.size() - 1; i > 0; --i)
      std::swap(table[i], table[size_t(w_.random().integer(0, int64_t(i)))]);
    std::vector<int32_t> free;
    for (int64_t i = 0; i < made.sequences * length; ++i) free.push_back(int32_t(i));
    for (int64_t i = 0; i < rows; ++i) {
      positions.push_back(int32_t(w_.random().integer(0, length - 1)));
      sequences.push_back(int32_t(w_.random().integer(0, made.sequences - 1)));
      slots.push_back(-1);
      if (free.empty() || w_.chance(10)) continue;
      const auto at = size_t(w_.random().integer(0, int64_t(free.size()) - 1));
      slots.back() = free[at];
      free.erase(free.begin() + std::ptrdiff_t(at));
    }
    made.positions = w_.row_numbers(positions, RowDomain::kTokens);
    made.sequence_ids = w_.row_numbers(sequences, RowDomain::kTokens);
    made.slots = w_.row_numbers(slots, RowDomain::kTokens);
    made.table = w_.table({made.sequences, made.blocks_each}, table);
    cached_ = made;
    return *cached_;
  }

  ValueId heads_of(int64_t heads, int64_t head_columns) {
    const ValueId x = sized(heads * head_columns, RowDomain::kTokens);
    return w_.reshape(x, {w_.rows().tokens, heads, head_columns});
  }

  void attention() {
    constexpr int64_t kColumns[] = {1, 2, 3, 4, 5, 8, 16, 32, 64};
    constexpr int64_t kKvHeads[] = {1, 1, 2, 3};
    const int64_t kv = w_.one_of(kKvHeads);
    const Heads size{kv * w_.random().integer(1, 3), kv, w_.one_of(kColumns)};
    const Cached shared = cached();
    const Format& format = w_.chance(70) ? formats::f16() : formats::f32();
    const Shape shape{shared.sequences * shared.blocks_each, kv, shared.block_size, size.columns};
    std::vector<ValueId> caches = {w_.cache(format, shape), w_.cache(format, shape)};
    ValueId q = heads_of(size.query, size.columns);
    const int64_t stores = w_.chance(80) ? 1 : 2;
    for (int64_t i = 0; i < stores; ++i) q = stored(q, size, shared, caches);
    Attention op{float(1 / std::sqrt(double(size.columns))), 0, w_.chance(20) ? 5.0f : 0.0f};
    if (w_.chance(25)) op.window = w_.random().integer(1, 6);
    const ValueId y = w_.add(op, {q, caches[0], caches[1], shared.table, shared.positions, shared.sequence_ids});
    keep(w_.reshape(y, {w_.rows().tokens, size.query * size.columns}));
  }

  // Stores new rows of k and v, and gives q as attention sees it.
  ValueId stored(ValueId q, const Heads& size, const Cached& shared, std::vector<ValueId>& caches) {
    ValueId k = heads_of(size.kv, size.columns);
    const ValueId v = heads_of(size.kv, size.columns);
    const int64_t pairs = size.columns < 2 ? 0 : w_.chance(70) ? size.columns / 2 : 1;
    const bool has_norm = w_.chance(40);
    const RmsNorm norm = any_norm();
    const Rope rope{w_.chance(50) ? RopeStyle::kHalves : RopeStyle::kInterleaved, w_.chance(80) ? 1.0f : 1.3f};
    std::vector<ValueId> norms;
    for (int i = 0; has_norm && i < 2; ++i) norms.push_back(w_.vector(size.columns));
    if (pairs == 0) {
      caches = w_.add_all(KvStore{}, {k, v, shared.slots, caches[0], caches[1]});
      return q;
    }
    const ValueId frequencies = w_.frequencies(pairs);
    if (w_.chance(40)) {
      std::vector<ValueId> inputs = {q, k, v};
      inputs.insert(inputs.end(), norms.begin(), norms.end());
      inputs.insert(inputs.end(), {shared.positions, frequencies, shared.slots, caches[0], caches[1]});
      const std::vector<ValueId> outputs = w_.add_all(RopeStore{rope, has_norm, norm}, inputs);
      caches = {outputs[1], outputs[2]};
      return outputs[0];
    }
    if (has_norm) q = w_.add(norm, {q, norms[0]});
    if (has_norm) k = w_.add(norm, {k, norms[1]});
    q = w_.add(rope, {q, shared.positions, frequencies});
    k = w_.add(rope, {k, shared.positions, frequencies});
    caches = w_.add_all(KvStore{}, {k, v, shared.slots, caches[0], caches[1]});
    return q;
  }

  // What nothing reads is an output, and now and then something else.
  void name_outputs() {
    std::vector<ValueId> candidates = pool_;
    candidates.insert(candidates.end(), extra_.begin(), extra_.end());
    int number = 0;
    for (const ValueId id : candidates) {
      // Views of what is written before the step hold nothing that a step computes.
      const graph::Value& root = w_.graph().value(w_.graph().storage_root(id));
      if (root.kind != graph::ValueKind::kComputed || w_.graph().is_output(id)) continue;
      if (w_.graph().consumers(id).empty() || w_.chance(15))
        w_.graph().set_output("out" + std::to_string(number++), id);
    }
    if (number > 0) return;
    w_.graph().set_output("out", w_.add(Scale{0.5f}, {fresh(3, RowDomain::kTokens)}));
  }

  std::string seed_;
  GraphWriter w_;
  std::vector<ValueId> pool_;   // F32 with two dimensions
  std::vector<ValueId> extra_;  // what only outputs read
  std::optional<Cached> cached_;
};

}  // namespace

Result<GraphCase> random_graph(const std::string& seed) { return GraphGenerator(seed).run(); }

}  // namespace trireme::random
