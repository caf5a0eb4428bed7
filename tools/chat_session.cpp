#include "tools/chat_session.h"

#include <fmt/format.h>

#include "runtime/files/atomic_file.h"
#include "runtime/files/json.h"

namespace trireme::tools {
namespace {

nlohmann::ordered_json first_messages(const std::string& system) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  return messages;
}

Result<nlohmann::ordered_json> read_messages(const std::string& path) {
  TRIREME_ASSIGN(const nlohmann::json file, runtime::read_json(path));
  const auto found = file.is_object() ? file.find("messages") : file.end();
  if (!file.is_object() || found == file.end() || !found->is_array())
    return fail(ErrorCode::kCorruptData, path, "it holds no list of messages", "give a file that /save wrote");
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const auto& message : *found) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string() ||
        !message.contains("content") || !message["content"].is_string())
      return fail(ErrorCode::kCorruptData, path, "a message lacks a role or a content", "give a file that /save wrote");
    messages.push_back({{"role", message["role"]}, {"content", message["content"]}});
  }
  return messages;
}

}  // namespace

ChatSession::ChatSession(Parts parts, runtime::SequenceId sequence, runtime::Sampler sampler)
    : parts_(std::move(parts)),
      sequence_(sequence),
      sampler_(std::move(sampler)),
      messages_(first_messages(parts_.system)) {}

Result<ChatSession> ChatSession::create(Parts parts) {
  TRIREME_ASSIGN(runtime::Sampler sampler,
                 runtime::Sampler::create(parts.sampling, size_t(parts.open.model->hyperparameters().vocab)));
  TRIREME_ASSIGN(const runtime::SequenceId sequence, parts.open.session->create_sequence());
  return ChatSession(std::move(parts), sequence, std::move(sampler));
}

Status ChatSession::clear() {
  TRIREME_ASSIGN(sampler_,
                 runtime::Sampler::create(parts_.sampling, size_t(parts_.open.model->hyperparameters().vocab)));
  messages_ = first_messages(parts_.system);
  return {};
}

Status ChatSession::save(const std::string& path) const {
  TRIREME_ASSIGN(runtime::AtomicFile file, runtime::AtomicFile::create(path));
  TRIREME_TRY(file.write(std::string_view(nlohmann::ordered_json({{"messages", messages_}}).dump(1) + "\n")));
  return file.commit();
}

Status ChatSession::load(const std::string& path) {
  TRIREME_ASSIGN(nlohmann::ordered_json messages, read_messages(path));
  TRIREME_TRY(clear());
  messages_ = std::move(messages);
  return {};
}

Status ChatSession::answer(const std::string& message) {
  messages_.push_back({{"role", "user"}, {"content", message}});
  Result<StreamedText> reply = generate_reply();
  const bool began = reply && !reply->generation.ids.empty();
  if (!began) messages_.erase(messages_.size() - 1);
  if (!reply) return fail(std::move(reply).error());
  if (!began) {
    note("[stopped before the answer began; the message is taken back]");
    return {};
  }
  messages_.push_back({{"role", "assistant"}, {"content", reply->text}});
  TRIREME_TRY(print("\n"));
  const runtime::StopReason stop = reply->generation.stop;
  if (stop == runtime::StopReason::kContext) note("[the context is full; /clear begins anew]");
  if (stop == runtime::StopReason::kLimit) note("[cut at the limit of tokens; see --tokens]");
  if (stop == runtime::StopReason::kCancelled) note("[stopped]");
  return {};
}

Result<StreamedText> ChatSession::generate_reply() {
  TRIREME_ASSIGN(const std::string rendered,
                 runtime::render_conversation(parts_.chat_template, *parts_.tokenizer, messages_));
  TRIREME_ASSIGN(const std::vector<int32_t> ids, parts_.tokenizer->encode(rendered));
  runtime::Session& session = *parts_.open.session;
  if (int64_t(ids.size()) > session.context())
    return fail(
        ErrorCode::kContextOverflow, "message",
        fmt::format("with it the conversation has {} tokens, and the context holds {}", ids.size(), session.context()),
        "send less, begin anew with /clear, or start with a longer --context");
  // The cache keeps what both have in common; at least one token must be computed for its logits.
  size_t common = 0;
  while (common < cached_.size() && common + 1 < ids.size() && cached_[common] == ids[common]) ++common;
  TRIREME_TRY(session.truncate(sequence_, int64_t(common)));
  cached_.resize(common);
  const std::span<const int32_t> rest = std::span(ids).subspan(common);
  TRIREME_ASSIGN(StreamedText streamed,
                 stream_text(session, sequence_, rest, parts_.tokenizer, sampler_, parts_.stream));
  last_ = streamed.generation;
  last_prompt_ = rest.size();
  cached_.insert(cached_.end(), rest.begin(), rest.end());
  cached_.insert(cached_.end(), last_.ids.begin(), last_.ids.end());
  TRIREME_ASSIGN(const int64_t length, session.length(sequence_));
  cached_.resize(size_t(length));
  return streamed;
}

std::string ChatSession::stats() const {
  std::string text = fmt::format("context     {} of {} tokens, {} messages\n", cached_.size(),
                                 parts_.open.session->context(), messages_.size());
  text += fmt::format("last answer {} tokens at {}/s, after {} new prompt tokens in {:.2f} s\n", last_.ids.size(),
                      format_rate(decode_rate(last_)), last_prompt_, last_.prompt_seconds);
  for (const runtime::DeviceMemory& memory : parts_.open.session->memory())
    text += fmt::format("{:<11} weights {}, KV cache {}, step {}\n", memory.device,
                        format_bytes(memory.weight_bytes + memory.mapped_weight_bytes), format_bytes(memory.kv_bytes),
                        format_bytes(memory.step_bytes));
  return text;
}

}  // namespace trireme::tools
