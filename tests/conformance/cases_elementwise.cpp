#include "tests/conformance/case_builder.h"

namespace trireme::conformance {
namespace {

// An op over `inputs` operands of one shape, with a row left out where there is more than one.
void add_same(std::vector<CaseSource>& cases, int level, const std::string& name, OpParams op, int inputs,
              const Shape& shape, Fill fill) {
  cases.push_back({name + " " + shape.text(), level, [=](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (shape[0] > 1) builder.rows(RowDomain::kTokens, int32_t(shape[0]) - 1);
                     for (int i = 0; i < inputs; ++i) builder.f32(shape, fill);
                     builder.row_output(shape);
                     return builder.build(op);
                   }});
}

void add_broadcast(std::vector<CaseSource>& cases, int level, Binary op, const Shape& shape) {
  cases.push_back(
      {std::string(op_name(op)) + " broadcast " + shape.text(), level, [=](const std::string& seed) -> Result<Case> {
         CaseBuilder builder(seed);
         builder.rows(RowDomain::kTokens, int32_t(shape[0]));
         builder.f32(shape);
         builder.vector(shape.back());
         builder.row_output(shape);
         return builder.build(op);
       }});
}

void add_cast(std::vector<CaseSource>& cases, int level, const Format& from, const Format& to, const Shape& shape) {
  cases.push_back({"cast " + from.name + " to " + to.name + " " + shape.text(), level,
                   [=, &from, &to](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     if (&from == &formats::f32()) {
                       builder.f32(shape, Fill::kLarge);
                     } else {
                       TRIREME_TRY(builder.weight(from, shape));
                     }
                     builder.row_output(shape, to);
                     Case test = builder.build(Cast{});
                     test.op.inputs[0].constant = false;
                     return test;
                   }});
}

}  // namespace

void add_elementwise_cases(std::vector<CaseSource>& cases) {
  add_same(cases, 4, "scale", Scale{0.3f}, 1, {70003, 61}, Fill::kUsual);  // more groups than an axis may have
  const std::vector<std::pair<int, Shape>> shapes = {
      {0, {1, 3}}, {1, {1}}, {1, {3, 5}}, {1, {2, 7, 19}}, {4, {129, 1000}}};
  for (const auto& [level, shape] : shapes) {
    for (const Binary::Kind kind : {Binary::Kind::kAdd, Binary::Kind::kSubtract, Binary::Kind::kMultiply}) {
      add_same(cases, level, std::string(op_name(Binary{kind})), Binary{kind}, 2, shape, Fill::kUsual);
      if (shape.rank() > 1) add_broadcast(cases, level, {kind}, shape);
    }
    for (int i = 0; i < 7; ++i) {
      const auto activation = Activation(i);
      const std::string number = " " + std::to_string(i);
      add_same(cases, level, "unary" + number, Unary{activation}, 1, shape, Fill::kUsual);
      add_same(cases, level, "glu" + number, Glu{activation}, 2, shape, Fill::kUsual);
      add_same(cases, 3, "unary large" + number, Unary{activation}, 1, shape, Fill::kLarge);
      add_same(cases, 3, "unary small" + number, Unary{activation}, 1, shape, Fill::kSmall);
    }
    add_same(cases, level, "scale", Scale{0.0416666679f}, 1, shape, Fill::kUsual);
    add_same(cases, level, "softcap", Softcap{30.0f}, 1, shape, Fill::kUsual);
    add_same(cases, 3, "softcap large", Softcap{30.0f}, 1, shape, Fill::kLarge);
  }
  add_cast(cases, 0, formats::f32(), formats::f16(), {1, 3});
  for (const Format* from : {&formats::f32(), &formats::f16(), &formats::bf16()})
    for (const Format* to : {&formats::f32(), &formats::f16(), &formats::bf16()})
      add_cast(cases, 1, *from, *to, {3, 37});
  cases.push_back({"reshape", 0, [](const std::string& seed) -> Result<Case> {
                     CaseBuilder builder(seed);
                     builder.rows(RowDomain::kTokens, 3);
                     builder.f32({4, 6});
                     builder.row_output({4, 2, 3});
                     return builder.build(Reshape{});
                   }});
}

}  // namespace trireme::conformance
