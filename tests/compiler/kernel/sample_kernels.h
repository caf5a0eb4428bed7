// Kernels that the tests of text, verifier and interpreter share.
#pragma once

#include "compiler/kernel/builder.h"

namespace trireme::kernel::test {

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

}  // namespace trireme::kernel::test
