// Weights made of published blocks, random activations, and the exact product of both.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "backends/cpu/quantized/matmul.h"
#include "backends/cpu/quantized/panel.h"

namespace trireme::cpu::quantized {

// Formats that together use every codec: each codec's own, and for the general ones published and invented formats. The
// invented ones hold f32 scales (and minima) at the begin of each block, or in their row heads.
std::vector<const Format*> tested_formats();

// A format with integer codes of any width, with or without table, signs, zero points and minimum. No bytes of it
// decode to values that are not finite.
Format draw_format(std::mt19937& random);

// tests/data/formats: rows of packed bytes and their exact values. Of an invented format: drawn rows, and their values
// by the generic decoder.
struct Golden {
  int64_t rows = 0, columns = 0;
  std::vector<std::byte> packed;
  std::vector<float> values;
};
Golden load_golden(const Format& format);

// A weight in host memory.
struct HostWeight {
  TensorDesc desc;
  std::vector<std::byte> data;
  HostTensor tensor() const { return {desc, data, {}, "test.weight"}; }
};

// W[N, K] of blocks drawn from the golden file, extreme scales among them, or of random ones.
HostWeight draw_weight(const Format& format, int64_t rows, int64_t columns, std::mt19937& random);
// W[N, K] of random bytes.
HostWeight draw_bytes(const Format& format, int64_t rows, int64_t columns, std::mt19937& random);
// Gives every block a scale and a minimum's scale of 1; scales of groups inside a block stay.
void set_block_scales_to_one(HostWeight& weight);
std::shared_ptr<const PackedWeight> pack(const HostWeight& weight);

// Q8_ACT[rows, K].
struct Activations {
  int64_t rows = 0, columns = 0;
  std::vector<std::byte> data;
  int8_t* codes(int64_t row) { return reinterpret_cast<int8_t*>(data.data() + row_bytes() * size_t(row)); }
  float* scales(int64_t row) { return reinterpret_cast<float*>(codes(row) + columns); }
  int32_t* sums(int64_t row) { return reinterpret_cast<int32_t*>(scales(row) + columns / kActGroup); }
  size_t row_bytes() const { return Q8Rows{nullptr, columns}.row_bytes(); }
  void update_sums();
};
// Codes in -127 .. 127 with runs of either extreme, scales of many magnitudes with zeros among them.
Activations draw_activations(int64_t rows, int64_t columns, std::mt19937& random);

// The exact product of weight row n and activation row r: integer sums, then f64. `magnitude` is the sum of the
// absolute values of what a kernel adds, and `terms` their number.
struct Exact {
  double value = 0, magnitude = 0;
  int terms = 0;
  // Each term is the product of two rounded factors, and each addition rounds once more.
  double bound() const { return (2.0 * terms + 4) * 0x1p-24 * magnitude + terms * 0x1p-148; }
};
Exact exact_product(const HostWeight& weight, int64_t n, Activations& activations, int64_t r);

// Runs all chunks of a kernel, in an order drawn from `random`.
void run_kernel(const Kernel& kernel, std::vector<std::byte*> operands, int64_t rows, std::mt19937& random);

// Every instruction set that this machine and build can run, as bits for hwy::SetSupportedTargetsForTest.
std::vector<int64_t> runnable_targets();

// Runs kernels on one instruction set while it lives.
class OnlyTarget {
 public:
  explicit OnlyTarget(int64_t target);
  ~OnlyTarget();
  OnlyTarget(const OnlyTarget&) = delete;
  OnlyTarget& operator=(const OnlyTarget&) = delete;
};

}  // namespace trireme::cpu::quantized
