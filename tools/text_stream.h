// Generated text on its way to the user: what `run` and `chat` share.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/generate.h"
#include "runtime/tokenizer/tokenizer.h"

namespace trireme::tools {

struct StreamOptions {
  int64_t tokens = 128;
  bool ignore_eos = false;
  std::vector<std::string> stops = {};
  bool quiet = false;  // the text is only returned
};

// "--stop", several times.
void add_stop_flag(CLI::App& app, StreamOptions& options);

struct StreamedText {
  runtime::Generation generation;
  std::string text;  // without the stop text that ended it
};

// Continues the sequence after `prompt` and prints whole characters as they come, until an end token, a stop text, the
// limit, the end of the context, or Ctrl-C. A bar on stderr shows the progress of a long prompt.
// Errors: those of runtime::generate; kIo when nobody reads the text any more.
Result<StreamedText> stream_text(runtime::Session& session, runtime::SequenceId sequence,
                                 std::span<const int32_t> prompt,
                                 const std::shared_ptr<const runtime::Tokenizer>& tokenizer, runtime::Sampler& sampler,
                                 const StreamOptions& options);

const char* reason_text(runtime::StopReason reason);

// Of the tokens after the first, whose time belongs to the prompt.
double decode_rate(const runtime::Generation& generation);

}  // namespace trireme::tools
