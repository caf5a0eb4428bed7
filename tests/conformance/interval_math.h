// Numbers with an error bound, and what the ops' formulas make of it.
#pragma once

#include <cstddef>
#include <vector>

#include "hal/ops.h"

namespace trireme::conformance {

// Unit roundoff of f32.
constexpr double kUnit = 0x1p-24;
// Results below the normal range may be flushed to zero, and those of exp a little before it.
constexpr double kFloor = 0x1p-125;

struct Approximate {
  double value = 0;
  double error = 0;
};

// Without errors when `errors` is null.
std::vector<Approximate> approximate(const double* values, const double* errors, int64_t count);

// The relative error of a sum of n terms, see allowed_errors().
double gamma(int64_t n, double epsilon);

// Without an error when both have none: one rounded addition is the same everywhere.
Approximate add(const Approximate& a, const Approximate& b);
Approximate multiply(const Approximate& a, const Approximate& b);
Approximate activate(Activation activation, const Approximate& x);
Approximate softcap(const Approximate& x, double cap);
std::vector<Approximate> normalize(const RmsNorm& op, const std::vector<Approximate>& x,
                                   const std::vector<double>& weight, double epsilon);
std::vector<Approximate> softmax(const std::vector<Approximate>& x, double epsilon);
// The values of a pair are the largest that turning it may give.
std::vector<Approximate> rotate(const Rope& op, const std::vector<Approximate>& x, size_t pairs);

}  // namespace trireme::conformance
