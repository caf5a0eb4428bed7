#include "runtime/sampler/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

namespace trireme::runtime {
namespace {

constexpr std::size_t kMaxVocabulary = std::size_t{1} << 20;
constexpr double kWeightOne = 1099511627776.0;  // 2^40: with 2^20 tokens, sums stay below 2^60
constexpr float kSmallestExponent = -28.0F;     // e^-28 < 2^-40

// e^x for x in [kSmallestExponent, 0], to about 1e-13 of its value, by the same IEEE operations everywhere.
double exponential(double x) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2 = 0.6931471805599453;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: added, the fraction falls off and the low bits count
  const double shifted = x * kLog2E + kRound;
  const double r = x - (shifted - kRound) * kLn2;  // in [-0.35, 0.35]
  // 1/k!, for the powers 10 down to 0.
  constexpr double kTerms[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                               1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0,        1.0};
  double sum = 0.0;
  for (const double term : kTerms) sum = sum * r + term;
  const std::uint64_t power = std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(kRound);
  return sum * std::bit_cast<double>((power + 1023U) << 52);
}

bool ranks_before(float score, std::int32_t id, float other_score, std::int32_t other_id) {
  return score != other_score ? score > other_score : id < other_id;
}

tl::unexpected<Error> bad_option(const char* name, const std::string& range) {
  return fail(ErrorCode::kInvalidArgument, "sampler", std::string(name) + " must be " + range, "give another value");
}

}  // namespace

Result<Sampler> Sampler::create(const SamplerOptions& options, std::size_t vocabulary_size) {
  if (vocabulary_size == 0 || vocabulary_size > kMaxVocabulary) {
    return bad_option("the vocabulary's size", "from 1 to " + std::to_string(kMaxVocabulary));
  }
  const auto within = [](float value, float low, float high) { return value >= low && value <= high; };
  constexpr float kLargest = std::numeric_limits<float>::max();
  if (!within(options.temperature, 0.0F, kLargest)) return bad_option("temperature", "zero or more, and finite");
  if (options.top_k < 0) return bad_option("top_k", "zero or more");
  if (!within(options.top_p, 0.0F, 1.0F)) return bad_option("top_p", "from 0 to 1");
  if (!within(options.min_p, 0.0F, 1.0F)) return bad_option("min_p", "from 0 to 1");
  if (!within(options.repetition_penalty, std::numeric_limits<float>::min(), kLargest)) {
    return bad_option("repetition_penalty", "more than zero, and finite");
  }
  if (options.repetition_window < -1 || options.repetition_window > static_cast<int>(kMaxVocabulary)) {
    return bad_option("repetition_window", "from -1 to " + std::to_string(kMaxVocabulary));
  }
  return Sampler(options, vocabulary_size);
}

Sampler::Sampler(const SamplerOptions& options, std::size_t vocabulary_size)
    : options_(options), random_(options.seed), scores_(vocabulary_size) {
  if (options.temperature > 0.0F) {
    candidates_.reserve(vocabulary_size);
    if (options.top_k > 0) selection_.reserve(vocabulary_size);
    if (options.top_p < 1.0F) order_.reserve(vocabulary_size);
  }
  // Without top-p the sum over all tokens is not needed, so what min-p drops need not be weighed. The margin covers the
  // rounding of the logarithm; keep_min_p decides.
  smallest_exponent_ = kSmallestExponent;
  if (options.top_p == 1.0F && options.min_p > 0.0F) {
    smallest_exponent_ = std::max(kSmallestExponent, std::log(options.min_p) - 0.01F);
  }
  if (options.repetition_penalty == 1.0F || options.repetition_window == 0) return;
  penalized_at_.assign(vocabulary_size, 0);
  if (options.repetition_window < 0) seen_.assign(vocabulary_size, 0);
  recent_.reserve(options.repetition_window < 0 ? vocabulary_size
                                                : static_cast<std::size_t>(options.repetition_window));
}

void Sampler::accept(std::int32_t token) {
  if (penalized_at_.empty() || token < 0 || static_cast<std::size_t>(token) >= scores_.size()) return;
  if (options_.repetition_window < 0) {
    if (std::exchange(seen_[static_cast<std::size_t>(token)], std::uint8_t{1}) == 0) recent_.push_back(token);
  } else if (recent_.size() < static_cast<std::size_t>(options_.repetition_window)) {
    recent_.push_back(token);
  } else {
    recent_[next_recent_] = token;
    next_recent_ = (next_recent_ + 1) % recent_.size();
  }
}

// Checks and copies the logits, penalises recent tokens and finds the largest score.
Status Sampler::load(std::span<const float> logits) {
  if (logits.size() != scores_.size()) {
    return fail(ErrorCode::kInvalidArgument, "sampler",
                std::to_string(logits.size()) + " logits for a vocabulary of " + std::to_string(scores_.size()),
                "give one logit for each token");
  }
  // Lanes, so that compilers can use vector registers without reordering.
  constexpr std::size_t kLanes = 16;
  bool bad[kLanes] = {};
  const std::size_t whole = logits.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float score = logits[i + lane];
      scores_[i + lane] = score;
      bad[lane] |= !(std::fabs(score) <= std::numeric_limits<float>::max());
    }
  }
  for (std::size_t i = whole; i < logits.size(); ++i) {
    scores_[i] = logits[i];
    bad[0] |= !std::isfinite(logits[i]);
  }
  if (std::any_of(std::begin(bad), std::end(bad), [](bool one) { return one; })) {
    const auto found = std::find_if(logits.begin(), logits.end(), [](float score) { return !std::isfinite(score); });
    return fail(ErrorCode::kInvalidArgument, "sampler",
                "the logit of token " + std::to_string(found - logits.begin()) + " is infinite or not a number",
                "check the model's weights");
  }
  if (!penalized_at_.empty()) {
    ++pick_count_;
    for (const std::int32_t token : recent_) TRIREME_TRY(penalize(token));
  }
  float largest[kLanes];
  std::fill(std::begin(largest), std::end(largest), -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      largest[lane] = scores_[i + lane] > largest[lane] ? scores_[i + lane] : largest[lane];
    }
  }
  for (std::size_t i = whole; i < scores_.size(); ++i) largest[0] = std::max(largest[0], scores_[i]);
  largest_ = *std::max_element(std::begin(largest), std::end(largest));
  return {};
}

