#include "tests/backends/kernel_numbers.h"

#include <chrono>
#include <random>

#include "compiler/kernel/builder.h"
#include "compiler/kernel/evaluate.h"
#include "compiler/kernel/interpreter.h"
#include "hal/dtype.h"

namespace trireme::testing_support {

using kernel::Access;
using kernel::Builder;
using kernel::kF32;
using kernel::kI32;
using kernel::kU32;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

std::vector<uint32_t> interpreted(const kernel::Function& function, std::vector<uint32_t> in, uint32_t groups) {
  std::vector<uint32_t> out(in.size(), 0);
  kernel::Launch launch;
  launch.groups = {groups, 1, 1};
  launch.buffers = {{std::as_writable_bytes(std::span(in)), true}, {std::as_writable_bytes(std::span(out)), true}};
  const Status status = interpret(function, launch);
  EXPECT_TRUE(status) << status.error().message();
  return out;
}

template <typename T>
T valid(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message();
  return std::move(result).value();
}

}  // namespace

std::vector<uint32_t> KernelNumbers::computed(const kernel::Function& function, const std::vector<uint32_t>& in,
                                              uint32_t groups) {
  const KernelSource source = valid(emit_(function));
  const auto kernel = valid(device_.load_kernel(source, valid(device_.build_kernel(source))));
  const uint64_t bytes = in.size() * sizeof(uint32_t);
  std::vector<uint32_t> out(in.size(), 0);
  const auto from = valid(device_.allocate(bytes)), to = valid(device_.allocate(bytes));
  EXPECT_TRUE(from->write(0, std::as_bytes(std::span(in))));
  EXPECT_TRUE(to->write(0, std::as_bytes(std::span(out))));
  const auto list = valid(device_.create_list());
  const BufferRange ranges[] = {{from.get(), 0, bytes}, {to.get(), 0, bytes}};
  EXPECT_TRUE(list->launch(kernel, {{groups, 1, 1}, ranges, {}}));
  EXPECT_TRUE(list->finish());
  const auto timeline = valid(device_.create_timeline());
  const TimelinePoint done{timeline.get(), 1};
  EXPECT_TRUE(device_.submit(*list, {}, {&done, 1}));
  EXPECT_TRUE(timeline->wait(1, std::chrono::seconds(60)));
  EXPECT_TRUE(to->read(0, std::as_writable_bytes(std::span(out))));
  return out;
}

void KernelNumbers::expect_exact_halves(int lanes) {
  Builder to_float("to_float", 64), to_half("to_half", 64);
  for (Builder* b : {&to_float, &to_half}) {
    const uint32_t in = b->buffer("in", Access::kRead), out = b->buffer("out", Access::kWrite);
    const Term i = b->group_id(0) * 64u + b->local_id();
    if (b == &to_float)
      b->store(out, i, half_to_float(b->load(in, i, kU32.with_lanes(lanes))));
    else
      b->store(out, i, float_to_half(b->load(in, i, kF32.with_lanes(lanes))));
  }
  std::vector<uint32_t> halves(65536), floats;
  for (uint32_t i = 0; i < halves.size(); ++i) halves[i] = i;
  const std::vector<uint32_t> widened = computed(*to_float.finish(), halves, uint32_t(1024 / lanes));
  for (uint32_t i = 0; i < halves.size(); ++i) {
    const float expected = f16_to_f32(uint16_t(i));
    if (expected == expected) {
      ASSERT_EQ(widened[i], kernel::as_bits(expected)) << i;
    }
    const uint32_t bits = kernel::as_bits(expected);
    for (const uint32_t offset : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x1fffu}) floats.push_back(bits + offset);
  }
  const std::vector<uint32_t> narrowed =
      computed(*to_half.finish(), floats, uint32_t(floats.size() / 64 / size_t(lanes)));
  for (size_t i = 0; i < floats.size(); ++i)
    ASSERT_EQ(narrowed[i], f32_to_f16(kernel::as_float(floats[i]))) << floats[i];
}

void KernelNumbers::expect_exact_ops(int lanes) {
  Builder b("exact", 16);
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kWrite);
  const Term i = b.local_id();
  const Term u = b.load(in, i, {Scalar::kU32, lanes}), s = b.load(in, i, {Scalar::kI32, lanes});
  const Term f = convert(s, Scalar::kF32);  // no subnormals, which devices may flush
  const Term bytes = convert(b.load(in, i, {Scalar::kU8, lanes}), Scalar::kU32),
             shorts = convert(b.load(in, i, {Scalar::kU16, lanes}), Scalar::kU32);
  const Term divisor = (bytes | shorts) + 1u;
  const Term bits = extract_bits(u, 5, 9) ^ bitcast(extract_bits(s, 20, 12), Scalar::kU32) ^ (u << 3u) ^ (u >> 7u) ^
                    bitcast(s >> 2u, Scalar::kU32);
  const Term integers = u / divisor + u % divisor + minimum(u, bytes) - maximum(u, shorts) +
                        bitcast(s / bitcast(divisor, Scalar::kI32) + absolute(s) - minimum(s, -s), Scalar::kU32);
  const Term floats = maximum(apply_function(Op::kFloor, f * f), apply_function(Op::kRoundEven, f)) - absolute(-f);
  const Term chosen = select((f < f + f) & (s <= -s), bits, integers + convert(s != s, Scalar::kU32));
  const Terms last =
      b.loop(b.i32(-2), b.i32(5), b.i32(3), {chosen, bitcast(floats, Scalar::kU32)}, [&](Term, const Terms& carried) {
        return b.branch(
            i % 3u == 0u,
            [&] {
              return Terms{carried[1], carried[0]};
            },
            [&] {
              return Terms{carried[0] + carried[1], carried[1]};
            });
      });
  b.store(out, i, last[0]);
  b.store(out, i + 16u, last[1]);
  const auto function = b.finish();
  ASSERT_TRUE(function) << function.error().message();
  std::mt19937 random(7);
  std::vector<uint32_t> words(size_t(32 * lanes));
  for (uint32_t& word : words) word = uint32_t(random());
  EXPECT_EQ(computed(*function, words, 1), interpreted(*function, words, 1)) << lanes << " lanes";
}

