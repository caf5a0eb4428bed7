// The cpu quota that a control group puts on this process.
#pragma once

#include <filesystem>
#include <optional>

namespace trireme::cpu {

// Whole cores of cpu time that the process's control groups allow, rounded up and at least 1; empty without a limit.
// The smallest limit from the process's own group up to the root counts. Reads proc/self/cgroup and sys/fs/cgroup
// (v2: cpu.max; v1: cpu/cpu.cfs_quota_us and cpu.cfs_period_us) under `root`; a file that is missing or malformed
// limits nothing.  Source: the Linux kernel's Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
std::optional<int> cgroup_core_limit(const std::filesystem::path& root = "/");

}  // namespace trireme::cpu
