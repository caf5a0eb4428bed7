// The kernel cache gives back what was stored for the same kernel and target, and nothing else.
#include "compiler/cache/kernel_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

namespace trireme::compiler::test {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

class KernelCacheTest : public testing::Test {
 protected:
  KernelCacheTest() {
    folder_ = fs::temp_directory_path() / ("trireme-kernels-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    target_.build_key = "device 1, driver 2";
    source_.entry = "kernel";
    source_.code = "text";
  }
  ~KernelCacheTest() override { fs::remove_all(folder_); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    return found;
  }

  fs::path folder_;
  Target target_;
  KernelSource source_;
  const Bytes built_ = Bytes(1000, std::byte{7});
};

TEST_F(KernelCacheTest, GivesBackWhatWasStored) {
  const KernelCache cache(folder_);
  EXPECT_FALSE(cache.find(target_, source_));
  cache.store(target_, source_, built_);
  EXPECT_EQ(KernelCache(folder_).find(target_, source_), built_);
  const Bytes other(3, std::byte{9});
  cache.store(target_, source_, other);
  EXPECT_EQ(cache.find(target_, source_), other);
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(KernelCacheTest, AnotherSourceDeviceOrLanguageIsAnotherKernel) {
  const KernelCache cache(folder_);
  cache.store(target_, source_, built_);
  KernelSource source = source_;
  source.code += " ";
  EXPECT_FALSE(cache.find(target_, source));
  source = source_;
  source.entry = "other";
  EXPECT_FALSE(cache.find(target_, source));
  Target target = target_;
  target.build_key = "device 1, driver 3";
  EXPECT_FALSE(cache.find(target, source_));
  target = target_;
  target.version = 200;
  EXPECT_FALSE(cache.find(target, source_));
  EXPECT_TRUE(cache.find(target_, source_));
}

TEST_F(KernelCacheTest, DamagedEntriesAreNoneAndAreReplaced) {
  const KernelCache cache(folder_);
  cache.store(target_, source_, built_);
  const fs::path path = files().at(0);
  const auto size = fs::file_size(path);
  for (const uint64_t at : {uint64_t{0}, uint64_t{8}, uint64_t{16}, uint64_t{24}, uint64_t{40}, size - 1}) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(std::streamoff(at));
    const int byte = file.get();
    file.seekp(std::streamoff(at));
    file.put(char(byte ^ 0x40));
    file.close();
    EXPECT_FALSE(cache.find(target_, source_)) << "byte " << at;
    cache.store(target_, source_, built_);
    EXPECT_TRUE(cache.find(target_, source_));
  }
  for (const uint64_t length : {uint64_t{0}, uint64_t{10}, uint64_t{33}, size - 1}) {
    fs::resize_file(path, length);
    EXPECT_FALSE(cache.find(target_, source_)) << length << " bytes";
    cache.store(target_, source_, built_);
  }
}

TEST_F(KernelCacheTest, AFolderThatCannotBeWrittenIsNoError) {
  std::ofstream(folder_) << "a file";
  const KernelCache cache(folder_);
  cache.store(target_, source_, built_);
  EXPECT_FALSE(cache.find(target_, source_));
}

TEST_F(KernelCacheTest, WritersAndReadersAtOnceSeeWholeEntries) {
  const KernelCache cache(folder_);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 4; ++writer)
    threads.emplace_back([&, writer] {
      const Bytes own(size_t(1000 + writer), std::byte(writer));
      for (int i = 0; i < 50; ++i) {
        cache.store(target_, source_, own);
        const auto found = cache.find(target_, source_);
        if (!found) {
          ADD_FAILURE() << "an entry is missing";
          continue;
        }
        EXPECT_EQ(*found, Bytes(found->size(), std::byte(found->size() - 1000)));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(files().size(), 1u);
}

}  // namespace
}  // namespace trireme::compiler::test
