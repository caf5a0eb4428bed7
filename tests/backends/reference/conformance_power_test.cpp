// The conformance suite must notice devices that are wrong: results just outside their interval, mistakes that real
// kernels make, and writes where none belong.
#include <gmock/gmock.h>

#include <cmath>

#include "backends/reference/backend.h"
#include "tests/conformance/intervals.h"
#include "tests/conformance/judge.h"
#include "tests/conformance/operands.h"
#include "tests/conformance/runner.h"
#include "tests/hal/forwarding_device.h"

namespace trireme::conformance {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<Device> open_reference() { return *reference::create_backend()->open(0, {}); }

// A traits' worth of an ordinary f32 device.
const NumericTraits kTraits{};

struct Judged {
  Case test;
  std::vector<Bytes> expected;
  std::vector<std::vector<double>> allowed;

  Verdict of(const std::vector<Bytes>& actual) const { return judge(test, expected, actual, allowed); }
};

Judged judged(Device& device, const Case& test) {
  auto expected = execute(device, unquantised(test));
  EXPECT_TRUE(expected) << (expected ? "" : expected.error().message());
  return {test, *expected, *allowed_errors(test, kTraits)};
}

Case find_case(const std::string& name) {
  for (const CaseSource& source : all_cases(kHighestLevel))
    if (source.name == name) return *source.make(name);
  ADD_FAILURE() << "no case " << name;
  return {};
}

// What a device with a mistake computes: the reference on operands that are changed as the mistake would.
template <typename Mistake>
void expect_noticed(const std::string& name, Mistake mistake) {
  const auto device = open_reference();
  const Case test = find_case(name);
  const Judged right = judged(*device, test);
  EXPECT_TRUE(right.of(*execute(*device, test)).passed) << name;
  Case wrong = test;
  mistake(wrong);
  const auto actual = execute(*device, wrong);
  ASSERT_TRUE(actual) << actual.error().message();
  EXPECT_FALSE(right.of(*actual).passed) << name;
}

template <typename T>
void change(Bytes& bytes, size_t i, const std::function<T(T)>& function) {
  auto values = values_of<T>(bytes);
  values[i] = function(values[i]);
  bytes = bytes_of(values);
}

TEST(ConformancePower, AcceptsHalfAnIntervalAndRefusesTwo) {
  const auto device = open_reference();
  int perturbed = 0;
  for (const CaseSource& source : all_cases(1)) {
    const Case test = *source.make(source.name);
    const Judged right = judged(*device, test);
    const auto actual = *execute(*device, test);
    for (size_t output = 0; output < actual.size(); ++output) {
      if (test.op.outputs[output].format != &formats::f32()) continue;
      const auto& allowed = right.allowed[output];
      const auto at = size_t(std::max_element(allowed.begin(), allowed.end()) - allowed.begin());
      const auto shifted = [&](double by) {
        auto outputs = actual;
        change<float>(outputs[output], at, [&](float value) { return float(double(value) + by); });
        return right.of(outputs);
      };
      const double value = std::fabs(double(values_of<float>(actual[output])[at]));
      // Where an interval is empty or about as fine as f32, a neighbouring value is outside.
      const double step = std::max(2 * allowed[at], value * 0x1p-22 + 0x1p-140);
      if (counted_rows(test, test.op.outputs[output]) == 0 || std::holds_alternative<Reshape>(test.op.params)) continue;
      EXPECT_FALSE(shifted(step).passed) << source.name;
      EXPECT_FALSE(shifted(NAN).passed) << source.name;
      if (allowed[at] > value * 0x1p-20) {
        EXPECT_TRUE(shifted(0.5 * allowed[at]).passed) << source.name;
      }
      ++perturbed;
    }
  }
  EXPECT_GT(perturbed, 100);
}

TEST(ConformancePower, NoticesWritesToRowsThatDoNotCount) {
  const auto device = open_reference();
  for (const char* name :
       {"matmul F32 float 8x20x256 of which 5", "matmul F32 float 8x20x256 of which 0", "quantize_q8 5x576"}) {
    const Case test = find_case(name);
    const Judged right = judged(*device, test);
    auto actual = *execute(*device, test);
    EXPECT_TRUE(right.of(actual).passed) << name;
    actual[0].back() = std::byte{0};
    EXPECT_THAT(right.of(actual).message, HasSubstr("past the rows that count")) << name;
  }
}

TEST(ConformancePower, NoticesWrongQuantisedRows) {
  const auto device = open_reference();
  const Case test = find_case("fused_norm 1x32 quantised");
  const Judged right = judged(*device, test);
  const auto good = (*execute(*device, test))[0];
  ASSERT_TRUE(right.of({good}).passed);
  const auto with = [&](size_t offset, int by) {
    Bytes bytes = good;
    bytes[offset] = std::byte(uint8_t(int(bytes[offset]) + by));
    return right.of({bytes}).passed;
  };
  EXPECT_FALSE(with(3, 2)) << "a code that is two off";
  EXPECT_FALSE(with(32 + 2, 1)) << "a scale that is 0.8 % off";
  EXPECT_FALSE(with(36, 1)) << "a sum that is one off";
  const Case exact = find_case("quantize_q8 1x32");
  const Judged exactly = judged(*device, exact);
  Bytes bytes = (*execute(*device, exact))[0];
  ASSERT_TRUE(exactly.of({bytes}).passed);
  bytes[32] ^= std::byte{1};
  EXPECT_FALSE(exactly.of({bytes}).passed) << "a scale that is one unit in the last place off";
}

TEST(ConformancePower, NoticesMistakesOfMatmuls) {
  expect_noticed("matmul F32 float 81x19x41", [](Case& test) {
    for (size_t row = 0; row < 81; ++row) change<float>(test.inputs[0], 41 * row + 40, [](float) { return 0.0f; });
  });
  expect_noticed("matmul F16 float 3x21x256 bias residual",
                 [](Case& test) { std::fill(test.inputs[2].end() - 2, test.inputs[2].end(), std::byte{0}); });
  // One group's scale is taken for its neighbour's.
  expect_noticed("matmul Q4_0 q8 2x35x512",
                 [](Case& test) { std::copy_n(test.inputs[1].begin() + 18, 2, test.inputs[1].begin()); });
  // The sums of the activations' codes are those of another group: a minimum is applied wrongly.
  expect_noticed("matmul Q4_1 q8 5x24x512 all +-127, extreme weights", [](Case& test) {
    test.inputs[0][512] ^= std::byte{0xff};
    test.inputs[0][40 * 16 + 5] ^= std::byte{0x3f};
  });
}

TEST(ConformancePower, NoticesMistakesOfOtherOps) {
  expect_noticed("unary 1 [2, 7, 19]", [](Case& test) { test.op.params = Unary{Activation::kGeluErf}; });
  expect_noticed("rms_norm [5, 576]", [](Case& test) { test.op.params = RmsNorm{3e-5f, 0.0f}; });
  expect_noticed("rope 0 5x3/1x64 pairs 32", [](Case& test) { test.op.params = Rope{RopeStyle::kInterleaved, 1.25f}; });
  expect_noticed("rope 0 5x3/1x64 pairs 32",
                 [](Case& test) { change<int32_t>(test.inputs[1], 3, [](int32_t p) { return p + 1; }); });
  expect_noticed("kv_store F16 7x3/3x5",
                 [](Case& test) { change<int32_t>(test.inputs[2], 0, [](int32_t) { return -1; }); });
  expect_noticed("attention F16 6 rows of 2x32 4/1x32 window 7",
                 [](Case& test) { test.op.params = Attention{.scale = 0.125f, .window = 8}; });
  expect_noticed("attention F32 13 rows of 3x24 4/2x64",
                 [](Case& test) { change<int32_t>(test.inputs[4], 5, [](int32_t p) { return p - 1; }); });
  expect_noticed("softmax 3x1000", [](Case& test) { change<float>(test.inputs[0], 999, [](float) { return -1e9f; }); });
}

// Returns from submit() after it has also written the last byte of every buffer.
class Overrunning final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  Result<std::shared_ptr<Buffer>> allocate(uint64_t bytes) override {
    auto buffer = ForwardingDevice::allocate(bytes);
    if (buffer) buffers_.push_back(*buffer);
    return buffer;
  }
  Status submit(CommandList& list, std::span<const TimelinePoint> waits,
                std::span<const TimelinePoint> signals) override {
    const std::byte zero{0};
    TRIREME_TRY(ForwardingDevice::submit(list, waits, signals));
    for (const auto& buffer : buffers_) TRIREME_TRY(buffer->write(buffer->size() - 1, {&zero, 1}));
    return {};
  }

