#include "runtime/files/check_scales.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <random>

#include "hal/format_decoder.h"
#include "runtime/files/safetensors_reader.h"
#include "scratch_folder.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

std::vector<const Format*> packed_formats() {
  std::vector<const Format*> packed;
  for (const Format* format : builtin_formats())
    if (!format->plain && format != &formats::q8_act()) packed.push_back(format);
  return packed;
}

// A tensor of a few blocks whose bytes a test may change.
class Sample {
 public:
  explicit Sample(const Format& format) {
    const Shape shape = {2 * format.block_rows, 2 * format.block_elements};
    data_.resize(size_t(format.tensor_bytes(shape[0], shape[1])));
    planes_.assign(format.planes.size(), std::vector<std::byte>(256));
    tensor_ = {.desc = {.shape = shape, .format = &format}, .data = data_, .planes = {}, .name = "t"};
    for (const auto& plane : planes_) tensor_.planes.push_back(plane);
  }

  void randomise(std::mt19937& random) {
    for (std::byte& byte : data_) byte = std::byte(random());
    for (auto& plane : planes_)
      for (std::byte& byte : plane) byte = std::byte(random());
  }
  HostTensor& tensor() { return tensor_; }

  bool decodes_to_finite_values() const {
    std::vector<float> values(size_t(tensor_.desc.shape.elements()));
    EXPECT_TRUE(decode_rows(tensor_, 0, tensor_.desc.shape.rows(), values));
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
  }

 private:
  std::vector<std::byte> data_;
  std::vector<std::vector<std::byte>> planes_;
  HostTensor tensor_;
};

// A scale that is not finite spoils every element under it, zeros too; nothing else can.
TEST(CheckScales, RefusesExactlyWhatDecodesToValuesThatAreNotFinite) {
  std::mt19937 random(1);
  for (const Format* format : packed_formats()) {
    Sample sample(*format);
    int refused = 0;
    for (int i = 0; i < 400; ++i) {
      sample.randomise(random);
      const bool accepted = check_scales(sample.tensor()).has_value();
      refused += accepted ? 0 : 1;
      // Codes may overflow under scales near the end of the range, and only eight-bit exponents can say "not a number"
      // where the decoder sees a power of two; elsewhere both agree.
      const NumberType type = format->scale[0].type;
      if (type == NumberType::kF16 || type == NumberType::kUE4M3) {
        EXPECT_EQ(accepted, sample.decodes_to_finite_values()) << format->name;
      } else if (type != NumberType::kE8M0) {
        EXPECT_TRUE(accepted || !sample.decodes_to_finite_values()) << format->name;
      }
    }
    if (format->scale[0].type == NumberType::kF16 || format->scale[0].type == NumberType::kE8M0) {
      EXPECT_GT(refused, 3) << format->name;
    }
  }
}

TEST(CheckScales, AcceptsTheGoldenVectorsOfEveryFormat) {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TRIREME_TEST_DATA) + "/formats")) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto file = SafetensorsFile::open(entry.path().string());
    ASSERT_TRUE(file) << file.error().message();
    const Format* format = find_format(entry.path().stem().string());
    ASSERT_NE(format, nullptr) << entry.path();
    const SafetensorsTensor& packed = *file->find("packed");
    const Shape& values = file->find("values")->shape;
    const HostTensor tensor = {
        .desc = {.shape = values, .format = format}, .data = packed.data, .planes = {}, .name = "t"};
    const Status status = check_scales(tensor);
    EXPECT_TRUE(status) << format->name << " " << status.error().message();
  }
}

TEST(CheckScales, NamesTheTensor) {
  Sample sample(*find_format("Q8_0"));
  ASSERT_TRUE(check_scales(sample.tensor()));
  std::vector<std::byte> data(sample.tensor().data.size());
  data[35] = std::byte{0x7c};  // the second block's scale: infinity
  sample.tensor().data = data;
  const Status status = check_scales(sample.tensor());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kCorruptData);
  EXPECT_THAT(status.error().message(), HasSubstr("tensor \"t\": one of its scales is not a finite number"));
}

TEST(CheckScales, ReadsTailsPlanesAndDividingScales) {
  const auto with_scale = [](const char* name, uint32_t bits) {
    const Format& format = *find_format(name);
    Sample sample(format);
    std::vector<std::byte> data(sample.tensor().data.begin(), sample.tensor().data.end());
    std::vector<std::byte> plane(sizeof(bits));
    std::memcpy(plane.data(), &bits, sizeof(bits));
    if (format.tensor_tail_bytes > 0)
      std::memcpy(&data[data.size() - size_t(format.tensor_tail_bytes)], &bits, sizeof(bits));
    sample.tensor().data = data;
    for (auto& one : sample.tensor().planes) one = plane;
    return check_scales(sample.tensor()).has_value();
  };
  constexpr uint32_t kOne = 0x3f800000;
  constexpr uint32_t kInfinity = 0x7f800000;
  constexpr uint32_t kNotANumber = 0xffc00000;
  for (const char* name : {"I2_S", "AUTOBITLINEAR_F32", "BITLINEAR_F32", "F8_E4M3_B128"}) {
    EXPECT_TRUE(with_scale(name, kOne)) << name;
    EXPECT_FALSE(with_scale(name, kInfinity)) << name;
    EXPECT_FALSE(with_scale(name, kNotANumber)) << name;
  }
  EXPECT_TRUE(with_scale("AUTOBITLINEAR_F32", 0));
  EXPECT_FALSE(with_scale("BITLINEAR_F32", 0)) << "it divides by the scale";
  EXPECT_TRUE(with_scale("BITLINEAR_BF16", 0x3f80));
  EXPECT_FALSE(with_scale("BITLINEAR_BF16", 0x7f80));
}

TEST(CheckScales, RefusesTensorsOfTheWrongSize) {
  Sample sample(*find_format("Q4_0"));
  sample.tensor().data = sample.tensor().data.first(sample.tensor().data.size() - 1);
  EXPECT_THAT(check_scales(sample.tensor()).error().message(), HasSubstr("do not match Q4_0[2, 64]"));

  Sample planar(*find_format("F8_E4M3_B128"));
  planar.tensor().planes[0] = planar.tensor().planes[0].first(3);
  EXPECT_THAT(check_scales(planar.tensor()).error().message(), HasSubstr("fewer bytes than its shape needs"));
  planar.tensor().planes.clear();
  EXPECT_FALSE(check_scales(planar.tensor()));

  HostTensor homeless;
  homeless.name = "t";
  EXPECT_THAT(check_scales(homeless).error().message(), HasSubstr("it has no format"));
}

TEST(CheckScales, LeavesPlainTensorsAlone) {
  const HostTensor tensor = {.desc = {.shape = {4}, .format = &formats::f32()}, .data = {}, .planes = {}, .name = "t"};
  EXPECT_TRUE(check_scales(tensor)) << "their data is not even looked at";
}

}  // namespace
}  // namespace trireme::runtime
