// QuantizeQ8, and how other templates quantise what they computed.
#include <algorithm>
#include <limits>

#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Builder;
using kernel::Op;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

Term infinity(Term term) { return like(term, std::numeric_limits<float>::infinity()); }

// Of a group, from the largest of its magnitudes.
Term scale_of(Builder& b, const Target& target, Term largest) {
  const Term quotient = exact_quotient(b, target, largest, like(largest, 127));
  return b.named(select(largest == infinity(largest), infinity(largest), quotient), "scale");
}

// The codes of elements, as i32: round half to even of |x| / scale, with x's sign. Of NaN, and where the scale is none
// that a number could be divided by, zero.
Term codes_of(Builder& b, const Target& target, Term x, Term scale) {
  const Term usable = (scale != like(scale, 0)) & (scale != infinity(scale));
  const Term size = exact_quotient(b, target, absolute(x), select(usable, scale, like(scale, 1)));
  const Term code = convert(minimum(apply_function(Op::kRoundEven, size), like(size, 127)), Scalar::kI32);
  const Term none = splat(b.i32(0), x.type().lanes);
  return select(usable & (x == x), select(x < like(x, 0), -code, code), none);
}

// The words of a group, and what follows the codes.
struct Places {
  Places(const Q8Group& group)
      : codes(group.row * uint32_t(q8_row_words(group.columns)) + (group.number << 3u)),
        scale(group.row * uint32_t(q8_row_words(group.columns)) + uint32_t(group.columns / 4) + group.number),
        sum(scale + uint32_t(group.columns / 32)) {}

  Term codes, scale, sum;
};

// Four neighbouring codes to a word each, from all lanes.
Terms words_of(Builder& b, Term codes) {
  const int lanes = codes.type().lanes;
  Terms shifts;
  for (int lane = 0; lane < lanes; ++lane) shifts.push_back(b.u32(uint32_t(8 * (lane % 4))));
  const Term bytes = (bitcast(codes, Scalar::kU32) & 0xffu) << pack(shifts);
  Terms words;
  for (uint32_t lane = 0; lane < uint32_t(lanes); lane += 4)
    words.push_back((extract(bytes, lane) | extract(bytes, lane + 1)) |
                    (extract(bytes, lane + 2) | extract(bytes, lane + 3)));
  return words;
}

// One term of many, pair by pair.
template <typename Combine>
Term combined(Terms terms, Combine combine) {
  for (; terms.size() > 1; terms.resize(terms.size() / 2))
    for (size_t i = 0; i < terms.size() / 2; ++i) terms[i] = combine(terms[i], terms[i + terms.size() / 2]);
  return terms[0];
}

Terms lanes_of(Term vector) {
  Terms lanes;
  for (int lane = 0; lane < vector.type().lanes; ++lane) lanes.push_back(extract(vector, uint32_t(lane)));
  return lanes;
}

}  // namespace

void store_q8_vectors(Builder& b, const Target& target, const Q8Group& group, const Terms& vectors) {
  const auto most = [](Term a, Term c) { return maximum(a, c); };
  const auto added = [](Term a, Term c) { return a + c; };
  Terms sizes, sums, words;
  // Of a NaN and a number the number is larger, also when one of each is compared.
  for (const Term& x : vectors) sizes.push_back(maximum(absolute(x), like(x, 0)));
  const Term scale = scale_of(b, target, combined(lanes_of(combined(sizes, most)), most));
  for (const Term& x : vectors) {
    const Term codes = codes_of(b, target, x, splat(scale, x.type().lanes));
    sums.push_back(codes);
    for (const Term& word : words_of(b, codes)) words.push_back(word);
  }
  const Places places(group);
  const uint32_t together = q8_row_words(group.columns) % 4 == 0 ? 4 : 2;
  for (uint32_t word = 0; word < 8; word += together) {
    const Terms beside(words.begin() + word, words.begin() + word + together);
    b.store(group.buffer, places.codes / together + word / together, pack(beside));
  }
  b.store(group.buffer, places.scale, scale);
  b.store(group.buffer, places.sum, combined(lanes_of(combined(sums, added)), added));
}

void store_q8_group(Builder& b, const Target& target, const Q8Group& group, const std::function<Term(Term)>& read) {
  store_q8_lanes(b, target, 1, {group}, {}, read);
}

void store_q8_lanes(Builder& b, const Target& target, int lanes, const std::vector<Q8Group>& groups,
                    const Terms& stored, const std::function<Term(Term)>& read) {
  const Term zero = b.u32(0), one = b.u32(1);
  const Terms largest = b.loop(zero, b.u32(32), one, {splat(b.f32(0), lanes)}, [&](Term i, const Terms& carried) {
    return Terms{maximum(carried[0], absolute(read(i)))};
  });
  const Term scale = scale_of(b, target, largest[0]);
  std::vector<Places> places(groups.begin(), groups.end());
  const auto store_each = [&](const std::function<void(uint32_t lane)>& store) {
    for (uint32_t lane = 0; lane < groups.size(); ++lane) {
      if (stored.empty()) {
        store(lane);
      } else {
        b.when(stored[lane], [&] { store(lane); });
      }
    }
  };
  const Terms sums = b.loop(zero, b.u32(8), one, {splat(b.i32(0), lanes)}, [&](Term word, const Terms& carried) {
    Term packed = splat(b.u32(0), lanes), total = carried[0];
    for (uint32_t byte = 0; byte < 4; ++byte) {
      const Term code = codes_of(b, target, read((word << 2u) + byte), scale);
      packed = packed | ((bitcast(code, Scalar::kU32) & 0xffu) << (8u * byte));
      total = total + code;
    }
    store_each([&](uint32_t lane) { b.store(groups[lane].buffer, places[lane].codes + word, extract(packed, lane)); });
    return Terms{total};
  });
  store_each([&](uint32_t lane) {
    b.store(groups[lane].buffer, places[lane].scale, extract(scale, lane));
    b.store(groups[lane].buffer, places[lane].sum, extract(sums[0], lane));
  });
}

Terms load_q8_vectors(Builder& b, const Target& target, uint32_t buffer, Term part) {
  const auto lanes = std::clamp(target.vector_lanes, 4u, uint32_t(kernel::kMostLanes));
  Terms vectors;
  for (uint32_t i = 0; i < 32 / lanes; ++i)
    vectors.push_back(b.load(buffer, part * (32 / lanes) + i, {Scalar::kF32, int(lanes)}));
  return vectors;
}

// An item a group of 32.
Result<OpCalls> write_quantize(const OpDesc& op, const Target& target) {
  const TensorDesc& x = op.inputs[0].desc;
  const int64_t columns = x.shape.back(), groups = columns / 32;
  CallBuilder b("quantize_q8_" + std::to_string(columns), kGroupSize);
  const uint32_t in = b.input(0, "x"), out = b.output(0, "y");
  const Term rows = b.row_count(x);
  const Term row = b.named(b.group_id(1), "row");
  const Term group = b.named(b.group_id(0) * kGroupSize + b.local_id(), "part");
  b.when((row < rows) & (group < uint32_t(groups)), [&] {
    const Term first = row * uint32_t(groups) + group;
    const Q8Group place{out, row, group, columns};
    if (target.vector_lanes == 1)
      return store_q8_group(b, target, place, [&](Term i) { return b.load(in, (first << 5u) + i, kernel::kF32); });
    store_q8_vectors(b, target, place, load_q8_vectors(b, target, in, first));
  });
  return b.calls({ceil_div(groups, kGroupSize), uint32_t(x.shape.rows()), 1});
}

}  // namespace trireme::compiler
