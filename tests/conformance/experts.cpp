#include "tests/conformance/experts.h"

#include <algorithm>
#include <limits>

#include "tests/conformance/case_builder.h"
#include "tests/conformance/operands.h"

namespace trireme::conformance {
namespace {

Case single_expert(const Case& test, int64_t expert) {
  const TensorDesc &x = test.op.inputs[0].desc, &weight = test.op.inputs[1].desc;
  const int64_t n = weight.shape[1], columns = weight.shape[2];
  Case single;
  single.op.params = Matmul{std::get<GroupedMatmul>(test.op.params).act};
  single.op.inputs = {test.op.inputs[0], {{{n, columns}, weight.format}, true}};
  single.op.outputs = {{{x.shape[0], n}, &formats::f32(), x.rows}};
  const auto bytes = std::ptrdiff_t(test.inputs[1].size() / size_t(weight.shape[0]));
  const auto begin = test.inputs[1].begin() + expert * bytes;
  single.inputs = {test.inputs[0], Bytes(begin, begin + bytes)};
  single.token_count = test.token_count;
  single.output_count = test.output_count;
  return single;
}

}  // namespace

Result<Case> experts_case(const Format& format, ActScheme act, const ExpertSizes& sizes) {
  CaseBuilder builder("experts " + format.name + std::to_string(sizes.rows) + " " + std::to_string(sizes.n));
  builder.rows(RowDomain::kTokens, int32_t(sizes.rows) - (sizes.rows > 2 ? 1 : 0));
  if (act == ActScheme::kQ8)
    builder.q8(sizes.rows, sizes.k, 0.01f, false);
  else
    builder.f32({sizes.rows, sizes.k});
  TRIREME_TRY(builder.weight(format, {sizes.experts, sizes.n, sizes.k}));
  std::vector<int32_t> ids;
  const int64_t most = (sizes.favourites > 0 ? sizes.favourites : sizes.experts) - 1;
  for (int64_t i = 0; i < sizes.rows * sizes.slots; ++i) ids.push_back(int32_t(builder.random().integer(0, most)));
  if (sizes.rows > 3) ids[1] = -1, ids[2] = int32_t(sizes.experts), ids[3] = std::numeric_limits<int32_t>::min();
  builder.i32(ids, sizes.slots);
  builder.row_output({sizes.rows, sizes.slots, sizes.n});
  return builder.build(GroupedMatmul{act});
}

Result<Bytes> by_single_experts(Device& device, const Case& test) {
  const Shape& y = test.op.outputs[0].shape;
  const int64_t experts = test.op.inputs[1].desc.shape[0], slots = y[1];
  const auto row_bytes = size_t(y[2]) * sizeof(float);
  const std::vector<int32_t> ids = values_of<int32_t>(test.inputs[2]);
  Bytes together(size_t(y.elements()) * sizeof(float), kUntouched);
  const int64_t places = counted_rows(test, test.op.outputs[0]) * slots;
  std::fill_n(together.begin(), std::ptrdiff_t(size_t(places) * row_bytes), std::byte{0});
  for (int64_t expert = 0; expert < experts; ++expert) {
    TRIREME_ASSIGN(const std::vector<Bytes> alone, execute(device, single_expert(test, expert)));
    for (int64_t place = 0; place < places; ++place)
      if (ids[size_t(place)] == expert)
        std::copy_n(alone[0].begin() + std::ptrdiff_t(size_t(place / slots) * row_bytes), row_bytes,
                    together.begin() + std::ptrdiff_t(size_t(place) * row_bytes));
  }
  return together;
}

}  // namespace trireme::conformance