void KernelNumbers::expect_exact_dot_products(int lanes) {
  Builder b("dots", 16);
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kWrite);
  const Term i = b.local_id();
  const Term x = b.load(in, i, {Scalar::kU32, lanes}), y = b.load(in, i + 16u, {Scalar::kU32, lanes});
  b.store(out, i, dot4_signed(x, y, bitcast(y, Scalar::kI32)));
  const Term started = splat(b.i32(-7), lanes);
  b.store(out, i + 16u, dot4_unsigned(x, y, started));
  b.store(out, i + 32u, dot4_unsigned(x & 0x7f7f7f7fu, y, started));
  const auto function = *b.finish();
  std::mt19937 random(11);
  std::vector<uint32_t> words(size_t(48 * lanes));
  for (uint32_t& word : words) word = uint32_t(random());
  const auto second = words.begin() + 16 * lanes;
  words[0] = words[1] = 0xffffffffu, second[0] = 0x80808080u, second[1] = 0x7f7f7f7fu;  // the largest sums
  EXPECT_EQ(computed(function, words, 1), interpreted(function, words, 1)) << lanes << " lanes";
}

void KernelNumbers::expect_exact_masks(int lanes) {
  Builder b("masks", 16);
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kWrite);
  const Term i = b.local_id();
  const Term x = b.load(in, i, {Scalar::kU32, lanes}), y = b.load(in, i + 16u, {Scalar::kU32, lanes});
  const Term less = x < y;
  Terms odd;
  for (int lane = 0; lane < lanes; ++lane) odd.push_back((extract(x, uint32_t(lane)) & 1u) == 1u);
  const Term packed = lanes == 1 ? odd[0] : pack(odd);
  const Term spread = splat(extract(less, uint32_t(lanes - 1)), lanes);
  b.store(out, i, convert(less, Scalar::kU32) + select(packed, x, y));
  b.store(out, i + 16u, convert(less ^ spread, Scalar::kI32));
  b.store(out, i + 32u, convert(apply_function(Op::kNot, packed) | spread, Scalar::kF32));
  b.store(out, i + 48u, select(spread, x, y) + splat(convert(extract(packed, 0), Scalar::kU32), lanes));
  const auto function = *b.finish();
  std::mt19937 random(13);
  std::vector<uint32_t> words(size_t(64 * lanes));
  for (uint32_t& word : words) word = uint32_t(random());
  EXPECT_EQ(computed(function, words, 1), interpreted(function, words, 1)) << lanes << " lanes";
}

void KernelNumbers::expect_wrapped_integers() {
  Builder b("wrapped", 16);
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kWrite);
  const Term i = b.local_id();
  const Term x = b.load(in, i, kI32), most = b.i32(0x7fffffff), least = b.i32(int32_t(0x80000000u));
  // One of two known numbers, both of which overflow when doubled.
  const Term chosen =
      b.loop(b.i32(-1), b.i32(1), b.i32(1), {least}, [&](Term, const Terms&) { return Terms{b.i32(-1082130432)}; })[0];
  b.store(out, i, chosen + chosen);
  b.store(out, i + 16u, convert(x + most < x, Scalar::kU32) + convert(x - least < x, Scalar::kU32) * 2u);
  b.store(out, i + 32u, (x * 65536u) / 65536u);
  b.store(out, i + 48u, (-x) + convert(-(x | least) < b.i32(0), Scalar::kI32) + absolute(x & least));
  const Term dot = dot4_signed(b.u32(0x7f7f7f7f), b.u32(0x7f7f7f7f), x & most);
  b.store(out, i + 64u, dot + convert(dot < (x & most), Scalar::kI32));
  const auto function = b.finish();
  ASSERT_TRUE(function) << function.error().message();
  std::mt19937 random(17);
  std::vector<uint32_t> words(80);
  for (uint32_t& word : words) word = uint32_t(random());
  EXPECT_EQ(computed(*function, words, 1), interpreted(*function, words, 1));
}

void KernelNumbers::expect_punned_memory() {
  Builder b("punned", 8);
  b.buffer("in", Access::kRead);
  const uint32_t out = b.buffer("out", Access::kReadWrite);
  const Term first = b.local_id() * 4u;  // of the item's four words
  b.store(out, first, b.i32(1));
  b.store(out, first * 2u + 1u, convert(b.u32(2), Scalar::kU16));
  b.store(out, first + 1u, b.f32(1));
  const Term seen = convert(b.load(out, first * 2u + 3u, kernel::kU16), Scalar::kU32);
  b.store(out, first + 1u, b.u32(7));
  b.store(out, first + 2u, seen);
  b.store(out, first + 3u, b.f32(-2));
  b.store(out, first + 3u, b.load(out, first + 3u, kU32) >> 1u);
  const auto function = *b.finish();
  const std::vector<uint32_t> words(32);
  EXPECT_EQ(computed(function, words, 1), interpreted(function, words, 1));
}

}  // namespace trireme::testing_support
