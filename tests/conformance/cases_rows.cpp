#include <limits>

#include "hal/op_check.h"
#include "tests/conformance/case_builder.h"

namespace trireme::conformance {
namespace {

std::string sized(const char* op, int64_t rows, int64_t columns) {
  return std::string(op) + " " + std::to_string(rows) + "x" + std::to_string(columns);
}

void add_embed(std::vector<CaseSource>& cases, int level, const Format& format, int64_t rows, int64_t columns,
               float scale) {
  const int64_t d = (columns + format.block_elements - 1) / format.block_elements * format.block_elements;
  cases.push_back({sized("embed_rows", rows, d) + " " + format.name + (scale == 1.0f ? "" : " scaled"), level,
                   [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     const int64_t vocabulary = 3 * format.block_rows * 4 + (format.block_rows == 1 ? 1 : 0);
                     TRIREME_TRY(builder.weight(format, {vocabulary, d}));
                     if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
                     std::vector<int32_t> ids = {int32_t(vocabulary - 1)};
                     while (int64_t(ids.size()) < rows)
                       ids.push_back(int32_t(builder.random().integer(0, vocabulary - 1)));
                     builder.i32(ids);
                     builder.row_output({rows, d});
                     return builder.build(EmbedRows{scale});
                   }});
}

void add_gather(std::vector<CaseSource>& cases, int level, int64_t rows, int64_t columns) {
  cases.push_back({sized("gather_rows", rows, columns), level, [=](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     builder.rows(RowDomain::kTokens, int32_t(rows));
                     builder.f32({rows, columns});
                     builder.rows(RowDomain::kOutputs, 2);
                     builder.i32({int32_t(rows - 1), 0, 0});
                     builder.row_output({3, columns});
                     return builder.build(GatherRows{});
                   }});
}

enum class Edge { kNone, kTies, kLargest, kTiny, kZero };

void add_quantize(std::vector<CaseSource>& cases, int level, int64_t rows, int64_t columns, Edge edge) {
  static constexpr const char* kNotes[] = {"", " ties", " +-127", " tiny", " zero groups"};
  cases.push_back(
      {sized("quantize_q8", rows, columns) + kNotes[int(edge)], level, [=](const std::string& seed) -> Result<Case> {
         CaseBuilder builder(seed);
         std::vector<float> values;
         for (int64_t i = 0; i < rows * columns; ++i) {
           const auto value = float(builder.random().uniform(-3, 3));
           const auto code = float(builder.random().integer(-126, 126));
           switch (edge) {
             case Edge::kNone: values.push_back(value); break;
             case Edge::kTies: values.push_back(i % 32 == 5 ? 127.0f * 0.125f : (code + 0.5f) * 0.125f); break;
             case Edge::kLargest: values.push_back(i % 2 ? -3.1f : 3.1f); break;
             case Edge::kTiny: values.push_back(value * 1e-34f); break;
             case Edge::kZero: values.push_back((i / 32) % 2 ? value : i % 3 ? 0.0f : -0.0f); break;
           }
         }
         if (rows > 2) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
         const RowDomain domain = rows > 2 ? RowDomain::kTokens : RowDomain::kFixed;
         builder.floats({{rows, columns}, &formats::f32(), domain}, values, false);
         builder.row_output({rows, columns}, formats::q8_act());
         return builder.build(QuantizeQ8{});
       }});
}

void add_norm(std::vector<CaseSource>& cases, int level, const Shape& shape, RmsNorm op, Fill fill, const char* note) {
  cases.push_back({"rms_norm " + shape.text() + (op.weight_offset != 0 ? " offset" : "") + note, level,
                   [=](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (shape.rank() > 1 && shape[0] > 1) builder.rows(RowDomain::kTokens, int32_t(shape[0]) - 1);
                     builder.f32(shape, fill);
                     builder.vector(shape.back());
                     builder.row_output(shape);
                     return builder.build(op);
                   }});
}

void add_fused_norm(std::vector<CaseSource>& cases, int level, int64_t rows, int64_t columns, FusedNorm op) {
  cases.push_back(
      {sized("fused_norm", rows, columns) + (op.has_residual ? " residual" : "") + (op.quantize ? " quantised" : ""),
       level, [=](const std::string& seed) -> Result<Case> {
         CaseBuilder builder(seed);
         if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
         const Shape shape{rows, columns};
         builder.f32(shape, Fill::kZeroRow);
         if (op.has_residual) builder.f32(shape, Fill::kZeroRow);
         builder.vector(columns);
         if (op.has_residual) builder.row_output(shape);
         builder.row_output(shape, op.quantize ? formats::q8_act() : formats::f32());
         return builder.build(op);
       }});
}

template <typename Op>
void add_reduction(std::vector<CaseSource>& cases, const char* name, int level, int64_t rows, int64_t columns,
                   Fill fill, const Format& result, const char* note = "") {
  cases.push_back({sized(name, rows, columns) + note, level, [=, &result](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (rows > 1) builder.rows(RowDomain::kOutputs, int32_t(rows) - 1);
                     builder.f32({rows, columns}, fill);
                     builder.row_output(std::is_same_v<Op, Argmax> ? Shape{rows} : Shape{rows, columns}, result);
                     return builder.build(Op{});
                   }});
}

// NaNs, infinities, zeros of both signs, and many equals: a row has NaNs alone.
std::vector<float> odd_numbers(Random& random, int64_t rows, int64_t columns) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kOdd[] = {kNaN, -kNaN, -kInfinity, -0.0f, 0.0f, -1.5f, 1e-40f, kInfinity};
  std::vector<float> values;
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t row = i / columns, most = row == 0 ? 5 : row == 1 ? 1 : row == 2 ? 2 : 7;
    values.push_back(kOdd[random.integer(0, most)]);
  }
  return values;
}

