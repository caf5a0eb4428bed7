// simplify() keeps what a kernel computes, drops what it need not do, and does not depend on the order of writing.
#include "compiler/kernel/simplify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/kernel/interpreter.h"
#include "compiler/kernel/text.h"
#include "tests/compiler/kernel/sample_kernels.h"

namespace trireme::kernel::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string simplified(const std::function<void(Builder&, uint32_t out)>& write) {
  Builder b("k", 4);
  const uint32_t out = b.buffer("out", Access::kReadWrite);
  write(b, out);
  const auto function = b.finish();
  if (!function) return function.error().message();
  const auto simple = simplify(*function);
  return simple ? print(*simple) : simple.error().message();
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(Simplify, FoldsConstantsAndNeutralOperands) {
  const std::string text = simplified([](Builder& b, uint32_t out) {
    const Term x = b.local_id();
    const Term same = ((x + 0u) * 1u << 0u) / 1u;
    b.store(out, same + (b.u32(6) / b.u32(3) - b.u32(2)), b.f32(2) * b.f32(3) + b.f32(1));
  });
  EXPECT_THAT(text, HasSubstr("store out[%item], %v"));
  EXPECT_THAT(text, HasSubstr("constant 7 : f32"));
  for (const char* gone : {"add", "multiply", "divide", "shift", "subtract"}) EXPECT_THAT(text, Not(HasSubstr(gone)));
}

TEST(Simplify, LeavesWhatItMustNotFold) {
  const std::string text = simplified([](Builder& b, uint32_t out) {
    const Term x = b.load(out, b.local_id(), kF32);
    // x + 0 changes -0, x * 0 is not 0 for every x, and the quotient is rounded by the device.
    b.store(out, b.local_id(), (x + b.f32(0)) * b.f32(0) + b.f32(1) / b.f32(3));
    b.store(out, b.u32(1) / b.u32(0), b.u32(1) << b.u32(32));
  });
  for (const char* stays : {"add", "multiply", "divide", "shift_left"}) EXPECT_THAT(text, HasSubstr(stays));
  EXPECT_EQ(count(text, "divide"), 2u);
}

TEST(Simplify, ComputesEqualThingsOnceWhereBothCanSee) {
  const std::string text = simplified([](Builder& b, uint32_t out) {
    const Term x = b.local_id(), y = b.group_id(0);
    const Term a = x * y, same = y * b.local_id();
    b.when(a == same, [&] { b.store(out, x * y, x - y); });
    b.when(x < y, [&] { b.store(out, y - x, x - y); });
  });
  EXPECT_EQ(count(text, "multiply"), 1u);
  // Those of two branches see each other not.
  EXPECT_EQ(count(text, "subtract"), 3u);
}

TEST(Simplify, DropsWhatNothingUsesAndKeepsEffectsInOrder) {
  const std::string text = simplified([](Builder& b, uint32_t out) {
    const Term x = b.local_id();
    (void)(x * x);
    const Term old = b.load(out, x, kU32);
    b.store(out, x, b.u32(1));
    b.barrier();
    b.store(out, x + 4u, b.load(out, x, kU32) + old);
  });
  EXPECT_THAT(text, Not(HasSubstr("multiply")));
  EXPECT_EQ(count(text, "load"), 2u);
  EXPECT_LT(text.find("load"), text.find("store"));
  EXPECT_LT(text.find("store"), text.find("barrier"));
}

TEST(Simplify, DoesNotDependOnTheOrderOfWriting) {
  const auto write = [](bool backwards) {
    return simplified([&](Builder& b, uint32_t out) {
      const auto left = [&] { return b.local_id() * 3u; };
      const auto right = [&] { return b.group_id(1) + 5u; };
      Term first = backwards ? right() : left();
      Term second = backwards ? left() : right();
      if (backwards) std::swap(first, second);
      b.loop(b.u32(0), b.u32(4), b.u32(1), [&](Term i) { b.store(out, i, first ^ second); });
    });
  };
  EXPECT_EQ(write(false), write(true));
}

TEST(Simplify, KeepsTheResults) {
  const Function function = row_sum(8);
  const auto simple = simplify(function);
  ASSERT_TRUE(simple) << simple.error().message();
  EXPECT_LT(simple->values.size(), function.values.size());
  std::vector<float> x(2 * 21), plain(2), simplified(2);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.1f * float(i) - 1.0f;
  const auto run = [&](const Function& kernel, std::vector<float>& y) {
    return interpret(
        kernel,
        {{2, 1, 1}, {{std::as_writable_bytes(std::span(x))}, {std::as_writable_bytes(std::span(y)), false}}, {21}});
  };
  ASSERT_TRUE(run(function, plain));
  ASSERT_TRUE(run(*simple, simplified));
  EXPECT_EQ(plain, simplified);
}

}  // namespace
}  // namespace trireme::kernel::test
