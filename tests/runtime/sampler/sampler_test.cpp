// The sampler draws from the distribution that its options define, and from no other.
#include "runtime/sampler/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "tests/support/counting_allocator.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

Sampler make(const SamplerOptions& options, std::size_t vocabulary_size) {
  auto sampler = Sampler::create(options, vocabulary_size);
  EXPECT_TRUE(sampler) << sampler.error().message();
  return std::move(*sampler);
}

// The probabilities that Hugging Face's processors leave, computed the plain way: sort, sum, cut.
std::vector<double> oracle(std::vector<double> scores, const SamplerOptions& options, const std::vector<int>& recent) {
  for (const int token : recent) {
    double& score = scores[static_cast<std::size_t>(token)];
    score = score < 0 ? score * options.repetition_penalty : score / options.repetition_penalty;
  }
  for (double& score : scores) score /= options.temperature;
  constexpr double kOut = -std::numeric_limits<double>::infinity();
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  if (options.top_k > 0 && static_cast<std::size_t>(options.top_k) < scores.size()) {
    const double least = scores[order[static_cast<std::size_t>(options.top_k) - 1]];
    for (double& score : scores) score = score < least ? kOut : score;
  }
  const auto probabilities = [&] {
    std::vector<double> out(scores.size());
    const double largest = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] = std::exp(scores[i] - largest);
    for (double& one : out) one /= sum;
    return out;
  };
  if (options.top_p < 1) {
    const std::vector<double> all = probabilities();
    double before = 0;
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      if (rank > 0 && before >= options.top_p) scores[order[rank]] = kOut;
      before += all[order[rank]];
    }
  }
  if (options.min_p > 0) {
    const std::vector<double> all = probabilities();
    const double least = options.min_p * *std::max_element(all.begin(), all.end());
    for (std::size_t i = 0; i < all.size(); ++i) scores[i] = all[i] < least ? kOut : scores[i];
  }
  return probabilities();
}

std::vector<int> count_picks(Sampler& sampler, const std::vector<float>& logits, int picks) {
  std::vector<int> counts(logits.size());
  for (int i = 0; i < picks; ++i) ++counts[static_cast<std::size_t>(sampler.pick(logits).value())];
  return counts;
}

// Pearson's statistic over the kept tokens; infinite where a token was picked that must not be.
double chi_square(const std::vector<int>& counts, const std::vector<double>& probabilities) {
  const double picks = std::accumulate(counts.begin(), counts.end(), 0.0);
  double statistic = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = picks * probabilities[i];
    if (probabilities[i] == 0 && counts[i] != 0) return std::numeric_limits<double>::infinity();
    if (expected > 0) statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return statistic;
}

std::vector<double> widen(const std::vector<float>& logits) { return {logits.begin(), logits.end()}; }

TEST(Sampler, GreedyTakesTheLargestAndTheLowestIdAmongEquals) {
  Sampler sampler = make({.temperature = 0}, 40);
  std::vector<float> logits(40, -1.0F);
  EXPECT_EQ(sampler.pick(logits).value(), 0);
  logits[39] = 2.0F;
  EXPECT_EQ(sampler.pick(logits).value(), 39);
  logits[17] = logits[18] = 2.0F;
  EXPECT_EQ(sampler.pick(logits).value(), 17);
}

class Distribution : public testing::TestWithParam<SamplerOptions> {};

