#include "tests/backends/cpu/quantized/fixture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "backends/cpu/quantized/targets.h"
#include "backends/cpu/quantized/tile_layout.h"
#include "hwy/highway.h"

namespace trireme::cpu::quantized {

const Format& format_of(Codec codec) {
  static const std::vector<Format> all = [] {
    std::vector<Format> formats(kCodecs);
    for (int i = 0; i < kCodecs; ++i) {
      const CodecRecord& record = kCodecRecords[i];
      formats[size_t(i)].name = record.format;
      formats[size_t(i)].block_elements = record.source_block;
      formats[size_t(i)].block_bytes = record.source_bytes;
    }
    return formats;
  }();
  return all[size_t(codec)];
}

std::vector<Codec> all_codecs() {
  std::vector<Codec> codecs;
  for (int i = 0; i < kCodecs; ++i) codecs.push_back(Codec(i));
  return codecs;
}

std::string codec_name(Codec codec) { return std::string(codec_record(codec).format); }

Golden load_golden(const std::string& name) {
  std::ifstream file(std::string(TRIREME_TEST_DATA) + "/formats/" + name + ".safetensors", std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  const auto header = nlohmann::json::parse(bytes.begin() + 8, bytes.begin() + 8 + int64_t(header_bytes));
  const auto tensor = [&](const char* key, auto& target) {
    const size_t begin = header[key]["data_offsets"][0], end = header[key]["data_offsets"][1];
    target.resize((end - begin) / sizeof(target[0]));
    std::memcpy(target.data(), bytes.data() + 8 + header_bytes + begin, end - begin);
  };
  Golden golden;
  tensor("packed", golden.packed);
  tensor("values", golden.values);
  golden.rows = header["values"]["shape"][0];
  golden.columns = header["values"]["shape"][1];
  return golden;
}

HostWeight draw_weight(Codec codec, int64_t rows, int64_t columns, std::mt19937& random) {
  static std::map<Codec, Golden> cache;
  if (!cache.contains(codec)) cache[codec] = load_golden(codec_name(codec));
  const Golden& golden = cache[codec];
  const Format& format = format_of(codec);
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
  const Codec codec = *find_codec(*weight.desc.format);
  const CodecRecord& record = codec_record(codec);
  const auto bytes = size_t(record.source_bytes);
  const auto put = [&](size_t at) {
    constexpr uint16_t kOne = 0x3c00;
    std::memcpy(weight.data.data() + at, &kOne, 2);
  };
  for (size_t at = 0; at < weight.data.size(); at += bytes) switch (codec) {
      case Codec::kMxfp4: weight.data[at] = std::byte(128); break;  // half of 2^(128 - 127)
      case Codec::kQ2K: put(at + bytes - 4); [[fallthrough]];
      case Codec::kQ3K:
      case Codec::kQ6K:
      case Codec::kTq2_0: put(at + bytes - 2); break;
      default:
        put(at);
        if (record.has_minimum) put(at + 2);
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
  const Codec codec = *find_codec(*weight.desc.format);
  const CodecRecord& record = codec_record(codec);
  std::vector<std::byte> packed(record.block_bytes());
  SourceBlock source;
  Exact exact;
  const std::byte* row = weight.data.data() + n * weight.desc.format->row_bytes(weight.desc.shape[1]);
  for (int64_t at = 0; at < activations.columns; at += record.source_block, row += record.source_bytes) {
    std::fill(packed.begin(), packed.end(), std::byte(0));
    read_source_block(codec, row, source);
    write_row_block(record, source, 0, 0, packed.data());
    for (int group = 0; group < record.source_block / record.group; ++group) {
      const int8_t* codes = activations.codes(r) + at + group * record.group;
      const double activation_scale = double(activations.scales(r)[(at + group * record.group) / kActGroup]);
      int64_t products = 0, sum = 0;
      for (int i = 0; i < record.group; ++i) {
        products += read_code(record, packed.data(), 0, group * record.group + i) * codes[i];
        sum += codes[i];
      }
      const auto [scale, minimum] = read_scale(record, packed.data(), 0, group);
      for (const double term :
           {double(scale) * activation_scale * double(products), double(minimum) * activation_scale * double(sum)}) {
        exact.value += term;
        exact.magnitude += std::abs(term);
      }
      exact.terms += record.has_minimum ? 2 : 1;
    }
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
