// The templates: each turns an op with its shapes and formats into kernels for a target.
#pragma once

#include "compiler/templates/call.h"
#include "compiler/templates/tuning_table.h"
#include "compiler/templates/weight_layout.h"

namespace trireme::compiler {

inline constexpr uint32_t kGroupSize = 64;  // of every template that does not say otherwise

// Chooses the op's template and writes its kernels, with what was tuned for it. The op must pass check_op(). Reshape is
// no kernel at all.
// Errors: kUnsupported with the reason, to complete "device cannot do <op>: ".
Result<OpCalls> write_kernels(const OpDesc& op, const Target& target, const TuningTable* tuned = nullptr);

// One for each group of ops.
Result<OpCalls> write_rows(const EmbedRows& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_rows(const GatherRows& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_norm(const OpDesc& op, const Target& target);      // RmsNorm, FusedNorm
Result<OpCalls> write_quantize(const OpDesc& op, const Target& target);  // QuantizeQ8
Result<OpCalls> write_elementwise(const OpDesc& op, const Target& target);
Result<OpCalls> write_cast(const OpDesc& op, const Target& target);
Result<OpCalls> write_reduction(const Softmax& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_reduction(const Argmax& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_reduction(const TopK& params, const OpDesc& op, const Target& target);
Result<OpCalls> write_matmul(const OpDesc& op, const Target& target, const MatmulSchedule& schedule);
Result<OpCalls> write_grouped_matmul(const OpDesc& op, const Target& target);
Result<OpCalls> write_rope(const OpDesc& op, const Target& target);  // Rope, KvStore, RopeStore
Result<OpCalls> write_attention(const Attention& params, const OpDesc& op, const Target& target);

// Binds what the part has of the planes of constant `input`, in their order.
std::vector<uint32_t> bind_planes(CallBuilder& b, const TensorDesc& weight, const WeightLayout& layout, int input,
                                  const std::string& name, const RowPart& part);

// activation(x), within a few units in the last place of the functions that the device has.
kernel::Term activate(Activation activation, kernel::Term x);

// Where one group of 32 of a Q8_ACT row goes.
struct Q8Group {
  uint32_t buffer;
  kernel::Term row;     // counted from 0
  kernel::Term number;  // of the group in the row
  int64_t columns;      // of the row
};
// Packs 32 f32 as the group: `read` gives element 0 to 31.
void store_q8_group(kernel::Builder& b, const Target& target, const Q8Group& group,
                    const std::function<kernel::Term(kernel::Term index)>& read);
// The same of a group a lane; there may be fewer groups than lanes. A group is stored when its bool holds, all of them
// when there are no bools.
void store_q8_lanes(kernel::Builder& b, const Target& target, int lanes, const std::vector<Q8Group>& groups,
                    const kernel::Terms& stored, const std::function<kernel::Term(kernel::Term index)>& read);
// One group of 32 f32 in vectors of 4, 8 or 16 lanes.
void store_q8_vectors(kernel::Builder& b, const Target& target, const Q8Group& group, const kernel::Terms& vectors);
// 32 f32 of a buffer from element 32 * `part` on, in such vectors.
kernel::Terms load_q8_vectors(kernel::Builder& b, const Target& target, uint32_t buffer, kernel::Term part);
inline int64_t q8_row_words(int64_t columns) { return columns / 4 + columns / 16; }

}  // namespace trireme::compiler
