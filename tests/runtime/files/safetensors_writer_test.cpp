#include "runtime/files/safetensors_writer.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "runtime/files/safetensors_reader.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<const Format*> storable_formats() {
  std::vector<const Format*> storable;
  for (const Format* format : builtin_formats())
    if (format->plain) storable.push_back(format);
  return storable;
}

// Names are ASCII here: the header is JSON, and JSON is UTF-8.
std::vector<SafetensorsPlan> arbitrary_tensors() {
  std::vector<SafetensorsPlan> tensors;
  const auto name = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)));
  for (const std::string& one : *rc::gen::container<std::set<std::string>>(name)) {
    std::vector<int64_t> sizes = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 6));
    sizes.resize(std::min<size_t>(sizes.size(), 4));
    tensors.push_back({one, {.shape = *Shape::from(sizes), .format = *rc::gen::elementOf(storable_formats())}});
  }
  return tensors;
}

RC_GTEST_PROP(SafetensorsWriter, WhatIsWrittenIsReadBack, ()) {
  const std::vector<SafetensorsPlan> tensors = arbitrary_tensors();
  std::map<std::string, std::string> written;
  std::string data;
  for (const SafetensorsPlan& tensor : tensors) {
    const size_t begin = data.size();
    for (int64_t i = 0; i < tensor.desc.bytes(); ++i) data += static_cast<char>(data.size() * 131 >> 3);
    written[tensor.name] = data.substr(begin);
  }
  const ScratchFolder folder;
  auto writer = SafetensorsWriter::create(folder / "x.safetensors", tensors, {{"key", "value"}});
  RC_ASSERT(writer.has_value());
  const auto piece = *rc::gen::inRange<size_t>(1, 200);
  for (size_t begin = 0; begin < data.size(); begin += piece)
    RC_ASSERT(writer->write(as_bytes(std::string_view(data).substr(begin, piece))).has_value());
  RC_ASSERT(writer->finish().has_value());

  const auto file = SafetensorsFile::open(folder / "x.safetensors");
  RC_ASSERT(file.has_value());
  RC_ASSERT(file->metadata().at("key") == "value");
  RC_ASSERT(file->tensors().size() == tensors.size());
  for (const SafetensorsPlan& tensor : tensors) {
    const SafetensorsTensor* read = file->find(tensor.name);
    RC_ASSERT(read != nullptr);
    RC_ASSERT(read->shape == tensor.desc.shape);
    RC_ASSERT(read->format == tensor.desc.format);
    RC_ASSERT(as_string(read->data) == written[tensor.name]);
  }
}

TEST(SafetensorsWriter, TheDataBeginAtAMultipleOfEight) {
  const ScratchFolder folder;
  for (const std::string name : {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    auto writer = SafetensorsWriter::create(folder / name, {{name, {.shape = {1}, .format = &formats::f32()}}});
    ASSERT_TRUE(writer && writer->write(as_bytes("1234")) && writer->finish());
    EXPECT_EQ(std::filesystem::file_size(folder / name) % 8, 4u);
  }
}

TEST(SafetensorsWriter, RefusesWhatCannotBeStored) {
  const ScratchFolder folder;
  const auto refusal = [&](std::vector<SafetensorsPlan> tensors) {
    const auto writer = SafetensorsWriter::create(folder / "x", std::move(tensors));
    return writer ? "accepted" : writer.error().message();
  };
  const TensorDesc desc = {.shape = {4}, .format = &formats::f32()};
  Format packed = formats::f32();
  packed.plain.reset();
  EXPECT_EQ(refusal({{"a", desc}, {"b", desc}}), "accepted");
  EXPECT_THAT(refusal({{"a", desc}, {"a", desc}}), HasSubstr("tensor \"a\": it is given twice"));
  EXPECT_THAT(refusal({{"", desc}}), HasSubstr("name is not allowed"));
  EXPECT_THAT(refusal({{"__metadata__", desc}}), HasSubstr("name is not allowed"));
  EXPECT_THAT(refusal({{"\xff", desc}}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(refusal({{"a", {.shape = {4}, .format = &packed}}}), HasSubstr("cannot be stored in a safetensors file"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(SafetensorsWriter, AnIncompleteFileNeverAppears) {
  const ScratchFolder folder;
  {
    auto writer = SafetensorsWriter::create(folder / "x", {{"a", {.shape = {4}, .format = &formats::i8()}}});
    ASSERT_TRUE(writer && writer->write(as_bytes("123")));
    EXPECT_THAT(writer->finish().error().message(), HasSubstr("1 bytes of its tensors are missing"));
    EXPECT_THAT(writer->write(as_bytes("45")).error().message(), HasSubstr("more bytes were written"));
  }
  EXPECT_THAT(folder.names(), IsEmpty());
}

}  // namespace
}  // namespace trireme::runtime
