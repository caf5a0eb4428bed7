#include "tests/random/kernel_generator.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "tests/random/kernel_writer.h"

namespace trireme::random {

using kernel::Access;
using kernel::kF32;
using kernel::kI32;
using kernel::kU32;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;
using kernel::Type;

namespace {

constexpr uint32_t kReadWords = 256;
constexpr uint32_t kItemWords = 16;   // that each item has of the output
constexpr uint32_t kSharedWords = 4;  // that each item has of a shared array
constexpr uint32_t kGroupSizes[] = {1, 2, 3, 8, 16, 21, 32, 64};

class KernelGenerator {
 public:
  KernelGenerator(const std::string& seed, int lanes, uint32_t group_size)
      : writer_(seed, group_size, lanes), b_(writer_.builder()), group_size_(group_size), lanes_(lanes) {}

  Result<KernelCase> run() {
    KernelCase made;
    for (uint32_t& count : made.groups) count = writer_.chance(70) ? 1 : 1 + writer_.below(3);
    declare(made);
    const uint32_t statements = 4 + writer_.below(24);
    for (uint32_t i = 0; i < statements; ++i) statement(0);
    for (int i = 0; i < 4; ++i) store(writer_.any_known());
    Term sum = b_.u32(7);
    for (int i = 0; i < 6; ++i) sum = sum * 31u + writer_.digest(writer_.any_known());
    b_.store(out_, place_ * kItemWords + writer_.below(kItemWords), sum);
    TRIREME_ASSIGN(made.function, b_.finish());
    return made;
  }

 private:
  void declare(KernelCase& made) {
    const uint32_t bits = b_.buffer("bits", Access::kRead), floats = b_.buffer("floats", Access::kRead);
    const uint32_t again = b_.buffer("again", Access::kRead);
    out_ = b_.buffer("out", Access::kReadWrite);
    made.bound = {0, 1, 0, 2};
    writer_.read_from(writer_.chance(50) ? bits : again, floats, kReadWords);
    fill_memory(made);
    const Term item = b_.local_id();
    Term group = b_.group_id(2) * made.groups[1] + b_.group_id(1);
    group = group * made.groups[0] + b_.group_id(0);
    place_ = b_.named(group * group_size_ + item, "place");
    for (const Term id : {item, place_, b_.group_id(0)}) writer_.keep({id});
    for (const Type type : {kU32, kI32, kF32}) {
      const Term launched = b_.launch("launched_" + type_name(type), type);
      const float number = float(int(writer_.below(2000)) - 1000) / 8;
      made.launch_words.push_back(type.is_float() ? std::bit_cast<uint32_t>(number) : uint32_t(random_bits()));
      writer_.keep({launched, kTameHigh, kTameLow});
      if (type == kU32) launched_ = launched;
    }
    writer_.keep({b_.specialization("special", kI32, uint32_t(random_bits()))});
    writer_.keep({b_.specialization("special_float", kF32, std::bit_cast<uint32_t>(-0.75f)), kTameHigh, kTameLow});
  }

  uint64_t random_bits() { return writer_.random().bits(); }

  void fill_memory(KernelCase& made) {
    Words bits(kReadWords), floats(kReadWords);
    constexpr uint32_t kSpecial[] = {0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f7f7f7f};
    for (uint32_t& word : bits) word = writer_.chance(25) ? kSpecial[writer_.below(10)] : uint32_t(random_bits());
    // 24 bits at most, with exponents that fit the tame bounds.
    for (uint32_t& word : floats) {
      const auto whole = float(int(writer_.below(0x1ffffff)) - 0xffffff);
      word = std::bit_cast<uint32_t>(writer_.chance(10) ? 0.0f : std::ldexp(whole, -int(writer_.below(29)) - 4));
      if (word == 0x80000000u) word = 0;
    }
    const size_t items = size_t(made.groups[0]) * made.groups[1] * made.groups[2] * group_size_;
    Words out(items * kItemWords);
    for (uint32_t& word : out) word = uint32_t(random_bits());
    made.memory = {bits, floats, out};
  }

  void statement(int depth) {
    const uint32_t choice = writer_.below(100);
    if (choice < 8) return store(writer_.any_known());
    if (choice < 12) return load_own();
    if (choice < 18 && depth < 2) return loop(depth);
    if (choice < 24 && depth < 2) return branch(depth);
    // Never inside of a branch: PoCL 3.1 miscompiles barriers of sibling branches, and templates have none there.
    if (choice < 28 && together_) return exchange();
    writer_.keep(writer_.step(writer_.any_type()));
  }

  // The element of an item's own part that holds `lanes` elements of so many bytes.
  Term own_place(int bytes) {
    const uint32_t elements = kItemWords * 4 / uint32_t(bytes);
    return place_ * elements + writer_.below(elements);
  }

