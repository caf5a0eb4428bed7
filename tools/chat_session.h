// ChatSession: one conversation, with the KV cache that holds what of it was computed already.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/conversation.h"
#include "tools/context.h"
#include "tools/text_stream.h"

namespace trireme::tools {

class ChatSession {
 public:
  struct Parts {
    OpenSession open;
    std::shared_ptr<const runtime::Tokenizer> tokenizer;
    runtime::ChatTemplate chat_template;
    runtime::SamplerOptions sampling;
    std::string system;  // the message to begin with, or empty
    StreamOptions stream;
  };
  static Result<ChatSession> create(Parts parts);

  // Begins anew.
  Status clear();

  // Writes the messages to a file, or goes on with those of a file. An error leaves the conversation as it was.
  Status save(const std::string& path) const;
  Status load(const std::string& path);

  // Answers the user's message, printing as it goes. An answer that Ctrl-C stops is kept as far as it came; stopped
  // before its first token, the message is taken back. An error leaves the conversation as it was.
  Status answer(const std::string& message);

  size_t messages() const { return messages_.size(); }
  std::string stats() const;

 private:
  ChatSession(Parts parts, runtime::SequenceId sequence, runtime::Sampler sampler);
  Result<StreamedText> generate_reply();

  Parts parts_;
  runtime::SequenceId sequence_;
  runtime::Sampler sampler_;
  nlohmann::ordered_json messages_;
  std::vector<int32_t> cached_;  // the tokens whose keys and values the sequence holds
  runtime::Generation last_;
  size_t last_prompt_ = 0;
};

}  // namespace trireme::tools
