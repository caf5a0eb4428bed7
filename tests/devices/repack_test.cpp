// Kernels that repack weights write what pack_rows() writes, byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "compiler/device/compiled_weight.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/packed.h"
#include "tests/devices/invented_formats.h"
#include "tests/devices/masks.h"
#include "tests/support/greedy.h"

namespace trireme::devices_test {
namespace {

using compiler::CompiledWeight;
using compiler::RowPart;

struct Layouts {
  const char* name;
  Mask mask;
};

void repacking(Target& target) { target.repacks_weights = true; }

// A section with a 3-bit zero point for each 16 of 48 codes, one with the codes, and a bf16 scale before each row.
Format zeros_and_sections() {
  Format format;
  format.name = "ZEROS_AND_SECTIONS";
  format.block_elements = 48;
  format.block_bytes = 26;
  format.sections = {2, 24};
  format.row_head_bytes = 2;
  format.codes.fields = {bits(4, 0, {{1, 0, 4}})};
  format.codes.section = 1;
  Number scale = block_number(NumberType::kBF16, 0, {bits(16, 0, {})});
  scale.place = Place::kRowHead;
  format.scale = {scale};
  format.zero = block_number(NumberType::kUnsigned, 16, {bits(3, 1, {{1, 0, 3}})});
  return format;
}

// Signed codes from the last bits to the first, of which the second half has a higher bit elsewhere; odd steps, signs,
// and factors of a byte that are divided by.
Format backwards() {
  Codes codes;
  BitField high = bits(1, 192, {{1, 0, 1}}, 3);
  high.first = 32;
  codes.fields = {bits(3, 189, {{1, 0, -3}}), high};
  codes.type = NumberType::kSigned;
  codes.multiplier = -5;
  codes.offset = 3;
  Number scale = block_number(NumberType::kUnsigned, 16, {bits(7, 256, {{1, 0, 7}})}, 0.3f, 0.7f);
  scale.reciprocal = true;
  Format format = block_format("BACKWARDS", 0, 64, 41, codes, {scale});
  format.signs = {4, true, {bits(3, 224, {{1, 8, 3}})}};
  return format;
}

// An f32 scale, a signed zero point of 4 bits for each 8 of 32 codes, the codes, and minima that are powers of two.
Format signed_zeros() {
  Codes codes;
  codes.fields = {bits(5, 48, {{1, 0, 5}})};
  codes.type = NumberType::kSigned;
  Format format = block_format("SIGNED_ZEROS", 0, 32, 28, codes, {block_number(NumberType::kF32, 0, {bits(32, 0, {})})},
                               {block_number(NumberType::kE8M0, 16, {bits(8, 208, {{1, 0, 8}})}, -0.5f)});
  format.zero = block_number(NumberType::kSigned, 8, {bits(4, 32, {{1, 0, 4}})}, 3.0f, 2.0f);
  return format;
}

// 2-bit codes and an f16 in 10 of 128 bytes.
Format mostly_nothing() {
  Codes codes;
  codes.fields = {bits(2, 16, {{1, 0, 2}})};
  return block_format("MOSTLY_NOTHING", 0, 32, 128, codes, {block_number(NumberType::kF16, 0, {bits(16, 0, {})})});
}

// Formats with a row head have a finite bf16 there.
Result<conformance::Packed> random_rows(const Format& format, int64_t rows, int64_t columns) {
  conformance::Random random(format.name);
  if (format.row_head_bytes == 0)
    return random_packed(format, rows, columns, conformance::Magnitudes::kExtreme, random);
  conformance::Packed packed;
  packed.data.resize(size_t(format.tensor_bytes(rows, columns)));
  for (std::byte& byte : packed.data) byte = std::byte(random.bits());
  for (int64_t row = 0; row < rows; ++row) {
    const uint16_t head = f32_to_bf16(float(random.uniform(-4, 4)));
    std::memcpy(packed.data.data() + row * format.row_bytes(columns), &head, sizeof head);
  }
  return packed;
}

class Repacking : public testing::TestWithParam<std::tuple<const char*, Layouts>> {
 protected:
  static Result<std::shared_ptr<Device>> open(const Mask& more) {
    const auto& [id, layouts] = GetParam();
    const auto mask = [&](Target& target) {
      layouts.mask(target);
      more(target);
    };
    if (std::string(id) != "interpreter") return open_masked(id, mask);
    Target target;
    mask(target);
    return compiler::test::open_interpreter(target);
  }

