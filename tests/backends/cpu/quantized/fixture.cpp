#include "tests/backends/cpu/quantized/fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "backends/cpu/quantized/targets.h"
#include "hal/format_decoder.h"
#include "hal/format_records.h"
#include "hwy/highway.h"

namespace trireme::cpu::quantized {

namespace {

// Blocks of `elements` codes of `width` bits behind an f32 scale (and minimum) for each group.
Format invent(const char* name, int64_t elements, int64_t group, int width, NumberType type, bool has_minimum) {
  const int64_t each = has_minimum ? 64 : 32, bits_before = elements / group * each;
  Codes codes;
  codes.fields = {bits(width, bits_before, {{1, 0, width}})};
  codes.type = type;
  const auto number = [&](int64_t at) { return block_number(NumberType::kF32, group, {bits(32, at, {{1, 0, each}})}); };
  std::vector<Number> minimum;
  if (has_minimum) minimum.push_back(number(32));
  return block_format(name, 0, elements, (bits_before + elements * width) / 8, codes, {number(0)}, minimum);
}

// Two-bit codes from 5 to 8 in blocks of 32, with one scale before each row.
Format invent_row_scale() {
  Format format = invent("INVENTED_ROW_SCALE", 32, 32, 2, NumberType::kUnsigned, false);
  format.block_bytes = 8;
  format.codes.fields[0].bit_offset = 0;
  format.codes.offset = 5;
  format.scale[0].place = Place::kRowHead;
  format.scale[0].group_columns = 0;
  format.row_head_bytes = 4;
  return format;
}

// Three-bit codes that choose among eight numbers, three groups of 32 to a block.
Format invent_table() {
  Format format = invent("INVENTED_TABLE", 96, 96, 3, NumberType::kUnsigned, false);
  format.codes.table = {3, -100, 27, 0, -1, -4, 11, 20};
  return format;
}

const std::vector<Format>& invented_formats() {
  using enum NumberType;
  static const std::vector<Format> all = {
      invent_row_scale(),
      invent_table(),
      invent("INVENTED_NIBBLES_MINIMUM", 64, 32, 4, kSigned, true),
      invent("INVENTED_BYTES", 32, 32, 8, kSigned, false),
      invent("INVENTED_BYTES_16", 32, 16, 8, kSigned, false),
      invent("INVENTED_BYTES_16_MINIMUM", 32, 16, 8, kSigned, true),
      invent("INVENTED_NIBBLES_16_MINIMUM", 96, 16, 4, kUnsigned, true),
  };
  return all;
}

bool is_invented(const Format& format) { return format.name.starts_with("INVENTED"); }

// Bytes of f32 numbers at the begin of each block of an invented format.
size_t number_bytes(const Format& format) {
  if (format.row_head_bytes > 0) return 0;
  return size_t(format.block_bytes) - size_t(format.block_elements * format.codes.fields[0].width / 8);
}

// Calls set(float&) for all numbers of an invented format's tensor.
template <typename Set>
void set_numbers(HostWeight& weight, Set set) {
  const Format& format = *weight.desc.format;
  const auto set_all = [&](std::byte* begin, size_t bytes) {
    for (size_t at = 0; at < bytes; at += sizeof(float)) {
      const float value = set();
      std::memcpy(begin + at, &value, sizeof(float));
    }
  };
  const int64_t row_bytes = format.row_bytes(weight.desc.shape[1]);
  for (int64_t row = 0; row < weight.desc.shape[0]; ++row) {
    std::byte* const begin = weight.data.data() + row * row_bytes;
    set_all(begin, size_t(format.row_head_bytes));
    for (int64_t at = format.row_head_bytes; at < row_bytes; at += format.block_bytes)
      set_all(begin + at, number_bytes(format));
  }
}

HostWeight draw_invented(const Format& format, int64_t rows, int64_t columns, std::mt19937& random) {
  HostWeight weight = draw_bytes(format, rows, columns, random);
  set_numbers(weight, [&] {
    const float magnitude = std::ldexp(float(random() % (1 << 24)), int(random() % 40) - 50);
    return random() % 2 == 0 ? magnitude : -magnitude;
  });
  return weight;
}

}  // namespace

std::vector<const Format*> tested_formats() {
  std::vector<const Format*> formats;
  for (const CodecRecord& record : kCodecRecords)
    if (!record.general()) formats.push_back(find_format(record.format));
  for (const char* name : {"TQ1_0", "NVFP4", "IQ2_S", "IQ3_S"}) formats.push_back(find_format(name));
  for (const Format& format : invented_formats()) formats.push_back(&format);
  return formats;
}

HostWeight draw_bytes(const Format& format, int64_t rows, int64_t columns, std::mt19937& random) {
  HostWeight weight{{{rows, columns}, &format}, {}};
  weight.data.resize(size_t(weight.desc.bytes()));
  for (std::byte& byte : weight.data) byte = std::byte(random());
  return weight;
}

Format draw_format(std::mt19937& random) {
  const auto one_in = [&](uint32_t count) { return random() % count == 0; };
  const auto between = [&](int lowest, int highest) { return lowest + int(random() % uint32_t(highest - lowest + 1)); };
  for (;;) {
    const int64_t group = 16 << between(0, 3), elements = group * between(1, 3);
    Format format = block_format("DRAWN", 0, elements, 0, {}, {});
    int64_t bits_used = 0;
    const auto field = [&](int width, int64_t count) {
      const BitField made = bits(width, bits_used, {{1, 0, width}});
      bits_used = (bits_used + width * count + 7) / 8 * 8;
      return made;
    };
    const auto number = [&](NumberType type, int width) {
      return block_number(type, group, {field(width, elements / group)});
    };
    const int width = between(1, one_in(2) ? 4 : 8);
    Codes& codes = format.codes;
    codes.fields = {field(width, elements)};
    if (one_in(4)) codes.type = NumberType::kSigned;
    codes.multiplier = one_in(3) ? between(-3, 3) : 1;
    codes.offset = one_in(2) ? between(-20, 20) : 0;
    if (one_in(3)) {
      const int spread = between(2, 127);
      for (int i = 0; i < 1 << width; ++i) codes.table.push_back(float(between(-spread, spread)));
    }
    if (one_in(4)) format.signs = {8, false, {field(8, elements / 8)}};
    if (one_in(4)) format.zero = number(one_in(2) ? NumberType::kSigned : NumberType::kUnsigned, between(1, 4));
    format.scale = {number(NumberType::kUE4M3, 8)};
    if (one_in(3)) format.minimum = {number(NumberType::kUE4M3, 8)};
    format.block_bytes = bits_used / 8;
    if (verify(format) && has_integer_codes(format)) return format;
  }
}

Golden load_golden(const Format& format) {
  Golden golden{5, 3 * format.block_elements, {}, {}};
  if (is_invented(format)) {
    std::mt19937 random(13);
    const HostWeight weight = draw_invented(format, golden.rows, golden.columns, random);
    golden.packed = weight.data;
    golden.values.resize(size_t(golden.rows * golden.columns));
    EXPECT_TRUE(decode_rows(weight.tensor(), 0, golden.rows, golden.values));
    return golden;
  }
  std::ifstream file(std::string(TRIREME_TEST_DATA) + "/formats/" + format.name + ".safetensors", std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  const auto header = nlohmann::json::parse(bytes.begin() + 8, bytes.begin() + 8 + int64_t(header_bytes));
  const auto tensor = [&](const char* key, auto& target) {
    const size_t begin = header[key]["data_offsets"][0], end = header[key]["data_offsets"][1];
    target.resize((end - begin) / sizeof(target[0]));
    std::memcpy(target.data(), bytes.data() + 8 + header_bytes + begin, end - begin);
  };
  tensor("packed", golden.packed);
  tensor("values", golden.values);
  golden.rows = header["values"]["shape"][0];
  golden.columns = header["values"]["shape"][1];
  return golden;
}

HostWeight draw_weight(const Format& format, int64_t rows, int64_t columns, std::mt19937& random) {
  if (is_invented(format)) return draw_invented(format, rows, columns, random);
  static std::map<const Format*, Golden> cache;
  if (!cache.contains(&format)) cache[&format] = load_golden(format);
  const Golden& golden = cache[&format];
  const auto block_bytes = size_t(format.block_bytes);
  const size_t blocks = golden.packed.size() / block_bytes;
  HostWeight weight{{{rows, columns}, &format}, {}};
  weight.data.resize(size_t(rows * format.row_bytes(columns)));
  for (size_t at = 0; at < weight.data.size(); at += block_bytes)
    for (;;) {  // leaves out blocks whose products overflow f32
      const size_t pick = random() % blocks;
      const auto* values = golden.values.data() + pick * size_t(format.block_elements);
      if (std::any_of(values, values + format.block_elements, [](float v) { return !(std::abs(v) < 1e20f); })) continue;
      std::memcpy(weight.data.data() + at, golden.packed.data() + pick * block_bytes, block_bytes);
      break;
    }
  return weight;
}

void set_block_scales_to_one(HostWeight& weight) {
  const Format& format = *weight.desc.format;
  if (is_invented(format)) return set_numbers(weight, [] { return 1.0f; });
  const auto bytes = size_t(format.block_bytes);
  for (size_t block = 0; block < weight.data.size(); block += bytes) {
    std::byte* const begin = weight.data.data() + block;
    const auto put = [&](size_t at) {
      constexpr uint16_t kOne = 0x3c00;
      std::memcpy(begin + at, &kOne, 2);
    };
    const auto set = [&](const std::vector<Number>& numbers) {
      if (!numbers.empty() && numbers[0].type == NumberType::kF16) put(size_t(numbers[0].fields[0].bit_offset) / 8);
    };
    set(format.scale);
    set(format.minimum);
    if (format.name == "MXFP4") begin[0] = std::byte(128);                     // half of 2^(128 - 127)
    if (format.name == "NVFP4") std::fill(begin, begin + 4, std::byte(0x40));  // half of 2
  }
}

std::shared_ptr<const PackedWeight> pack(const HostWeight& weight) {
  WeightArena arena;
  auto packed = PackedWeight::pack(weight.tensor(), arena, [](int64_t count, FunctionRef<void(int64_t)> body) {
    for (int64_t i = 0; i < count; ++i) body(i);
  });
  return packed ? *packed : nullptr;
}

void Activations::update_sums() {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < columns / kActGroup; ++group)
      sums(row)[group] = std::accumulate(codes(row) + group * kActGroup, codes(row) + (group + 1) * kActGroup, 0);
}

Activations draw_activations(int64_t rows, int64_t columns, std::mt19937& random) {
  Activations result{rows, columns, {}};
  result.data.resize(size_t(rows) * result.row_bytes());
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < columns / kActGroup; ++group) {
      const uint32_t kind = random() % 4;
      for (int i = 0; i < kActGroup; ++i)
        result.codes(row)[group * kActGroup + i] = int8_t(kind == 0   ? 127
                                                          : kind == 1 ? -127
                                                                      : int(random() % 255) - 127);
      result.scales(row)[group] =
          random() % 8 == 0 ? 0.0f : std::ldexp(float(1 + random() % 1000), int(random() % 30) - 30);
    }
  result.update_sums();
  return result;
}

