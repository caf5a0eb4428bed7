#include <charconv>

#include "runtime/files/safetensors_writer.h"
#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

struct LogitsFlags {
  std::string model;
  std::string ids;
  std::string out;
  DeviceFlags devices;
};

Result<std::vector<int32_t>> parse_ids(std::string_view text) {
  std::vector<int32_t> ids;
  while (true) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || (end != text.data() + text.size() && *end != ','))
      return fail(ErrorCode::kInvalidArgument, "'" + std::string(text.substr(0, 20)) + "'",
                  "it does not begin with a token id", "give ids such as 1,2,3");
    ids.push_back(id);
    text.remove_prefix(size_t(end - text.data()));
    if (text.empty()) return ids;
    text.remove_prefix(1);
  }
}

Status logits(const Context& context, const LogitsFlags& flags) {
  TRIREME_ASSIGN(const std::vector<int32_t> ids, parse_ids(flags.ids));
  runtime::SessionOptions options;
  options.context = int64_t(ids.size());
  options.max_outputs = 32;
  options.max_rows = 32;
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  for (const int32_t id : ids)
    if (id < 0 || id >= model->hyperparameters().vocab)
      return fail(ErrorCode::kInvalidArgument, "token " + std::to_string(id),
                  "the vocabulary has " + std::to_string(model->hyperparameters().vocab) + " entries",
                  "give ids below that");
  TRIREME_ASSIGN(OpenSession open,
                 open_session(context, model, flags.devices, options, {std::min<int64_t>(options.context, 32)}));
  const int64_t vocab = open.model->hyperparameters().vocab;
  TensorDesc desc{{int64_t(ids.size()), vocab}, &formats::f32()};
  TRIREME_ASSIGN(const runtime::SequenceId sequence, open.session->create_sequence());
  TRIREME_ASSIGN(auto writer, runtime::SafetensorsWriter::create(flags.out, {{"logits", desc}}));
  std::vector<runtime::StepRow> rows;
  Progress progress("logits", int64_t(ids.size()), "tokens");
  for (size_t done = 0; done < ids.size(); done += rows.size()) {
    rows.clear();
    const size_t most = size_t(std::min(open.session->max_outputs(), open.session->max_rows()));
    for (size_t i = done; i < ids.size() && rows.size() < most; ++i) rows.push_back({ids[i], sequence, true});
    TRIREME_ASSIGN(const runtime::Logits result, open.session->step(rows));
    TRIREME_TRY(writer.write(std::as_bytes(result.values)));
    progress.update(int64_t(done + rows.size()));
    if (interrupted()) return fail(ErrorCode::kCancelled, "logits", "it was interrupted", "start it again");
  }
  progress.finish();
  TRIREME_TRY(writer.finish());
  if (context.json)
    return print_json(
        {{"tokens", ids.size()}, {"vocab", vocab}, {"out", flags.out}, {"devices", device_ids(open.plan)}});
  return print("wrote logits F32" + desc.shape.text() + " to " + flags.out + "\n");
}

}  // namespace

void add_logits_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("logits", "Write the logits of every position of a token sequence");
  auto flags = std::make_shared<LogitsFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("--ids", flags->ids, "Token ids, taken as they are")
      ->required()
      ->type_name("ID,ID,..")
      ->check(parsed_by(parse_ids));
  command->add_option("--out", flags->out, "File to write: safetensors, tensor 'logits' f32 [tokens, vocab]")
      ->type_name("FILE")
      ->required();
  add_device_flags(*command, flags->devices);
  command->footer("Example:\n  trireme logits model.gguf --ids 1,2,3 --out logits.safetensors");
  command->callback([&context, flags] { context.command = [&context, flags] { return logits(context, *flags); }; });
}

}  // namespace trireme::tools
