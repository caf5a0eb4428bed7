// an item a row of the weight in Q6_K
#pragma OPENCL FP_CONTRACT OFF

int dot4_unsigned(uint a, uint b, int sum) {
  const int products = as_int(a & 0xffu) * (as_int(b << 24) >> 24) +
                       as_int((a >> 8) & 0xffu) * (as_int(b << 16) >> 24) +
                       as_int((a >> 16) & 0xffu) * (as_int(b << 8) >> 24) +
                       as_int(a >> 24) * (as_int(b) >> 24);
  return as_int(as_uint(sum) + as_uint(products));
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
  if (v1) {
    const uint v8 = min(group, rows - 1u) * 80u;
    float after = 0.0f;
    for (uint i = 0u; i < 8u; i += 1u) {
      const uint group1 = (uint)get_group_id(0);
      const uint item = (uint)get_local_id(0);
      const uint v13 = (((group1 * 8u) + i) * 256u) + item;
      const uint v16 = w1_codes_uint[v13 + 96u];
      const uint v20 = v8 + (i << 3u);
      const uint v22 = x_uint[v20 + 3u];
      const uint v25 = w1_codes_uint[v13 + 64u];
      const uint v28 = x_uint[v20 + 2u];
      const uint v31 = w1_codes_uint[v13 + 32u];
      const uint v33 = x_uint[v20 + 1u];
      const uint v34 = w1_codes_uint[v13];
      const uint v35 = x_uint[v20];
      const int v39 = dot4_unsigned(16843009u, v33, dot4_unsigned(16843009u, v35, 0));
      const int v41 = dot4_unsigned(16843009u, v22, dot4_unsigned(16843009u, v28, v39));
      const int v44 = dot4_unsigned(v34, v35, as_int(as_uint(v41) * as_uint(-32)));
      const int v47 = dot4_unsigned(v16, v22, dot4_unsigned(v25, v28, dot4_unsigned(v31, v33, v44)));
      const uint v50 = group1 * 16u;
      const uint v51 = i * 2u;
      const float v55 = w1_scales_float[((v50 + v51) * 32u) + item];
      const uint v59 = w1_codes_uint[v13 + 224u];
      const uint v62 = x_uint[v20 + 7u];
      const uint v65 = w1_codes_uint[v13 + 192u];
      const uint v68 = x_uint[v20 + 6u];
      const uint v71 = w1_codes_uint[v13 + 160u];
      const uint v74 = x_uint[v20 + 5u];
      const uint v77 = w1_codes_uint[v13 + 128u];
      const uint v80 = x_uint[v20 + 4u];
      const int v82 = dot4_unsigned(16843009u, v74, dot4_unsigned(16843009u, v80, 0));
      const int v84 = dot4_unsigned(16843009u, v62, dot4_unsigned(16843009u, v68, v82));
      const int v86 = dot4_unsigned(v77, v80, as_int(as_uint(v84) * as_uint(-32)));
      const int v89 = dot4_unsigned(v59, v62, dot4_unsigned(v65, v68, dot4_unsigned(v71, v74, v86)));
      const float v95 = w1_scales_float[((v50 + (v51 + 1u)) * 32u) + item];
      const float v100 = x_float[(v8 + 64u) + i];
      const float v102 = after + ((((float)v47 * v55) + ((float)v89 * v95)) * v100);
      after = v102;
    }
    const uint v105 = ((uint)get_group_id(0) * 32u) + (uint)get_local_id(0);
    if (v1 && (v105 < 64u)) {
      y_float[(group * 64u) + v105] = after;
    }
  }
}
