#include "runtime/convert/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "hal/format_decoder.h"
#include "runtime/files/gguf_writer.h"
#include "runtime/files/model_file.h"
#include "runtime/quantize/encoder.h"
#include "tests/runtime/convert/temporary_folder.h"

namespace trireme::runtime {
namespace {

const std::string kGguf = std::string(TRIREME_TEST_DATA) + "/models/llama/model.gguf";
const std::string kFolder = std::string(TRIREME_TEST_DATA) + "/models/llama";

QuantizeOptions options_of(const char* type, int threads = 2) {
  QuantizeOptions options;
  options.rules.type = *find_target_format(type);
  options.threads = threads;
  return options;
}

// A GGUF file with one matrix of an unknown architecture.
std::string write_matrix(const TemporaryFolder& folder, Shape shape, float value) {
  const std::string path = folder.file("matrix.gguf");
  GgufMetadata metadata;
  EXPECT_TRUE(metadata.add("general.architecture", std::string("something")));
  auto writer = GgufWriter::create(path, metadata, {{"m.weight", {shape, &formats::f32()}}});
  EXPECT_TRUE(writer);
  const std::vector<float> values(size_t(shape.elements()), value);
  EXPECT_TRUE(writer->write(std::as_bytes(std::span(values))));
  EXPECT_TRUE(writer->finish());
  return path;
}

const Format* format_of(const ModelFile& file, const char* name) {
  const HostTensor* tensor = file.find(name);
  return tensor ? tensor->desc.format : nullptr;
}

class EveryType : public testing::TestWithParam<const char*> {};

TEST_P(EveryType, HoldsWhatTheEncoderMakesOfEachRow) {
  TemporaryFolder folder;
  const auto summary = quantize(kGguf, folder.file("out.gguf"), options_of(GetParam()));
  ASSERT_TRUE(summary) << summary.error().message();
  const auto in = ModelFile::open(kGguf);
  const auto out = ModelFile::open(folder.file("out.gguf"));
  ASSERT_TRUE(in && out);
  ASSERT_EQ(out->tensors().size(), in->tensors().size());
  EXPECT_EQ(summary->tensors, int64_t(in->tensors().size()));
  EXPECT_EQ(summary->bytes_out, std::filesystem::file_size(folder.file("out.gguf")));
  EXPECT_EQ(summary->bytes_in, in->tensor_bytes());
  for (const HostTensor& tensor : out->tensors()) {
    const HostTensor& source = *in->find(tensor.name);
    ASSERT_EQ(tensor.desc.shape, source.desc.shape);
    std::vector<float> values(size_t(source.desc.shape.elements()));
    ASSERT_TRUE(decode_rows(source, 0, source.desc.shape.rows(), values));
    std::vector<std::byte> expected(tensor.data.size());
    const auto columns = size_t(source.desc.shape.back());
    const auto row_bytes = size_t(tensor.desc.format->row_bytes(int64_t(columns)));
    for (size_t row = 0; row < size_t(source.desc.shape.rows()); ++row)
      ASSERT_TRUE(encode_row(*tensor.desc.format, std::span(values).subspan(row * columns, columns),
                             std::span(expected).subspan(row * row_bytes, row_bytes)));
    EXPECT_TRUE(std::ranges::equal(tensor.data, expected)) << tensor.name;
    if (tensor.desc.shape.rank() == 1) {
      EXPECT_EQ(tensor.desc.format, &formats::f32()) << tensor.name;
    }
  }
}

TEST_P(EveryType, TheBytesDoNotDependOnThreads) {
  TemporaryFolder folder;
  for (const int threads : {1, 2, 7})
    ASSERT_TRUE(quantize(kFolder, folder.file(std::to_string(threads)), options_of(GetParam(), threads)));
  ASSERT_TRUE(quantize(kFolder, folder.file("again"), options_of(GetParam(), 2)));
  const std::string expected = read_all(folder.file("1"));
  EXPECT_FALSE(expected.empty());
  for (const char* name : {"2", "7", "again"}) EXPECT_EQ(read_all(folder.file(name)), expected) << name;
}

INSTANTIATE_TEST_SUITE_P(All, EveryType, testing::Values("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q6_K"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Quantize, KeepsEveryKeyButTheTypeOfTheFile) {
  TemporaryFolder folder;
  ASSERT_TRUE(quantize(kGguf, folder.file("out.gguf"), options_of("Q4_1")));
  const auto in = ModelFile::open(kGguf);
  const auto out = ModelFile::open(folder.file("out.gguf"));
  ASSERT_TRUE(in && out);
  ASSERT_EQ(out->gguf_metadata()->entries().size(), in->gguf_metadata()->entries().size());
  for (size_t i = 0; i < in->gguf_metadata()->entries().size(); ++i) {
    const auto& [key, value] = in->gguf_metadata()->entries()[i];
    EXPECT_EQ(out->gguf_metadata()->entries()[i].first, key);
    if (key != "general.file_type") {
      EXPECT_EQ(out->gguf_metadata()->entries()[i].second, value) << key;
    }
  }
  EXPECT_EQ(out->gguf_metadata()->integer("general.file_type"), 3);
  EXPECT_EQ(out->gguf_metadata()->integer("general.quantization_version"), 2);
}

TEST(Quantize, RulesDecideInTheirOrder) {
  TemporaryFolder folder;
  QuantizeOptions options = options_of("Q4_0");
  options.rules.tensors = {{"ffn_down", *find_target_format("Q8_0")},
                           {"^blk\\.1\\.", *find_target_format("f16")},
                           {"output_norm", *find_target_format("BF16")}};
  ASSERT_TRUE(quantize(kGguf, folder.file("out.gguf"), options));
  const auto out = ModelFile::open(folder.file("out.gguf"));
  ASSERT_TRUE(out);
  EXPECT_EQ(format_of(*out, "blk.1.ffn_down.weight"), find_format("Q8_0"));
  EXPECT_EQ(format_of(*out, "blk.1.attn_q.weight"), find_format("F16"));
  EXPECT_EQ(format_of(*out, "blk.0.attn_q.weight"), find_format("Q4_0"));
  EXPECT_EQ(format_of(*out, "output_norm.weight"), find_format("BF16"));
  EXPECT_EQ(format_of(*out, "token_embd.weight"), find_format("Q8_0"));
  EXPECT_EQ(format_of(*out, "output.weight"), find_format("Q8_0"));
}

TEST(Quantize, TheEmbeddingTypeIsTheUsers) {
  TemporaryFolder folder;
  QuantizeOptions options = options_of("Q4_0");
  options.rules.embedding = *find_target_format("F16");
  ASSERT_TRUE(quantize(kGguf, folder.file("out.gguf"), options));
  const auto out = ModelFile::open(folder.file("out.gguf"));
  ASSERT_TRUE(out);
  EXPECT_EQ(format_of(*out, "token_embd.weight"), find_format("F16"));
  EXPECT_EQ(format_of(*out, "output.weight"), find_format("F16"));
}

TEST(Quantize, RowsThatDoNotDivideFallBackAndAreTold) {
  TemporaryFolder folder;
  struct Case {
    int64_t columns;
    const char* wanted;
    const char* used;
  };
  for (const Case one : {Case{512, "Q4_K", "Q4_K"}, Case{288, "Q4_K", "Q5_0"}, Case{288, "Q6_K", "Q8_0"},
                         Case{288, "Q5_K", "Q5_1"}, Case{288, "Q3_K", "Q4_0"}, Case{288, "Q2_K", "Q4_0"},
                         Case{100, "Q4_0", "F16"}, Case{100, "Q6_K", "F16"}, Case{100, "F32", "F32"}}) {
    const std::string in = write_matrix(folder, {3, one.columns}, 0.5f);
    const auto summary = quantize(in, folder.file("out.gguf"), options_of(one.wanted));
    ASSERT_TRUE(summary) << summary.error().message();
    const auto out = ModelFile::open(folder.file("out.gguf"));
    ASSERT_TRUE(out);
    EXPECT_EQ(format_of(*out, "m.weight"), find_format(one.used));
    std::vector<Fallback> expected;
    if (one.wanted != std::string(one.used)) expected.push_back({"m.weight", one.wanted, one.used, one.columns});
    EXPECT_EQ(summary->fallbacks, expected);
  }
}

TEST(Quantize, MoreRowsThanOneSlabKeepTheirPlaces) {
  TemporaryFolder folder;
  const Shape shape{70000, 64};
  std::vector<float> values(size_t(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(i % 1009) - 504.0f;
  auto writer = GgufWriter::create(folder.file("in.gguf"), {}, {{"m.weight", {shape, &formats::f32()}}});
  ASSERT_TRUE(writer && writer->write(std::as_bytes(std::span(values))) && writer->finish());
  ASSERT_TRUE(quantize(folder.file("in.gguf"), folder.file("out.gguf"), options_of("BF16", 3)));
  const auto out = ModelFile::open(folder.file("out.gguf"));
  ASSERT_TRUE(out);
  std::vector<float> read(values.size());
  ASSERT_TRUE(decode_rows(*out->find("m.weight"), 0, shape.rows(), read));
  for (float& value : values) {
    std::vector<std::byte> one(2);
    ASSERT_TRUE(encode_row(formats::bf16(), std::span(&value, 1), one));
    ASSERT_TRUE(decode_row(formats::bf16(), one, std::span(&value, 1)));
  }
  EXPECT_EQ(read, values);
}

TEST(Quantize, ProgressReachesTheEndAndMayStop) {
  TemporaryFolder folder;
  QuantizeOptions options = options_of("Q8_0");
  uint64_t last = 0;
  uint64_t all = 0;
  options.progress = [&](uint64_t done, uint64_t total) -> Status {
    EXPECT_GE(done, last);
    last = done;
    all = total;
    return {};
  };
  ASSERT_TRUE(quantize(kGguf, folder.file("out.gguf"), options));
  EXPECT_EQ(last, all);
  EXPECT_GT(all, 0u);
  options.progress = [](uint64_t, uint64_t) -> Status { return fail(ErrorCode::kCancelled, "test", "stop"); };
  const auto stopped = quantize(kGguf, folder.file("stopped.gguf"), options);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(folder.file("stopped.gguf")));
}

TEST(Quantize, ValuesThatAreNotFiniteAreRefusedByName) {
  TemporaryFolder folder;
  const std::string in = write_matrix(folder, {3, 64}, std::numeric_limits<float>::quiet_NaN());
  const auto result = quantize(in, folder.file("out.gguf"), options_of("Q8_0"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kCorruptData);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("m.weight"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("out.gguf")));
}

TEST(Quantize, ScalesThatAreNotFiniteAreRefusedByNameAlsoWhereBlocksStayAsTheyAre) {
  TemporaryFolder folder;
  const std::string path = folder.file("packed.gguf");
  GgufMetadata metadata;
  ASSERT_TRUE(metadata.add("general.architecture", std::string("something")));
  auto writer = GgufWriter::create(path, metadata, {{"m.weight", {{1, 32}, find_format("Q8_0")}}});
  ASSERT_TRUE(writer);
  std::array<std::byte, 34> block{};
  block[1] = std::byte{0x7e};  // its scale is not a number
  ASSERT_TRUE(writer->write(block) && writer->finish());
  const auto result = quantize(path, folder.file("out.gguf"), options_of("Q8_0"));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), testing::HasSubstr("m.weight"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("out.gguf")));
}

TEST(Quantize, RefusesWhatItReadsAsItsOutput) {
  TemporaryFolder folder;
  const std::string in = write_matrix(folder, {2, 32}, 1.0f);
  std::filesystem::create_symlink(in, folder.file("link.gguf"));
  for (const std::string& out : {in, folder.file("link.gguf"), folder.path().string()}) {
    const std::string before = read_all(in);
    const auto result = quantize(in, out, options_of("Q8_0"));
    ASSERT_FALSE(result) << out;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument) << result.error().message();
    EXPECT_EQ(read_all(in), before);
  }
  const auto weights = quantize(kFolder, kFolder + "/model.safetensors", options_of("Q8_0"));
  ASSERT_FALSE(weights);
  EXPECT_EQ(weights.error().code(), ErrorCode::kInvalidArgument);
}

TEST(Quantize, RefusesPatternsThatAreWrongOrMatchNothing) {
  TemporaryFolder folder;
  QuantizeOptions options = options_of("Q4_0");
  options.rules.tensors = {{"ffn_(", &formats::f16()}};
  const auto broken = quantize(kGguf, folder.file("out.gguf"), options);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), testing::HasSubstr("ffn_("));
  options.rules.tensors = {{"ffn_dwon", &formats::f16()}};
  const auto unused = quantize(kGguf, folder.file("out.gguf"), options);
  ASSERT_FALSE(unused);
  EXPECT_EQ(unused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder.file("out.gguf")));
}

TEST(Quantize, RefusesInputsThatAreNoModels) {
  TemporaryFolder folder;
  std::ofstream(folder.path() / "text.gguf") << "not a model";
  for (const std::string& in : {folder.file("missing.gguf"), folder.file("text.gguf"), folder.path().string()})
    EXPECT_FALSE(quantize(in, folder.file("out.gguf"), options_of("Q8_0"))) << in;
  EXPECT_FALSE(std::filesystem::exists(folder.file("out.gguf")));
}

TEST(FindTargetFormat, KnowsTheTypesThatCanBeMadeInAnyCase) {
  for (const char* name :
       {"F32", "f16", "bf16", "Q8_0", "q4_0", "Q4_1", "q4_k", "Q6_K", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q5_K"})
    EXPECT_TRUE(find_target_format(name)) << name;
  for (const char* name : {"", "Q9_9", "IQ2_XXS", "I32", "Q4_K_M"}) {
    const auto result = find_target_format(name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(result.error().message(), testing::HasSubstr("Q4_K"));
  }
}

}  // namespace
}  // namespace trireme::runtime
