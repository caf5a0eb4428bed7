// Kernels that the tests of text, verifier and interpreter share.
#pragma once

#include <limits>

#include "compiler/kernel/builder.h"
#include "compiler/kernel/interpreter.h"
#include "tests/hal/sample_tiles.h"

namespace trireme::kernel::test {

template <typename T>
BoundBuffer bound(std::vector<T>& values, bool initialized = true) {
  return {std::as_writable_bytes(std::span(values)), initialized};
}

// y[row] = the sum of x's `columns` words of the row, one group a row: strided partial sums, then a tree in shared
// memory.
inline Function row_sum(uint32_t group_size) {
  Builder b("row_sum", group_size);
  b.comment("one group a row");
  const uint32_t x = b.buffer("x", Access::kRead);
  const uint32_t y = b.buffer("y", Access::kWrite);
  const uint32_t partial = b.shared("partial", kF32, group_size);
  const Term columns = b.launch("columns", kU32);
  const Term row = b.group_id(0), local = b.local_id();
  const Terms sum = b.loop(local, columns, b.u32(group_size), {b.f32(0)}, [&](Term i, const Terms& carried) {
    return Terms{carried[0] + b.load(x, row * columns + i, kF32)};
  });
  b.store_shared(partial, local, b.named(sum[0], "sum"));
  for (uint32_t half = group_size / 2; half > 0; half /= 2) {
    b.barrier();
    b.when(local < half, [&] {
      const Term mine = b.load_shared(partial, local);
      const Term other = b.load_shared(partial, local + half);
      b.store_shared(partial, local, mine + other);
    });
  }
  b.when(local == 0u, [&] { b.store(y, row, b.load_shared(partial, local)); });
  return *b.finish();
}

// Every op once; matrix tiles only when asked, since not every language has them.
inline Function everything(bool with_matrix = false) {
  Builder b("everything", 8);
  b.comment("every op, once: 100 %");
  b.use_subgroups(4);
  if (with_matrix) b.use_matrix(trireme::test::tile_of_4_items());
  const uint32_t in = b.buffer("in", Access::kRead), out = b.buffer("out", Access::kReadWrite);
  const uint32_t tile = b.shared("tile", kF32, 8);
  const Term local = b.local_id();
  const Term n = b.launch("n", kI32) + b.specialization("size", kI32, uint32_t(-4));
  const Term lane = b.subgroup_lane() + b.subgroup_id() + b.group_id(2);
  const Term word = ((lane & 7u) | (lane ^ lane)) - (lane << 1u) * (lane >> 2u) + lane % 3u + lane / 2u;
  const Term bits = extract_bits(apply_function(Op::kNot, word), 3, 5);
  Term f = b.f32(0.1f) / b.f32(-0.0f) + b.f32(std::numeric_limits<float>::infinity());
  f = fused_multiply_add(minimum(f, -f), maximum(f, absolute(f)), f);
  for (const Op op : {Op::kSquareRoot, Op::kExponential, Op::kSine, Op::kCosine, Op::kFloor, Op::kRoundEven})
    f = apply_function(op, f);
  const Term vector = b.load(in, local, {Scalar::kU32, 4});
  const Term pair = pack({f, half_to_float(float_to_half(f))}) + splat(f, 2);
  const Term sum = dot4_signed(extract(vector, 3), bits, dot4_unsigned(bits, word, n));
  b.store_shared(tile, local, extract(pair, 1));
  b.barrier();
  const Terms looped = b.loop(b.i32(-3), n, b.i32(2), {f, sum}, [&](Term i, const Terms& carried) {
    return b.branch((i < n) & (i <= n) & (i == n) & (i != n), [&] { return carried; },
                    [&] {
                      return Terms{carried[0] + convert(i, Scalar::kF32), carried[1]};
                    });
  });
  if (with_matrix) b.matrix_multiply({bits, word}, {bits}, Terms(8, sum));
  const Term total = b.apply(Op::kSubgroupAdd, kF32, {looped[0] + b.load_shared(tile, local)});
  const Term most = b.apply(Op::kSubgroupMaximum, kF32, {total});
  const Term first = b.apply(Op::kSubgroupBroadcast, kF32, {most}, 3);
  const Term chosen = select(b.boolean(true), bitcast(first, Scalar::kU32), bitcast(looped[1], Scalar::kU32));
  b.when(b.boolean(false), [&] { b.store(out, local, convert(chosen, Scalar::kU8)); });
  return *b.finish();
}

// y = left right + addend, a matrix tile for each of two subgroups, all of them in rows.
inline Function tile_product(const MatrixTile& tile) {
  Builder b("tile_product", 2 * tile.lanes);
  b.use_matrix(tile);
  const uint32_t left = b.buffer("left", Access::kRead), right = b.buffer("right", Access::kRead),
                 addend = b.buffer("addend", Access::kRead), y = b.buffer("y", Access::kWrite);
  const Term item = b.subgroup_lane(), subgroup = b.subgroup_id();
  // Where an element is, for a matrix of so many rows and columns.
  const auto place = [&](const FragmentMap& map, uint32_t element, uint32_t rows, uint32_t columns) {
    const auto sum = [&](const std::vector<TileDigit>& digits) {
      Term total = b.u32(0);
      for (const TileDigit& digit : digits)
        total =
            total + (digit.of_element ? b.u32(digit(0, element)) : item / digit.divisor % digit.modulus * digit.stride);
      return total;
    };
    return subgroup * (rows * columns) + sum(map.row) * columns + sum(map.column);
  };
  const auto words = [&](uint32_t buffer, const FragmentMap& map, uint32_t rows, uint32_t columns) {
    Terms made;
    for (uint32_t element = 0; element < map.elements; element += 4) {
      Term word = b.u32(0);
      for (uint32_t i = 0; i < 4; ++i) {
        const Term code = b.load(buffer, place(map, element + i, rows, columns), kU8);
        word = word | (convert(code, Scalar::kU32) << (8 * i));
      }
      made.push_back(word);
    }
    return made;
  };
  Terms sums;
  for (uint32_t i = 0; i < tile.result.elements; ++i)
    sums.push_back(b.load(addend, place(tile.result, i, tile.m, tile.n), kI32));
  sums = b.matrix_multiply(words(left, tile.left, tile.m, tile.k), words(right, tile.right, tile.k, tile.n), sums);
  for (uint32_t i = 0; i < tile.result.elements; ++i) b.store(y, place(tile.result, i, tile.m, tile.n), sums[i]);
  return *b.finish();
}

}  // namespace trireme::kernel::test
