#include "runtime/files/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("a", "hello"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(as_string(file->bytes()), "hello");
  EXPECT_EQ(file->path(), folder / "a");
}

TEST(MappedFile, StaysValidWhenMovedAndWhenTheFileIsUnlinked) {
  const ScratchFolder folder;
  auto file = MappedFile::open(folder.write("a", "hello"));
  ASSERT_TRUE(file);
  std::filesystem::remove(folder / "a");
  MappedFile moved = std::move(*file);
  EXPECT_EQ(as_string(moved.bytes()), "hello");
  EXPECT_TRUE(file->bytes().empty());
  auto other = MappedFile::open(folder.write("b", "other"));
  ASSERT_TRUE(other);
  moved = std::move(*other);
  EXPECT_EQ(as_string(moved.bytes()), "other");
}

TEST(MappedFile, SaysWhyAFileCannotBeOpened) {
  const ScratchFolder folder;
  const auto code = [](const std::string& path) { return MappedFile::open(path).error().code(); };
  EXPECT_EQ(code(folder / "missing"), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder.write("file", "x") + "/below"), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder / ""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("/dev/null"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(folder.write("empty", "")), ErrorCode::kCorruptData);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code(folder / "pipe"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(MappedFile::open(folder / "missing").error().message(),
            (folder / "missing") + ": no such file; check the path");
}

// Which pages of the range are in memory cannot be asked per process; Rss of the whole mapping can.
size_t resident_bytes(const std::byte* address) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    uintptr_t first = 0;
    uintptr_t last = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &last) == 2)
      inside = first <= reinterpret_cast<uintptr_t>(address) && reinterpret_cast<uintptr_t>(address) < last;
    size_t kilobytes = 0;
    if (inside && std::sscanf(line.c_str(), "Rss: %zu kB", &kilobytes) == 1) return kilobytes << 10;
  }
  return 0;
}

TEST(MappedFile, DropsTheWholePagesOfAPart) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("a", std::string(64 * page + 100, 'x')));
  ASSERT_TRUE(file);
  const auto touch = [&] {
    size_t sum = 0;
    for (const std::byte byte : file->bytes()) sum += static_cast<size_t>(byte);
    return sum;
  };
  const size_t sum = touch();
  const size_t all = resident_bytes(file->bytes().data());
  ASSERT_EQ(all, 65 * page);

  file->drop_pages(file->bytes().subspan(10, 3 * page));  // pages 1 and 2 are wholly inside
  EXPECT_EQ(resident_bytes(file->bytes().data()), all - 2 * page);
  file->drop_pages(file->bytes().subspan(64 * page));  // the last page holds nothing else
  EXPECT_EQ(resident_bytes(file->bytes().data()), all - 3 * page);
  EXPECT_EQ(touch(), sum);

  const std::string elsewhere(4 * page, 'y');
  file->drop_pages(as_bytes(elsewhere));
  EXPECT_EQ(elsewhere, std::string(4 * page, 'y'));
}

}  // namespace
}  // namespace trireme::runtime
