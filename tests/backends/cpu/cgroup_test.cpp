#include "backends/cpu/cgroup.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace trireme::cpu {
namespace {

namespace fs = std::filesystem;

class CgroupTest : public testing::Test {
 protected:
  CgroupTest() { fs::remove_all(root_); }
  ~CgroupTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  const fs::path root_ = fs::path(testing::TempDir()) /
                         (std::string("cgroup_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(CgroupTest, NoGroupsLimitNothing) { EXPECT_EQ(cgroup_core_limit(root_), std::nullopt); }

TEST_F(CgroupTest, V2QuotaRoundsUpAndTheSmallestOnThePathCounts) {
  write("proc/self/cgroup", "0::/app/inner\n");
  write("sys/fs/cgroup/app/cpu.max", "250000 100000\n");
  EXPECT_EQ(cgroup_core_limit(root_), 3);
  write("sys/fs/cgroup/app/inner/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_core_limit(root_), 3);
  write("sys/fs/cgroup/app/inner/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_core_limit(root_), 2);
}

TEST_F(CgroupTest, V2ContainerShowsItsOwnGroupAtTheMount) {
  write("proc/self/cgroup", "0::/../elsewhere\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_core_limit(root_), 1);
}

TEST_F(CgroupTest, V1Quota) {
  write("proc/self/cgroup", "7:memory:/m\n4:cpu,cpuacct:/docker/x\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "400000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_core_limit(root_), 4);
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_core_limit(root_), std::nullopt);
}

TEST_F(CgroupTest, MalformedFilesLimitNothing) {
  write("proc/self/cgroup", "0::/a\nnonsense\n3:cpu\n");
  for (const char* text : {"", "0 0", "1e5 100000", "-5 100000", "100000", "100000 0", "1 nan"}) {
    write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(cgroup_core_limit(root_), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace trireme::cpu
