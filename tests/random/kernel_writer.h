// KernelWriter: writes random expressions, and knows what values there are and how large they may be.
#pragma once

#include <string>
#include <vector>

#include "compiler/kernel/builder.h"
#include "tests/conformance/random.h"

namespace trireme::random {

// A value, and of a float x: |x| <= 2^high, and x is a multiple of 2^low.
struct Known {
  kernel::Term term;
  int high = 0;
  int low = 0;

  kernel::Type type() const { return term.type(); }
};

// Of floats that come from memory, and of those that a loop carries.
inline constexpr int kTameHigh = 20;
inline constexpr int kTameLow = -32;

class KernelWriter {
 public:
  KernelWriter(const std::string& seed, uint32_t group_size, int lanes)
      : b_(std::string("random"), group_size), random_(seed), lanes_(lanes) {}

  kernel::Builder& builder() { return b_; }
  conformance::Random& random() { return random_; }
  bool chance(int percent) { return random_.integer(0, 99) < percent; }
  uint32_t below(uint32_t count) { return uint32_t(random_.integer(0, int64_t(count) - 1)); }

  // A buffer of words of which loads may read anything, and one of tame floats; both have `words` words.
  void read_from(uint32_t bits, uint32_t floats, uint32_t words);

  kernel::Type any_type();
  // A value of the type: one that there is, or a new one.
  Known pick(kernel::Type type);
  // A new value of the type by one random op.
  Known step(kernel::Type type);
  void keep(const Known& value) { scope_.push_back(value); }
  size_t scope() const { return scope_.size(); }
  void leave(size_t scope) { scope_.resize(scope); }
  const Known& any_known() { return scope_[below(uint32_t(scope_.size()))]; }

  // The same but for a float's bounds, which become the tame ones.
  Known tame(const Known& value);
  // The same, and zeros are positive.
  kernel::Term unsigned_zero(kernel::Term value);
  // All of a value as words, and one word of its lanes.
  kernel::Term words_of(const Known& value);
  kernel::Term digest(const Known& value);
  // An index below count.
  kernel::Term index_below(uint32_t count);

 private:
  Known bounded(kernel::Type type);
  Known leaf(kernel::Type type);
  Known constant(kernel::Type type);
  Known load(kernel::Type type);
  Known lanes_step(kernel::Type type);
  Known float_step(kernel::Type type);
  Known float_from_others(kernel::Type type);
  Known integer_step(kernel::Type type);
  Known integer_from_others(kernel::Type type);
  Known quotient(kernel::Type type);
  Known bool_step(kernel::Type type);

  kernel::Builder b_;
  conformance::Random random_;
  int lanes_;
  std::vector<Known> scope_;
  uint32_t bits_buffer_ = 0;
  uint32_t floats_buffer_ = 0;
  uint32_t buffer_words_ = 0;
};

}  // namespace trireme::random