// A token that is recent more than once is penalised once.
Status Sampler::penalize(std::int32_t token) {
  const auto at = static_cast<std::size_t>(token);
  if (penalized_at_[at] == pick_count_) return {};
  penalized_at_[at] = pick_count_;
  float& score = scores_[at];
  score = score < 0.0F ? score * options_.repetition_penalty : score / options_.repetition_penalty;
  if (std::isfinite(score)) return {};
  return fail(ErrorCode::kInvalidArgument, "sampler", "the repetition penalty makes a logit infinite",
              "give a smaller one");
}

std::int32_t Sampler::greedy() const {
  return static_cast<std::int32_t>(std::find(scores_.begin(), scores_.end(), largest_) - scores_.begin());
}

// The k-th largest score. A buffer of a few k is cut back to k whenever it is full, which is linear in all.
float Sampler::top_k_threshold() {
  const auto k = static_cast<std::size_t>(options_.top_k);
  if (k == 0 || k >= scores_.size()) return -std::numeric_limits<float>::infinity();
  const std::size_t capacity = std::min(scores_.size(), std::max<std::size_t>(4 * k, 1024));
  float threshold = -std::numeric_limits<float>::infinity();
  const auto cut = [&] {
    std::nth_element(selection_.begin(), selection_.begin() + static_cast<std::ptrdiff_t>(k - 1), selection_.end(),
                     std::greater<>());
    selection_.resize(k);
    threshold = selection_[k - 1];
  };
  selection_.clear();
  for (const float score : scores_) {
    if (score < threshold) continue;
    selection_.push_back(score);
    if (selection_.size() == capacity && capacity > k) cut();
  }
  if (selection_.size() > k)
    cut();
  else
    threshold = *std::min_element(selection_.begin(), selection_.end());
  return threshold;
}

void Sampler::collect(float floor) {
  candidates_.clear();
  const float temperature = options_.temperature;
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (scores_[i] < floor) continue;
    const float exponent = (scores_[i] - largest_) / temperature;
    if (!(exponent >= smallest_exponent_)) continue;
    const auto weight = static_cast<std::uint64_t>(static_cast<std::int64_t>(exponential(exponent) * kWeightOne));
    candidates_.push_back({scores_[i], static_cast<std::int32_t>(i), weight});
  }
}

// Keeps a token while those that rank before it have less than top_p of the weight. The last kept token is looked for
// in buckets of the score first, then by halving the ranking of its bucket until one token is left.
void Sampler::keep_top_p() {
  constexpr float kBucketsPerUnit = 32.0F;
  std::array<std::uint64_t, static_cast<std::size_t>(-kSmallestExponent * kBucketsPerUnit) + 1> buckets{};
  const auto bucket_of = [this](const Candidate& one) {
    return static_cast<std::size_t>((largest_ - one.score) / options_.temperature * kBucketsPerUnit);
  };
  std::uint64_t total = 0;
  for (const Candidate& candidate : candidates_) {
    total += candidate.weight;
    buckets[bucket_of(candidate)] += candidate.weight;
  }
  const auto target = static_cast<std::uint64_t>(static_cast<double>(options_.top_p) * static_cast<double>(total));
  std::uint64_t before = 0;
  std::size_t bucket = 0;
  while (before + buckets[bucket] < target) before += buckets[bucket++];
  order_.clear();
  std::copy_if(candidates_.begin(), candidates_.end(), std::back_inserter(order_),
               [&](const Candidate& one) { return bucket_of(one) == bucket; });
  std::size_t begin = 0;
  std::size_t end = order_.size();
  while (end - begin > 1) {
    const std::size_t middle = begin + (end - begin) / 2;
    const auto at = [this](std::size_t i) { return order_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(begin), at(middle), at(end),
                     [](const Candidate& a, const Candidate& b) { return ranks_before(a.score, a.id, b.score, b.id); });
    std::uint64_t upper = before;
    for (std::size_t i = begin; i < middle; ++i) upper += order_[i].weight;
    if (upper < target) {
      begin = middle;
      before = upper;
    } else {
      end = middle;
    }
  }
  const Candidate last = order_[begin];
  std::erase_if(candidates_,
                [&](const Candidate& one) { return ranks_before(last.score, last.id, one.score, one.id); });
}

void Sampler::keep_min_p() {
  const auto least = static_cast<std::uint64_t>(std::ceil(static_cast<double>(options_.min_p) * kWeightOne));
  std::erase_if(candidates_, [&](const Candidate& one) { return one.weight < least; });
}

std::int32_t Sampler::draw() {
  std::uint64_t total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  std::uint64_t rest = random_.below(total);
  for (const Candidate& candidate : candidates_) {
    if (rest < candidate.weight) return candidate.id;
    rest -= candidate.weight;
  }
  return candidates_.back().id;
}

Result<std::int32_t> Sampler::pick(std::span<const float> logits) {
  TRIREME_TRY(load(logits));
  if (options_.temperature == 0.0F) return greedy();
  collect(top_k_threshold());
  if (options_.top_p < 1.0F) keep_top_p();
  if (options_.min_p > 0.0F) keep_min_p();
  return draw();
}

}  // namespace trireme::runtime
