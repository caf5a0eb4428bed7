// Blocks of groups: value = d * scale(group) * code - m * minimum(group), with d and m in f16 and integers a group.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "runtime/quantize/block_encoder.h"
#include "runtime/quantize/block_writer.h"
#include "runtime/quantize/fit.h"

namespace trireme::runtime {
namespace {

constexpr size_t kMaxElements = 1024;
constexpr int kRefinements = 2;
constexpr float kLargestF16 = 65504.0f;

// The two factors of a scale or minimum: one f16 a block, one integer in [lowest, highest] a group.
struct Levels {
  size_t block_index;
  size_t group_index;
  int64_t group;
  int lowest;
  int highest;
};

std::optional<Levels> find_levels(const std::vector<Number>& numbers, float sign, int64_t elements) {
  if (numbers.size() != 2) return std::nullopt;
  const size_t outer = numbers[0].type == NumberType::kF16 ? 0 : 1;
  const Number& block = numbers[outer];
  const Number& group = numbers[1 - outer];
  const auto unchanged = [](const Number& number) { return number.place == Place::kBlock && !number.reciprocal; };
  if (!unchanged(block) || !unchanged(group) || block.type != NumberType::kF16 || block.group_columns != 0 ||
      block.multiplier != 1.0f || block.offset != 0.0f || group.group_columns == 0 || group.multiplier != sign ||
      elements % group.group_columns != 0)
    return std::nullopt;
  int bits = 0;
  for (const BitField& field : group.fields) {
    if (field.radix.radix != 0) return std::nullopt;
    bits = std::max(bits, field.shift + field.width);
  }
  if (bits > 8) return std::nullopt;
  if (group.type == NumberType::kSigned && group.offset == 0.0f)
    return Levels{outer, 1 - outer, group.group_columns, -(1 << (bits - 1)), (1 << (bits - 1)) - 1};
  if (group.type != NumberType::kUnsigned) return std::nullopt;
  const int offset = int(group.offset);
  return Levels{outer, 1 - outer, group.group_columns, offset, (1 << bits) - 1 + offset};
}

// What is to be written: the codes of values scaled by d * scales[g] less m * minima[g].
struct Choice {
  float d = 0.0f;
  float m = 0.0f;
  std::array<int, kMaxElements> scales;
  std::array<int, kMaxElements> minima;
  std::array<float, kMaxElements> codes;  // whole numbers
  double error = 0;
};

float to_f16(float value) { return f16_to_f32(f32_to_f16(std::clamp(value, -kLargestF16, kLargestF16))); }

// The factor that takes the largest part to the outermost integer, rounded to f16 away from zero: among f16's
// subnormal numbers the step is so wide that the part would else be out of reach.
float outer_factor(std::span<const float> parts, int outermost) {
  float extreme = 0.0f;
  for (const float part : parts)
    if (std::abs(part) > std::abs(extreme)) extreme = part;
  const float exact = extreme / float(outermost);
  const float nearest_f16 = to_f16(exact);
  if (std::abs(nearest_f16) >= std::abs(exact)) return nearest_f16;
  return to_f16(f16_to_f32(uint16_t(f32_to_f16(nearest_f16 == 0.0f ? std::copysign(0.0f, exact) : nearest_f16) + 1)));
}

int nearest(float part, float factor, const Levels& levels) {
  const float quotient = factor == 0.0f ? 0.0f : part / factor;
  return int(std::lround(std::clamp(quotient, float(levels.lowest), float(levels.highest))));
}

class SuperBlockEncoder final : public BlockEncoder {
 public:
  SuperBlockEncoder(const Format& format, IntegerCodes integer, Levels scale, std::optional<Levels> minimum)
      : integer_(integer),
        elements_(size_t(format.block_elements)),
        group_(size_t(scale.group)),
        scale_(scale),
        minimum_(minimum),
        code_offset_(format.codes.offset),
        scale_offset_(int(format.scale[scale.group_index].offset)),
        codes_(format.codes.fields, format.block_elements),
        d_(format.scale[scale.block_index].fields, 1),
        scales_(format.scale[scale.group_index].fields, format.block_elements / scale.group),
        m_(minimum ? format.minimum[minimum->block_index].fields : std::vector<BitField>{}, 1),
        minima_(minimum ? format.minimum[minimum->group_index].fields : std::vector<BitField>{},
                format.block_elements / scale.group) {}

