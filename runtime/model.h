// Model: an opened model file together with the family that knows how to build its graph.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "compiler/weight_store.h"
#include "graph/models/family.h"
#include "runtime/files/model_file.h"

namespace trireme::runtime {

class Model {
 public:
  // Opens a GGUF file or a Hugging Face folder and reads its hyperparameters. Weights stay on disk until they are used.
  // Errors: those of ModelFile::open, graph::find_family and the family's own reader, naming the file.
  static Result<std::shared_ptr<const Model>> open(const std::string& path);

  const ModelFile& file() const { return file_; }
  const graph::Family& family() const { return *family_; }
  const graph::Hyperparameters& hyperparameters() const { return hyperparameters_; }

  // The plain graph of one step, before any rewrite.
  Result<graph::Graph> build_graph(const graph::StepShape& step) const;

  // By canonical (GGUF) name; null when absent.
  const HostTensor* find(std::string_view canonical) const;

  // For a compiler::WeightStore; valid as long as the model. It gives no tensor that check_scales() refuses.
  compiler::WeightSource weight_source() const;

 private:
  class Tensors;
  explicit Model(ModelFile file) : file_(std::move(file)) {}
  void index_tensors();

  ModelFile file_;
  const graph::Family* family_ = nullptr;
  graph::Hyperparameters hyperparameters_;
  std::map<std::string, const HostTensor*, std::less<>> by_canonical_name_;
};

}  // namespace trireme::runtime
