#include "runtime/model.h"

#include <spdlog/spdlog.h>

#include "runtime/files/check_scales.h"

namespace trireme::runtime {

// The file's tensors as the families look them up.
class Model::Tensors final : public graph::TensorTable {
 public:
  explicit Tensors(const Model& model) : model_(model) {}

  std::optional<TensorDesc> find(std::string_view name) const override {
    const HostTensor* tensor = model_.find(name);
    return tensor ? std::optional(tensor->desc) : std::nullopt;
  }

  Result<std::vector<float>> read_floats(std::string_view name) const override {
    constexpr int64_t kMostElements = 65536;
    const HostTensor* tensor = model_.find(name);
    if (!tensor) return fail(ErrorCode::kNotFound, "tensor " + std::string(name), "the model has no such tensor");
    const int64_t elements = tensor->desc.shape.elements();
    if (elements > kMostElements)
      return fail(ErrorCode::kCorruptData, "tensor " + std::string(name),
                  "a table of " + std::to_string(elements) + " numbers is too large");
    std::vector<float> values(size_t(elements), 0.0f);
    TRIREME_TRY(decode_row(*tensor->desc.format, tensor->data, values));
    return values;
  }

 private:
  const Model& model_;
};

Result<std::shared_ptr<const Model>> Model::open(const std::string& path) {
  TRIREME_ASSIGN(ModelFile file, ModelFile::open(path));
  std::shared_ptr<Model> model(new Model(std::move(file)));
  const graph::Metadata& metadata = model->file_.metadata();
  auto family = graph::find_family(metadata);
  if (!family) return fail(std::move(family).error(), "opening " + path);
  model->family_ = *family;
  model->index_tensors();
  auto hyperparameters = model->family_->read(metadata, Tensors(*model));
  if (!hyperparameters) return fail(std::move(hyperparameters).error(), "opening " + path);
  model->hyperparameters_ = std::move(*hyperparameters);
  TRIREME_TRY(graph::check(model->hyperparameters_));
  spdlog::debug("{}: {}, {} layers, {} tensors, {} bytes mapped", path, model->family_->name,
                model->hyperparameters_.layers, model->file_.tensors().size(), model->file_.tensor_bytes());
  return std::shared_ptr<const Model>(std::move(model));
}

void Model::index_tensors() {
  for (const HostTensor& tensor : file_.tensors()) {
    std::string name = tensor.name;
    if (file_.kind() == ModelKind::kHuggingFace) name = graph::canonical_name(*family_, tensor.name);
    if (!name.empty()) by_canonical_name_.emplace(std::move(name), &tensor);
  }
}

const HostTensor* Model::find(std::string_view canonical) const {
  const auto found = by_canonical_name_.find(canonical);
  return found == by_canonical_name_.end() ? nullptr : found->second;
}

Result<graph::Graph> Model::build_graph(const graph::StepShape& step) const {
  return family_->build(hyperparameters_, Tensors(*this), step);
}

compiler::WeightSource Model::weight_source() const {
  return [this](const std::string& name) -> Result<HostTensor> {
    const HostTensor* found = find(name);
    if (!found) return fail(ErrorCode::kNotFound, "tensor " + name, "the model has no such tensor");
    TRIREME_TRY(check_scales(*found));
    HostTensor tensor = *found;
    tensor.release = [this](std::span<const std::byte> part) { file_.drop_pages(part); };
    return tensor;
  };
}

}  // namespace trireme::runtime
