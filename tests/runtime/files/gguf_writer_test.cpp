#include "runtime/files/gguf_writer.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "gguf_bytes.h"
#include "runtime/files/gguf_reader.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <size_t... I>
GgufValue arbitrary_value(std::index_sequence<I...>) {
  const auto which = *rc::gen::inRange<size_t>(0, sizeof...(I));
  GgufValue value;
  ((which == I ? void(value = *rc::gen::arbitrary<std::variant_alternative_t<I, GgufValue>>()) : void()), ...);
  return value;
}

GgufMetadata arbitrary_metadata() {
  GgufMetadata metadata;
  for (const std::string& key : *rc::gen::container<std::set<std::string>>(rc::gen::nonEmpty<std::string>()))
    if (key != "general.alignment")
      metadata.set(key, arbitrary_value(std::make_index_sequence<std::variant_size_v<GgufValue>>()));
  return metadata;
}

std::vector<const Format*> storable_formats() {
  std::vector<const Format*> storable;
  for (const Format* format : builtin_formats())
    if (format->gguf_type) storable.push_back(format);
  return storable;
}

std::vector<GgufTensorPlan> arbitrary_tensors() {
  std::vector<GgufTensorPlan> tensors;
  for (const std::string& name : *rc::gen::container<std::set<std::string>>(rc::gen::nonEmpty<std::string>())) {
    const Format* format = *rc::gen::elementOf(storable_formats());
    std::vector<int64_t> sizes =
        *rc::gen::resize(3, rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(1, 6)));
    sizes.resize(std::min<size_t>(sizes.size(), 3));
    sizes.push_back(*rc::gen::inRange<int64_t>(1, 4) * format->block_elements);
    tensors.push_back({name, {.shape = *Shape::from(sizes), .format = format}});
  }
  return tensors;
}

RC_GTEST_PROP(GgufWriter, WhatIsWrittenIsReadBack, ()) {
  const GgufMetadata metadata = arbitrary_metadata();
  const std::vector<GgufTensorPlan> tensors = arbitrary_tensors();
  std::string data;
  for (const GgufTensorPlan& tensor : tensors)
    for (int64_t i = 0; i < tensor.desc.bytes(); ++i) data += static_cast<char>(data.size() * 131 >> 3);

  const ScratchFolder folder;
  auto writer = GgufWriter::create(folder / "m.gguf", metadata, tensors);
  RC_ASSERT(writer.has_value());
  const auto piece = *rc::gen::inRange<size_t>(1, 200);
  for (size_t begin = 0; begin < data.size(); begin += piece)
    RC_ASSERT(writer->write(as_bytes(std::string_view(data).substr(begin, piece))).has_value());
  RC_ASSERT(writer->finish().has_value());

  const auto file = GgufFile::open(folder / "m.gguf");
  RC_ASSERT(file.has_value());
  RC_ASSERT(file->version() == 3u);
  RC_ASSERT(std::ranges::equal(file->metadata().entries(), metadata.entries()));
  RC_ASSERT(file->tensors().size() == tensors.size());
  std::string read;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    RC_ASSERT(tensor.name == tensors[i].name);
    RC_ASSERT(tensor.shape == tensors[i].desc.shape);
    RC_ASSERT(tensor.format == tensors[i].desc.format);
    RC_ASSERT(tensor.offset % 32 == 0u);
    read += as_string(tensor.data);
  }
  RC_ASSERT(read == data);
}

TEST(GgufWriter, WritesTheBytesOfTheFormat) {
  GgufMetadata metadata;
  metadata.set("n", uint32_t{7});
  metadata.set("list", std::vector<bool>{true, false});
  const ScratchFolder folder;
  auto writer = GgufWriter::create(folder / "m.gguf", metadata, {{"a", {.shape = {2, 3}, .format = &formats::f16()}}});
  ASSERT_TRUE(writer && writer->write(as_bytes(std::string(12, 5))) && writer->finish());
  const std::string expected = GgufBytes()
                                   .header(1, 2)
                                   .pair<uint32_t>("n", 4, 7)
                                   .text("list")
                                   .put<uint32_t>(9)
                                   .put<uint32_t>(7)
                                   .put<uint64_t>(2)
                                   .put<uint8_t>(1)
                                   .put<uint8_t>(0)
                                   .tensor("a", {3, 2}, 1, 0)
                                   .pad()
                                   .data(12, 5)
                                   .pad()
                                   .take();
  EXPECT_EQ(read_whole(folder / "m.gguf"), expected);
}

TEST(GgufWriter, RefusesWhatCannotBeStored) {
  const ScratchFolder folder;
  const auto refusal = [&](const GgufMetadata& metadata, std::vector<GgufTensorPlan> tensors) {
    const auto writer = GgufWriter::create(folder / "m.gguf", metadata, std::move(tensors));
    return writer ? "accepted" : writer.error().message();
  };
  const TensorDesc desc = {.shape = {4}, .format = &formats::f32()};
  Format homeless = formats::f32();
  homeless.gguf_type.reset();
  EXPECT_EQ(refusal({}, {{"a", desc}, {"b", desc}}), "accepted");
  EXPECT_THAT(refusal({}, {{"a", desc}, {"a", desc}}), HasSubstr("tensor \"a\": it is given twice"));
  EXPECT_THAT(refusal({}, {{"", desc}}), HasSubstr("its name has 0 bytes"));
  EXPECT_THAT(refusal({}, {{"a", {.shape = {4}, .format = &homeless}}}), HasSubstr("cannot be stored in a GGUF file"));
  EXPECT_THAT(refusal({}, {{"a", {.shape = {4}, .format = nullptr}}}), HasSubstr("cannot be stored in a GGUF file"));
  EXPECT_THAT(refusal({}, {{"a", {.shape = {0, 4}, .format = &formats::f32()}}}),
              HasSubstr("F32[0, 4] cannot be stored"));
  GgufMetadata aligned;
  aligned.set("general.alignment", uint32_t{64});
  EXPECT_THAT(refusal(aligned, {}), HasSubstr("alignment 32 only"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(GgufWriter, AnIncompleteFileNeverAppears) {
  const ScratchFolder folder;
  {
    auto writer = GgufWriter::create(folder / "m.gguf", {}, {{"a", {.shape = {4}, .format = &formats::f32()}}});
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->write(as_bytes("123456789012345")));
    EXPECT_THAT(writer->finish().error().message(), HasSubstr("tensor \"a\" was not written whole"));
    ASSERT_TRUE(writer->write(as_bytes("6")));
    EXPECT_THAT(writer->write(as_bytes("7")).error().message(), HasSubstr("more bytes were written"));
  }
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(GgufWriter, AFullDiskIsAnError) {
  auto writer = GgufWriter::create("/dev/full", {}, {{"a", {.shape = {1 << 20}, .format = &formats::f32()}}});
  ASSERT_TRUE(writer);
  const Status status = writer->write(as_bytes(std::string(4 << 20, 'x')));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_THAT(status.error().message(), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace trireme::runtime
