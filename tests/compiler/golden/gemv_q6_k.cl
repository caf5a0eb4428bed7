// an item a row of the weight in Q6_K
#pragma OPENCL FP_CONTRACT OFF

int dot4_unsigned(uint a, uint b, int sum) {
  return sum + (int)(a & 0xffu) * ((int)(b << 24) >> 24) + (int)((a >> 8) & 0xffu) * ((int)(b << 16) >> 24) +
         (int)((a >> 16) & 0xffu) * ((int)(b << 8) >> 24) + (int)(a >> 24) * ((int)b >> 24);
}

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void matmul_64x256_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __global const uint* const x_uint = (__global const uint*)x;
  __global const float* const x_float = (__global const float*)x;
  __global const uint* const w1_codes_uint = (__global const uint*)w1_codes;
  __global const float* const w1_scales_float = (__global const float*)w1_scales;
  __global float* const y_float = (__global float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint group = (uint)get_group_id(1);
  const uint rows = counts_uint[count_index];
  const bool v1 = group < rows;
  const uint group1 = (uint)get_group_id(0);
  const uint item = (uint)get_local_id(0);
  const uint output = (group1 * 32u) + item;
  if (v1) {
    const uint v10 = min(group, rows - 1u) * 80u;
    float after = 0.0f;
    for (uint i = 0u; i < 8u; i += 1u) {
      const uint v16 = ((((group1 * 8u) + i) * 8u) << 5u) + item;
      const uint v19 = w1_codes_uint[v16 + 96u];
      const uint v23 = v10 + (i << 3u);
      const uint v25 = x_uint[v23 + 3u];
      const uint v28 = w1_codes_uint[v16 + 64u];
      const uint v31 = x_uint[v23 + 2u];
      const uint v33 = w1_codes_uint[v16 + 32u];
      const uint v35 = x_uint[v23 + 1u];
      const uint v36 = w1_codes_uint[v16];
      const uint v37 = x_uint[v23];
      const int v41 = dot4_unsigned(16843009u, v35, dot4_unsigned(16843009u, v37, 0));
      const int v43 = dot4_unsigned(16843009u, v25, dot4_unsigned(16843009u, v31, v41));
      const int v48 = dot4_unsigned(v28, v31, dot4_unsigned(v33, v35, dot4_unsigned(v36, v37, v43 * -32)));
      const uint v52 = group1 * 16u;
      const uint v53 = i * 2u;
      const float v57 = w1_scales_float[((v52 + v53) << 5u) + item];
      const uint v61 = w1_codes_uint[v16 + 224u];
      const uint v64 = x_uint[v23 + 7u];
      const uint v67 = w1_codes_uint[v16 + 192u];
      const uint v70 = x_uint[v23 + 6u];
      const uint v73 = w1_codes_uint[v16 + 160u];
      const uint v75 = x_uint[v23 + 5u];
      const uint v78 = w1_codes_uint[v16 + 128u];
      const uint v81 = x_uint[v23 + 4u];
      const int v83 = dot4_unsigned(16843009u, v75, dot4_unsigned(16843009u, v81, 0));
      const int v85 = dot4_unsigned(16843009u, v64, dot4_unsigned(16843009u, v70, v83));
      const int v89 = dot4_unsigned(v67, v70, dot4_unsigned(v73, v75, dot4_unsigned(v78, v81, v85 * -32)));
      const float v96 = w1_scales_float[((v52 + (v53 + 1u)) << 5u) + item];
      const float v98 = ((float)dot4_unsigned(v19, v25, v48) * v57) + ((float)dot4_unsigned(v61, v64, v89) * v96);
      const float v101 = x_float[(v10 + 64u) + i];
      after = after + (v98 * v101);
    }
    if (v1 && (output < 64u)) {
      y_float[(group * 64u) + output] = after;
    }
  }
}
