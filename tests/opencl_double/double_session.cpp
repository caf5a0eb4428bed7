#include "tests/opencl_double/double_session.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

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

}  // namespace trireme::opencl_double