 private:
  std::vector<std::shared_ptr<Buffer>> buffers_;
};

class Refusing final : public ForwardingDevice {
 public:
  using ForwardingDevice::ForwardingDevice;
  std::vector<Assessment> assess(std::span<const OpDesc> ops) const override {
    return std::vector<Assessment>(ops.size(), Unsupported{"it is tired"});
  }
};

TEST(ConformanceRunner, TellsFailuresFromRefusals) {
  const auto reference = open_reference();
  const CaseSource source = all_cases(0).front();
  Overrunning overrunning(open_reference());
  const CaseResult failed = run_case(overrunning, *reference, source);
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_THAT(failed.message, HasSubstr("wrote outside an operand"));
  Refusing refusing(open_reference());
  const CaseResult refused = run_case(refusing, *reference, source);
  EXPECT_EQ(refused.outcome, Outcome::kUnsupported);
  EXPECT_EQ(refused.message, "it is tired");
  EXPECT_EQ(run_case(*reference, *reference, source).outcome, Outcome::kPassed);
}

TEST(ConformanceRunner, RunsEveryCaseOfALevelAndOfThoseBelow) {
  const auto reference = open_reference();
  size_t seen = 0;
  const auto results = run_all(*reference, *reference, 0, [&](const CaseResult& result) {
    EXPECT_EQ(result.outcome, Outcome::kPassed) << result.message;
    ++seen;
  });
  EXPECT_EQ(seen, results.size());
  EXPECT_EQ(results.size(), all_cases(0).size());
  for (int level = 1; level <= kHighestLevel; ++level) EXPECT_GT(all_cases(level).size(), all_cases(level - 1).size());
}

// Every op of the variant has a case of the lowest level.
TEST(ConformanceRunner, KnowsEveryOp) {
  std::vector<bool> seen(std::variant_size_v<OpParams>, false);
  for (const CaseSource& source : all_cases(0)) seen[(*source.make(source.name)).op.params.index()] = true;
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_TRUE(seen[i]) << "op " << i;
}

TEST(ConformanceCases, AreTheSameBytesEachTime) {
  for (const CaseSource& source : all_cases(1)) {
    const Case a = *source.make(source.name), b = *source.make(source.name);
    EXPECT_EQ(a.inputs, b.inputs) << source.name;
  }
}

}  // namespace
}  // namespace trireme::conformance
