// The graph's text form: printed for people, parsed back to the same graph.
//
//   input @tokens : I32[tokens<=8]
//   weight @token_embd.weight : Q8_0[49152, 576]
//   constant @rope.frequencies : F32[2] = 1 0.01
//   state @blk.0.kcache : F16[4, 3, 32, 64]
//   %0 = embed_rows(@token_embd.weight, @tokens) {scale=1} : F32[tokens<=8, 576] ; layer -1 "embed"
//   output @logits = %0
//
// Values of nodes are numbered in running order; a node with several outputs defines %1, %2 at once. Names with other
// characters than letters, digits, '.', '_', '-' and '/' are quoted: @"a name". '#' starts a comment.
#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace trireme::graph {

std::string print(const Graph& graph);

// Parses without judging: run verify() on the result. Formats are looked up by name among the built-in ones.
// Errors: kCorruptData with "line L, column C". Time and memory are linear in the text's length.
Result<Graph> parse(std::string_view text);

}  // namespace trireme::graph
