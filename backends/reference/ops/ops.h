// The loops of every op. Each takes operands that check_op() has passed, computes one f32 result at a time from f64
// sums, and leaves rows past the run-time counts alone. A fused op is the composition of its parts, with the same
// roundings to f32 between them. Errors: kInvalidArgument for run-time counts, ids, slots or positions that do not fit,
// but for ids of experts, which give zeros.
#pragma once

#include "backends/reference/kernel.h"

namespace trireme::reference {

Status run(const EmbedRows& op, const Call& call);
Status run(const QuantizeQ8& op, const Call& call);
Status run(const Matmul& op, const Call& call);
Status run(const MatmulGlu& op, const Call& call);
Status run(const GroupedMatmul& op, const Call& call);
Status run(const RmsNorm& op, const Call& call);
Status run(const FusedNorm& op, const Call& call);
Status run(const Binary& op, const Call& call);
Status run(const Unary& op, const Call& call);
Status run(const Scale& op, const Call& call);
Status run(const Softcap& op, const Call& call);
Status run(const Glu& op, const Call& call);
Status run(const Rope& op, const Call& call);
Status run(const KvStore& op, const Call& call);
Status run(const Attention& op, const Call& call);
Status run(const RopeStore& op, const Call& call);
Status run(const GatherRows& op, const Call& call);
Status run(const Softmax& op, const Call& call);
Status run(const Argmax& op, const Call& call);
Status run(const TopK& op, const Call& call);
Status run(const Reshape& op, const Call& call);
Status run(const Cast& op, const Call& call);

// The parts that fused ops share.
float activate(Activation activation, float x);
void normalize(const RmsNorm& op, const float* x, const float* weight, int64_t columns, float* y);
// One Q8_ACT row, laid out as QuantizeQ8 says.
void quantize(const float* x, int64_t columns, std::byte* row);
// One head of `columns` elements.
void rotate(const Rope& op, const float* x, int32_t position, const Tensor& frequencies, int64_t columns, float* y);
// k and v rows at inputs first and first + 1, their slots, and the two caches.
Status store(const Call& call, const Tensor& k, const Tensor& v, const Tensor& slots, const Tensor& k_cache,
             const Tensor& v_cache);

}  // namespace trireme::reference
