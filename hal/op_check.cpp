#include "hal/op_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "hal/op_fields.h"

namespace trireme {
namespace {

// Keeps the first thing that is wrong; the later checks of an op may then look at operands that do not exist.
class Checker {
 public:
  explicit Checker(const OpDesc& op) : op_(op) {
    const Arity arity = op_arity(op.params);
    require(int(op.inputs.size()) == arity.inputs && int(op.outputs.size()) == arity.outputs,
            "it takes " + std::to_string(arity.inputs) + " inputs and " + std::to_string(arity.outputs) + " outputs");
    for (const Operand& input : op.inputs) require_sane(input.desc);
    for (const TensorDesc& output : op.outputs) require_sane(output);
  }

  bool ok() const { return !why_; }
  const std::optional<std::string>& why() const { return why_; }
  const TensorDesc& in(int i) const { return op_.inputs[size_t(i)].desc; }
  const TensorDesc& out(int i) const { return op_.outputs[size_t(i)]; }

  void require(bool holds, std::string why) {
    if (!holds && !why_) why_ = std::move(why);
  }
  // Words are made only when something is wrong: compiling checks every op many times.
  template <typename Words>
  void require_else(bool holds, Words words) {
    if (!holds && !why_) why_ = words();
  }
  bool require_rank(int input, int rank) {
    require_else(in(input).shape.rank() == rank,
                 [&] { return input_text(input) + ", its rank should be " + std::to_string(rank); });
    return ok();
  }
  void expect_input(int i, const TensorDesc& expected) { expect("input ", i, in(i), expected); }
  void expect_output(int i, const TensorDesc& expected) { expect("output ", i, out(i), expected); }
  void expect_weight(int i, const Shape& shape) {
    require_else(has_float_values(*in(i).format), [&] { return input_text(i) + ", which has no float values"; });
    expect("input ", i, in(i), {shape, in(i).format, RowDomain::kFixed});
  }
  void expect_f32(int input) {
    require_else(in(input).format == &formats::f32() && in(input).shape.rank() > 0,
                 [&] { return input_text(input) + ", it should be F32"; });
  }

 private:
  std::string input_text(int i) const { return "input " + std::to_string(i) + " is " + in(i).text(); }
  void require_sane(const TensorDesc& desc) {
    require(desc.format != nullptr, "an operand has no format");
    if (!ok()) return;
    std::array<int64_t, kMaxRank> sizes{};
    for (int i = 0; i < desc.shape.rank(); ++i) {
      sizes[size_t(i)] = desc.shape[i];
      require_else(desc.shape[i] > 0, [&] { return desc.text() + " has an empty dimension"; });
    }
    require_else(Shape::from(std::span(sizes).first(size_t(desc.shape.rank()))).has_value(),
                 [&] { return desc.text() + " is too large"; });
    require_else(desc.shape.back() % desc.format->block_elements == 0, [&] {
      return desc.text() + " has rows that are no multiple of " + std::to_string(desc.format->block_elements);
    });
    require_else(desc.shape.rows() % desc.format->block_rows == 0, [&] {
      return desc.text() + " has a number of rows that is no multiple of " + std::to_string(desc.format->block_rows);
    });
    require(desc.rows == RowDomain::kFixed || desc.shape.rank() > 0, "a scalar has no rows to count");
  }
  void expect(const char* kind, int i, const TensorDesc& actual, const TensorDesc& expected) {
    require_else(actual == expected, [&] {
      return kind + std::to_string(i) + " is " + actual.text() + ", it should be " + expected.text();
    });
  }