  bool encode(std::span<const float> values, std::span<std::byte> block) const override {
    for (const float value : values)
      if (double(std::abs(value)) > largest_value()) return false;
    std::array<float, kMaxElements> weight_memory;
    const std::span weights(weight_memory.data(), elements_);
    weigh(values, weights);
    Choice best = first_choice(values, weights);
    for (int i = 0; i < kRefinements; ++i) {
      Choice next = best;
      search_groups(values, weights, next);
      refit_factors(values, weights, next);
      round_all(values, weights, next);
      if (!(next.error < best.error)) break;
      best = next;
    }
    write(best, block);
    return true;
  }

 private:
  size_t groups() const { return elements_ / group_; }

  // With factors that stay inside f16.
  double largest_value() const {
    return double(kLargestF16) * std::max(scale_.highest, -scale_.lowest) *
           std::max(integer_.highest, -integer_.lowest);
  }

  // Large weights meet large activations more often than not, so their errors count more.
  void weigh(std::span<const float> values, std::span<float> weights) const {
    for (size_t begin = 0; begin < elements_; begin += group_) {
      double squares = 0;
      for (size_t i = begin; i < begin + group_; ++i) squares += double(values[i]) * double(values[i]);
      const float deviation = float(std::sqrt(squares / double(group_)));
      for (size_t i = begin; i < begin + group_; ++i) weights[i] = deviation + std::abs(values[i]);
    }
  }

  Choice first_choice(std::span<const float> values, std::span<const float> weights) const {
    std::array<float, kMaxElements> scales;
    std::array<float, kMaxElements> minima;
    for (size_t g = 0; g < groups(); ++g) {
      const auto part = values.subspan(g * group_, group_);
      const auto part_weights = weights.subspan(g * group_, group_);
      if (minimum_) {
        const AffineFit fit = fit_affine(part, part_weights, integer_.highest);
        scales[g] = fit.scale;
        minima[g] = fit.minimum;
      } else {
        scales[g] = fit_symmetric(part, part_weights, integer_.lowest, integer_.highest);
      }
    }
    Choice choice;
    choice.d = outer_factor({scales.data(), groups()}, minimum_ ? scale_.highest : scale_.lowest);
    if (minimum_) choice.m = outer_factor({minima.data(), groups()}, minimum_->highest);
    for (size_t g = 0; g < groups(); ++g) {
      choice.scales[g] = nearest(scales[g], choice.d, scale_);
      choice.minima[g] = minimum_ ? nearest(minima[g], choice.m, *minimum_) : 0;
    }
    round_all(values, weights, choice);
    return choice;
  }

  double round_group(std::span<const float> values, std::span<const float> weights, const Choice& choice, size_t g,
                     int scale, int minimum, std::span<float> codes) const {
    return round_to_codes(values.subspan(g * group_, group_), weights.subspan(g * group_, group_),
                          choice.d * float(scale), choice.m * float(minimum), integer_.lowest, integer_.highest, codes);
  }

  void round_all(std::span<const float> values, std::span<const float> weights, Choice& choice) const {
    choice.error = 0;
    for (size_t g = 0; g < groups(); ++g)
      choice.error += round_group(values, weights, choice, g, choice.scales[g], choice.minima[g],
                                  std::span(choice.codes).subspan(g * group_, group_));
  }