Exact exact_product(const HostWeight& weight, int64_t n, Activations& activations, int64_t r) {
  const auto integer = integer_codes(*weight.desc.format);
  const int64_t k = activations.columns, group = integer->group;
  std::vector<int8_t> codes(static_cast<size_t>(k));
  std::vector<float> scales(static_cast<size_t>(k / group)), minima(integer->has_minimum ? scales.size() : 0);
  EXPECT_TRUE(decode_integer_rows(weight.tensor(), n, 1, codes, scales, minima));
  Exact exact;
  for (int64_t at = 0; at < k; at += group) {
    const int8_t* x = activations.codes(r) + at;
    const double activation_scale = double(activations.scales(r)[at / kActGroup]);
    const double scale = double(scales[size_t(at / group)]);
    const double minimum = integer->has_minimum ? double(minima[size_t(at / group)]) : 0;
    int64_t products = 0, sum = 0;
    for (int64_t i = 0; i < group; ++i) {
      products += codes[size_t(at + i)] * x[i];
      sum += x[i];
    }
    for (const double term : {scale * activation_scale * double(products), minimum * activation_scale * double(sum)}) {
      exact.value += term;
      exact.magnitude += std::abs(term);
    }
    exact.terms += integer->has_minimum ? 2 : 1;
  }
  return exact;
}

