#include "backends/cpu/cgroup.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace trireme::cpu {
namespace {

namespace fs = std::filesystem;

void take_smaller(std::optional<int>& limit, double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return;
  const double cores = std::ceil(std::min(quota / period, 65536.0));
  limit = std::min(limit.value_or(65536), std::max(1, int(cores)));
}

void read_v2(const fs::path& folder, std::optional<int>& limit) {
  std::ifstream file(folder / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota.empty() || quota.find_first_not_of("0123456789") != std::string::npos) return;
  take_smaller(limit, std::strtod(quota.c_str(), nullptr), period);
}

void read_v1(const fs::path& folder, std::optional<int>& limit) {
  double quota = 0, period = 0;
  if (std::ifstream(folder / "cpu.cfs_quota_us") >> quota && std::ifstream(folder / "cpu.cfs_period_us") >> period)
    take_smaller(limit, quota, period);
}

// Calls read for `mount`/`group` and each folder above it up to `mount`. Inside a container the group's path may not
// exist below the mount, which then shows the group itself.
template <typename Read>
void walk_up(const fs::path& mount, const fs::path& group, Read read) {
  fs::path folder = mount;
  read(folder);
  for (const fs::path& part : group.relative_path()) {
    if (part == "." || part == "..") return;
    folder /= part;
    read(folder);
  }
}

}  // namespace

std::optional<int> cgroup_core_limit(const fs::path& root) {
  std::optional<int> limit;
  std::ifstream groups(root / "proc/self/cgroup");
  const fs::path mount = root / "sys/fs/cgroup";
  // Each line is "<id>:<controllers>:<path>"; v2 has id 0 and no controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") walk_up(mount, group, [&](const fs::path& folder) { read_v2(folder, limit); });
    if (controllers.find(",cpu,") != std::string::npos)
      for (const char* name : {"cpu", "cpu,cpuacct"})
        walk_up(mount / name, group, [&](const fs::path& folder) { read_v1(folder, limit); });
  }
  return limit;
}

}  // namespace trireme::cpu
