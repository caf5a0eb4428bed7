// Where PoCL keeps what it builds, in a process that only builds: what is found there, and what stays.
#include "backends/opencl/pocl_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>

namespace trireme::opencl {
namespace {

namespace fs = std::filesystem;

// Of the environment, for as long as it lives.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* const before = ::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() {
    if (before_) ::setenv(name_.c_str(), before_->c_str(), 1);
    if (!before_) ::unsetenv(name_.c_str());
  }

 private:
  std::string name_;
  std::optional<std::string> before_;
};

class PoclCacheTest : public testing::Test {
 protected:
  PoclCacheTest() { fs::create_directories(parent_); }
  ~PoclCacheTest() override { fs::remove_all(parent_); }

  fs::path parent_ = fs::temp_directory_path() / ("trireme-pocl-cache-test-" + std::to_string(::getpid()));
  Variable temporary_{"TMPDIR", parent_.string()};
  Variable cache_{"POCL_CACHE_DIR", "/nowhere"};
};

TEST_F(PoclCacheTest, IsAFolderThatPoclHearsOfAndThatGoes) {
  {
    const auto cache = PoclCache::create();
    ASSERT_TRUE(cache) << cache.error().message();
    EXPECT_TRUE(fs::is_empty((*cache)->folder()));
    EXPECT_EQ((*cache)->folder().parent_path(), parent_);
    EXPECT_EQ((*cache)->folder(), ::getenv("POCL_CACHE_DIR"));
    std::ofstream((*cache)->folder() / "file") << "text";
    (*cache)->clear();
    EXPECT_TRUE(fs::is_empty((*cache)->folder()));
    std::ofstream((*cache)->folder() / "file") << "text";
  }
  EXPECT_TRUE(fs::is_empty(parent_));
}

TEST_F(PoclCacheTest, RemovesThoseThatNobodyHasAnyMore) {
  const auto used = PoclCache::create();
  ASSERT_TRUE(used) << used.error().message();
  const fs::path left = parent_ / "trireme-pocl-abcdef", young = parent_ / "trireme-pocl-ghijkl";
  const fs::path others = parent_ / "others-abcdef";
  for (const fs::path& folder : {left, young, others}) fs::create_directories(folder / "program");
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const fs::path& folder : {left, others, (*used)->folder()}) fs::last_write_time(folder, old);
  ASSERT_TRUE(PoclCache::create());
  EXPECT_FALSE(fs::exists(left));
  for (const fs::path& folder : {young, others, (*used)->folder()}) EXPECT_TRUE(fs::exists(folder)) << folder;
}

TEST_F(PoclCacheTest, KernelsForAnySizeServeThoseOfOneSize) {
  const PoclCache cache(parent_ / "cache", -1);
  EXPECT_FALSE(cache.serve_groups_of(64, "one"));
  const fs::path program = cache.folder() / "AB" / "CDEF";
  for (const char* kernel : {"one", "two"}) {
    fs::create_directories(program / kernel / "0-0-0");
    std::ofstream(program / kernel / "0-0-0" / "kernel.so") << "code of " << kernel;
  }
  EXPECT_TRUE(cache.serve_groups_of(64, "one"));
  std::string text;
  std::getline(std::ifstream(program / "one" / "64-1-1-goffs0-smallgrid" / "kernel.so"), text);
  EXPECT_EQ(text, "code of one");
  EXPECT_FALSE(fs::exists(program / "two" / "64-1-1-goffs0-smallgrid"));
  EXPECT_FALSE(cache.serve_groups_of(64, "one")) << "it is there already";
}

TEST_F(PoclCacheTest, SaysWhereItCannotBeMade) {
  const Variable nowhere("TMPDIR", "/dev/null");
  const auto cache = PoclCache::create();
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace trireme::opencl
