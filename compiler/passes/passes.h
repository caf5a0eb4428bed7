// The rewrites that compile() applies, in its order. Each takes a verified graph and leaves one that computes the same.
#pragma once

#include "graph/graph.h"

namespace trireme::compiler {

// reshape(x) to x's own shape -> x;  reshape(reshape(x)) -> reshape(x);  scale(embed(t, i)) -> embed with the factor.
Status canonicalize(graph::Graph& graph);

// glu(x Wg^T, x Wu^T) -> matmul_glu(x, Wg, Wu), when both products have one use and weights of one shape and format.
Status fuse_gate_up(graph::Graph& graph);

// add(x W^T, b) -> matmul with bias b;  add(x W^T, r) -> matmul with residual r, when the product has one use.
Status fuse_matmul_epilogue(graph::Graph& graph);

// rms_norm(add(x, r)) -> fused_norm with both results, over whole rows (norms of heads stay).
Status fuse_residual_norm(graph::Graph& graph);

// rope(rms_norm(q)), kv_store(rope(rms_norm(k)), v) -> rope_store(q, k, v), with or without the norms.
Status fuse_rope_store(graph::Graph& graph);

// matmul(x, W) -> matmul(quantize_q8(x), W) for every W with integer codes; one quantize_q8 serves all uses of x.
Status quantize_activations(graph::Graph& graph);

// quantize_q8 of rms_norm, fused_norm, matmul_glu and of attention with its heads side by side -> the producer's own
// quantize, when nothing else reads the float result.
Status fuse_quantize(graph::Graph& graph);

// Erases nodes whose results nothing uses, except those that write a state.
Status eliminate_dead_code(graph::Graph& graph);

}  // namespace trireme::compiler
