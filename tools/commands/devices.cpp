#include <fmt/format.h>

#include "tools/context.h"

namespace trireme::tools {
namespace {

nlohmann::ordered_json describe(Device& device) {
  const DeviceInfo& info = device.info();
  uint64_t total = 0;
  uint64_t free = 0;
  for (const MemoryHeap& heap : device.memory()) {
    total += heap.total_bytes;
    free += heap.free_bytes;
  }
  const MeasuredSpeed speed = device.measure_speed();
  return {{"id", info.id},
          {"available", true},
          {"name", info.name},
          {"driver", info.driver},
          {"software", info.software},
          {"threads", info.threads},
          {"features", info.features},
          {"memory_bytes", total},
          {"free_bytes", free},
          {"read_bytes_per_s", speed.read_bytes_per_s},
          {"multiply_adds_per_s", speed.multiply_adds_per_s},
          {"launch_s", speed.launch_s}};
}

Result<nlohmann::ordered_json> list(const Context& context) {
  nlohmann::ordered_json devices = nlohmann::ordered_json::array();
  for (const auto& backend : context.registry.backends()) {
    if (const auto reason = backend->unavailable()) {
      devices.push_back({{"id", std::string(backend->name())}, {"available", false}, {"reason", *reason}});
      continue;
    }
    for (const DeviceListing& listing : backend->devices()) {
      auto device = context.registry.open(listing.id);
      if (device)
        devices.push_back(describe(**device));
      else
        devices.push_back({{"id", listing.id}, {"available", false}, {"reason", device.error().message()}});
    }
  }
  return devices;
}

Status devices(const Context& context) {
  TRIREME_ASSIGN(const nlohmann::ordered_json found, list(context));
  if (context.json) return print_json({{"devices", found}});
  std::string text = fmt::format("{:<14} {:<38} {:>10} {:>10} {:>9} {:>10}  {}\n", "ID", "NAME", "MEMORY", "FREE",
                                 "READ", "F32", "DETAILS");
  for (const auto& device : found) {
    if (!device["available"].get<bool>()) {
      text +=
          fmt::format("{:<14} unavailable: {}\n", device["id"].get<std::string>(), device["reason"].get<std::string>());
      continue;
    }
    std::string details = device["driver"].get<std::string>();
    for (const auto& feature : device["features"]) details += ", " + feature.get<std::string>();
    if (device["threads"].get<int>() > 0) details += fmt::format(", {} threads", device["threads"].get<int>());
    text += fmt::format(
        "{:<14} {:<38} {:>10} {:>10} {:>7.1f} GB/s {:>6.0f} GFLOP/s  {}\n", device["id"].get<std::string>(),
        device["name"].get<std::string>().substr(0, 38), format_bytes(device["memory_bytes"].get<uint64_t>()),
        format_bytes(device["free_bytes"].get<uint64_t>()), device["read_bytes_per_s"].get<double>() / 1e9,
        2 * device["multiply_adds_per_s"].get<double>() / 1e9, details);
  }
  return print(text);
}

}  // namespace

void add_devices_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("devices", "List every backend and device; unavailable ones with the reason");
  command->footer("Example:\n  trireme devices --json");
  command->callback([&context] { context.command = [&context] { return devices(context); }; });
}

}  // namespace trireme::tools
