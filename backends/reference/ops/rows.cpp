#include <algorithm>

#include "backends/reference/ops/ops.h"

namespace trireme::reference {
namespace {

// y[i] = factor * source[ids[i]] for the ids that count. The source's own rows count up to `limit`.
Status gather(const Call& call, const Tensor& source, const Tensor& ids, int64_t limit, float factor) {
  TRIREME_ASSIGN(const int64_t rows, call.rows(ids));
  const int64_t columns = source.columns();
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t id = ids.as<const int32_t>()[r];
    if (id < 0 || id >= limit)
      return fail(ErrorCode::kInvalidArgument, "row " + std::to_string(id), "it is outside " + source.desc->text());
    const float* row = source.as<const float>() + id * columns;
    float* y = call.out[0].as<float>() + r * columns;
    std::transform(row, row + columns, y, [&](float x) { return factor * x; });
  }
  return {};
}

}  // namespace

Status run(const EmbedRows& op, const Call& call) {
  return gather(call, call.in[0], call.in[1], call.in[0].size(0), op.scale);
}

Status run(const GatherRows&, const Call& call) {
  TRIREME_ASSIGN(const int64_t limit, call.rows(call.in[0]));
  return gather(call, call.in[0], call.in[1], limit, 1.0f);
}

}  // namespace trireme::reference
