// Runs random kernels and graphs on several devices, and prints what differs.
#include <malloc.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <functional>

#include "hal/validation.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/random/devices.h"
#include "tests/random/graph_check.h"
#include "tests/random/kernel_check.h"

namespace {

using namespace trireme;
using random::Finding;

struct Options {
  uint64_t seed = 1;
  int count = 0;
  double seconds = 0;
  std::string kind = "kernels";
  std::vector<std::string> devices;
  bool trace = false;
};

// Seeds from the first on, until count or time is reached. Gives the number of findings.
int run(const Options& options, const std::function<std::optional<Finding>(const std::string&)>& check) {
  const auto began = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  int findings = 0;
  for (int i = 0; options.count == 0 || i < options.count; ++i) {
    if (options.seconds > 0 && passed() >= options.seconds) break;
    const std::string seed = std::to_string(options.seed + uint64_t(i));
    if (options.trace) std::fprintf(stderr, "%s %s\n", options.kind.c_str(), seed.c_str());
    const auto finding = check(seed);
    if (!finding) continue;
    ++findings;
    std::printf("finding: --kind %s --seed %s --count 1: %s\n%s\n", options.kind.c_str(), finding->seed.c_str(),
                finding->what.c_str(), finding->reduced.c_str());
    std::fflush(stdout);
  }
  std::printf("%.1f s\n", passed());
  return findings;
}

Result<int> run_kernels(const Options& options) {
  std::vector<std::shared_ptr<KernelDevice>> devices;
  for (const std::string& id : options.devices) {
    TRIREME_ASSIGN(auto device, random::open_kernel_device(id));
    devices.push_back(std::move(device));
  }
  random::KernelCheck check(std::move(devices));
  const int findings = run(options, [&](const std::string& seed) { return check.check(seed); });
  const random::KernelCounts& counts = check.counts();
  std::printf("%d kernels, %d launches on devices, %d regenerated, %d findings\n", counts.kernels, counts.launches,
              counts.regenerated, findings);
  for (const auto& [why, count] : counts.left_out) std::printf("left out %d times, %s\n", count, why.c_str());
  return findings;
}

// The interpreters are test doubles that no registry lists.
Result<std::shared_ptr<Device>> open(const std::string& id) {
  if (id == "interpreter:0") return compiler::test::open_interpreter();
  if (id == "interpreter:16") return compiler::test::open_vector_interpreter(16);
  return random::open_op_device(id);
}

// A device keeps the kernels that it has built, and thousands of graphs have more than fit into memory.
constexpr int kGraphsOfDevices = 50;

Status open_devices(const Options& options, const Validation& validation, random::GraphCheck& check) {
  std::vector<std::shared_ptr<Device>> devices;
  for (const std::string& id : options.devices) {
    TRIREME_ASSIGN(auto device, open(id));
    devices.push_back(validate(std::move(device), validation));
  }
  TRIREME_ASSIGN(auto reference, open("reference:0"));
  check.use(validate(std::move(reference), validation), std::move(devices));
  malloc_trim(0);  // drivers' compilers leave their threads' arenas in pieces
  return {};
}

Result<int> run_graphs(const Options& options) {
  std::vector<std::string> said;
  const Validation validation([&](const Error& finding) { said.push_back(finding.message()); });
  random::GraphCheck check(nullptr, {});
  TRIREME_TRY(open_devices(options, validation, check));
  int done = 0;
  const int findings = run(options, [&](const std::string& seed) -> std::optional<Finding> {
    said.clear();
    if (++done % kGraphsOfDevices == 0)
      if (const Status opened = open_devices(options, validation, check); !opened)
        return Finding{seed, opened.error().message(), ""};
    auto finding = check.check(seed);
    if (!finding && !said.empty()) finding = Finding{seed, "validation: " + said.front(), ""};
    return finding;
  });
  const random::GraphCounts& counts = check.counts();
  std::printf("%d graphs of %d nodes, %d runs on devices, %d regenerated, %d findings\n", counts.graphs, counts.nodes,
              counts.runs, counts.regenerated, findings);
  std::printf("%lld elements of results, of which %.1f %% would show an error of 1 %%\n",
              static_cast<long long>(counts.elements),
              counts.elements == 0 ? 0 : 100 * double(counts.would_catch) / double(counts.elements));
  for (const auto& [device, count] : counts.fell_back)
    std::printf("%s left ops of %d graphs to the reference\n", device.c_str(), count);
  return findings;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Runs random kernels or graphs on several devices, and prints what differs."};
  app.add_option("--seed", options.seed, "The first seed");
  app.add_option("--count", options.count, "How many to run; 0: no limit")->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", options.seconds, "Stop after this time; 0: no limit")->check(CLI::NonNegativeNumber);
  app.add_option("--kind", options.kind, "What to run")->check(CLI::IsMember({"kernels", "graphs"}));
  app.add_option("--device", options.devices, "A device to compare with; may be given several times");
  app.add_flag("--trace", options.trace, "Print each seed before it runs, to know one that ends the program");
  CLI11_PARSE(app, argc, argv);
  const bool graphs = options.kind == "graphs";
  if (options.devices.empty() && graphs)
    options.devices = {"reference:0", "cpu:0", "interpreter:0", "interpreter:16", "vulkan:0", "opencl:0"};
  if (options.devices.empty()) options.devices = {"opencl:0", "vulkan:0"};
  if (options.count == 0 && options.seconds == 0) options.count = 100;
  const Result<int> findings = graphs ? run_graphs(options) : run_kernels(options);
  if (!findings) {
    std::fprintf(stderr, "error: %s\n", findings.error().message().c_str());
    return 1;
  }
  return *findings > 0 ? 1 : 0;
}
