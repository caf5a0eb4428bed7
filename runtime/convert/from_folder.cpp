#include "runtime/convert/from_folder.h"

#include <filesystem>

#include "runtime/convert/tokenizer_keys.h"

namespace trireme::runtime {
namespace {

constexpr std::string_view kOutput = "output.weight";
constexpr std::string_view kRopeFactors = "rope_freqs.weight";

Status add_keys(const Model& model, const graph::GgufForm& form, Conversion& conversion) {
  GgufMetadata& metadata = conversion.metadata;
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path folder = fs::canonical(model.file().path(), ignored);
  TRIREME_TRY(metadata.add("general.architecture", form.architecture));
  TRIREME_TRY(metadata.add("general.type", std::string("model")));
  TRIREME_TRY(metadata.add("general.name", folder.filename().string()));
  for (const graph::GgufKey& key : form.keys) {
    TRIREME_TRY(std::visit([&](const auto& value) { return metadata.add(key.name, value); }, key.value));
  }
  return {};
}

// Building the graph checks that every tensor is there and has the shape that the hyperparameters say.
Status check_complete(const Model& model) {
  graph::StepShape step;
  step.kv_format = &formats::f16();
  TRIREME_TRY(model.build_graph(step));
  for (const UnusableTensor& tensor : model.file().unusable_tensors()) {
    if (!graph::canonical_name(model.family(), tensor.name).empty())
      return fail(ErrorCode::kUnsupported, "tensor " + tensor.name, tensor.type + " is " + tensor.reason,
                  "use a model with float weights");
  }
  return {};
}

void add_tensors(const Model& model, const graph::GgufForm& form, Conversion& conversion) {
  const graph::Hyperparameters& h = model.hyperparameters();
  for (const HostTensor& tensor : model.file().tensors()) {
    const std::string name = graph::canonical_name(model.family(), tensor.name);
    if (name.empty()) {
      conversion.notes.push_back("tensor " + tensor.name + " is left out: no part of the model reads it");
      continue;
    }
    if (name == kOutput && h.tied_embeddings) continue;  // the head reads token_embd.weight
    conversion.tensors.push_back(
        {.name = name, .source = tensor, .transform = model.family().gguf_transform(name), .head_dim = h.head_dim});
  }
  if (form.rope_factors.empty()) return;
  conversion.rope_factors = form.rope_factors;
  HostTensor factors{.desc = {Shape{int64_t(form.rope_factors.size())}, &formats::f32()},
                     .data = std::as_bytes(std::span(conversion.rope_factors)),
                     .planes = {},
                     .name = std::string(kRopeFactors)};
  conversion.tensors.push_back({.name = std::string(kRopeFactors), .source = std::move(factors)});
}

}  // namespace

Result<Conversion> convert_folder(const Model& model) {
  const graph::Family& family = model.family();
  if (!family.gguf_form || !family.gguf_transform)
    return fail(ErrorCode::kUnsupported, model.file().path(),
                "models of the family " + std::string(family.name) + " cannot be told in a GGUF file");
  TRIREME_TRY(check_complete(model));
  TRIREME_ASSIGN(const graph::GgufForm form, family.gguf_form(model.hyperparameters()));
  Conversion conversion;
  TRIREME_TRY(add_keys(model, form, conversion));
  add_tensors(model, form, conversion);
  TRIREME_TRY(add_tokenizer_keys(model.file(), model.hyperparameters().vocab, conversion.metadata, conversion.notes));
  return conversion;
}

}  // namespace trireme::runtime
