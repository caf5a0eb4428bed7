// Which format each tensor of a file gets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hal/tensor_desc.h"

namespace trireme::runtime {

// The tensors whose canonical name a regular expression finds get this format.
struct TensorTypeRule {
  std::string pattern;
  const Format* format = nullptr;
};

struct FormatRules {
  const Format* type = nullptr;
  const Format* embedding = nullptr;    // of token_embd and output; null: Q8_0 where type is Q4_0, Q4_1 or Q4_K
  std::vector<TensorTypeRule> tensors;  // the first that matches counts, and comes before everything else
};

// A tensor whose rows do not divide into the blocks of the format that the rules name.
struct Fallback {
  std::string tensor;
  std::string wanted;
  std::string used;
  int64_t columns = 0;

  bool operator==(const Fallback&) const = default;
};

struct FormatChoice {
  const Format* format = nullptr;
  std::optional<Fallback> fallback;
};

// The format of a name that --type accepts, as the files spell it ("Q4_K"), in any case.
// Errors: kUnsupported naming what can be made.
Result<const Format*> find_target_format(std::string_view name);

// Applies the rules to every tensor: vectors and small tables are F32, matrices get the type, plain integers stay.
// Errors: kUnsupported for a pattern that is no regular expression; kInvalidArgument for one that no tensor matches.
Result<std::vector<FormatChoice>> choose_formats(const FormatRules& rules, const std::vector<std::string>& names,
                                                 const std::vector<TensorDesc>& descs);

// general.file_type of a file that is mostly of this format. Source: ggml's list of file types.
uint32_t gguf_file_type(const Format& format);

}  // namespace trireme::runtime
