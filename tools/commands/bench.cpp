#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "runtime/prefill.h"
#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

struct BenchFlags {
  std::string model;
  int64_t prompt = 512;
  int64_t generated = 64;
  int64_t sequences = 1;
  int repeat = 5;
  DeviceFlags devices;
};

struct Rates {
  std::vector<double> values;

  nlohmann::ordered_json json() const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const size_t middle = sorted.size() / 2;
    const double median = sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return {{"min", sorted.front()}, {"median", median}, {"max", sorted.back()}};
  }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Token ids that look like text to the caches: spread over the vocabulary, the same in every run.
std::vector<int32_t> sample_ids(int64_t count, int64_t vocab) {
  std::vector<int32_t> ids;
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(int32_t((state >> 33) % uint64_t(vocab)));
  }
  return ids;
}

Result<double> measure_prefill(runtime::Session& session, std::span<const int32_t> ids) {
  TRIREME_ASSIGN(const runtime::SequenceId sequence, session.create_sequence());
  const auto start = std::chrono::steady_clock::now();
  TRIREME_TRY(runtime::prefill(session, sequence, ids));
  const double rate = double(ids.size()) / seconds_since(start);
  TRIREME_TRY(session.remove_sequence(sequence));
  return rate;
}

// All sequences decode together from an empty context, each step a token of each.
struct DecodeRates {
  double tokens_per_s = 0;
  double host_us = 0;  // a step, without the wait for devices
};
Result<DecodeRates> measure_decode(runtime::Session& session, std::span<const int32_t> ids, int64_t sequences) {
  std::vector<runtime::StepRow> rows;
  for (int64_t i = 0; i < sequences; ++i) {
    TRIREME_ASSIGN(const runtime::SequenceId sequence, session.create_sequence());
    rows.push_back({0, sequence, true});
  }
  const double waited = session.waited_s();
  const auto start = std::chrono::steady_clock::now();
  for (const int32_t id : ids) {
    for (runtime::StepRow& row : rows) row.token = id;
    TRIREME_TRY(session.step(rows));
  }
  const double seconds = seconds_since(start), steps = double(ids.size());
  const DecodeRates rates{steps * double(sequences) / seconds, 1e6 * (seconds - (session.waited_s() - waited)) / steps};
  for (const runtime::StepRow& row : rows) TRIREME_TRY(session.remove_sequence(row.sequence));
  return rates;
}

Status bench(const Context& context, const BenchFlags& flags) {
  runtime::SessionOptions options;
  options.context = std::max<int64_t>(flags.prompt, flags.generated) + 1;
  options.sequences = flags.sequences;
  options.max_outputs = flags.sequences;
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(OpenSession open, open_session(context, model, flags.devices, options, {1}));
  const int64_t vocab = open.model->hyperparameters().vocab;
  const std::vector<int32_t> prompt = sample_ids(flags.prompt, vocab);
  const std::vector<int32_t> generated = sample_ids(flags.generated, vocab);
  Rates prefill;
  Rates decode;
  Rates host;
  Progress progress("bench", (flags.repeat + 1) * (flags.prompt + flags.generated), "tokens");
  for (int round = 0; round <= flags.repeat; ++round) {
    const bool warm_up = round == 0;
    const auto part = [&](const std::vector<int32_t>& ids) {
      return std::span(ids).first(warm_up ? std::min<size_t>(ids.size(), 512) : ids.size());
    };
    if (flags.prompt > 0) {
      TRIREME_ASSIGN(const double rate, measure_prefill(*open.session, part(prompt)));
      if (!warm_up) prefill.values.push_back(rate);
    }
    if (flags.generated > 0) {
      const auto ids = std::span(generated).first(warm_up ? 1 : generated.size());
      TRIREME_ASSIGN(const DecodeRates rates, measure_decode(*open.session, ids, flags.sequences));
      if (!warm_up) decode.values.push_back(rates.tokens_per_s);
      if (!warm_up) host.values.push_back(rates.host_us);
    }
    progress.update((round + 1) * (flags.prompt + flags.generated));
    if (interrupted()) return fail(ErrorCode::kCancelled, "bench", "it was interrupted", "start it again");
  }
  progress.finish();
  nlohmann::ordered_json result;
  if (flags.prompt > 0) result["prefill_tokens_per_s"] = prefill.json();
  if (flags.generated > 0) result["decode_tokens_per_s"] = decode.json();
  if (flags.generated > 0) result["decode_host_us_per_step"] = host.json();
  uint64_t weight_bytes = 0;
  nlohmann::ordered_json peak = nlohmann::ordered_json::object();
  for (const runtime::DeviceMemory& memory : open.session->memory()) {
    const uint64_t total = memory.weight_bytes + memory.mapped_weight_bytes + memory.kv_bytes + memory.step_bytes;
    peak[memory.device] = peak.value(memory.device, uint64_t{0}) + total;
    weight_bytes += memory.weight_bytes + memory.mapped_weight_bytes;
  }
  const OpCost token = open.session->step_cost(1);
  const int64_t rows = open.session->max_rows();
  result["weight_bytes"] = weight_bytes;
  if (flags.generated > 0) {
    TRIREME_ASSIGN(const int64_t launches, open.session->step_launches(flags.sequences));
    result["decode_launches_per_step"] = launches;
  }
  result["decode_bytes_per_step"] = token.bytes_moved;
  result["prefill_multiply_adds_per_token"] = open.session->step_cost(rows).multiply_adds / double(rows);
  result["peak_bytes"] = peak;
  result["devices"] = device_ids(open.plan);
  if (context.json) return print_json(result);
  std::string text = fmt::format("{:<10} {:>12} {:>12} {:>12}   tokens/s\n", "", "MIN", "MEDIAN", "MAX");
  const auto row = [&](const char* name, const char* key) {
    if (result.contains(key))
      text += fmt::format("{:<10} {:>12.1f} {:>12.1f} {:>12.1f}\n", name, result[key]["min"].get<double>(),
                          result[key]["median"].get<double>(), result[key]["max"].get<double>());
  };
  row("prefill", "prefill_tokens_per_s");
  row("decode", "decode_tokens_per_s");
  if (flags.generated > 0)
    text += fmt::format("host       {:.0f} us of the calling thread a step of decode, without its waits for devices\n",
                        result["decode_host_us_per_step"]["median"].get<double>());
  if (flags.generated > 0)
    text += fmt::format("launches   {} a step of decode, in one submit a device\n",
                        result["decode_launches_per_step"].get<int64_t>());
  text += "weights    " + format_bytes(weight_bytes) + "\n";
  for (const auto& [device, bytes] : peak.items())
    text += "peak       " + format_bytes(bytes.get<uint64_t>()) + " on " + device + "\n";
  return print(text);
}

}  // namespace

void add_bench_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("bench", "Measure prefill and decode speed");
  auto flags = std::make_shared<BenchFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_option("--prompt", flags->prompt, "Tokens of the prefill; 0: none")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--gen", flags->generated, "Tokens of the decode; 0: none")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--sequences", flags->sequences, "Sequences that decode together")
      ->check(between(1, 512))
      ->capture_default_str();
  command->add_option("--repeat", flags->repeat, "Measured rounds, after one that is not")
      ->check(between(1, 1000))
      ->capture_default_str();
  add_device_flags(*command, flags->devices);
  command->footer("Example:\n  trireme bench model.gguf --prompt 128 --gen 64 --threads 2");
  command->callback([&context, flags] { context.command = [&context, flags] { return bench(context, *flags); }; });
}

}  // namespace trireme::tools
