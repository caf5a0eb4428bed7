#include <fmt/format.h>

#include <map>
#include <set>

#include "compiler/compile.h"
#include "compiler/device/compile_for.h"
#include "graph/text.h"
#include "runtime/files/printable.h"
#include "tools/context.h"
#include "tools/disassemble.h"

namespace trireme::tools {
namespace {

struct InspectFlags {
  std::string model;
  bool graph = false;
  bool fused = false;
  bool kernels = false;
  DeviceFlags devices;
  int64_t rows = 1;
};

std::string shortened(const std::string& text) {
  constexpr size_t kMost = 96;
  return runtime::printable(text, kMost);
}

template <typename Element>
nlohmann::ordered_json list_json(const std::vector<Element>& list) {
  constexpr size_t kMost = 8;
  nlohmann::ordered_json shown = nlohmann::ordered_json::array();
  for (size_t i = 0; i < list.size() && i < kMost; ++i) shown.push_back(Element(list[i]));
  if (list.size() <= kMost) return shown;
  return {{"length", list.size()}, {"first", shown}};
}

nlohmann::ordered_json value_json(const runtime::GgufValue& value) {
  return std::visit(
      [](const auto& held) -> nlohmann::ordered_json {
        if constexpr (requires { held.push_back(held[0]); } &&
                      !std::is_same_v<std::decay_t<decltype(held)>, std::string>)
          return list_json(held);
        else
          return held;
      },
      value);
}

Result<nlohmann::ordered_json> metadata_json(const runtime::ModelFile& file) {
  nlohmann::ordered_json metadata = nlohmann::ordered_json::object();
  if (const runtime::GgufMetadata* pairs = file.gguf_metadata()) {
    for (const auto& [key, value] : pairs->entries()) metadata[key] = value_json(value);
    return metadata;
  }
  TRIREME_ASSIGN(const std::optional<std::string> config, file.companion("config.json"));
  if (config) metadata = nlohmann::ordered_json::parse(*config, nullptr, false);
  return metadata;
}

struct FormatTotal {
  int64_t tensors = 0;
  int64_t elements = 0;
  uint64_t bytes = 0;
};

Status inspect_file(const Context& context, const InspectFlags& flags) {
  TRIREME_ASSIGN(const runtime::ModelFile file, runtime::ModelFile::open(flags.model, {.inspect = true}));
  TRIREME_ASSIGN(const nlohmann::ordered_json metadata, metadata_json(file));
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  std::map<std::string, FormatTotal> totals;
  std::string rows;
  for (const HostTensor& tensor : file.tensors()) {
    const auto bytes = uint64_t(tensor.data.size());
    FormatTotal& total = totals[tensor.desc.format->name];
    ++total.tensors;
    total.elements += tensor.desc.shape.elements();
    total.bytes += bytes;
    tensors.push_back({{"name", tensor.name},
                       {"format", tensor.desc.format->name},
                       {"shape", tensor.desc.shape.text()},
                       {"bytes", bytes}});
    rows += fmt::format("  {:<44} {:<8} {:>20} {:>12}\n", runtime::printable(tensor.name), tensor.desc.format->name,
                        tensor.desc.shape.text(), format_bytes(bytes));
  }
  for (const runtime::UnusableTensor& tensor : file.unusable_tensors()) {
    tensors.push_back(
        {{"name", tensor.name}, {"format", tensor.type}, {"shape", tensor.shape.text()}, {"unusable", tensor.reason}});
    rows += fmt::format("  {:<44} {:<8} {:>20} {}\n", runtime::printable(tensor.name), tensor.type, tensor.shape.text(),
                        tensor.reason);
  }
  nlohmann::ordered_json formats = nlohmann::ordered_json::object();
  for (const auto& [format, total] : totals)
    formats[format] = {{"tensors", total.tensors}, {"elements", total.elements}, {"bytes", total.bytes}};
  if (context.json) return print_json({{"metadata", metadata}, {"tensors", tensors}, {"formats", formats}});
  std::string text = "metadata\n";
  for (const auto& [key, value] : metadata.items())
    text += fmt::format("  {:<44} {}\n", runtime::printable(key),
                        shortened(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
  text += "tensors\n" + rows + "by format\n";
  for (const auto& [format, total] : totals)
    text += fmt::format("  {:<8} {:>5} tensors {:>14} elements {:>12}  {:.2f} bits an element\n", format, total.tensors,
                        total.elements, format_bytes(total.bytes),
                        8.0 * double(total.bytes) / double(std::max<int64_t>(total.elements, 1)));
  return print(text);
}

Result<graph::Graph> step_graph(const InspectFlags& flags, const Format* kv_format) {
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  constexpr int64_t kBlockSize = 32;
  const int64_t blocks = (model->hyperparameters().context_length + kBlockSize - 1) / kBlockSize;
  return model->build_graph({flags.rows, 1, 1, blocks, blocks, kBlockSize, kv_format});
}

Status inspect_graph(const Context& context, const InspectFlags& flags) {
  TRIREME_ASSIGN(graph::Graph graph, step_graph(flags, &formats::f16()));
  if (flags.fused) TRIREME_TRY(compiler::optimize(graph));
  const std::string text = graph::print(graph);
  if (context.json) return print_json({{"graph", text}});
  return print(text);
}

// Each kernel once, with the first op that uses it.
Status inspect_kernels(const Context& context, const InspectFlags& flags) {
  TRIREME_ASSIGN(const std::vector<runtime::PlanDevice> devices, open_devices(context, flags.devices));
  const Device& device = *devices[0].device;
  TRIREME_ASSIGN(graph::Graph graph, step_graph(flags, device.info().numeric.kv_format));
  TRIREME_TRY(compiler::optimize(graph));
  std::set<std::string> seen;
  nlohmann::ordered_json kernels = nlohmann::ordered_json::array();
  std::string text;
  for (const graph::NodeId node : graph.node_order()) {
    const OpDesc op = graph.op_desc(node);
    auto sources = compiler::kernel_sources(device, op);
    if (!sources) return fail(std::move(sources).error(), "writing " + op.text());
    for (const KernelSource& source : *sources) {
      if (!seen.insert(source.code).second) continue;
      TRIREME_ASSIGN(const std::string code, readable(source));
      kernels.push_back({{"name", source.entry}, {"op", op.text()}, {"code", code}});
      text += "// for " + op.text() + "\n" + code + "\n";
    }
  }
  if (context.json) return print_json({{"kernels", kernels}});
  return print(text);
}

}  // namespace

void add_inspect_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("inspect", "Show a model's metadata and tensors, or its graph");
  auto flags = std::make_shared<InspectFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  command->add_flag("--graph", flags->graph, "Print the graph of one step instead");
  command->add_flag("--fused", flags->fused, "With --graph: after the compiler's rewrites");
  command->add_option("--rows", flags->rows, "With --graph and --kernels: rows of the step")
      ->check(between(1, 512))
      ->capture_default_str();
  command->add_flag("--kernels", flags->kernels, "Print the kernels that the compiler writes for a device instead");
  add_device_flags(*command, flags->devices);
  command->footer(
      "Examples:\n  trireme inspect model.gguf\n  trireme inspect model.gguf --graph --fused\n"
      "  trireme inspect model.gguf --kernels --device opencl:0");
  command->callback([&context, flags] {
    context.command = [&context, flags] {
      if (flags->kernels) return inspect_kernels(context, *flags);
      return flags->graph ? inspect_graph(context, *flags) : inspect_file(context, *flags);
    };
  });
}

}  // namespace trireme::tools
