#include "tests/conformance/intervals.h"

#include <algorithm>
#include <cmath>

#include "hal/operands.h"
#include "tests/conformance/interval_math.h"
#include "tests/conformance/operands.h"

namespace trireme::conformance {
namespace {

using Errors = std::vector<std::vector<double>>;

// More than any two numbers of f32 differ by.
constexpr double kUnbounded = 1e39;

// Everything that the intervals of one case are computed from.
struct Scene {
  const Case& test;
  std::vector<Numbers> in;
  const Errors& carried;
  double epsilon;             // of sums
  double activation_epsilon;  // of what float matmuls see of their activations

  const Shape& shape(size_t i) const { return test.op.inputs[i].desc.shape; }
  int64_t rows(size_t i) const { return counted_rows(test, test.op.inputs[i].desc); }
  double value(size_t input, int64_t i) const { return in[input].values[size_t(i)]; }
  const double* errors(size_t input) const {
    return input < carried.size() && !carried[input].empty() ? carried[input].data() : nullptr;
  }
  double error(size_t input, int64_t i) const { return errors(input) ? errors(input)[i] : 0; }
  Approximate number(size_t input, int64_t i) const { return {value(input, i), error(input, i)}; }
  std::vector<Approximate> numbers(size_t input, int64_t start, int64_t count) const {
    return approximate(&in[input].values[size_t(start)], errors(input) ? errors(input) + start : nullptr, count);
  }
  int64_t count(size_t i) const { return rows(i) * (shape(i).elements() / shape(i)[0]); }
  std::vector<double> zeros(size_t output) const {
    return std::vector<double>(size_t(test.op.outputs[output].shape.elements()), 0.0);
  }
};

// Row r of x times row i of the weight.
Approximate product(const Scene& s, size_t weight, int64_t r, int64_t i) {
  const double rounding = act_scheme(s.test.op.params) == ActScheme::kFloat ? s.activation_epsilon : 0;
  const int64_t k = s.shape(weight).back();
  const double *x = &s.in[0].values[size_t(r * k)], *w = &s.in[weight].values[size_t(i * k)];
  const double *x_terms = &s.in[0].terms[size_t(r * k)], *w_terms = &s.in[weight].terms[size_t(i * k)];
  double sum = 0, terms = 0, carried = 0;
  for (int64_t c = 0; c < k; ++c) {
    const double error = s.error(0, r * k + c);
    sum += x[c] * w[c];
    terms += (x_terms[c] + error) * w_terms[c];
    carried += error * std::fabs(w[c]);
  }
  return {sum, carried + (gamma(k, s.epsilon) + rounding) * terms + kUnit * std::fabs(sum)};
}

// x W^T of the rows that count.
std::vector<Approximate> products(const Scene& s, size_t weight) {
  std::vector<Approximate> y;
  for (int64_t r = 0; r < s.rows(0); ++r)
    for (int64_t i = 0; i < s.shape(weight)[0]; ++i) y.push_back(product(s, weight, r, i));
  return y;
}

Errors errors_of(const Matmul& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const std::vector<Approximate> y = products(s, 1);
  const int64_t n = s.shape(1)[0];
  for (size_t i = 0; i < y.size(); ++i) {
    double terms = std::fabs(y[i].value);
    if (op.has_bias) terms += std::fabs(s.value(2, int64_t(i) % n));
    if (op.has_residual) terms += std::fabs(s.value(op.has_bias ? 3 : 2, int64_t(i)));
    errors[0][i] = y[i].error + (terms > std::fabs(y[i].value) ? 4 * kUnit * terms : 0);
    if (op.has_residual) errors[0][i] += s.error(op.has_bias ? 3 : 2, int64_t(i));
  }
  return errors;
}

// An id that may be another may be any, or none.
Errors errors_of(const GroupedMatmul&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t experts = s.shape(1)[0], n = s.shape(1)[1], slots = s.shape(2)[1];
  for (int64_t i = 0; i < s.rows(0) * slots; ++i)
    for (int64_t c = 0; c < n; ++c) {
      const auto result = [&](int64_t expert) {
        const bool exists = expert >= 0 && expert < experts;
        return exists ? product(s, 1, i / slots, expert * n + c) : Approximate{};
      };
      const Approximate expected = result(int64_t(s.value(2, i)));
      double& error = errors[0][size_t(i * n + c)];
      error = expected.error;
      for (int64_t other = -1; s.error(2, i) > 0 && other < experts; ++other)
        error = std::max(error, std::fabs(result(other).value - expected.value) + result(other).error);
    }
  return errors;
}

Errors errors_of(const MatmulGlu& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const std::vector<Approximate> gate = products(s, 1), up = products(s, 2);
  for (size_t i = 0; i < gate.size(); ++i) errors[0][i] = multiply(activate(op.activation, gate[i]), up[i]).error;
  return errors;
}

Errors errors_of(const EmbedRows& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  if (op.scale == 1.0f) return errors;
  const int64_t d = s.shape(0)[1];
  for (int64_t r = 0; r < s.rows(1); ++r)
    for (int64_t i = 0; i < d; ++i)
      errors[0][size_t(r * d + i)] =
          4 * kUnit * std::fabs(double(op.scale)) * s.in[0].terms[size_t(int64_t(s.value(1, r)) * d + i)];
  return errors;
}

Errors errors_of(const RmsNorm& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t d = s.shape(0).back(), rows = s.count(0) / d;
  for (int64_t r = 0; r < rows; ++r) {
    const auto y = normalize(op, s.numbers(0, r * d, d), s.in[1].values, s.epsilon);
    for (int64_t i = 0; i < d; ++i) errors[0][size_t(r * d + i)] = y[size_t(i)].error;
  }
  return errors;
}

Errors errors_of(const FusedNorm& op, const Scene& s) {
  Errors errors;
  for (size_t i = 0; i < s.test.op.outputs.size(); ++i) errors.push_back(s.zeros(i));
  const int64_t d = s.shape(0)[1];
  for (int64_t r = 0; r < s.rows(0); ++r) {
    std::vector<Approximate> sum = s.numbers(0, r * d, d);
    if (op.has_residual)
      for (int64_t i = 0; i < d; ++i) {
        sum[size_t(i)] = add(sum[size_t(i)], s.number(1, r * d + i));
        sum[size_t(i)].value = float(sum[size_t(i)].value);
        errors[0][size_t(r * d + i)] = sum[size_t(i)].error;
      }
    const auto y = normalize(op.norm, sum, s.in[op.has_residual ? 2 : 1].values, s.epsilon);
    for (int64_t i = 0; i < d; ++i) errors.back()[size_t(r * d + i)] = y[size_t(i)].error;
  }
  return errors;
}

// Of the elements that count, function(value, index).
template <typename Function>
Errors each(const Scene& s, Function function) {
  Errors errors = {s.zeros(0)};
  for (int64_t i = 0; i < s.count(0); ++i) errors[0][size_t(i)] = function(s.number(0, i), i).error;
  return errors;
}

Errors errors_of(const Unary& op, const Scene& s) {
  return each(s, [&](Approximate x, int64_t) { return activate(op.activation, x); });
}
Errors errors_of(const Glu& op, const Scene& s) {
  return each(s, [&](Approximate x, int64_t i) { return multiply(activate(op.activation, x), s.number(1, i)); });
}
Errors errors_of(const Softcap& op, const Scene& s) {
  return each(s, [&](Approximate x, int64_t) { return softcap(x, double(op.cap)); });
}

Errors errors_of(const Softmax&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t d = s.shape(0).back(), rows = s.count(0) / d;
  for (int64_t r = 0; r < rows; ++r) {
    const auto y = softmax(s.numbers(0, r * d, d), s.epsilon);
    for (int64_t i = 0; i < d; ++i) errors[0][size_t(r * d + i)] = y[size_t(i)].error;
  }
  return errors;
}

Errors errors_of(const Rope& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t heads = s.shape(0)[1], d = s.shape(0)[2];
  for (int64_t i = 0; i < s.rows(0) * heads; ++i) {
    const auto y = rotate(op, s.numbers(0, i * d, d), s.in[2].values.size());
    for (int64_t c = 0; c < d; ++c) errors[0][size_t(i * d + c)] = y[size_t(c)].error;
  }
  return errors;
}

// Two values inside an interval may round to neighbours, in a format with so many bits behind the first.
double after_rounding(const Approximate& x, const Format& format) {
  if (x.error == 0 || &format == &formats::f32()) return x.error;
  const double relative = &format == &formats::f16() ? 0x1p-10 : 0x1p-7;
  const double smallest = &format == &formats::f16() ? 0x1p-24 : 0x1p-133;
  return x.error + std::max(relative * (std::fabs(x.value) + x.error), smallest);
}

void keep_errors(const Scene& s, size_t input, std::vector<double>& errors) {
  if (s.errors(input)) errors.assign(s.errors(input), s.errors(input) + errors.size());
}

// Where the heads of rows lie in a cache.
struct Stored {
  const Scene& s;
  size_t slots;  // inputs
  size_t cache;