  const OpDesc& op_;
  std::optional<std::string> why_;
};

template <typename Op>
void check_fields(const Op& op, Checker& c) {
  visit_fields(op, [&](std::string_view name, const auto& field) {
    if constexpr (std::is_floating_point_v<std::remove_cvref_t<decltype(field)>>) {
      c.require(std::isfinite(field), std::string(name) + " is not finite");
      c.require(name != "epsilon" || field >= 0, "epsilon is negative");
    }
  });
}

TensorDesc vector_like(const Format& format, const TensorDesc& rows) { return {{rows.shape[0]}, &format, rows.rows}; }
const TensorDesc& same(const TensorDesc& desc) { return desc; }

void check_same_f32(Checker& c) {
  c.expect_f32(0);
  c.expect_output(0, same(c.in(0)));
}

void check_cache(Checker& c, int cache, const TensorDesc& rows) {
  if (!c.require_rank(cache, 4)) return;
  const TensorDesc& desc = c.in(cache);
  c.require_else(desc.format == &formats::f32() || desc.format == &formats::f16(),
                 [&] { return "a cache in " + desc.format->name; });
  c.require_else(desc.rows == RowDomain::kFixed && desc.shape[3] == rows.shape[2],
                 [&] { return "cache " + desc.text() + " does not fit rows of " + rows.text(); });
  c.require_else(desc.shape[2] > 0 && desc.shape[0] <= std::numeric_limits<int32_t>::max() / desc.shape[2],
                 [&] { return "cache " + desc.text() + " has more slots than an I32 counts"; });
}

// k and v rows at inputs k and k + 1, caches at `cache` and `cache` + 1, which outputs `first` and `first` + 1 share.
void check_store(Checker& c, int k, int slots, int cache, int first) {
  const TensorDesc& rows = c.in(k);
  c.expect_input(k + 1, rows);
  c.expect_input(slots, vector_like(formats::i32(), rows));
  for (int i = 0; i < 2; ++i) {
    check_cache(c, cache + i, rows);
    if (!c.ok()) return;
    c.require(c.in(cache + i).shape[1] == rows.shape[1],
              "cache " + c.in(cache + i).text() + " has another number of heads");
    c.require(c.in(cache + i).shape == c.in(cache).shape, "the two caches differ in shape");
    c.expect_output(first + i, c.in(cache + i));
  }
}

void check_rope(Checker& c, int x, int positions, int frequencies) {
  c.expect_input(positions, vector_like(formats::i32(), c.in(x)));
  if (!c.require_rank(frequencies, 1)) return;
  c.expect_weight(frequencies, c.in(frequencies).shape);
  c.require(2 * c.in(frequencies).shape[0] <= c.in(x).shape[2], "there are more rope frequencies than pairs in a head");
}

void check_activations(Checker& c, ActScheme act) {
  if (!c.require_rank(0, 2)) return;
  const Format& format = act == ActScheme::kQ8 ? formats::q8_act() : formats::f32();
  c.expect_input(0, {c.in(0).shape, &format, c.in(0).rows});
}

void check(const EmbedRows&, Checker& c) {
  if (!c.require_rank(0, 2) || !c.require_rank(1, 1)) return;
  c.expect_weight(0, c.in(0).shape);
  c.expect_input(1, vector_like(formats::i32(), c.in(1)));
  c.expect_output(0, {{c.in(1).shape[0], c.in(0).shape[1]}, &formats::f32(), c.in(1).rows});
}
void check(const QuantizeQ8&, Checker& c) {
  c.expect_f32(0);
  if (c.require_rank(0, 2)) c.expect_output(0, {c.in(0).shape, &formats::q8_act(), c.in(0).rows});
}
void check(const Matmul& op, Checker& c) {
  check_activations(c, op.act);
  if (!c.ok() || !c.require_rank(1, 2)) return;
  const int64_t n = c.in(1).shape[0];
  c.expect_weight(1, {n, c.in(0).shape[1]});
  const TensorDesc y{{c.in(0).shape[0], n}, &formats::f32(), c.in(0).rows};
  if (op.has_bias) c.expect_weight(2, {n});
  if (op.has_residual) c.expect_input(2 + int(op.has_bias), y);
  c.expect_output(0, y);
}
void check(const MatmulGlu& op, Checker& c) {
  check_activations(c, op.act);
  if (!c.ok() || !c.require_rank(1, 2)) return;
  const int64_t n = c.in(1).shape[0];
  for (int weight = 1; weight < 3; ++weight) c.expect_weight(weight, {n, c.in(0).shape[1]});
  c.expect_output(0, {{c.in(0).shape[0], n}, op.quantize ? &formats::q8_act() : &formats::f32(), c.in(0).rows});
}
void check(const GroupedMatmul& op, Checker& c) {
  check_activations(c, op.act);
  if (!c.ok() || !c.require_rank(1, 3) || !c.require_rank(2, 2)) return;
  const Shape &x = c.in(0).shape, &w = c.in(1).shape, &ids = c.in(2).shape;
  c.expect_weight(1, {w[0], w[1], x[1]});
  c.require_else(w[1] % c.in(1).format->block_rows == 0, [&] {
    return "an expert's rows in " + c.in(1).text() + " are no multiple of " +
           std::to_string(c.in(1).format->block_rows);
  });
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  c.require_else(w[0] <= kMost, [&] { return c.in(1).text() + " has more experts than an I32 counts"; });
  c.expect_input(2, {{x[0], ids[1]}, &formats::i32(), c.in(0).rows});
  c.expect_output(0, {{x[0], ids[1], w[1]}, &formats::f32(), c.in(0).rows});
}
void check(const RmsNorm&, Checker& c) {
  check_same_f32(c);
  c.expect_weight(1, {c.in(0).shape.back()});
}
void check(const FusedNorm& op, Checker& c) {
  c.expect_f32(0);
  if (!c.require_rank(0, 2)) return;
  const TensorDesc& x = c.in(0);
  const int weight = op.has_residual ? 2 : 1;
  if (op.has_residual) {
    c.expect_input(1, x);
    c.expect_output(0, x);
  }
  c.expect_weight(weight, {x.shape[1]});
  c.expect_output(int(op.has_residual), {x.shape, op.quantize ? &formats::q8_act() : &formats::f32(), x.rows});
}
void check(const Binary&, Checker& c) {
  check_same_f32(c);
  if (c.in(1).shape != c.in(0).shape) return c.expect_weight(1, {c.in(0).shape.back()});
  c.expect_input(1, c.in(0));
}
void check(const Unary&, Checker& c) { check_same_f32(c); }
void check(const Scale&, Checker& c) { check_same_f32(c); }
void check(const Softcap& op, Checker& c) {
  check_same_f32(c);
  c.require(op.cap > 0, "the cap must be positive");
}
void check(const Glu&, Checker& c) {
  check_same_f32(c);
  c.expect_input(1, c.in(0));
}
void check(const Rope&, Checker& c) {
  check_same_f32(c);
  if (c.require_rank(0, 3)) check_rope(c, 0, 1, 2);
}
void check(const KvStore&, Checker& c) {
  c.expect_f32(0);
  if (c.require_rank(0, 3)) check_store(c, 0, 2, 3, 0);
}
void check(const Attention& op, Checker& c) {
  c.expect_f32(0);
  if (!c.require_rank(0, 3) || !c.require_rank(3, 2)) return;
  const TensorDesc& q = c.in(0);
  if (op.quantize) {
    c.require(q.shape[2] % 32 == 0, "heads of " + std::to_string(q.shape[2]) + " are not quantised in groups of 32");
    c.expect_output(0, {{q.shape[0], Shape{q.shape[1], q.shape[2]}.elements()}, &formats::q8_act(), q.rows});
  } else {
    c.expect_output(0, same(q));
  }
  check_cache(c, 1, q);
  check_cache(c, 2, q);
  if (!c.ok()) return;
  c.require(c.in(1).shape == c.in(2).shape, "the two caches differ in shape");
  c.require(q.shape[1] % c.in(1).shape[1] == 0, "the query heads are no multiple of the KV heads");
  c.expect_input(3, {c.in(3).shape, &formats::i32()});
  for (const int i : {4, 5}) c.expect_input(i, vector_like(formats::i32(), q));
  c.require(op.window >= 0 && op.softcap >= 0, "window and softcap cannot be negative");
}
void check(const RopeStore& op, Checker& c) {
  const int norm = op.has_norm ? 2 : 0;
  c.expect_f32(0);
  c.expect_f32(1);
  if (!c.require_rank(0, 3) || !c.require_rank(1, 3)) return;
  const TensorDesc& q = c.in(0);
  c.expect_input(1, {{q.shape[0], c.in(1).shape[1], q.shape[2]}, &formats::f32(), q.rows});
  c.require(q.shape[1] % c.in(1).shape[1] == 0, "the query heads are no multiple of the KV heads");
  for (int i = 3; i < 3 + norm; ++i) c.expect_weight(i, {q.shape[2]});
  check_rope(c, 0, 3 + norm, 4 + norm);
  check_store(c, 1, 5 + norm, 6 + norm, 1);
  c.expect_output(0, q);
}
void check(const GatherRows&, Checker& c) {
  c.expect_f32(0);
  if (!c.require_rank(0, 2) || !c.require_rank(1, 1)) return;
  c.expect_input(1, vector_like(formats::i32(), c.in(1)));
  c.expect_output(0, {{c.in(1).shape[0], c.in(0).shape[1]}, &formats::f32(), c.in(1).rows});
}
void check(const Softmax&, Checker& c) { check_same_f32(c); }
void check(const Argmax&, Checker& c) {
  c.expect_f32(0);
  if (c.require_rank(0, 2)) c.expect_output(0, vector_like(formats::i32(), c.in(0)));
}
void check(const TopK& op, Checker& c) {
  c.expect_f32(0);
  if (!c.require_rank(0, 2)) return;
  const TensorDesc& x = c.in(0);
  const int64_t most = std::min(x.shape[1], kMostTopK);
  c.require_else(op.k >= 1 && op.k <= most, [&] {
    return "of " + x.text() + " its k is " + std::to_string(op.k) + ", it should be 1 to " + std::to_string(most);
  });
  for (int i = 0; i < 2; ++i)
    c.expect_output(i, {{x.shape[0], op.k}, i == 0 ? &formats::f32() : &formats::i32(), x.rows});
}
void check(const Reshape&, Checker& c) {
  const TensorDesc &x = c.in(0), &y = c.out(0);
  c.require(x.shape.rank() > 0 && y.shape.rank() > 0 && x.shape.elements() == y.shape.elements() &&
                x.shape[0] == y.shape[0] && x.rows == y.rows && x.format == y.format && x.format->block_elements == 1,
            "output 0 is " + y.text() + ", it should hold the elements of " + x.text());
}
void check(const Cast&, Checker& c) {
  for (const TensorDesc* desc : {&c.in(0), &c.out(0)})
    c.require(desc->format == &formats::f32() || desc->format == &formats::f16() || desc->format == &formats::bf16(),
              desc->text() + " is none of F32, F16 and BF16");
  c.expect_output(0, {c.in(0).shape, c.out(0).format, c.in(0).rows});
}

}  // namespace

bool has_float_values(const Format& format) {
  if (&format == &formats::q8_act()) return false;
  return !format.plain || *format.plain <= DType::kF8E4M3;
}

Status check_op(const OpDesc& op) {
  Checker checker(op);
  if (checker.ok()) std::visit([&](const auto& params) { check_fields(params, checker); }, op.params);
  if (checker.ok()) std::visit([&](const auto& params) { check(params, checker); }, op.params);
  if (checker.ok()) return {};
  std::string name(op_name(op.params));
  if (!op.label.empty()) name += " " + op.label;
  return fail(ErrorCode::kInvalidArgument, std::move(name), *checker.why());
}

}  // namespace trireme