  void store(const Known& value) {
    if (value.type().scalar == Scalar::kU32 && writer_.chance(30)) {
      const Term small = convert(value.term, writer_.chance(50) ? Scalar::kU8 : Scalar::kU16);
      return b_.store(out_, own_place(type_bytes(small.type())), small);
    }
    Term stored = value.type().scalar == Scalar::kI32 ? value.term : writer_.words_of(value);
    if (value.type().is_float()) stored = writer_.unsigned_zero(value.term);
    b_.store(out_, own_place(type_bytes(stored.type())), stored);
  }

  // Of what the item itself stored, or what lay there, seen as another type.
  void load_own() {
    const int lanes = writer_.chance(50) ? 1 : std::min(lanes_, 1 << writer_.below(5));
    constexpr Scalar kScalars[] = {Scalar::kU8, Scalar::kU16, Scalar::kU32, Scalar::kI32};
    const Type type{kScalars[writer_.below(4)], lanes};
    const Term loaded = b_.load(out_, own_place(type_bytes(type)), type);
    const bool small = type.scalar == Scalar::kU8 || type.scalar == Scalar::kU16;
    writer_.keep({small ? convert(loaded, Scalar::kU32) : loaded});
  }

  // Each item writes its own part of a shared array, and then reads what others wrote.
  void exchange() {
    constexpr Type kTypes[] = {kU32, kI32, kF32};
    const uint32_t which = writer_.below(3);
    if (!shared_[which])
      shared_[which] = b_.shared("shared_" + type_name(kTypes[which]), kTypes[which], group_size_ * kSharedWords);
    const uint32_t array = *shared_[which], lanes = 1u << writer_.below(3);
    const Term item = b_.local_id();
    for (uint32_t i = 0; i < kSharedWords / lanes; ++i)
      b_.store_shared(array, item * (kSharedWords / lanes) + i,
                      writer_.tame(writer_.pick(kTypes[which].with_lanes(int(lanes)))).term);
    b_.barrier();
    const uint32_t loads = 1 + writer_.below(3);
    for (uint32_t i = 0; i < loads; ++i) {
      const uint32_t read = 1u << writer_.below(3);
      const Term index = writer_.index_below(group_size_ * kSharedWords / read);
      writer_.keep({b_.load_shared(array, index, int(read)), kTameHigh, kTameLow});
    }
    b_.barrier();
  }

  void statements(int depth) {
    const uint32_t count = 1 + writer_.below(5);
    for (uint32_t i = 0; i < count; ++i) statement(depth + 1);
  }

  void loop(int depth) {
    const bool is_signed = writer_.chance(50), uniform = writer_.chance(60), together = together_;
    const Term trips =
        uniform ? (writer_.chance(50) ? b_.u32(writer_.below(6)) : launched_ & 7u) : writer_.pick(kU32).term & 7u;
    const auto number = [&](uint32_t value) { return is_signed ? b_.i32(int32_t(value) - 3) : b_.u32(value); };
    const Term begin = number(writer_.below(4));
    const Term end = is_signed ? convert(trips, Scalar::kI32) : trips;
    const Term step = is_signed ? b_.i32(1 + int32_t(writer_.below(3))) : b_.u32(1 + writer_.below(3));
    Terms initial;
    for (uint32_t i = writer_.below(4); i > 0; --i)
      initial.push_back(writer_.tame(writer_.pick(writer_.any_type())).term);
    const size_t scope = writer_.scope();
    together_ = together && uniform;
    const Terms last = b_.loop(begin, end, step, initial, [&](Term index, const Terms& carried) {
      writer_.keep({index});
      for (const Term& value : carried) writer_.keep({value, kTameHigh, kTameLow});
      statements(depth);
      Terms next;
      for (const Term& value : initial) next.push_back(writer_.tame(writer_.pick(value.type())).term);
      return next;
    });
    together_ = together;
    writer_.leave(scope);
    for (const Term& value : last) writer_.keep({value, kTameHigh, kTameLow});
  }

  void branch(int depth) {
    const bool together = together_;
    std::vector<Type> types;
    for (uint32_t i = writer_.below(3); i > 0; --i) types.push_back(writer_.any_type());
    const Term condition = writer_.pick(kernel::kBool).term;
    const size_t scope = writer_.scope();
    const auto side = [&] {
      if (!types.empty() || writer_.chance(80)) statements(depth);
      Terms given;
      for (const Type type : types) given.push_back(writer_.tame(writer_.pick(type)).term);
      writer_.leave(scope);
      return given;
    };
    together_ = false;
    const Terms chosen = b_.branch(condition, side, side);
    together_ = together;
    for (const Term& value : chosen) writer_.keep({value, kTameHigh, kTameLow});
  }

  KernelWriter writer_;
  kernel::Builder& b_;
  uint32_t group_size_;
  int lanes_;
  bool together_ = true;  // all items of the group come here
  uint32_t out_ = 0;
  Term place_;     // the item's number in the launch
  Term launched_;  // a number that is given at launch
  std::optional<uint32_t> shared_[3];
};

}  // namespace

Result<KernelCase> random_kernel(const std::string& seed, int lanes) {
  conformance::Random random("sizes of " + seed);
  return KernelGenerator(seed, lanes, kGroupSizes[random.integer(0, 7)]).run();
}

}  // namespace trireme::random
