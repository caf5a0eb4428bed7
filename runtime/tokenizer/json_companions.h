// Reads what the files next to a tokenizer.json say about special tokens.
#pragma once

#include "hal/result.h"
#include "runtime/tokenizer/tokenizer_json.h"
#include "runtime/tokenizer/tokenizer_parts.h"

namespace trireme::runtime {

// Sets the named ids, the ids that end a generation, and whether a beginning-of-text token is added. Names of tokens
// and ids that the vocabulary does not have are left out: published files often name more than they have. Errors:
// kCorruptData for broken JSON or values of another type.
Status read_companions(const TokenizerFiles& files, TokenizerParts& parts);

}  // namespace trireme::runtime
