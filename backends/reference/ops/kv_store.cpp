#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

void save_row(const float* row, const Tensor& cache, int64_t slot) {
  const int64_t heads = cache.size(1), block_size = cache.size(2), columns = cache.size(3);
  for (int64_t h = 0; h < heads; ++h) {
    const int64_t start = ((slot / block_size * heads + h) * block_size + slot % block_size) * columns;
    for (int64_t i = 0; i < columns; ++i) {
      const float value = row[h * columns + i];
      if (cache.desc->format == &formats::f16())
        cache.as<uint16_t>()[start + i] = f32_to_f16(value);
      else
        cache.as<float>()[start + i] = value;
    }
  }
}

}  // namespace

Status store(const Call& call, const Tensor& k, const Tensor& v, const Tensor& slots, const Tensor& k_cache,
             const Tensor& v_cache) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(k));
  const int64_t slot_count = k_cache.size(0) * k_cache.size(2);
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t slot = slots.as<const int32_t>()[r];
    if (slot < 0) continue;
    if (slot >= slot_count)
      return fail(ErrorCode::kInvalidArgument, "KV slot", std::to_string(slot) + " is outside " + k_cache.desc->text());
    save_row(k.as<const float>() + r * k.stride(), k_cache, slot);
    save_row(v.as<const float>() + r * v.stride(), v_cache, slot);
  }
  return {};
}

Status run(const KvStore&, const Call& call) {
  return store(call, call.in[0], call.in[1], call.in[2], call.in[3], call.in[4]);
}

}  // namespace trireme::reference
