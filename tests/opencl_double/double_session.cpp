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

Result<std::vector<int32_t>> greedy(runtime::Session& session, std::span<const int32_t> ids, size_t count,
                                    size_t chunk) {
  TRIREME_ASSIGN(const runtime::SequenceId sequence, session.create_sequence());
  std::vector<int32_t> all(ids.begin(), ids.end()), found;
  for (size_t done = 0; found.size() < count;) {
    std::vector<runtime::StepRow> rows;
    while (rows.size() < chunk && done < all.size()) rows.push_back({all[done++], sequence, false});
    rows.back().output = done == all.size();
    TRIREME_ASSIGN(const runtime::Logits logits, session.step(rows));
    if (logits.rows == 0) continue;
    const auto row = logits.row(0);
    found.push_back(int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
    all.push_back(found.back());
  }
  TRIREME_TRY(session.remove_sequence(sequence));
  return found;
}

std::shared_ptr<const runtime::Model> open_model(const std::string& path) {
  auto model = runtime::Model::open(path);
  EXPECT_TRUE(model) << model.error().message();
  return model ? *model : nullptr;
}

runtime::SessionOptions small_session() {
  runtime::SessionOptions options;
  options.context = 128;
  options.max_rows = 32;
  return options;
}

Result<std::vector<int32_t>> greedy_on(const std::shared_ptr<const runtime::Model>& model,
                                       compiler::Placement placement, std::span<const int32_t> ids, size_t count) {
  TRIREME_ASSIGN(const auto session, runtime::Session::create(model, std::move(placement), small_session()));
  return greedy(*session, ids, count, 8);
}

void expect_recorded_ids(const std::shared_ptr<const runtime::Model>& model, compiler::Placement placement,
                         const testing_support::RecordedPrompt& prompt, size_t count) {
  constexpr float kInt8Margin = 0.3F;
  runtime::SessionOptions options = small_session();
  options.max_outputs = int64_t(count);
  const auto session = runtime::Session::create(model, std::move(placement), options);
  ASSERT_TRUE(session) << session.error().message();
  const auto sequence = (*session)->create_sequence();
  ASSERT_TRUE(sequence) << sequence.error().message();
  std::vector<int32_t> ids = prompt.ids;
  ids.insert(ids.end(), prompt.greedy_ids.begin(), prompt.greedy_ids.begin() + std::ptrdiff_t(count - 1));
  std::vector<runtime::StepRow> rows;
  for (size_t i = 0; i < ids.size(); ++i) rows.push_back({ids[i], *sequence, i + count >= ids.size()});
  const auto logits = (*session)->step(rows);
  ASSERT_TRUE(logits) << logits.error().message();
  ASSERT_EQ(size_t(logits->rows), count);
  size_t compared = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!(prompt.margins[i] > kInt8Margin)) continue;
    const auto row = logits->row(int64_t(i));
    EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), prompt.greedy_ids[i]) << "id " << i;
    ++compared;
  }
  EXPECT_GE(compared, count * 3 / 4);
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
