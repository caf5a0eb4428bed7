#include <cmath>

#include "tests/conformance/case_builder.h"

namespace trireme::conformance {
namespace {

struct Heads {
  int64_t heads, kv_heads, columns;
  std::string text() const {
    return std::to_string(heads) + "/" + std::to_string(kv_heads) + "x" + std::to_string(columns);
  }
};

std::vector<float> frequencies(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(std::pow(10000.0f, -float(i) / float(count)));
  return values;
}

std::vector<int32_t> positions(int64_t rows, Random& random, int32_t limit) {
  std::vector<int32_t> values = {0};
  while (int64_t(values.size()) < rows) values.push_back(int32_t(random.integer(0, limit)));
  return values;
}

std::vector<int32_t> shuffled(int64_t count, Random& random) {
  std::vector<int32_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(int32_t(i));
  for (int64_t i = count - 1; i > 0; --i) std::swap(values[size_t(i)], values[size_t(random.integer(0, i))]);
  return values;
}

void add_rope(std::vector<CaseSource>& cases, int level, Rope op, int64_t rows, const Heads& size, int64_t pairs) {
  cases.push_back({"rope " + std::to_string(int(op.style)) + " " + std::to_string(rows) + "x" + size.text() +
                       " pairs " + std::to_string(pairs),
                   level, [=](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
                     const Shape shape{rows, size.heads, size.columns};
                     builder.f32(shape);
                     builder.i32(positions(rows, builder.random(), 100000));
                     builder.floats({{pairs}, &formats::f32(), RowDomain::kFixed}, frequencies(pairs), true);
                     builder.row_output(shape);
                     return builder.build(op);
                   }});
}

// Slots of a cache in random order, one of them skipped.
std::vector<int32_t> slots(int64_t rows, const Shape& cache, Random& random) {
  std::vector<int32_t> values = shuffled(cache[0] * cache[2], random);
  values.resize(size_t(rows));
  if (rows > 2) values[1] = -1;
  return values;
}

Shape cache_for(int64_t rows, const Heads& size) { return {3, size.kv_heads, rows / 2 + 1, size.columns}; }

void add_kv_store(std::vector<CaseSource>& cases, int level, int64_t rows, const Heads& size, const Format& format) {
  cases.push_back({"kv_store " + format.name + " " + std::to_string(rows) + "x" + size.text(), level,
                   [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
                     const Shape cache = cache_for(rows, size);
                     for (int i = 0; i < 2; ++i) builder.f32({rows, size.kv_heads, size.columns});
                     builder.i32(slots(rows, cache, builder.random()));
                     for (int i = 0; i < 2; ++i) builder.cache(format, cache);
                     for (int i = 0; i < 2; ++i) builder.output({cache, &format, RowDomain::kFixed});
                     return builder.build(KvStore{});
                   }});
}

void add_rope_store(std::vector<CaseSource>& cases, int level, RopeStore op, int64_t rows, const Heads& size,
                    int64_t pairs, const Format& format) {
  cases.push_back({"rope_store " + format.name + " " + std::to_string(rows) + "x" + size.text() + " style " +
                       std::to_string(int(op.rope.style)) + (op.has_norm ? " norm" : ""),
                   level, [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
                     const Shape cache = cache_for(rows, size), q{rows, size.heads, size.columns};
                     builder.f32(q);
                     for (int i = 0; i < 2; ++i) builder.f32({rows, size.kv_heads, size.columns});
                     for (int i = 0; op.has_norm && i < 2; ++i) builder.vector(size.columns);
                     builder.i32(positions(rows, builder.random(), 8000));
                     builder.floats({{pairs}, &formats::f32(), RowDomain::kFixed}, frequencies(pairs), true);
                     builder.i32(slots(rows, cache, builder.random()));
                     for (int i = 0; i < 2; ++i) builder.cache(format, cache);
                     builder.row_output(q);
                     for (int i = 0; i < 2; ++i) builder.output({cache, &format, RowDomain::kFixed});
                     return builder.build(op);
                   }});
}

struct Context {
  int64_t rows, sequences, blocks_each, block_size;
};

// Rows of several sequences over shuffled blocks; each sequence's rows follow one another up to its end.
void add_attention(std::vector<CaseSource>& cases, int level, Attention op, const Context& context, const Heads& size,
                   const Format& format) {
  std::string name = "attention " + format.name + " " + std::to_string(context.rows) + " rows of " +
                     std::to_string(context.sequences) + "x" +
                     std::to_string(context.blocks_each * context.block_size) + " " + size.text();
  if (op.window) name += " window " + std::to_string(op.window);
  if (op.softcap > 0) name += " softcap";
  if (op.quantize) name += " quantize";
  cases.push_back({name, level, [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     const int64_t blocks = context.sequences * context.blocks_each + 1;
                     const int64_t length = context.blocks_each * context.block_size;
                     if (context.rows > 1) builder.rows(RowDomain::kTokens, int32_t(context.rows) - 1);
                     const Shape q{context.rows, size.heads, size.columns};
                     builder.f32(q);
                     for (int i = 0; i < 2; ++i)
                       builder.cache(format, {blocks, size.kv_heads, context.block_size, size.columns});
                     std::vector<int32_t> table = shuffled(blocks, builder.random());
                     table.pop_back();
                     builder.integers({context.sequences, context.blocks_each}, table);
                     std::vector<int32_t> at, sequence;
                     const int64_t each = (context.rows + context.sequences - 1) / context.sequences;
                     for (int64_t r = 0; r < context.rows; ++r) {
                       sequence.push_back(int32_t(r / each));
                       at.push_back(int32_t(std::max<int64_t>(0, length - each - 1 + r % each)));
                     }
                     builder.i32(at);
                     builder.i32(sequence);
                     if (op.quantize) {
                       builder.row_output({q[0], q[1] * q[2]}, formats::q8_act());
                     } else {
                       builder.row_output(q);
                     }
                     return builder.build(op);
                   }});
}

}  // namespace

void add_attention_cases(std::vector<CaseSource>& cases) {
  for (const RopeStyle style : {RopeStyle::kHalves, RopeStyle::kInterleaved}) {
    add_rope(cases, 0, {style, 1.0f}, 1, {1, 1, 2}, 1);
    add_rope(cases, 1, {style, 1.25f}, 5, {3, 1, 64}, 32);
    add_rope(cases, 1, {style, 1.0f}, 3, {2, 1, 11}, 4);
    add_rope(cases, 4, {style, 1.0f}, 200, {9, 1, 128}, 64);
  }
  for (const Format* format : {&formats::f32(), &formats::f16()}) {
    add_kv_store(cases, 0, 1, {1, 1, 4}, *format);
    add_kv_store(cases, 1, 7, {3, 3, 5}, *format);
    add_kv_store(cases, 4, 257, {3, 3, 64}, *format);
    for (const bool norm : {false, true})
      for (const RopeStyle style : {RopeStyle::kHalves, RopeStyle::kInterleaved}) {
        const RopeStore op{{style, 1.0f}, norm, {1e-6f, 0.0f}};
        add_rope_store(cases, 0, op, 1, {1, 1, 4}, 2, *format);
        add_rope_store(cases, 1, op, 6, {6, 3, 64}, 32, *format);
        add_rope_store(cases, 1, op, 5, {3, 1, 13}, 5, *format);
        add_rope_store(cases, 4, op, 130, {9, 3, 64}, 32, *format);
      }
    add_attention(cases, 0, {.scale = 0.5f}, {1, 1, 1, 2}, {1, 1, 4}, *format);
    add_attention(cases, 1, {.scale = 0.125f}, {1, 1, 5, 16}, {9, 3, 64}, *format);
    add_attention(cases, 1, {.scale = 0.125f}, {13, 3, 3, 8}, {4, 2, 64}, *format);
    add_attention(cases, 1, {.scale = 0.3f}, {5, 2, 3, 4}, {3, 1, 5}, *format);
    add_attention(cases, 1, {.scale = 0.3f}, {5, 2, 4, 1}, {3, 3, 5}, *format);  // caches of an odd number of elements
    add_attention(cases, 1, {.scale = 0.125f, .window = 7}, {6, 2, 4, 8}, {4, 1, 32}, *format);
    add_attention(cases, 1, {.scale = 0.25f, .window = 0, .softcap = 3.0f}, {4, 1, 3, 16}, {2, 2, 16}, *format);
    for (const bool capped : {false, true}) {
      const Attention op{.scale = 0.2f, .softcap = capped ? 3.0f : 0.0f, .quantize = true};
      add_attention(cases, 1, op, {1, 1, 5, 16}, {9, 3, 64}, *format);
      add_attention(cases, 1, op, {13, 3, 3, 8}, {4, 2, 32}, *format);
    }
    // Long enough for several groups to share the positions, rows enough to share a group, heads wide and odd.
    add_attention(cases, 3, {.scale = 0.2f}, {3, 2, 40, 16}, {4, 2, 32}, *format);
    add_attention(cases, 1, {.scale = 0.2f, .quantize = true}, {3, 2, 40, 16}, {4, 2, 32}, *format);
    add_attention(cases, 3, {.scale = 0.2f, .window = 530}, {3, 1, 40, 16}, {2, 1, 24}, *format);
    add_attention(cases, 3, {.scale = 0.2f}, {70, 3, 2, 32}, {6, 2, 16}, *format);
    add_attention(cases, 3, {.scale = 0.1f}, {3, 1, 5, 16}, {14, 2, 80}, *format);
    add_attention(cases, 3, {.scale = 0.05f}, {2, 1, 5, 16}, {9, 1, 512}, *format);
    add_attention(cases, 3, {.scale = 0.1f}, {2, 1, 5, 16}, {2, 1, 131}, *format);
    add_attention(cases, 3, {.scale = 8.0f}, {4, 1, 4, 16}, {2, 1, 64}, *format);
    add_attention(cases, 4, {.scale = 0.125f}, {64, 1, 20, 32}, {9, 3, 64}, *format);
    add_attention(cases, 4, {.scale = 0.125f, .quantize = true}, {64, 1, 20, 32}, {9, 3, 64}, *format);
    add_attention(cases, 4, {.scale = 0.0625f, .window = 100}, {16, 4, 9, 32}, {4, 1, 256}, *format);
  }
}

}  // namespace trireme::conformance
