#include "tests/opencl_double/double_session.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "backends/opencl/backend.h"
#include "compiler/device/compile_for.h"
#include "tests/opencl_double/double.h"

namespace trireme::opencl_double {
namespace {

class KernelFolder {
 public:
  KernelFolder() : path_(testing::TempDir() + "trireme_double_" + std::to_string(::getpid())) {}
  ~KernelFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

Result<std::shared_ptr<Device>> open_double(int index) {
  static const KernelFolder folder;
  Registry registry;
  registry.add(opencl::create_backend(kPath));
  registry.compile_with(compiler::kernel_compiler(folder.path()));
  return registry.open("opencl:" + std::to_string(index));
}

void expect_errors_by_chance(const std::vector<int32_t>& expected,
                             const std::function<Result<std::vector<int32_t>>()>& run) {
#ifdef TRIREME_SANITIZED
  constexpr uint64_t kSeeds = 60;
#else
  constexpr uint64_t kSeeds = 300;
#endif
  constexpr double kRates[] = {0.02, 0.003, 0.0005, 0.0001};
  size_t failed = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const double rate = kRates[seed % std::size(kRates)];
    set_chance({seed, seed % 3 == 0 ? 0 : rate, seed % 3 == 1 ? 0 : rate, 0.01, 50});
    const auto found = run();
    if (found) {
      EXPECT_EQ(*found, expected);
    } else {
      ++failed;
      EXPECT_GT(failures(), 0u) << found.error().message();
      EXPECT_THAT(found.error().code(),
                  testing::AnyOf(ErrorCode::kDeviceLost, ErrorCode::kOutOfMemory, ErrorCode::kInternal,
                                 ErrorCode::kNotFound, ErrorCode::kUnsupported))
          << found.error().message();
    }
    expect_clean();
  }
  EXPECT_GT(failed, kSeeds / 4);
  EXPECT_LT(failed, kSeeds * 9 / 10);
  testing::Test::RecordProperty("failed", int(failed));
}

}  // namespace trireme::opencl_double