  Target target_left() const {
    Target left;
    EXPECT_TRUE(open([&](Target& target) {
      repacking(target);
      left = target;
    }));
    return left;
  }

  static std::string planes_of(const CompiledWeight& weight, const HostTensor& tensor,
                               const compiler::WeightLayout& layout, const RowPart& part) {
    const int64_t columns = tensor.desc.shape.back();
    std::vector<std::vector<std::byte>> expected;
    std::vector<std::span<std::byte>> spans;
    for (const uint64_t size : compiler::plane_bytes(layout, part.count, columns)) expected.emplace_back(size);
    for (auto& plane : expected) spans.emplace_back(plane);
    const Status packed = compiler::pack_rows(layout, tensor, part.first, part.count, spans);
    if (!packed) return packed.error().message();
    for (int plane = 0; plane < layout.planes(); ++plane) {
      const auto own = compiler::plane_part(layout, part, columns, plane);
      const BufferRange range = weight.range({.plane = plane, .offset = own.offset, .bytes = own.bytes});
      std::vector<std::byte> found(own.bytes);
      if (const Status read = range.buffer->read(range.offset, found); !read) return read.error().message();
      const auto& wanted = expected[size_t(plane)];
      if (const auto wrong = std::ranges::mismatch(found, wanted); wrong.in1 != found.end())
        return "plane " + std::to_string(plane) + " differs from byte " + std::to_string(wrong.in1 - found.begin()) +
               " on";
    }
    return "";
  }

