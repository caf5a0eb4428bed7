#include "tests/conformance/judge.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/conformance/operands.h"

namespace trireme::conformance {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

class Judge {
 public:
  Judge(const Case& test, Verdict& verdict) : test_(test), verdict_(verdict) {}

  void values(size_t output, const Bytes& expected, const Bytes& actual, const std::vector<double>& allowed) {
    const TensorDesc& desc = test_.op.outputs[output];
    const auto e = decode_plain(*desc.format, expected), a = decode_plain(*desc.format, actual);
    const int64_t row = desc.shape.elements() / desc.shape[0];
    const auto count = size_t(counted_rows(test_, desc) * row);
    for (size_t i = 0; i < count; ++i) {
      if (e[i] == a[i] || (std::isnan(e[i]) && std::isnan(a[i]))) continue;
      check(output, i, e[i], a[i], allowed[i]);
    }
  }

  // A row's codes times its scale must round a vector inside the interval around `expected`.
  void quantised(size_t output, const Bytes& expected, const Bytes& actual, const std::vector<double>& allowed) {
    const TensorDesc& desc = test_.op.outputs[output];
    const int64_t columns = desc.shape.back();
    const auto e = decode_plain(formats::f32(), expected);
    for (int64_t r = 0; r < counted_rows(test_, desc); ++r) {
      const auto* row = actual.data() + r * desc.format->row_bytes(columns);
      for (int64_t group = 0; group < columns / 32; ++group) {
        float scale = 0;
        int32_t sum = 0, stored = 0;
        __builtin_memcpy(&scale, row + columns + 4 * group, 4);
        __builtin_memcpy(&stored, row + columns + 4 * (columns / 32 + group), 4);
        double largest = 0, slack = 0;
        for (int64_t c = 32 * group; c < 32 * (group + 1); ++c) {
          const auto i = size_t(r * columns + c);
          const int code = int8_t(row[c]);
          sum += code;
          largest = std::max(largest, std::fabs(e[i]));
          slack = std::max(slack, allowed[i]);
          const double half_step = 0.5 * double(scale) * (1 + 0x1p-20);
          check(output, i, e[i], code * double(scale), allowed[i] + half_step);
        }
        check(output, size_t(r * columns + 32 * group), largest / 127, scale, slack / 127 + largest / 127 * 0x1p-22);
        if (sum != stored)
          fail(output, size_t(r * columns + 32 * group), kNever,
               "the sum of the group's codes is not " + std::to_string(stored));
      }
    }
  }

  // Rows that do not count.
  void untouched(size_t output, const Bytes& actual) {
    const TensorDesc& desc = test_.op.outputs[output];
    if (aliased_input(test_.op.params, int(output)) >= 0) return;
    const auto row = actual.size() / size_t(desc.shape[0]);
    for (size_t i = size_t(counted_rows(test_, desc)) * row; i < actual.size(); ++i)
      if (actual[i] != kUntouched)
        return fail(output, i, kNever, "byte " + std::to_string(i) + " is past the rows that count and was written");
  }

  void exact_bytes(size_t output, const Bytes& expected, const Bytes& actual) {
    const TensorDesc& desc = test_.op.outputs[output];
    const auto count = expected.size() / size_t(desc.shape[0]) * size_t(counted_rows(test_, desc));
    const auto differs =
        std::mismatch(expected.begin(), expected.begin() + std::ptrdiff_t(count), actual.begin()).first;
    const auto at = size_t(differs - expected.begin());
    if (at < count) fail(output, at, kNever, "byte " + std::to_string(at) + " must be the same on every device");
  }

 private:
  void check(size_t output, size_t i, double expected, double actual, double allowed) {
    const double error = std::fabs(expected - actual);
    if (error == 0) return;
    const double ratio = std::isfinite(error) && allowed > 0 ? error / allowed : kNever;
    if (ratio > 1) {
      char text[160];
      std::snprintf(text, sizeof text, "element %zu is %.9g, the reference has %.9g, allowed is %.3g", i, actual,
                    expected, allowed);
      fail(output, i, ratio, text);
    }
    verdict_.worst = std::max(verdict_.worst, ratio);
  }

  void fail(size_t output, size_t, double ratio, const std::string& why) {
    verdict_.worst = std::max(verdict_.worst, ratio);
    if (verdict_.passed) verdict_.message = "output " + std::to_string(output) + ": " + why;
    verdict_.passed = false;
  }

  const Case& test_;
  Verdict& verdict_;
};

}  // namespace

Verdict judge(const Case& test, const std::vector<Bytes>& expected, const std::vector<Bytes>& actual,
              const std::vector<std::vector<double>>& allowed) {
  Verdict verdict;
  Judge judge(test, verdict);
  for (size_t i = 0; i < test.op.outputs.size(); ++i) {
    const Format* format = test.op.outputs[i].format;
    if (format != &formats::q8_act())
      judge.values(i, expected[i], actual[i], allowed[i]);
    else if (std::holds_alternative<QuantizeQ8>(test.op.params))
      judge.exact_bytes(i, expected[i], actual[i]);
    else
      judge.quantised(i, expected[i], actual[i], allowed[i]);
    judge.untouched(i, actual[i]);
  }
  return verdict;
}

Case unquantised(const Case& test) {
  Case plain = test;
  if (auto* op = std::get_if<MatmulGlu>(&plain.op.params)) op->quantize = false;
  if (auto* op = std::get_if<FusedNorm>(&plain.op.params)) op->quantize = false;
  if (auto* op = std::get_if<Attention>(&plain.op.params)) {
    op->quantize = false;
    plain.op.outputs[0].shape = plain.op.inputs[0].desc.shape;
  }
  if (!std::holds_alternative<QuantizeQ8>(plain.op.params))
    for (TensorDesc& output : plain.op.outputs)
      if (output.format == &formats::q8_act()) output.format = &formats::f32();
  return plain;
}

}  // namespace trireme::conformance
