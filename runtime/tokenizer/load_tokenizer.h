// Loads the tokenizer that a model file carries.
#pragma once

#include <memory>

#include "hal/result.h"
#include "runtime/files/model_file.h"
#include "runtime/tokenizer/tokenizer.h"

namespace trireme::runtime {

// From GGUF metadata, or from tokenizer.json and its companions in a folder. Errors: kNotFound when the model has none;
// those of make_tokenizer() and parse_tokenizer_json().
Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const ModelFile& file);

// From the keys tokenizer.ggml.* alone. Errors: kNotFound without them; those of make_tokenizer().
Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const GgufMetadata& metadata);

}  // namespace trireme::runtime
