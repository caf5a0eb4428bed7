#include "runtime/files/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gmock/gmock.h>

#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(AtomicFile, AppearsWholeAtCommit) {
  const ScratchFolder folder;
  auto file = AtomicFile::create(folder / "out");
  ASSERT_TRUE(file) << file.error().message();
  const std::string large(3 << 20, 'z');
  ASSERT_TRUE(file->write("begin"));
  ASSERT_TRUE(file->write(std::string_view(large)));
  ASSERT_TRUE(file->write_zeros(5000));
  ASSERT_TRUE(file->write("end"));
  EXPECT_EQ(file->position(), 5 + large.size() + 5000 + 3);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_whole(folder / "out"), "begin" + large + std::string(5000, '\0') + "end");
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const ScratchFolder folder;
  folder.write("out", "old");
  {
    auto file = AtomicFile::create(folder / "out");
    ASSERT_TRUE(file && file->write("new"));
    const AtomicFile moved = std::move(*file);
    EXPECT_THAT(folder.names(), ElementsAre("out"));
  }
  EXPECT_THAT(folder.names(), ElementsAre("out"));
  EXPECT_EQ(read_whole(folder / "out"), "old");
}

TEST(AtomicFile, ReplacesAnOlderFileAndFollowsLinks) {
  const ScratchFolder folder;
  folder.write("target", "old");
  std::filesystem::create_symlink(folder / "target", folder / "link");
  auto file = AtomicFile::create(folder / "link");
  ASSERT_TRUE(file && file->write("new") && file->commit());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_whole(folder / "target"), "new");
}

TEST(AtomicFile, NothingIsLeftOfAKilledProgram) {
  const ScratchFolder folder;
  const int nameless = ::open((folder / ".").c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (nameless < 0) GTEST_SKIP() << "the file system has no files without a name";
  ::close(nameless);
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = AtomicFile::create(folder / "out");
    if (!file || !file->write_zeros(4 << 20)) ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(AtomicFile, HonoursTheUsersMask) {
  const ScratchFolder folder;
  const mode_t mask = ::umask(027);
  auto file = AtomicFile::create(folder / "out");
  ASSERT_TRUE(file && file->commit());
  ::umask(mask);
  struct stat status = {};
  ASSERT_EQ(::stat((folder / "out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, SaysWhyItCannotBeCreated) {
  const ScratchFolder folder;
  EXPECT_EQ(AtomicFile::create(folder / "").error().code(), ErrorCode::kIo);
  EXPECT_EQ(AtomicFile::create("").error().code(), ErrorCode::kIo);
  const auto missing = AtomicFile::create(folder / "no/such/folder");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("No such file or directory"));
}

TEST(AtomicFile, AFullDiskIsAnErrorWithARemedy) {
  auto file = AtomicFile::create("/dev/full");
  ASSERT_TRUE(file);
  const Status status = file->write(std::string_view("x")) ? file->commit() : Status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_EQ(status.error().message(),
            "/dev/full: cannot be written: No space left on device; free some space or write elsewhere");
  EXPECT_FALSE(file->write(std::string_view("y")) && file->commit());
}

TEST(AtomicFile, AFailedWriteLeavesNoHalfWrittenFile) {
  const ScratchFolder folder;
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto file = AtomicFile::create(folder / "out");
  Status status = file ? file->write_zeros(4 << 20) : Status();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_THAT(folder.names(), IsEmpty());
  EXPECT_FALSE(file->commit());
  EXPECT_THAT(folder.names(), IsEmpty());
}

}  // namespace
}  // namespace trireme::runtime
