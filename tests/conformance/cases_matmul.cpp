#include <algorithm>
#include <limits>
#include <numeric>

#include "hal/op_check.h"
#include "tests/conformance/case_builder.h"

namespace trireme::conformance {
namespace {

struct Size {
  int64_t rows, n, k;
};

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// The size as the format and scheme allow it.
Size fit(Size size, const Format& format, ActScheme act) {
  const int64_t unit = act == ActScheme::kQ8 ? std::lcm<int64_t>(32, format.block_elements) : format.block_elements;
  return {size.rows, round_up(size.n, format.block_rows), round_up(size.k, unit)};
}

std::string text(const Size& size) {
  return std::to_string(size.rows) + "x" + std::to_string(size.n) + "x" + std::to_string(size.k);
}

struct Activations {
  Fill fill = Fill::kUsual;
  float scale = 0.01f;   // of Q8 groups
  bool extreme = false;  // codes of +-127
  Magnitudes weights = Magnitudes::kUsual;
};

void add_activations(CaseBuilder& builder, ActScheme act, const Size& size, const Activations& values) {
  if (act == ActScheme::kQ8)
    builder.q8(size.rows, size.k, values.scale, values.extreme);
  else
    builder.f32({size.rows, size.k}, values.fill);
}

void add_matmul(std::vector<CaseSource>& cases, int level, Size wanted, const Format& format, Matmul op,
                int32_t count = -1, const Activations& values = {}, const std::string& note = {}) {
  const Size size = fit(wanted, format, op.act);
  std::string name = "matmul " + format.name + (op.act == ActScheme::kQ8 ? " q8 " : " float ") + text(size);
  if (op.has_bias) name += " bias";
  if (op.has_residual) name += " residual";
  if (count >= 0) name += " of which " + std::to_string(count);
  if (!note.empty()) name += " " + note;
  cases.push_back({name, level, [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (count >= 0) builder.rows(RowDomain::kTokens, count);
                     add_activations(builder, op.act, size, values);
                     TRIREME_TRY(builder.weight(format, {size.n, size.k}, values.weights));
                     if (op.has_bias) builder.vector(size.n);
                     if (op.has_residual) builder.f32({size.rows, size.n});
                     builder.row_output({size.rows, size.n});
                     return builder.build(op);
                   }});
}

void add_glu(std::vector<CaseSource>& cases, int level, Size wanted, const Format& format, MatmulGlu op,
             int32_t count = -1) {
  Size size = fit(wanted, format, op.act);
  if (op.quantize) size.n = round_up(size.n, 32);
  std::string name = "matmul_glu " + format.name + (op.act == ActScheme::kQ8 ? " q8 " : " float ") + text(size) +
                     " activation " + std::to_string(int(op.activation)) + (op.quantize ? " quantised" : "");
  if (count >= 0) name += " of which " + std::to_string(count);
  cases.push_back({name, level, [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (count >= 0) builder.rows(RowDomain::kTokens, count);
                     add_activations(builder, op.act, size, {});
                     for (int i = 0; i < 2; ++i) TRIREME_TRY(builder.weight(format, {size.n, size.k}));
                     builder.row_output({size.rows, size.n}, op.quantize ? formats::q8_act() : formats::f32());
                     return builder.build(op);
                   }});
}

struct Experts {
  int64_t count, slots;
};

void add_grouped(std::vector<CaseSource>& cases, int level, Size wanted, const Experts& experts, const Format& format,
                 ActScheme act, int32_t count = -1) {
  const Size size = fit(wanted, format, act);
  std::string name = "grouped_matmul " + format.name + (act == ActScheme::kQ8 ? " q8 " : " float ") + text(size) + " " +
                     std::to_string(experts.slots) + " of " + std::to_string(experts.count);
  if (count >= 0) name += " of which " + std::to_string(count);
  cases.push_back({name, level, [=, &format](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (count >= 0) builder.rows(RowDomain::kTokens, count);
                     add_activations(builder, act, size, {});
                     TRIREME_TRY(builder.weight(format, {experts.count, size.n, size.k}));
                     std::vector<int32_t> ids;
                     for (int64_t i = 0; i < size.rows * experts.slots; ++i)
                       ids.push_back(int32_t(builder.random().integer(0, experts.count - 1)));
                     // Some that name no expert.
                     if (ids.size() > 4) ids[1] = -1, ids[2] = int32_t(experts.count);
                     if (ids.size() > 8) ids[6] = std::numeric_limits<int32_t>::max(), ids[7] = -ids[6] - 1;
                     builder.i32(ids, experts.slots);
                     builder.row_output({size.rows, experts.slots, size.n});
                     return builder.build(GroupedMatmul{act});
                   }});
}

// Few rows an expert, and many.
void add_grouped(std::vector<CaseSource>& cases, const Format& format, ActScheme act) {
  add_grouped(cases, &format == &formats::f32() ? 2 : 3, {9, 20, 256}, {3, 2}, format, act, 7);
  add_grouped(cases, 3, {1, 1, 1}, {1, 1}, format, act);
  add_grouped(cases, 3, {6, 13, 3}, {5, 2}, format, act);
  add_grouped(cases, 3, {81, 19, 41}, {4, 1}, format, act);
  add_grouped(cases, 3, {8, 20, 64}, {3, 2}, format, act, 0);
  add_grouped(cases, 3, {2, 64, 256}, {7, 3}, format, act);
  add_grouped(cases, 4, {457, 330, 512}, {8, 2}, format, act);
}

void add_format(std::vector<CaseSource>& cases, const Format& format, ActScheme act) {
  const Matmul op{.act = act};
  const bool plain = &format == &formats::f32();
  for (const Size& size : {Size{1, 1, 1}, Size{6, 13, 3}, Size{81, 19, 41}, Size{2, 35, 512}})
    add_matmul(cases, plain ? 1 : 2, size, format, op);
  add_matmul(cases, plain ? 1 : 2, {8, 20, 256}, format, op, 5);
  add_matmul(cases, plain ? 1 : 2, {8, 20, 256}, format, op, 0);
  add_matmul(cases, plain ? 1 : 2, {3, 21, 256}, format, {act, true, true});
  add_glu(cases, plain ? 1 : 2, {3, 21, 256}, format, {act, Activation::kSilu, false});
  add_glu(cases, plain ? 1 : 2, {5, 40, 256}, format, {act, Activation::kGeluTanh, act == ActScheme::kQ8}, 4);
  add_matmul(cases, 3, {5, 24, 512}, format, op, -1, {.extreme = true, .weights = Magnitudes::kExtreme},
             "all +-127, extreme weights");
  add_matmul(cases, 3, {3, 24, 256}, format, op, -1, {.fill = Fill::kZeroRow, .scale = 1e-20f},
             "tiny scales, a zero row");
  add_matmul(cases, 3, {3, 24, 256}, format, op, -1, {.fill = Fill::kLarge, .scale = 1e12f}, "large scales");
  add_matmul(cases, 4, {457, 330, 512}, format, op);
  add_matmul(cases, 4, {1, 1031, 1536}, format, op);
  add_matmul(cases, 4, {33, 21, 256}, format, {act, true, true}, 31);
  add_glu(cases, 4, {37, 40, 256}, format, {act, Activation::kGeluTanh, act == ActScheme::kQ8}, 34);
  add_glu(cases, 4, {37, 40, 256}, format, {act, Activation::kSilu, false}, 34);
  add_grouped(cases, format, act);
}

}  // namespace

void add_matmul_cases(std::vector<CaseSource>& cases, const Format& format) {
  if (!has_float_values(format)) return;
  add_format(cases, format, ActScheme::kFloat);
  if (has_integer_codes(format)) add_format(cases, format, ActScheme::kQ8);
}

void add_matmul_cases(std::vector<CaseSource>& cases) {
  add_matmul(cases, 0, {2, 3, 32}, formats::f32(), {});
  add_glu(cases, 0, {2, 3, 32}, formats::f32(), {});
  add_grouped(cases, 0, {2, 3, 32}, {3, 2}, formats::f32(), ActScheme::kFloat);
  const Format& packed = *find_format("Q4_0");
  add_grouped(cases, 2, {2, 40, 64}, {5, 3}, packed, ActScheme::kQ8);
  add_grouped(cases, 1, {30, 40, 64}, {3, 2}, packed, ActScheme::kQ8);
  for (const Format* format : builtin_formats()) add_matmul_cases(cases, *format);
  for (const Activation activation :
       {Activation::kGeluErf, Activation::kRelu, Activation::kReluSquared, Activation::kSigmoid, Activation::kTanh})
    add_glu(cases, 1, {3, 32, 64}, formats::f32(),
            {ActScheme::kFloat, activation, activation == Activation::kReluSquared});
}

}  // namespace trireme::conformance