TEST_P(Distribution, IsDrawnFrom) {
  const std::vector<float> logits = {2.0F, -1.0F, 0.5F, 2.0F, 1.0F, -3.0F, 0.0F, 1.5F, 0.25F, -0.5F};
  Sampler sampler = make(GetParam(), logits.size());
  sampler.accept(3);
  sampler.accept(1);
  sampler.accept(3);
  const std::vector<double> probabilities = oracle(widen(logits), GetParam(), {1, 3});
  // 9 degrees of freedom: 33.7 is passed once in ten thousand times, and the seed is fixed.
  EXPECT_LT(chi_square(count_picks(sampler, logits, 200'000), probabilities), 33.7);
}

INSTANTIATE_TEST_SUITE_P(
    All, Distribution,
    testing::Values(
        SamplerOptions{.temperature = 1.0F, .seed = 1}, SamplerOptions{.temperature = 0.6F, .seed = 2},
        SamplerOptions{.temperature = 2.5F, .seed = 3}, SamplerOptions{.temperature = 1.0F, .top_k = 4, .seed = 4},
        SamplerOptions{.temperature = 1.0F, .top_p = 0.7F, .seed = 5},
        SamplerOptions{.temperature = 1.0F, .min_p = 0.2F, .seed = 6},
        SamplerOptions{.temperature = 1.0F, .repetition_penalty = 1.8F, .seed = 7},
        SamplerOptions{.temperature = 1.0F, .repetition_penalty = 1.8F, .repetition_window = -1, .seed = 8},
        SamplerOptions{
            .temperature = 0.8F, .top_k = 7, .top_p = 0.9F, .min_p = 0.1F, .repetition_penalty = 1.2F, .seed = 9}));

// Few distinct logits make ties; their sums are exact enough that a cut-off never falls between oracle and sampler
// but where it is within rounding of a token's edge, which the margin leaves out.
RC_GTEST_PROP(SamplerProperty, KeepsWhatThePlainFiltersKeep, ()) {
  const auto levels = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-12, 13)));
  std::vector<float> logits;
  for (const int level : levels) logits.push_back(static_cast<float>(level) / 2.0F);
  SamplerOptions options;
  options.temperature = static_cast<float>(*rc::gen::inRange(1, 8)) / 4.0F;
  options.top_k = *rc::gen::inRange(0, 12);
  options.top_p = static_cast<float>(*rc::gen::inRange(1, 101)) / 100.0F;
  options.min_p = static_cast<float>(*rc::gen::inRange(0, 60)) / 100.0F;
  options.repetition_penalty = static_cast<float>(*rc::gen::inRange(2, 9)) / 4.0F;
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  Sampler sampler = make(options, logits.size());
  const auto is_recent = *rc::gen::container<std::vector<bool>>(logits.size(), rc::gen::arbitrary<bool>());
  std::vector<int> recent;
  for (std::size_t i = 0; i < is_recent.size() && recent.size() < 64; ++i) {
    if (is_recent[i]) recent.push_back(static_cast<int>(i));
  }
  for (const int token : recent) sampler.accept(token);

  const auto nudged = [&](float by) {
    SamplerOptions other = options;
    other.top_p = options.top_p < 1.0F ? std::clamp(options.top_p + by, 0.0F, 0.9999F) : 1.0F;
    other.min_p = options.min_p > 0.0F ? std::clamp(options.min_p - by, 0.0F, 1.0F) : 0.0F;
    return oracle(widen(logits), other, recent);
  };
  const std::vector<double> wide = nudged(1e-5F);
  const std::vector<double> narrow = nudged(-1e-5F);
  const std::vector<int> counts = count_picks(sampler, logits, 3000);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (wide[i] == 0) RC_ASSERT(counts[i] == 0);
    if (narrow[i] > 0.01 && wide[i] > 0.01) RC_ASSERT(counts[i] > 0);  // missed with a chance of 1e-13
  }
}

// top_k over vocabularies larger than the buffer of its selection: the picks are exactly the k largest.
RC_GTEST_PROP(SamplerProperty, TopKIsExactInLargeVocabularies, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const int order = *rc::gen::inRange(0, 3);
  const std::size_t size = 5000;
  std::vector<float> logits(size);
  Random random(seed);
  for (float& logit : logits) logit = static_cast<float>(random.below(1'000'000)) * 1e-7F;
  if (order == 1) std::sort(logits.begin(), logits.end());
  if (order == 2) std::sort(logits.rbegin(), logits.rend());
  const int k = *rc::gen::element(1, 2, 8, 300, 3000);
  Sampler sampler = make({.temperature = 1.0F, .top_k = k, .seed = seed}, size);
  std::vector<float> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  const float least = sorted[static_cast<std::size_t>(k) - 1];
  std::map<std::int32_t, int> counts;
  for (int i = 0; i < 300; ++i) {
    const std::int32_t token = sampler.pick(logits).value();
    RC_ASSERT(logits[static_cast<std::size_t>(token)] >= least);
    ++counts[token];
  }
  if (k <= 8) RC_ASSERT(counts.size() >= static_cast<std::size_t>(k));  // all but equally likely
}

TEST(Sampler, PicksTheSameForTheSameSeedAndOtherwiseForAnother) {
  std::vector<float> logits(500);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = std::sin(static_cast<float>(i));
  const auto sequence = [&](std::uint64_t seed) {
    Sampler sampler = make(
        {.temperature = 0.9F, .top_k = 100, .top_p = 0.95F, .min_p = 0.01F, .repetition_penalty = 1.1F, .seed = seed},
        logits.size());
    std::vector<std::int32_t> picks;
    for (int i = 0; i < 200; ++i) {
      picks.push_back(sampler.pick(logits).value());
      sampler.accept(picks.back());
    }
    return picks;
  };
  EXPECT_EQ(sequence(7), sequence(7));
  EXPECT_NE(sequence(7), sequence(8));
}

