#include "tools/context.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "tools/progress.h"

namespace trireme::tools {

void add_device_flags(CLI::App& app, DeviceFlags& flags) {
  app.add_option("--device", flags.devices, "Devices to compute on, such as cpu:0 or cpu:0,reference:0")
      ->type_name("ID[,ID..]");
  app.add_option("--fallback", flags.fallback,
                 "Device that may do the ops which another cannot, such as cpu:0; without it they are an error")
      ->type_name("ID");
  app.add_option("--threads", flags.threads, "Host threads of a device that computes on them; 0: one a core")
      ->check(between(0, 1024));
  app.add_option("--kv", flags.kv_format, "Format of the KV cache: F16 or F32; default: what the first device prefers")
      ->transform(CLI::IsMember({"F16", "F32"}, CLI::ignore_case));
  app.add_flag("--native-bf16", flags.native_bf16,
               "Round activations to bf16 where weights are bf16 and the processor multiplies it: faster, less exact");
}

Result<std::vector<runtime::PlanDevice>> open_devices(const Context& context, const DeviceFlags& flags) {
  std::vector<runtime::PlanDevice> devices;
  std::string_view rest = flags.devices.empty() ? std::string_view("cpu:0") : std::string_view(flags.devices);
  while (true) {
    const size_t comma = rest.find(',');
    TRIREME_ASSIGN(std::shared_ptr<Device> device,
                   context.registry.open(rest.substr(0, comma), {flags.threads, flags.native_bf16}));
    const std::string& id = device->info().id;
    spdlog::info("{}: {}", id, device->info().name);
    if (std::ranges::any_of(devices, [&](const auto& other) { return other.device->info().id == id; }))
      return fail(ErrorCode::kInvalidArgument, "device " + id, "it is named twice", "name each device once");
    devices.push_back({std::move(device), std::nullopt});
    if (comma == std::string_view::npos) return devices;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::optional<runtime::PlanDevice>> open_fallback(const Context& context, const DeviceFlags& flags,
                                                         const std::vector<runtime::PlanDevice>& devices) {
  if (flags.fallback.empty()) return std::nullopt;
  for (const runtime::PlanDevice& device : devices)
    if (device.device->info().id == flags.fallback) return device;
  TRIREME_ASSIGN(std::shared_ptr<Device> device,
                 context.registry.open(flags.fallback, {flags.threads, flags.native_bf16}));
  return runtime::PlanDevice{std::move(device), std::nullopt};
}

Result<OpenSession> open_session(const Context& context, std::shared_ptr<const runtime::Model> model,
                                 const DeviceFlags& flags, const runtime::SessionOptions& wanted,
                                 std::initializer_list<int64_t> first_rows) {
  runtime::SessionOptions options = wanted;
  options.kv_format = flags.kv();
  OpenSession open;
  open.model = std::move(model);
  TRIREME_ASSIGN(std::vector<runtime::PlanDevice> devices, open_devices(context, flags));
  TRIREME_ASSIGN(std::optional<runtime::PlanDevice> fallback, open_fallback(context, flags, devices));
  TRIREME_ASSIGN(open.plan,
                 runtime::plan_placement(*open.model, std::move(devices),
                                         {options.context, options.sequences, options.kv_format, std::move(fallback)}));
  constexpr uint64_t kMebibyte = uint64_t{1} << 20;
  Progress progress("load weights", int64_t(open.model->file().tensor_bytes() / kMebibyte), "MiB");
  const auto loading = [&](uint64_t bytes) -> Status {
    progress.update(int64_t(bytes / kMebibyte));
    if (interrupted()) return fail(ErrorCode::kCancelled, "loading weights", "it was interrupted", "start it again");
    return {};
  };
  for (const runtime::PlannedRange& range : open.plan.ranges)
    spdlog::info("layers {} to {} on {}: {}", range.first_layer, range.last_layer, range.device, range.reason);
  TRIREME_ASSIGN(open.session, runtime::Session::create(open.model, open.plan.placement, options));
  for (const int64_t rows : first_rows) TRIREME_TRY(open.session->warm_up(rows, loading));
  return open;
}

std::vector<std::string> device_ids(const runtime::Plan& plan) {
  std::vector<std::string> ids;
  for (const runtime::PlannedRange& range : plan.ranges) ids.push_back(range.device);
  return ids;
}

}  // namespace trireme::tools
