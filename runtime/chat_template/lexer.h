// The tokens of a template, with trim_blocks and lstrip_blocks on, as Jinja 3.1 cuts them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hal/result.h"

namespace trireme::runtime::jinja {

enum class TokenType : std::uint8_t {
  kData,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type = TokenType::kEnd;
  int line = 1;
  std::string text;  // data, name, string content or operator
  std::int64_t integer = 0;
  double number = 0;
};

// Errors: kInvalidArgument with the line where the text is no template; kCorruptData where it is not UTF-8.
// The last token is kEnd.
Result<std::vector<Token>> tokenize(std::string_view source);

// An error at a line of the template.
tl::unexpected<Error> error_at(int line, std::string why, ErrorCode code = ErrorCode::kInvalidArgument);

}  // namespace trireme::runtime::jinja
