// Frames and messages come back as they were sent, and what is none is refused.
#include "compiler/build/messages.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "compiler/build/frame.h"

namespace trireme::compiler::test {
namespace {

using Bytes = std::vector<std::byte>;

const OpenRequest kOpening{"opencl:0", "/drivers/one.so", "platform; device; 1.0"};
const KernelSource kSource{"gemv", std::string("kernel void\0gemv", 16), 128, 3, 2, 32};

void expect_same(const KernelSource& a, const KernelSource& b) {
  EXPECT_EQ(a.entry, b.entry);
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.group_size, b.group_size);
  EXPECT_EQ(a.buffers, b.buffers);
  EXPECT_EQ(a.launch_words, b.launch_words);
  EXPECT_EQ(a.subgroup_size, b.subgroup_size);
}

TEST(BuildMessages, RequestsComeBack) {
  const auto opening = decode_request(encode(BuildRequest(kOpening)));
  ASSERT_TRUE(opening) << opening.error().message();
  EXPECT_EQ(std::get<OpenRequest>(*opening), kOpening);
  const auto source = decode_request(encode(BuildRequest(kSource)));
  ASSERT_TRUE(source) << source.error().message();
  expect_same(std::get<KernelSource>(*source), kSource);
}

TEST(BuildMessages, AnswersComeBack) {
  for (const Bytes& built : {Bytes(), Bytes(1000, std::byte{9})}) {
    const auto answer = decode_answer(encode(BuildAnswer(built)));
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ(**answer, built);
  }
  const Error error = Error(ErrorCode::kUnsupported, "kernel gemv", "its groups are too large", "use smaller ones")
                          .add_context("building");
  const auto answer = decode_answer(encode(BuildAnswer(fail(error))));
  ASSERT_TRUE(answer);
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code(), error.code());
  EXPECT_EQ(answer->error().message(), error.message());
}

TEST(BuildMessages, WhatIsCutOffOrTooLongIsRefused) {
  const Bytes whole = encode(BuildRequest(kSource));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_request(std::span(whole).first(size))) << size << " bytes";
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_request(longer));
  EXPECT_FALSE(decode_answer(whole)) << "a request is no answer";
  const Bytes failed = encode(BuildAnswer(fail(ErrorCode::kInternal, "a", "b", "c")));
  for (size_t size = 0; size < failed.size(); ++size)
    EXPECT_FALSE(decode_answer(std::span(failed).first(size))) << size << " bytes";
  EXPECT_FALSE(decode_request(failed));
}

TEST(BuildMessages, NumbersBeyondTheirRangeAreRefused) {
  const Bytes failed = encode(BuildAnswer(fail(ErrorCode::kInternal, "a", "b", "c")));
  Bytes wrong = failed;
  wrong[5] = std::byte{200};  // its code
  EXPECT_FALSE(decode_answer(wrong));
  wrong = failed;
  wrong[wrong.size() - 1] = std::byte{255};  // how much context follows
  EXPECT_FALSE(decode_answer(wrong));
  wrong = failed;
  wrong[12] = std::byte{255};  // the length of its first text
  EXPECT_FALSE(decode_answer(wrong));
}

class BuildFrames : public testing::Test {
 protected:
  BuildFrames() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~BuildFrames() override {
    close_writer();
    ::close(ends_[1]);
  }
  void close_writer() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  void send(const Bytes& bytes) { ASSERT_EQ(::write(ends_[0], bytes.data(), bytes.size()), ssize_t(bytes.size())); }

  int ends_[2] = {-1, -1};
};

TEST_F(BuildFrames, ComeBackWhateverTheirSize) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3} << 20}) {
    const Bytes payload(size, std::byte{7});
    std::jthread writer([&] { EXPECT_TRUE(write_frame(ends_[0], payload)); });
    const auto read = read_frame(ends_[1]);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_TRUE(*read);
    EXPECT_EQ(**read, payload);
  }
  close_writer();
  const auto end = read_frame(ends_[1]);
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST_F(BuildFrames, ThatAreCutOffOrClaimTooMuchAreRefused) {
  send({std::byte{255}, std::byte{255}, std::byte{255}, std::byte{255}});
  EXPECT_EQ(read_frame(ends_[1]).error().code(), ErrorCode::kCorruptData);
  send({std::byte{5}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}});
  close_writer();
  EXPECT_EQ(read_frame(ends_[1]).error().code(), ErrorCode::kCorruptData);
}

TEST_F(BuildFrames, ThatDoNotComeInTimeAreNotWaitedFor) {
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(read_frame(ends_[1], soon).error().code(), ErrorCode::kTimeout);
  // Nobody reads what no longer fits between the two.
  EXPECT_EQ(write_frame(ends_[0], Bytes(size_t{8} << 20), soon + std::chrono::milliseconds(20)).error().code(),
            ErrorCode::kTimeout);
}

TEST_F(BuildFrames, ThatNobodyReadsAreAnError) {
  ::close(ends_[1]);
  ends_[1] = -1;
  EXPECT_EQ(write_frame(ends_[0], Bytes(10)).error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace trireme::compiler::test
