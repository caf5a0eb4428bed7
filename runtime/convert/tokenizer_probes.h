// Texts that tell tokenizers apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {

// The name under which GGUF files know the way in which these parts normalize and cut texts; empty when none does.
// Where several do, one that treats whole words (`ignore_merges`) alike comes first.
Result<std::string> name_pre_tokenizer(const TokenizerParts& parts, bool ignore_merges);

// The first text to which the tokenizers give different ids, or nullopt. Tries texts of many kinds, and what up to some
// thousand tokens of the vocabulary spell.
Result<std::optional<std::string>> find_difference(const Tokenizer& left, const Tokenizer& right);

}  // namespace trireme::runtime