  static void expect_same(Device& device, const Target& target, const Format& format, int64_t rows, int64_t columns) {
    SCOPED_TRACE(format.name + " " + std::to_string(rows) + "x" + std::to_string(columns));
    const auto packed = random_rows(format, rows, columns);
    ASSERT_TRUE(packed) << packed.error().message();
    const HostTensor tensor{{{rows, columns}, &format}, packed->data, {}, format.name};
    const compiler::WeightLayout layout = compiler::weight_layout(tensor.desc, target);
    EXPECT_EQ(compiler::why_packed_by_host(tensor.desc, layout, target).value_or(""), "");
    const auto weight = device.prepare_weight(tensor, WeightUse::kMatmul);
    ASSERT_TRUE(weight) << weight.error().message();
    const auto& compiled = dynamic_cast<const CompiledWeight&>(**weight);
    const auto parts = compiler::row_parts(tensor.desc, target);
    ASSERT_TRUE(parts) << parts.error().message();
    for (const RowPart& part : *parts)
      EXPECT_EQ(planes_of(compiled, tensor, layout, part), "") << "from row " << part.first;
  }
};

// Columns of whole blocks of the format and of the layout.
int64_t fewest_columns(const Format& format) { return std::lcm(format.block_elements, int64_t{32}); }

TEST_P(Repacking, GivesThePlanesOfEveryFormatWithCodes) {
  const auto device = open(repacking);
  ASSERT_TRUE(device) << device.error().message();
  const Target target = target_left();
  int count = 0;
  for (const Format* format : builtin_formats()) {
    if (!has_integer_codes(*format) || !format->rows_stand_alone() || format == &formats::q8_act()) continue;
    for (const auto& [rows, blocks] : {std::pair<int64_t, int64_t>{1, 1}, {33, 3}, {81, 2}})
      expect_same(**device, target, *format, rows, blocks * fewest_columns(*format));
    ++count;
  }
  EXPECT_GT(count, 20);
}

TEST_P(Repacking, GivesThePlanesOfInventedFormats) {
  const auto device = open(repacking);
  ASSERT_TRUE(device) << device.error().message();
  const Target target = target_left();
  for (const Format& format : {three_bits(), zeros_and_sections(), backwards(), signed_zeros()}) {
    ASSERT_TRUE(verify(format)) << verify(format).error().message();
    ASSERT_TRUE(has_integer_codes(format)) << format.name;
    expect_same(**device, target, format, 41, 3 * fewest_columns(format));
  }
}

TEST_P(Repacking, GoesByPartsAndChunksOfWhatTheTargetBinds) {
  const auto small = [](Target& target) {
    repacking(target);
    target.max_buffer_bytes = 96 << 10;
  };
  const auto device = open(small);
  ASSERT_TRUE(device) << device.error().message();
  Target target = target_left();
  small(target);
  expect_same(**device, target, *find_format("Q4_K"), 700, 512);
  const Format format = mostly_nothing();
  EXPECT_LT(compiler::repack_chunk_rows(format, 64, target), 400);
  expect_same(**device, target, format, 1300, 64);
}

TEST_P(Repacking, RefusesBytesThatDoNotMatch) {
  const auto device = open(repacking);
  ASSERT_TRUE(device) << device.error().message();
  const Format& format = *find_format("Q4_0");
  const conformance::Packed packed = *random_rows(format, 4, 32);
  const auto weight = (*device)->prepare_weight({{{5, 32}, &format}, packed.data, {}, "short"}, WeightUse::kMatmul);
  ASSERT_FALSE(weight);
  EXPECT_EQ(weight.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(weight.error().message().find("repacking short"), std::string::npos) << weight.error().message();
}

// The logits after a few ids, on vulkan:0.
std::vector<float> logits_of(const std::shared_ptr<const runtime::Model>& model, std::span<const int32_t> ids,
                             const Mask& mask) {
  const auto device = open_masked("vulkan:0", mask);
  EXPECT_TRUE(device) << device.error().message();
  if (!device) return {};
  const auto placement = compiler::Placement::on(*device, int(model->hyperparameters().layers));
  auto session = runtime::Session::create(model, placement, testing_support::small_session());
  EXPECT_TRUE(session) << session.error().message();
  if (!session) return {};
  const runtime::SequenceId sequence = *(*session)->create_sequence();
  std::vector<runtime::StepRow> rows;
  for (const int32_t id : ids) rows.push_back({id, sequence, false});
  rows.back().output = true;
  const auto result = (*session)->step(rows);
  EXPECT_TRUE(result) << result.error().message();
  if (!result) return {};
  return {result->values.begin(), result->values.end()};
}

TEST(RepackedModel, GivesTheSameBits) {
  const auto recorded = testing_support::load_recorded_model(TRIREME_MODEL_FOLDER, "SmolLM2-135M-Instruct.Q4_1");
  const auto model = testing_support::open_model(recorded.path);
  ASSERT_TRUE(model);
  const std::span<const int32_t> ids = std::span(recorded.prompts[0].ids).first(5);
  const std::vector<float> packed = logits_of(model, ids, as_a_gpu);
  const std::vector<float> repacked = logits_of(model, ids, [](Target& target) {
    as_a_gpu(target);
    repacking(target);
  });
  ASSERT_FALSE(packed.empty());
  EXPECT_EQ(packed, repacked);
}

TEST(RepackingDevice, SaysWhatLoadingTakes) {
  Target target;
  const auto loading_bytes = [&] { return (*compiler::test::open_interpreter(target))->loading_bytes(); };
  EXPECT_EQ(loading_bytes(), 0u);
  target.repacks_weights = true;
  EXPECT_EQ(loading_bytes(), compiler::kRepackChunks * compiler::kRepackChunkBytes);
}

// What the host packs, and why.
TEST(PackedByTheHost, IsWhatNoKernelReads) {
  Target target;
  target.repacks_weights = true;
  const auto why = [&](const char* name, const Target& of) {
    const TensorDesc desc{{64, 512}, find_format(name)};
    return compiler::why_packed_by_host(desc, compiler::weight_layout(desc, of), of).value_or("");
  };
  EXPECT_EQ(why("Q4_K", target), "");
  EXPECT_EQ(why("Q4_K", {}), "its memory is the host's, or it is software");
  EXPECT_EQ(why("F16", target), "its planes are not codes");
  EXPECT_EQ(why("I2_S", target), "its rows do not stand alone");
  target.max_buffer_bytes = 4096;
  EXPECT_EQ(why("Q4_K", target), "the device binds less than a tile of rows");
}

const Layouts kGpu{"AsAGpu", as_a_gpu}, kLanes{"WithLanes", [](Target&target) {
                                                 target.vector_lanes = 8;
                                                 target.exact_division = true;
                                               }};

std::string name_of(const testing::TestParamInfo<std::tuple<const char*, Layouts>>& info) {
  const std::string device = std::get<0>(info.param);
  return device.substr(0, device.find(':')) + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Interpreted, Repacking,
                         testing::Combine(testing::Values("interpreter"), testing::Values(kGpu, kLanes)), name_of);
INSTANTIATE_TEST_SUITE_P(Driven, Repacking,
                         testing::Combine(testing::Values("opencl:0", "vulkan:0"), testing::Values(kGpu)), name_of);

}  // namespace
}  // namespace trireme::devices_test
