#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "compiler/compile.h"
#include "compiler/device/compile_for.h"
#include "compiler/device/tune.h"
#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

struct TuneFlags {
  std::string model;
  std::string out;
  std::string from;
  bool again = false;
  DeviceFlags devices;
};

// The ops of steps of one row, of a few and of many.
Result<std::vector<OpDesc>> ops_of(const std::string& path, const Format* kv_format) {
  constexpr int64_t kBlockSize = 32, kBlocks = 16;
  TRIREME_ASSIGN(const auto model, runtime::Model::open(path));
  std::vector<OpDesc> ops;
  for (const int64_t rows : {1, 8, 64}) {
    TRIREME_ASSIGN(graph::Graph graph, model->build_graph({rows, 1, 1, kBlocks, kBlocks, kBlockSize, kv_format}));
    TRIREME_TRY(compiler::optimize(graph));
    for (const graph::NodeId node : graph.node_order()) ops.push_back(graph.op_desc(node));
  }
  return ops;
}

Result<compiler::TuningTable> read_table(const std::string& path) {
  constexpr size_t kMost = 4 << 20;
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::kIo, path, why, "give a file that tune --out wrote");
  };
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return refuse(std::string("it cannot be opened: ") + std::strerror(errno));
  std::string text(kMost + 1, '\0');
  stream.read(text.data(), std::streamsize(text.size()));
  if (stream.gcount() > std::streamsize(kMost)) return refuse("it is larger than a tuning can be");
  text.resize(size_t(stream.gcount()));
  auto table = compiler::TuningTable::parse(text);
  if (!table) return fail(std::move(table).error(), "reading " + path);
  return table;
}

Status write_table(const std::string& path, const compiler::TuningTable& table) {
  errno = 0;
  std::ofstream stream(path, std::ios::binary);
  if ((stream << table.text()).flush()) return {};
  return fail(ErrorCode::kIo, path, std::string("it cannot be written: ") + std::strerror(errno),
              "choose another file");
}

Status show(const Context& context, const std::string& device, const std::vector<compiler::Tuned>& results) {
  nlohmann::ordered_json tuned = nlohmann::ordered_json::array();
  std::string text;
  for (const compiler::Tuned& one : results) {
    tuned.push_back({{"key", one.key},
                     {"schedule", one.schedule ? one.schedule->text() : "default"},
                     {"candidates", one.candidates},
                     {"default_us", 1e6 * one.default_s},
                     {"best_us", 1e6 * one.best_s}});
    text += fmt::format("{}\n  {:.1f} us by default, ", one.key, 1e6 * one.default_s);
    text += one.schedule ? fmt::format("{:.1f} us with {}", 1e6 * one.best_s, one.schedule->text()) : "the best";
    text += fmt::format(" ({} candidates)\n", one.candidates);
  }
  if (context.json) return print_json({{"device", device}, {"tuned", tuned}});
  if (results.empty() && !interrupted()) text = "all ops of the model are tuned already; --again measures them anew\n";
  return print(text);
}

Status measure(const Context& context, const TuneFlags& flags, Device& device) {
  TRIREME_ASSIGN(const std::vector<OpDesc> ops, ops_of(flags.model, device.info().numeric.kv_format));
  std::unique_ptr<Progress> bar;
  const auto next = [&](int done, int all) {
    if (!bar) bar = std::make_unique<Progress>("tuning", all, "kernels");
    bar->update(done);
    return !interrupted();
  };
  const auto tuned = compiler::tune(device, ops, next, flags.again);
  bar.reset();
  if (!tuned) return fail(tuned.error());
  return show(context, device.info().id, *tuned);
}

Status tune(const Context& context, const TuneFlags& flags) {
  TRIREME_ASSIGN(const std::vector<runtime::PlanDevice> devices, open_devices(context, flags.devices));
  Device& device = *devices[0].device;
  if (!flags.from.empty()) {
    TRIREME_ASSIGN(const compiler::TuningTable table, read_table(flags.from));
    TRIREME_TRY(compiler::adopt_tuning(device, table));
  }
  if (!flags.model.empty()) TRIREME_TRY(measure(context, flags, device));
  if (!flags.out.empty()) {
    TRIREME_ASSIGN(const compiler::TuningTable table, compiler::tuning_of(device));
    TRIREME_TRY(write_table(flags.out, table));
  }
  if (!interrupted()) return {};
  return fail(ErrorCode::kCancelled, "tuning", "it was interrupted; what was measured is kept",
              "start it again to measure the rest");
}

}  // namespace

void add_tune_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("tune", "Measure which kernels are the best for a model on a device");
  auto flags = std::make_shared<TuneFlags>();
  auto* const model = command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder");
  auto* const out = command->add_option("--out", flags->out, "Also write what is known of the device to FILE");
  auto* const from = command->add_option("--from", flags->from, "First take over FILE, measured on a device like it");
  for (CLI::Option* option : {out, from}) option->type_name("FILE");
  command->add_flag("--again", flags->again, "Also measure what was measured before");
  add_device_flags(*command, flags->devices);
  command->footer(
      "What is found is kept for the device and its driver's version; later starts use it. Nobody must tune: without\n"
      "it, each class of devices has its defaults.\n\n"
      "Examples:\n  trireme tune model.gguf --device opencl:0\n  trireme tune model.gguf --device vulkan:0 --out "
      "my_gpu.json\n"
      "  trireme tune --from my_gpu.json --device vulkan:0");
  command->callback([&context, flags, model, out, from] {
    if (model->empty() && out->empty() && from->empty()) throw CLI::RequiredError("MODEL, --from or --out");
    context.command = [&context, flags] { return tune(context, *flags); };
  });
}

}  // namespace trireme::tools
