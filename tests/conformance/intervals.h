// The interval around the reference's result that an op's result must lie in, derived from the op, its operands, the
// reduction length and the device's declared numeric traits: never from the device's name.
#pragma once

#include "tests/conformance/execute.h"

namespace trireme::conformance {

// Allowed absolute errors, one vector for each output with an entry an element; 0 asks for the same value. Entries of
// rows that do not count are present and mean nothing. Outputs in Q8_ACT get the interval of the f32 values that were
// quantised, except those of QuantizeQ8 itself, which are exact.
//
// A sum of n products may err by gamma(n) = (8 + 3 sqrt(n)) * epsilon of the sum of their magnitudes: rounding errors
// that are independent add up like sqrt(n) (Higham and Mary, A new approach to probabilistic rounding error analysis,
// 2019). Elementary functions may err by 16 units in the last place.
//
// `carried` are the errors that the inputs already have, one vector for each input, which is empty where there are
// none: with them the interval holds results of all inputs inside of theirs. Argmax and TopK of
// those may be any index.
// Errors: what decoding an operand gives.
Result<std::vector<std::vector<double>>> allowed_errors(const Case& test, const NumericTraits& traits,
                                                        const std::vector<std::vector<double>>& carried = {});

}  // namespace trireme::conformance