TEST(Random, IsXoshiro256WithItsStateFromSplitMix64) {
  Random random(42);
  EXPECT_EQ(random.next(), 0x15780b2e0c2ec716U);
  EXPECT_EQ(random.next(), 0x6104d9866d113a7eU);
  EXPECT_EQ(random.next(), 0xae17533239e499a1U);
  EXPECT_EQ(random.next(), 0xecb8ad4703b360a1U);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(3), 3u);
}

TEST(Sampler, ForgetsTokensThatLeaveTheWindow) {
  Sampler sampler = make({.temperature = 0, .repetition_penalty = 2.0F, .repetition_window = 2}, 4);
  const std::vector<float> logits = {4.0F, 3.0F, 2.5F, -1.0F};
  EXPECT_EQ(sampler.pick(logits).value(), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.pick(logits).value(), 1) << "4 / 2 is less than 3";
  sampler.accept(1);
  EXPECT_EQ(sampler.pick(logits).value(), 2);
  sampler.accept(3);
  EXPECT_EQ(sampler.pick(logits).value(), 0) << "0 has left the window";
  sampler.accept(-5);
  sampler.accept(4);
  EXPECT_EQ(sampler.pick(logits).value(), 0) << "ids outside the vocabulary count as nothing";
}

TEST(Sampler, MultipliesNegativeLogitsByThePenalty) {
  Sampler sampler = make({.temperature = 0, .repetition_penalty = 2.0F}, 2);
  sampler.accept(0);
  EXPECT_EQ(sampler.pick(std::vector<float>{-1.0F, -1.5F}).value(), 1) << "-1 * 2 is less than -1.5";
}

TEST(Sampler, TakesExtremeLogitsAndTemperatures) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const float temperature : {std::numeric_limits<float>::denorm_min(), 1e-30F, 1.0F, 1e30F, kLargest}) {
    Sampler sampler = make({.temperature = temperature, .top_p = 0.5F, .seed = 1}, 3);
    EXPECT_EQ(sampler.pick(std::vector<float>{-kLargest, kLargest, -kLargest}).value() == 1, true) << temperature;
  }
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {0u, 15u, 16u, 33u}) {
      for (const float temperature : {0.0F, 1.0F}) {
        Sampler sampler = make({.temperature = temperature}, 34);
        std::vector<float> logits(34, 1.0F);
        logits[at] = bad;
        const auto token = sampler.pick(logits);
        ASSERT_FALSE(token);
        EXPECT_THAT(token.error().message(), HasSubstr("the logit of token " + std::to_string(at) + " is infinite"));
      }
    }
  }
  Sampler sampler = make({.temperature = 1.0F}, 34);
  EXPECT_THAT(sampler.pick(std::vector<float>(33)).error().message(), HasSubstr("33 logits for a vocabulary of 34"));
  Sampler penalizing = make({.repetition_penalty = 10.0F}, 1);
  penalizing.accept(0);
  EXPECT_FALSE(penalizing.pick(std::vector<float>{-std::numeric_limits<float>::max()}));
}

TEST(Sampler, RefusesOptionsOutOfTheirRange) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const SamplerOptions& options :
       {SamplerOptions{.temperature = -0.1F}, SamplerOptions{.temperature = nan},
        SamplerOptions{.temperature = infinity}, SamplerOptions{.top_k = -1}, SamplerOptions{.top_p = 1.1F},
        SamplerOptions{.top_p = nan}, SamplerOptions{.min_p = -0.1F}, SamplerOptions{.min_p = 1.5F},
        SamplerOptions{.repetition_penalty = 0.0F}, SamplerOptions{.repetition_penalty = infinity},
        SamplerOptions{.repetition_window = -2}}) {
    EXPECT_FALSE(Sampler::create(options, 10));
  }
  EXPECT_FALSE(Sampler::create({}, 0));
  EXPECT_FALSE(Sampler::create({}, std::size_t{1} << 40));
}

TEST(Sampler, AllocatesNothingAfterItsConstruction) {
  const std::size_t size = 5000;
  std::vector<float> logits(size);
  Random random(3);
  for (float& logit : logits) logit = static_cast<float>(random.below(1000)) * 0.01F;
  for (const int window : {-1, 64}) {
    for (const int top_k : {0, 50, 4999}) {
      Sampler sampler = make({.temperature = 1.0F,
                              .top_k = top_k,
                              .top_p = 0.9F,
                              .min_p = 0.001F,
                              .repetition_penalty = 1.1F,
                              .repetition_window = window},
                             size);
      const int64_t before = testing_support::allocation_count();
      for (int i = 0; i < 100; ++i) sampler.accept(sampler.pick(logits).value());
      EXPECT_EQ(testing_support::allocation_count(), before);
    }
  }
}

}  // namespace
}  // namespace trireme::runtime
