// The graph layer's view of a model file's description.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "graph/models/metadata.h"
#include "runtime/files/gguf_metadata.h"

namespace trireme::runtime {

// Refers to `metadata`, which must outlive the view.
std::unique_ptr<const graph::Metadata> view_gguf_metadata(const GgufMetadata& metadata);

// Copies what a config.json holds, nested objects flattened with dots ("rope_parameters.rope_theta"). `name` is what
// errors call it. Errors: kCorruptData when it is not an object or two keys become the same.
Result<std::unique_ptr<const graph::Metadata>> flatten_config(const nlohmann::json& config, const std::string& name);

}  // namespace trireme::runtime
