// A Hugging Face folder told as GGUF: keys, tokenizer, and tensors under canonical names.
#pragma once

#include "runtime/convert/conversion.h"
#include "runtime/model.h"

namespace trireme::runtime {

// The model must be a folder, and outlive the conversion. Errors: kUnsupported for a model or tokenizer that GGUF
// cannot tell; kNotFound for a missing tensor or tokenizer.
Result<Conversion> convert_folder(const Model& model);

}  // namespace trireme::runtime
