// Family: how one kind of model is read from a file and built as a graph.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"
#include "graph/models/gguf_form.h"
#include "graph/models/hyperparameters.h"
#include "graph/models/metadata.h"

namespace trireme::graph {

// Capacities of one step.
struct StepShape {
  int64_t tokens = 1;               // rows
  int64_t outputs = 1;              // rows that may ask for logits
  int64_t sequences = 1;            // rows of the block table
  int64_t blocks_per_sequence = 1;  // columns of the block table
  int64_t blocks = 1;               // of the KV pool
  int64_t block_size = 32;          // positions in a block
  const Format* kv_format = nullptr;
};

// "{}" stands for the layer's number, in both names.
struct TensorName {
  std::string_view canonical;     // "blk.{}.attn_q.weight"
  std::string_view hugging_face;  // "model.layers.{}.self_attn.q_proj.weight"
};

struct Family {
  std::string_view name;
  std::span<const std::string_view> gguf_architectures;          // general.architecture
  std::span<const std::string_view> hugging_face_architectures;  // architectures[0] of config.json
  std::span<const std::string_view> hugging_face_model_types;    // model_type, when architectures is missing
  std::span<const TensorName> tensor_names;

  // Errors: kCorruptData or kNotFound naming the key, kUnsupported for what the family's graph cannot express.
  Result<Hyperparameters> (*read)(const Metadata& metadata, const TensorTable& tensors) = nullptr;

  // The plain graph of a step. Inputs: "tokens", "positions", "sequences", "slots" I32[tokens], "output_rows"
  // I32[outputs], "block_table" I32[sequences, blocks_per_sequence]. States: "blk.N.kcache" and "blk.N.vcache"
  // [blocks, Hkv, block_size, D]. Output: "logits" F32[outputs, vocab].
  // Errors: kNotFound or kCorruptData naming the tensor that is missing or has the wrong shape.
  Result<Graph> (*build)(const Hyperparameters& hyperparameters, const TensorTable& tensors,
                         const StepShape& step) = nullptr;

  // How a GGUF file tells a model that was read from a Hugging Face folder: reading it back gives the same model.
  // Errors: kUnsupported for what GGUF cannot say.
  Result<GgufForm> (*gguf_form)(const Hyperparameters& hyperparameters) = nullptr;
  // What becomes of a tensor on that way, by its canonical name.
  TensorTransform (*gguf_transform)(std::string_view canonical) = nullptr;
};

std::span<const Family* const> families();

// The family of a model. Errors: kUnsupported naming the architecture and the known ones.
Result<const Family*> find_family(const Metadata& metadata);

// The other name of a tensor, or empty when the family's table has none. Layer numbers must be plain decimals.
std::string hugging_face_name(const Family& family, std::string_view canonical);
std::string canonical_name(const Family& family, std::string_view hugging_face);

}  // namespace trireme::graph