  // Each group takes the best of its integers and their neighbours.
  void search_groups(std::span<const float> values, std::span<const float> weights, Choice& choice) const {
    std::array<float, kMaxElements> scratch;
    for (size_t g = 0; g < groups(); ++g) {
      const auto codes = std::span(choice.codes).subspan(g * group_, group_);
      const std::array<int, 3> scales = {choice.scales[g], choice.scales[g] - 1, choice.scales[g] + 1};
      const std::array<int, 3> minima = {choice.minima[g], choice.minima[g] - 1, choice.minima[g] + 1};
      double best = -1;
      for (const int scale : scales) {
        if (scale < scale_.lowest || scale > scale_.highest) continue;
        for (const int minimum : minima) {
          if (minimum != 0 && (!minimum_ || minimum < minimum_->lowest || minimum > minimum_->highest)) continue;
          const double error = round_group(values, weights, choice, g, scale, minimum, {scratch.data(), group_});
          if (best >= 0 && !(error < best)) continue;
          best = error;
          choice.scales[g] = scale;
          choice.minima[g] = minimum;
          std::copy_n(scratch.begin(), group_, codes.begin());
        }
      }
    }
  }

  // The best d and m for the integers chosen: a linear least-squares problem.
  void refit_factors(std::span<const float> values, std::span<const float> weights, Choice& choice) const {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (size_t i = 0; i < elements_; ++i) {
      const double weight = double(weights[i]);
      const double a = double(choice.scales[i / group_]) * double(choice.codes[i]);
      const double b = -double(choice.minima[i / group_]);
      aa += weight * a * a;
      ab += weight * a * b;
      bb += weight * b * b;
      ax += weight * a * double(values[i]);
      bx += weight * b * double(values[i]);
    }
    const double determinant = aa * bb - ab * ab;
    if (minimum_ && determinant > 1e-9 * aa * bb) {
      const double m = (aa * bx - ab * ax) / determinant;
      if (m >= 0) {
        choice.d = to_f16(float((bb * ax - ab * bx) / determinant));
        choice.m = to_f16(float(m));
      }
    } else if (aa > 0) {
      choice.d = to_f16(float((ax - ab * double(choice.m)) / aa));
    }
  }

  void write(const Choice& choice, std::span<std::byte> block) const {
    std::fill(block.begin(), block.end(), std::byte{0});
    d_.write(block, 0, f32_to_f16(choice.d));
    if (minimum_) m_.write(block, 0, f32_to_f16(choice.m));
    for (size_t g = 0; g < groups(); ++g) {
      scales_.write(block, int64_t(g), uint32_t(choice.scales[g] - scale_offset_));
      if (minimum_) minima_.write(block, int64_t(g), uint32_t(choice.minima[g]));
    }
    for (size_t i = 0; i < elements_; ++i)
      codes_.write(block, int64_t(i), uint32_t(int(choice.codes[i]) - code_offset_));
  }

  IntegerCodes integer_;
  size_t elements_;
  size_t group_;
  Levels scale_;
  std::optional<Levels> minimum_;
  int code_offset_;
  int scale_offset_;
  BlockWriter codes_;
  BlockWriter d_;
  BlockWriter scales_;
  BlockWriter m_;
  BlockWriter minima_;
};

}  // namespace

std::unique_ptr<const BlockEncoder> make_encode_super_block(const Format& format) {
  const auto integer = integer_codes(format);
  const auto scale = find_levels(format.scale, 1.0f, format.block_elements);
  if (!integer || !scale || format.zero || format.signs.group != 0 || !format.codes.table.empty() ||
      format.codes.multiplier != 1 || format.codes.vector != 1 || format.codes.type != NumberType::kUnsigned)
    return nullptr;
  for (const BitField& field : format.codes.fields)
    if (field.radix.radix != 0) return nullptr;
  const auto minimum = find_levels(format.minimum, -1.0f, format.block_elements);
  const bool affine = integer->has_minimum;
  if (affine && (!minimum || minimum->group != scale->group || minimum->lowest != 0 || scale->lowest != 0 ||
                 integer->lowest != 0))
    return nullptr;
  if (!affine && (scale->lowest >= 0 || integer->lowest >= 0)) return nullptr;
  return std::make_unique<SuperBlockEncoder>(format, *integer, *scale, affine ? minimum : std::nullopt);
}

}  // namespace trireme::runtime