void run_kernel(const Kernel& kernel, std::vector<std::byte*> operands, int64_t rows, std::mt19937& random) {
  std::vector<std::byte> workspace(kernel.workspace_bytes() + 64);
  auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) / 64 * 64);
  const KernelArgs args{operands, aligned, rows};
  for (int phase = 0; phase < kernel.phases(); ++phase) {
    std::vector<int64_t> order(size_t(kernel.chunks(phase, args)));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    for (const int64_t chunk : order) kernel.run(phase, chunk, 0, args);
  }
}

std::vector<int64_t> runnable_targets() {
  std::vector<int64_t> targets;
  for (const int64_t target : {int64_t(HWY_AVX3_DL), int64_t(HWY_AVX3), int64_t(HWY_AVX2), int64_t(HWY_SSE4),
                               int64_t(HWY_NEON), int64_t(HWY_EMU128), int64_t(HWY_SCALAR)})
    if ((target & HWY_TARGETS & hwy::SupportedTargets()) != 0) targets.push_back(target);
  return targets;
}

OnlyTarget::OnlyTarget(int64_t target) { hwy::SetSupportedTargetsForTest(target); }
OnlyTarget::~OnlyTarget() { hwy::SetSupportedTargetsForTest(0); }

}  // namespace trireme::cpu::quantized
