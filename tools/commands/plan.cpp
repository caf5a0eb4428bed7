#include <fmt/format.h>

#include <charconv>

#include "tools/context.h"

namespace trireme::tools {
namespace {

struct PlanFlags {
  std::string model;
  DeviceFlags devices;
  std::vector<std::string> budgets;
  int64_t context = 0;
};

// "4096", "512K", "300M" or "2G".
Result<uint64_t> parse_bytes(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, size_t(text.data() + text.size() - end));
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (error != std::errc() || shift < 0 || number > (uint64_t{1} << 50) >> shift)
    return fail(ErrorCode::kInvalidArgument, "--budget", "'" + std::string(text) + "' is not a number of bytes",
                "write for example cpu:0=300M");
  return number << shift;
}

Status apply_budget(std::string_view text, std::vector<runtime::PlanDevice>& devices) {
  const size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    TRIREME_ASSIGN(const uint64_t bytes, parse_bytes(text.substr(equals + 1)));
    for (runtime::PlanDevice& device : devices) {
      if (device.device->info().id != text.substr(0, equals)) continue;
      device.budget = bytes;
      return {};
    }
  }
  return fail(ErrorCode::kInvalidArgument, "--budget", "'" + std::string(text) + "' names no device of the plan",
              "write ID=BYTES with an ID given to --device");
}

std::string layer_name(int layer, int64_t layers) {
  return layer < 0 ? "embedding" : layer == layers ? "head" : fmt::format("layer {}", layer);
}

Status plan(const Context& context, const PlanFlags& flags) {
  TRIREME_ASSIGN(std::vector<runtime::PlanDevice> devices, open_devices(context, flags.devices));
  for (const std::string& budget : flags.budgets) TRIREME_TRY(apply_budget(budget, devices));
  TRIREME_ASSIGN(const auto model, runtime::Model::open(flags.model));
  TRIREME_ASSIGN(const runtime::Plan plan,
                 runtime::plan_placement(*model, std::move(devices), {flags.context, 1, nullptr}));
  const int64_t layers = model->hyperparameters().layers;
  nlohmann::ordered_json ranges = nlohmann::ordered_json::array();
  std::string text = fmt::format("{:<24} {:<12} {:>10} {:>10} {:>10} {:>10}  {}\n", "LAYERS", "DEVICE", "WEIGHTS",
                                 "KV CACHE", "STEP", "MAY USE", "WHY");
  for (const runtime::PlannedRange& range : plan.ranges) {
    ranges.push_back({{"first_layer", range.first_layer},
                      {"last_layer", range.last_layer},
                      {"device", range.device},
                      {"weight_bytes", range.weight_bytes},
                      {"kv_bytes", range.kv_bytes},
                      {"step_bytes", range.step_bytes},
                      {"budget_bytes", range.budget_bytes},
                      {"reason", range.reason}});
    text += fmt::format("{:<24} {:<12} {:>10} {:>10} {:>10} {:>10}  {}\n",
                        layer_name(range.first_layer, layers) + " - " + layer_name(range.last_layer, layers),
                        range.device, format_bytes(range.weight_bytes), format_bytes(range.kv_bytes),
                        format_bytes(range.step_bytes), format_bytes(range.budget_bytes), range.reason);
  }
  const int64_t length = flags.context ? flags.context : model->hyperparameters().context_length;
  if (context.json) return print_json({{"layers", layers}, {"context", length}, {"ranges", ranges}});
  return print(text + fmt::format("context: {} tokens\n", length));
}

}  // namespace

void add_plan_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("plan", "Show where each layer goes, what it takes there, and why");
  auto flags = std::make_shared<PlanFlags>();
  command->add_option("MODEL", flags->model, "GGUF file or Hugging Face folder")->required();
  add_device_flags(*command, flags->devices);
  command->add_option("--budget", flags->budgets, "The most bytes that a device may give, such as cpu:0=300M")
      ->type_name("ID=BYTES");
  command->add_option("--context", flags->context, "Tokens of the KV cache; default: as many as the model was made for")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24));
  command->footer("Example:\n  trireme plan model.gguf --device cpu:0,reference:0 --context 2048");
  command->callback([&context, flags] { context.command = [&context, flags] { return plan(context, *flags); }; });
}

}  // namespace trireme::tools
