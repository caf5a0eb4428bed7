#include "tools/text_stream.h"

#include "runtime/stop_texts.h"
#include "runtime/tokenizer/streaming_decoder.h"
#include "tools/progress.h"
#include "tools/terminal.h"

namespace trireme::tools {

void add_stop_flag(CLI::App& app, StreamOptions& options) {
  app.add_option("--stop", options.stops, "End before this text, which may span tokens; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->check([](const std::string& text) { return text.empty() ? "the text to stop at is empty" : ""; });
}

Result<StreamedText> stream_text(runtime::Session& session, runtime::SequenceId sequence,
                                 std::span<const int32_t> prompt,
                                 const std::shared_ptr<const runtime::Tokenizer>& tokenizer, runtime::Sampler& sampler,
                                 const StreamOptions& options) {
  StreamedText streamed;
  runtime::StreamingDecoder decoder(tokenizer, true);
  runtime::StopTexts stops(options.stops);
  Status printed;
  const auto emit = [&](const std::string& piece) {
    streamed.text += piece;
    if (!options.quiet && printed) printed = print(piece);
  };
  Progress progress("read the prompt", int64_t(prompt.size()), "tokens");
  runtime::GenerateOptions generate;
  generate.max_tokens = options.tokens;
  if (!options.ignore_eos) generate.end_ids = tokenizer->end_ids();
  generate.stopped = [&] { return stops.found(); };
  generate.cancelled = [&] { return interrupted() || !printed; };
  generate.prompt_progress = [&](int64_t done) { progress.update(done); };
  TRIREME_ASSIGN(streamed.generation,
                 runtime::generate(session, sequence, prompt, sampler, generate, [&](int32_t token) {
                   progress.finish();
                   emit(stops.push(decoder.push(token)));
                 }));
  emit(stops.push(decoder.finish()));
  emit(stops.finish());
  TRIREME_TRY(printed);
  return streamed;
}

const char* reason_text(runtime::StopReason reason) {
  switch (reason) {
    case runtime::StopReason::kEnd: return "end of text";
    case runtime::StopReason::kStopped: return "stop text";
    case runtime::StopReason::kLimit: return "limit of tokens";
    case runtime::StopReason::kContext: return "context is full";
    case runtime::StopReason::kCancelled: return "interrupted";
  }
  return "";
}

double decode_rate(const runtime::Generation& generation) {
  const double tokens = double(generation.ids.size()) - 1;
  return tokens > 0 && generation.decode_seconds > 0 ? tokens / generation.decode_seconds : 0;
}

}  // namespace trireme::tools