  void head(int64_t number, const std::vector<Approximate>& x, std::vector<double>& errors) const {
    const Shape& shape = s.shape(cache);
    const auto slot = int64_t(s.value(slots, number / shape[1]));
    if (slot < 0) return;
    const int64_t place = (slot / shape[2] * shape[1] + number % shape[1]) * shape[2] + slot % shape[2];
    for (size_t c = 0; c < x.size(); ++c)
      errors[size_t(place * shape[3]) + c] = after_rounding(x[c], *s.test.op.inputs[cache].desc.format);
  }
};

Errors errors_of(const RopeStore& op, const Scene& s) {
  const size_t next = op.has_norm ? 5 : 3;
  const size_t pairs = s.in[next + 1].values.size();
  Errors errors = {s.zeros(0), s.zeros(1), s.zeros(2)};
  const int64_t d = s.shape(0)[2];
  const auto turned = [&](size_t input, int64_t head) {
    auto x = s.numbers(input, head * d, d);
    if (op.has_norm) x = normalize(op.norm, x, s.in[3 + input].values, s.epsilon);
    return rotate(op.rope, x, pairs);
  };
  for (int64_t i = 0; i < s.rows(0) * s.shape(0)[1]; ++i) {
    const auto y = turned(0, i);
    for (int64_t c = 0; c < d; ++c) errors[0][size_t(i * d + c)] = y[size_t(c)].error;
  }
  for (size_t i = 0; i < 2; ++i) keep_errors(s, next + 3 + i, errors[1 + i]);
  const Stored stored{s, next + 2, next + 3};
  for (int64_t i = 0; i < s.count(1) / d; ++i) {
    stored.head(i, turned(1, i), errors[1]);
    stored.head(i, s.numbers(2, i * d, d), errors[2]);
  }
  return errors;
}

Errors errors_of(const KvStore&, const Scene& s) {
  Errors errors = {s.zeros(0), s.zeros(1)};
  const int64_t d = s.shape(0)[2];
  const Stored stored{s, 2, 3};
  for (size_t i = 0; i < 2; ++i) {
    keep_errors(s, 3 + i, errors[i]);
    for (int64_t head = 0; head < s.count(i) / d; ++head) stored.head(head, s.numbers(i, head * d, d), errors[i]);
  }
  return errors;
}

Errors errors_of(const Attention& op, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t heads = s.shape(0)[1], d = s.shape(0)[2], block = s.shape(1)[2];
  const int64_t group = heads / s.shape(1)[1], table_width = s.shape(3)[1];
  for (int64_t r = 0; r < s.rows(0); ++r) {
    const auto position = int64_t(s.value(4, r)), sequence = int64_t(s.value(5, r));
    const int64_t first = op.window > 0 ? std::max<int64_t>(0, position - op.window + 1) : 0;
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<Approximate> scores;
      std::vector<int64_t> starts;
      for (int64_t p = first; p <= position; ++p) {
        const auto id = int64_t(s.value(3, sequence * table_width + p / block));
        starts.push_back(((id * s.shape(1)[1] + h / group) * block + p % block) * d);
        double sum = 0, terms = 0, carried = 0;
        for (int64_t c = 0; c < d; ++c) {
          const Approximate q = s.number(0, (r * heads + h) * d + c), k = s.number(1, starts.back() + c);
          sum += q.value * k.value;
          terms += std::fabs(q.value * k.value);
          carried += std::fabs(q.value) * k.error + std::fabs(k.value) * q.error + q.error * k.error;
        }
        const double scale = std::fabs(double(op.scale));
        const Approximate score{sum * double(op.scale), scale * (carried + gamma(d, s.epsilon) * (terms + carried) +
                                                                 4 * kUnit * std::fabs(sum))};
        scores.push_back(op.softcap > 0 ? softcap(score, double(op.softcap)) : score);
      }
      const auto weights = softmax(scores, s.epsilon);
      for (int64_t c = 0; c < d; ++c) {
        double error = 0, terms = 0;
        for (size_t p = 0; p < starts.size(); ++p) {
          const double v = std::fabs(s.value(2, starts[p] + c)), v_error = s.error(2, starts[p] + c);
          error += weights[p].error * (v + v_error) + weights[p].value * v_error;
          terms += weights[p].value * v;
        }
        errors[0][size_t((r * heads + h) * d + c)] = error + gamma(int64_t(starts.size()), s.epsilon) * terms;
      }
    }
  }
  return errors;
}

Errors errors_of(const Binary& op, const Scene& s) {
  const bool rows = s.shape(1) == s.shape(0);
  return each(s, [&](Approximate x, int64_t i) {
    const Approximate y = s.number(1, rows ? i : i % s.shape(1).back());
    if (x.error == 0 && y.error == 0) return Approximate{};  // one correctly rounded operation
    return op.kind == Binary::Kind::kMultiply ? multiply(x, y) : add(x, y);
  });
}
Errors errors_of(const Scale& op, const Scene& s) {
  return each(s, [&](Approximate x, int64_t) {
    return x.error == 0 ? Approximate{} : multiply(x, {double(op.factor), 0});
  });
}
Errors errors_of(const Cast&, const Scene& s) {
  const Format& format = *s.test.op.outputs[0].format;
  return each(s, [&](Approximate x, int64_t) { return Approximate{x.value, after_rounding(x, format)}; });
}

Errors errors_of(const GatherRows&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t d = s.shape(0)[1];
  for (int64_t i = 0; i < s.rows(1) * d; ++i) errors[0][size_t(i)] = s.error(0, int64_t(s.value(1, i / d)) * d + i % d);
  return errors;
}

Errors errors_of(const Argmax&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  const int64_t d = s.shape(0)[1];
  for (int64_t i = 0; i < s.rows(0) * d; ++i)
    if (s.error(0, i) > 0) errors[0][size_t(i / d)] = double(d);
  return errors;
}

// What is sorted moves no further than the largest error.
Errors errors_of(const TopK& op, const Scene& s) {
  Errors errors = {s.zeros(0), s.zeros(1)};
  const int64_t d = s.shape(0)[1];
  for (int64_t r = 0; r < s.rows(0); ++r) {
    double largest = 0;
    for (int64_t i = 0; i < d; ++i) largest = std::max(largest, s.error(0, r * d + i));
    for (int64_t i = r * op.k; largest > 0 && i < (r + 1) * op.k; ++i) {
      errors[0][size_t(i)] = largest;
      errors[1][size_t(i)] = double(d);
    }
  }
  return errors;
}

Errors errors_of(const Reshape&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  keep_errors(s, 0, errors[0]);
  return errors;
}

// The values that are quantised.
Errors errors_of(const QuantizeQ8&, const Scene& s) {
  Errors errors = {s.zeros(0)};
  keep_errors(s, 0, errors[0]);
  return errors;
}

}  // namespace

Result<Errors> allowed_errors(const Case& test, const NumericTraits& traits, const Errors& carried) {
  Scene scene{test, {}, carried, std::max(traits.accumulator_epsilon, kUnit), traits.activation_epsilon};
  for (size_t i = 0; i < test.op.inputs.size(); ++i) {
    TRIREME_ASSIGN(Numbers numbers, numbers_of(test, i));
    scene.in.push_back(std::move(numbers));
  }
  Errors errors = std::visit([&](const auto& op) { return errors_of(op, scene); }, test.op.params);
  // Errors that overflowed stay numbers, which later ops can multiply with 0.
  for (std::vector<double>& output : errors)
    for (double& error : output)
      if (!(error < kUnbounded)) error = kUnbounded;
  return errors;
}

}  // namespace trireme::conformance
