// The tokenizer of a Hugging Face folder as GGUF keys.
#pragma once

#include <string>
#include <vector>

#include "runtime/files/gguf_metadata.h"
#include "runtime/files/model_file.h"

namespace trireme::runtime {

// Adds tokenizer.ggml.* and tokenizer.chat_template for a model of `vocab` embedding rows. The result is proven: a
// tokenizer made from the keys gives the ids of the folder's for texts of many kinds and for the vocabulary's own
// spellings. `notes` gets what GGUF cannot say and what changes only rare texts.
// Errors: kNotFound without a tokenizer.json; kUnsupported when no keys make the same tokenizer.
Status add_tokenizer_keys(const ModelFile& folder, int64_t vocab, GgufMetadata& metadata,
                          std::vector<std::string>& notes);

}  // namespace trireme::runtime