enum class Elements { kAny, kTies, kOdd };

void add_top_k(std::vector<CaseSource>& cases, int level, int64_t rows, int64_t columns, int64_t k,
               Elements elements = Elements::kAny) {
  static constexpr const char* kNotes[] = {"", " ties", " odd"};
  cases.push_back({sized("top_k", rows, columns) + " k " + std::to_string(k) + kNotes[int(elements)], level,
                   [=](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (elements == Elements::kAny) {
                       if (rows > 1) builder.rows(RowDomain::kTokens, int32_t(rows) - 1);
                       builder.f32({rows, columns});
                     } else {
                       std::vector<float> values = odd_numbers(builder.random(), rows, columns);
                       for (float& value : values)
                         if (elements == Elements::kTies) value = float(builder.random().integer(-3, 3));
                       builder.floats({{rows, columns}, &formats::f32(), RowDomain::kFixed}, values, false);
                     }
                     builder.row_output({rows, k});
                     builder.row_output({rows, k}, formats::i32());
                     return builder.build(TopK{k});
                   }});
}

void add_argmax_odd(std::vector<CaseSource>& cases) {
  cases.push_back({"argmax 4x1000 odd", 1, [](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     const std::vector<float> values = odd_numbers(builder.random(), 4, 1000);
                     builder.floats({{4, 1000}, &formats::f32(), RowDomain::kFixed}, values, false);
                     builder.row_output({4}, formats::i32());
                     return builder.build(Argmax{});
                   }});
}

void add_argmax_ties(std::vector<CaseSource>& cases) {
  cases.push_back({"argmax 4x1000 ties", 1, [](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     std::vector<float> values;
                     for (int i = 0; i < 4000; ++i)
                       values.push_back(float(builder.random().integer(-3, i < 1000 ? -1 : 3)));
                     builder.floats({{4, 1000}, &formats::f32(), RowDomain::kFixed}, values, false);
                     builder.row_output({4}, formats::i32());
                     return builder.build(Argmax{});
                   }});
}

}  // namespace

void add_embed_cases(std::vector<CaseSource>& cases, const Format& format) {
  if (!has_float_values(format)) return;
  add_embed(cases, 2, format, 1, 1, 1.0f);
  add_embed(cases, 2, format, 7, 257, 1.0f);
  add_embed(cases, 2, format, 5, 512, 24.0f);
}

