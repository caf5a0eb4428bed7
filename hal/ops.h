// Op descriptors: one struct an op, with shapes, formats, parameters and the numeric contract of each.
//
// Shapes are written slowest dimension first. R is a row count (see RowDomain), N and K a weight's rows and
// columns, H heads, D a head's width. "->" separates inputs from outputs; operands in (parentheses) are present
// only when the descriptor says so. Unless an op says otherwise, tensors are f32, results may differ between devices
// within an interval derived from the reduction length, and rows at or past the run-time count are not touched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hal/tensor_desc.h"

namespace trireme {

// How a matmul sees its activations.
enum class ActScheme : uint8_t {
  kFloat,  // as they are
  kQ8,     // int8 in groups of 32 along K: scale = max|x| / 127 in f32, q = round half to even(x / scale)
};

enum class Activation : uint8_t { kSilu, kGeluTanh, kGeluErf, kRelu, kReluSquared, kSigmoid, kTanh };

// y[R, d] = scale * table[ids[R], :].        table[V, d], ids I32[R] -> y[R, d].    Exact but for the scaling.
struct EmbedRows {
  float scale = 1.0f;
  bool operator==(const EmbedRows&) const = default;
};

// Packs rows for kQ8 matmuls.                x[R, K] -> q Q8_ACT[R, K].             Bit-identical on every device.
// K is a multiple of 32. x / scale is computed as the correctly rounded f32 quotient; a group whose scale is 0 has
// codes 0; codes are clamped to +-127, which only a subnormal scale can reach; a NaN quotient is code 0. Q8_ACT row:
// int8 codes[K], then f32 scales[K/32], then int32 sums[K/32] of the codes of each group.
struct QuantizeQ8 {
  bool operator==(const QuantizeQ8&) const = default;
};

// y = x W^T (+ bias) (+ residual).           x[R, K], W[N, K], (bias[N]), (residual[R, N]) -> y[R, N].
// With act = kQ8, x is Q8_ACT[R, K] and the sums of products inside a group of 32 are exact integers.
struct Matmul {
  ActScheme act = ActScheme::kFloat;
  bool has_bias = false;
  bool has_residual = false;
  bool operator==(const Matmul&) const = default;
};

// A matmul by one of E experts a slot: y[r, s, :] = x[r, :] W[ids[r, s]]^T, and zeros where ids[r, s] names no expert.
// x[R, K], W[E, N, K], ids I32[R, S] -> y[R, S, N].  x and sums as Matmul's: on integer codes each result has the bits
// that Matmul by that expert alone gives on the same device, unless its Matmul is tuned.
struct GroupedMatmul {
  ActScheme act = ActScheme::kFloat;
  bool operator==(const GroupedMatmul&) const = default;
};

// y = activation(x Wgate^T) * (x Wup^T).     x[R, K], Wgate[N, K], Wup[N, K] -> y[R, N], or Q8_ACT[R, N] with quantize.
struct MatmulGlu {
  ActScheme act = ActScheme::kFloat;
  Activation activation = Activation::kSilu;
  bool quantize = false;
  bool operator==(const MatmulGlu&) const = default;
};

// y = x / sqrt(mean(x^2) + eps) * (weight_offset + w) over the last dimension.     x[R, .., d], w[d] -> y.
// Source: Zhang and Sennrich, arXiv 1910.07467. weight_offset is 1 for Gemma's safetensors.
struct RmsNorm {
  float epsilon = 1e-5f;
  float weight_offset = 0.0f;
  bool operator==(const RmsNorm&) const = default;
};

// sum = x (+ residual); y = RmsNorm(sum).    x[R, d], (residual[R, d]), w[d] -> (sum[R, d]), y[R, d] or Q8_ACT[R, d].
// sum is an output only when there is a residual.
struct FusedNorm {
  RmsNorm norm;
  bool has_residual = false;
  bool quantize = false;
  bool operator==(const FusedNorm&) const = default;
};

// Elementwise.                               a[R, ..], b[same] -> y[same]; b may also be [last dimension].
struct Binary {
  enum class Kind : uint8_t { kAdd, kSubtract, kMultiply } kind = Kind::kAdd;
  bool operator==(const Binary&) const = default;
};

// y = activation(x).                         x -> y[same].
struct Unary {
  Activation activation = Activation::kSilu;
  bool operator==(const Unary&) const = default;
};

// y = factor * x.                            x -> y[same].
struct Scale {
  float factor = 1.0f;
  bool operator==(const Scale&) const = default;
};

// y = cap * tanh(x / cap).                   x -> y[same].
struct Softcap {
  float cap = 30.0f;
  bool operator==(const Softcap&) const = default;
};

// y = activation(gate) * up.                 gate[R, F], up[R, F] -> y[R, F].
struct Glu {
  Activation activation = Activation::kSilu;
  bool operator==(const Glu&) const = default;
};

// How rope pairs up the first 2 * frequencies elements of a head; the rest passes through.
enum class RopeStyle : uint8_t {
  kHalves,       // element i with i + n (NeoX, Hugging Face)
  kInterleaved,  // element 2i with 2i + 1 (the original llama order that GGUF keeps)
};

// Rotates each pair i by positions[r] * frequencies[i] and multiplies it by magnitude.
// x[R, H, D], positions I32[R], frequencies[n] -> y[R, H, D].  Source: Su et al., arXiv 2104.09864; magnitude is the
// attention factor of yarn (arXiv 2309.00071). The angle is computed in f32, its sine and cosine to 2 ulp.
struct Rope {
  RopeStyle style = RopeStyle::kHalves;
  float magnitude = 1.0f;
  bool operator==(const Rope&) const = default;
};

// Writes rows into a paged KV cache. A slot is block * block_size + offset; a slot below 0 is skipped.
// k[R, Hkv, D], v[R, Hkv, D], slots I32[R], kcache, vcache F16|F32[blocks, Hkv, block_size, D]
// -> kcache', vcache' (the same storage).  Rounds to nearest even.
struct KvStore {
  bool operator==(const KvStore&) const = default;
};

// Causal attention over a paged KV cache: row r attends the positions p of its own sequence with
// positions[r] - window < p <= positions[r] (window 0: no lower bound).
// q[R, H, D], kcache, vcache [blocks, Hkv, block_size, D], block_table I32[S, B], positions I32[R], sequences I32[R]
// -> y[R, H, D] or Q8_ACT[R, H * D].  Query head h reads KV head h / (H / Hkv).
// y = softmax(scale * q.k, softcapped when softcap > 0) v. It is quantised only where D is a multiple of 32.
struct Attention {
  float scale = 1.0f;
  int64_t window = 0;
  float softcap = 0.0f;
  bool quantize = false;
  bool operator==(const Attention&) const = default;
};

// RmsNorm of each head of q and k (when normalised), rope of both, and KvStore, in one pass.
// q[R, H, D], k[R, Hkv, D], v[R, Hkv, D], (wq[D], wk[D]), positions, frequencies[n], slots, kcache, vcache
// -> q'[R, H, D], kcache', vcache' (the same storage).
struct RopeStore {
  Rope rope;
  bool has_norm = false;
  RmsNorm norm;
  bool operator==(const RopeStore&) const = default;
};

// y[i] = x[rows[i]].                         x[R, d], rows I32[O] -> y[O, d] in the kOutputs domain.    Exact.
struct GatherRows {
  bool operator==(const GatherRows&) const = default;
};

// Softmax over the last dimension.           x -> y[same].
struct Softmax {
  bool operator==(const Softmax&) const = default;
};

// The order of Argmax and TopK: larger numbers first, then NaNs; of equals, among which are -0 and 0, and all NaNs, the
// lower index first. A NaN is so never chosen before a number, were it -infinity.

// The index of the first element of each row in that order.                         x[R, d] -> i I32[R].    Exact.
struct Argmax {
  bool operator==(const Argmax&) const = default;
};

// The first k elements of each row in that order, and their indices.                                         Exact.
// x[R, d] -> values[R, k], ids I32[R, k].  1 <= k <= d, and at most kMostTopK.
struct TopK {
  int64_t k = 1;
  bool operator==(const TopK&) const = default;
};
inline constexpr int64_t kMostTopK = 64;

// The same elements under another shape; the first dimension and the row domain stay.   x -> y (the same storage).
struct Reshape {
  bool operator==(const Reshape&) const = default;
};

// Converts between F32, F16 and BF16, rounding to nearest even.                     x -> y[same shape].
struct Cast {
  bool operator==(const Cast&) const = default;
};

using OpParams =
    std::variant<EmbedRows, QuantizeQ8, Matmul, MatmulGlu, RmsNorm, FusedNorm, Binary, Unary, Scale, Softcap, Glu, Rope,
                 KvStore, Attention, RopeStore, GatherRows, Softmax, Argmax, Reshape, Cast, GroupedMatmul, TopK>;

// "matmul", "rms_norm", ..., as the graph's text form, profiles and errors print it.
std::string_view op_name(const OpParams& params);

// One operand: a constant's bytes are known when the op is prepared, the others are bound when it is recorded.
struct Operand {
  TensorDesc desc;
  bool constant = false;
};

// An op with everything that a device needs to judge and prepare it.
struct OpDesc {
  OpParams params;
  std::vector<Operand> inputs;
  std::vector<TensorDesc> outputs;
  std::string label;  // where it comes from, "blk.3.attn_q"; only for people

  // "matmul blk.3.attn_q (F32[tokens<=8, 576], Q4_1[576, 576]) -> F32[tokens<=8, 576]"
  std::string text() const;
};

// For output `output` of the op, the index of the input whose storage it shares, or -1.
int aliased_input(const OpParams& params, int output);

// The number of inputs and outputs that the descriptor asks for.
struct Arity {
  int inputs;
  int outputs;
};
Arity op_arity(const OpParams& params);

}  // namespace trireme
