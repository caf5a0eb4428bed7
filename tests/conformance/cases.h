// The cases of every op: shapes with ones, primes and tails, counts below capacity, all formats, extreme values.
#pragma once

#include <functional>

#include "tests/conformance/execute.h"

namespace trireme::conformance {

// 0: one small case of each op; 1: shapes with tails and every parameter; 2: every weight format; 3: extreme values;
// 4: large shapes; 5: every case again with three other sets of random values. A level includes those below it.
constexpr int kHighestLevel = 5;

// A case that is made when it is needed. Its name is its seed: the same name gives the same bytes.
struct CaseSource {
  std::string name;  // "matmul Q4_K q8 6x13x256"
  int level = 0;
  std::function<Result<Case>(const std::string& name)> make;
};

std::vector<CaseSource> all_cases(int level);

// Those of the ops that read weights of the format, which outlives them.
std::vector<CaseSource> format_cases(const Format& format, int level);

// The parts of it, and of all_cases() for all formats.
void add_matmul_cases(std::vector<CaseSource>& cases, const Format& format);
void add_embed_cases(std::vector<CaseSource>& cases, const Format& format);
// The parts of all_cases(), one for each group of ops.
void add_matmul_cases(std::vector<CaseSource>& cases);
void add_row_cases(std::vector<CaseSource>& cases);          // embed, gather, quantise, norms, softmax, argmax, top k
void add_elementwise_cases(std::vector<CaseSource>& cases);  // binary, unary, scale, softcap, glu, cast, reshape
void add_attention_cases(std::vector<CaseSource>& cases);    // rope, kv store, rope store, attention

}  // namespace trireme::conformance
