// The one door to oneDNN: dense products on the calling thread alone. Versions 2.6 and 3.x.
#pragma once

#include <cstdint>
#include <string>

namespace trireme::cpu {

// C[m, n] = A[m, k] B[n, k]^T, row-major with these row strides. False when oneDNN refused, which it does for want of
// memory only; C is then unspecified. A caller that repeats sizes gets the code that was generated the first time.
bool onednn_matmul(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                   float* c, int64_t c_stride);

// The same product of bf16 numbers, summed in f32. False when oneDNN refused.
bool onednn_matmul_bf16(int64_t m, int64_t n, int64_t k, const uint16_t* a, int64_t a_stride, const uint16_t* b,
                        int64_t b_stride, float* c, int64_t c_stride);

// "2.6.3".
std::string onednn_version();

}  // namespace trireme::cpu
