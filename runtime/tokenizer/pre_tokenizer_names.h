// The pre-tokenizers that GGUF files name.
#pragma once

#include <string_view>
#include <vector>

#include "hal/result.h"
#include "runtime/tokenizer/normalizer.h"
#include "runtime/tokenizer/pre_tokenizer.h"

namespace trireme::runtime {

// What tokenizer.ggml.pre stands for.
struct NamedPreTokenizer {
  std::vector<Normalizer> normalizer;
  std::vector<PreTokenizer> steps;  // with the byte level at their end
  bool ignore_merges = false;
  bool add_bos = false;  // where tokenizer.ggml.add_bos_token is absent
};

// An empty name is "default". Errors: kUnsupported for an unknown name.
Result<NamedPreTokenizer> find_pre_tokenizer(std::string_view name);

}  // namespace trireme::runtime
