#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/tokenizer/load_tokenizer.h"
#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

struct PerplexityFlags {
  std::string model;
  std::string file;
  int64_t context = 512;
  int64_t max_tokens = 0;
  DeviceFlags devices;
};

Result<std::string> read_text(const std::string& path) {
  const auto refuse = [&](const std::string& why) { return fail(ErrorCode::kIo, path, why, "give a text file"); };
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return refuse("it is a folder, not a file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return refuse(std::string("it cannot be opened: ") + std::strerror(errno));
  std::ostringstream text;
  if (stream.peek() == std::ifstream::traits_type::eof()) return refuse("the file is empty");
  if (!(text << stream.rdbuf())) return refuse("it cannot be read");
  return text.str();
}

// -log softmax(logits)[target], in f64.
double negative_log_likelihood(std::span<const float> logits, int32_t target) {
  double largest = logits[0];
  for (const float logit : logits) largest = std::max(largest, double(logit));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - largest);
  return std::log(sum) + largest - double(logits[size_t(target)]);
}

// Scores every token of the window but its first.
Result<double> score_window(runtime::Session& session, std::span<const int32_t> ids,
                            const std::function<void(int64_t scored)>& progress) {
  TRIREME_ASSIGN(const runtime::SequenceId sequence, session.create_sequence());
  double sum = 0;
  std::vector<runtime::StepRow> rows;
  for (size_t done = 0; done + 1 < ids.size(); done += rows.size()) {
    rows.clear();
    const auto most = size_t(std::min(session.max_outputs(), session.max_rows()));
    for (size_t i = done; i + 1 < ids.size() && rows.size() < most; ++i) rows.push_back({ids[i], sequence, true});
    TRIREME_ASSIGN(const runtime::Logits logits, session.step(rows));
    for (size_t i = 0; i < rows.size(); ++i) sum += negative_log_likelihood(logits.row(int64_t(i)), ids[done + i + 1]);
    progress(int64_t(done + rows.size()));
    if (interrupted()) return fail(ErrorCode::kCancelled, "perplexity", "it was interrupted", "start it again");
  }
  TRIREME_TRY(session.remove_sequence(sequence));
  return sum;
}

Status perplexity(const Context& context, const PerplexityFlags& flags) {
  TRIREME_ASSIGN(const std::string text, read_text(flags.file));
  runtime::SessionOptions options;
  options.context = flags.context;
  options.max_rows = 128;
  options.max_outputs = 128;
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(const auto tokenizer, runtime::load_tokenizer(model->file()));
  TRIREME_ASSIGN(std::vector<int32_t> ids, tokenizer->encode(text, {.add_bos = tokenizer->adds_bos()}));
  if (flags.max_tokens > 0 && int64_t(ids.size()) > flags.max_tokens) ids.resize(size_t(flags.max_tokens));
  if (ids.size() < 2)
    return fail(ErrorCode::kInvalidArgument, flags.file, "fewer than two tokens of it are scored",
                "give a longer text");
  TRIREME_ASSIGN(OpenSession open, open_session(context, model, flags.devices, options,
                                                {std::min<int64_t>(int64_t(ids.size()), options.max_rows)}));
  double sum = 0;
  int64_t scored = 0;
  Progress progress("perplexity", int64_t(ids.size()), "tokens");
  for (size_t start = 0; start < ids.size(); start += size_t(flags.context)) {
    const auto window = std::span(ids).subspan(start, std::min(size_t(flags.context), ids.size() - start));
    if (window.size() < 2) break;
    TRIREME_ASSIGN(const double window_sum,
                   score_window(*open.session, window, [&](int64_t done) { progress.update(int64_t(start) + done); }));
    sum += window_sum;
    scored += int64_t(window.size()) - 1;
  }
  progress.finish();
  const double mean = sum / double(scored);
  if (context.json)
    return print_json(
        {{"tokens", scored}, {"mean_nll", mean}, {"perplexity", std::exp(mean)}, {"devices", device_ids(open.plan)}});
  return print(
      fmt::format("tokens scored  {}\nmean NLL       {:.6f}\nperplexity     {:.4f}\n", scored, mean, std::exp(mean)));
}

}  // namespace

void add_perplexity_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("perplexity", "Measure how well a model predicts a text");
  auto flags = std::make_shared<PerplexityFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("FILE", flags->file, "The text, UTF-8")->required();
  command->add_option("--context", flags->context, "Tokens of a window; every token but its first is scored")
      ->check(between(int64_t{2}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--max-tokens", flags->max_tokens, "Score only the text's first tokens; 0: all")
      ->check(between(int64_t{0}, int64_t{1} << 40));
  add_device_flags(*command, flags->devices);
  command->footer("Example:\n  trireme perplexity model.gguf text.txt --context 512");
  command->callback([&context, flags] { context.command = [&context, flags] { return perplexity(context, *flags); }; });
}

}  // namespace trireme::tools