void add_row_cases(std::vector<CaseSource>& cases) {
  add_embed(cases, 0, formats::f32(), 2, 3, 1.0f);
  for (const Format* format : builtin_formats()) add_embed_cases(cases, *format);
  add_gather(cases, 0, 4, 5);
  add_gather(cases, 4, 130, 2049);
  add_quantize(cases, 0, 1, 32, Edge::kNone);
  add_quantize(cases, 1, 5, 576, Edge::kNone);
  for (const Edge edge : {Edge::kTies, Edge::kLargest, Edge::kTiny, Edge::kZero}) add_quantize(cases, 3, 5, 352, edge);
  add_quantize(cases, 4, 512, 1536, Edge::kNone);
  add_norm(cases, 0, {1, 4}, {}, Fill::kUsual, "");
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 7}, Shape{2, 3, 64}, Shape{5, 576}, Shape{2, 9, 1023}}) {
    add_norm(cases, 1, shape, {1e-5f, 0.0f}, Fill::kUsual, "");
    add_norm(cases, 1, shape, {1e-6f, 1.0f}, Fill::kUsual, "");
    add_norm(cases, 3, shape, {1e-5f, 0.0f}, Fill::kLarge, " large");
    add_norm(cases, 3, shape, {1e-5f, 0.0f}, Fill::kSmall, " small");
    add_norm(cases, 3, shape, {1e-5f, 0.0f}, Fill::kZeroRow, " zero row");
  }
  add_norm(cases, 2, {576}, {1e-5f, 0.0f}, Fill::kUsual, "");
  for (const bool residual : {false, true})
    for (const bool quantize : {false, true}) {
      add_fused_norm(cases, 0, 1, 32, {{}, residual, quantize});
      add_fused_norm(cases, 1, 7, 576, {{1e-6f, 1.0f}, residual, quantize});
      add_fused_norm(cases, 4, 300, 2048, {{1e-6f, 1.0f}, residual, quantize});
    }
  add_reduction<Softmax>(cases, "softmax", 0, 1, 4, Fill::kUsual, formats::f32());
  add_reduction<Argmax>(cases, "argmax", 0, 1, 4, Fill::kUsual, formats::i32());
  for (const int64_t columns : {1, 17, 1000}) {
    add_reduction<Softmax>(cases, "softmax", 1, 3, columns, Fill::kUsual, formats::f32());
    add_reduction<Softmax>(cases, "softmax", 3, 3, columns, Fill::kLarge, formats::f32(), " large");
    add_reduction<Argmax>(cases, "argmax", 1, 3, columns, Fill::kUsual, formats::i32());
  }
  cases.push_back({"softmax [17]", 2, [](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     builder.f32({17}, Fill::kUsual);
                     builder.row_output({17});
                     return builder.build(Softmax{});
                   }});
  add_reduction<Softmax>(cases, "softmax", 4, 9, 49153, Fill::kUsual, formats::f32());
  add_reduction<Argmax>(cases, "argmax", 4, 9, 49153, Fill::kUsual, formats::i32());
  // More groups than an axis may have.
  add_reduction<Argmax>(cases, "argmax", 4, 70003, 5, Fill::kUsual, formats::i32());
  add_norm(cases, 4, {70003, 4}, {1e-5f, 0.0f}, Fill::kUsual, "");
  add_argmax_ties(cases);
  add_argmax_odd(cases);
  add_top_k(cases, 0, 1, 4, 2);
  add_top_k(cases, 1, 5, 300, 64, Elements::kOdd);
  add_top_k(cases, 2, 2, 1, 1);
  add_top_k(cases, 2, 3, 17, 17);
  add_top_k(cases, 2, 3, 129, 6);
  add_top_k(cases, 2, 3, 2000, 64, Elements::kTies);
  add_top_k(cases, 4, 3, 49153, 40);
  add_top_k(cases, 4, 70003, 5, 2);
}

}  // namespace trireme::conformance
