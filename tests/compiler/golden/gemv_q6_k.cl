// an item a row of the weight in Q6_K
#pragma OPENCL FP_CONTRACT OFF

int dot4_signed(uint a, uint b, int sum) {
  return sum + (as_int(a << 24) >> 24) * (as_int(b << 24) >> 24) +
         (as_int(a << 16) >> 24) * (as_int(b << 16) >> 24) +
         (as_int(a << 8) >> 24) * (as_int(b << 8) >> 24) + (as_int(a) >> 24) * (as_int(b) >> 24);
}

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void matmul_64x256_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __global const uint* const x_uint = (__global const uint*)x;
  __global const float* const x_float = (__global const float*)x;
  __global const uint4* const w1_codes_uint4 = (__global const uint4*)w1_codes;
  __global const float* const w1_scales_float = (__global const float*)w1_scales;
  __global float* const y_float = (__global float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint group = (uint)get_group_id(1);
  const uint rows = counts_uint[count_index];
  const bool v1 = group < rows;
  const uint group1 = (uint)get_group_id(0);
  if (v1) {
    const uint v8 = min(group, rows - 1u) * 80u;
    float after = 0.0f;
    for (uint i = 0u; i < 8u; i += 1u) {
      const uint item = (uint)get_local_id(0);
      const uint v13 = (((group1 * 8u) + i) * 64u) + item;
      const uint4 v14 = w1_codes_uint4[v13];
      const uint v19 = v8 + (i << 3u);
      const uint v21 = x_uint[v19 + 3u];
      const uint v25 = x_uint[v19 + 2u];
      const uint v28 = x_uint[v19 + 1u];
      const uint v30 = x_uint[v19];
      const int v35 = dot4_signed(16843009u, v25, dot4_signed(16843009u, v28, dot4_signed(16843009u, v30, 0)));
      const int v36 = dot4_signed(16843009u, v21, v35);
      const int v39 = dot4_signed(v14.s2, v25, dot4_signed(v14.s1, v28, dot4_signed(v14.s0, v30, 0)));
      const uint v43 = group1 * 16u;
      const uint v44 = i * 2u;
      const float v49 = w1_scales_float[((v43 + v44) * 32u) + item];
      const uint4 v52 = w1_codes_uint4[v13 + 32u];
      const uint v56 = x_uint[v19 + 7u];
      const uint v60 = x_uint[v19 + 6u];
      const uint v64 = x_uint[v19 + 5u];
      const uint v68 = x_uint[v19 + 4u];
      const int v71 = dot4_signed(16843009u, v60, dot4_signed(16843009u, v64, dot4_signed(16843009u, v68, 0)));
      const int v72 = dot4_signed(16843009u, v56, v71);
      const int v75 = dot4_signed(v52.s2, v60, dot4_signed(v52.s1, v64, dot4_signed(v52.s0, v68, 0)));
      const float v82 = w1_scales_float[((v43 + (v44 + 1u)) * 32u) + item];
      const float v84 = ((float)dot4_signed(v14.s3, v21, v39) * v49) + ((float)dot4_signed(v52.s3, v56, v75) * v82);
      const float v87 = x_float[(v8 + 64u) + i];
      after = after + (v84 * v87);
    }
    const uint v92 = (group1 * 32u) + (uint)get_local_id(0);
    if (v1 && (v92 < 64u)) {
      y_float[(group * 64u) + v92] = after;
    }
  }
}
