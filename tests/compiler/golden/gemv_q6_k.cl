// an item a row of the weight in Q6_K
#pragma OPENCL FP_CONTRACT OFF

int dot4_signed(uint a, uint b, int sum) {
  const int products = (as_int(a << 24) >> 24) * (as_int(b << 24) >> 24) +
                       (as_int(a << 16) >> 24) * (as_int(b << 16) >> 24) +
                       (as_int(a << 8) >> 24) * (as_int(b << 8) >> 24) +
                       (as_int(a) >> 24) * (as_int(b) >> 24);
  return as_int(as_uint(sum) + as_uint(products));
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void matmul_64x256_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __local float w1_parts[256] __attribute__((aligned(64)));
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
    const uint item = (uint)get_local_id(0);
    const uint v10 = min(group, rows - 1u) * 80u;
    float after = 0.0f;
    for (uint i = item / 32u; i < 8u; i += 8u) {
      const uint v15 = item % 32u;
      const uint v16 = (((group1 * 8u) + i) * 64u) + v15;
      const uint4 v17 = w1_codes_uint4[v16];
      const uint v22 = v10 + (i << 3u);
      const uint v24 = x_uint[v22 + 3u];
      const uint v28 = x_uint[v22 + 2u];
      const uint v31 = x_uint[v22 + 1u];
      const uint v33 = x_uint[v22];
      const int v38 = dot4_signed(16843009u, v28, dot4_signed(16843009u, v31, dot4_signed(16843009u, v33, 0)));
      const int v39 = dot4_signed(16843009u, v24, v38);
      const int v42 = dot4_signed(v17.s2, v28, dot4_signed(v17.s1, v31, dot4_signed(v17.s0, v33, 0)));
      const uint v46 = group1 * 16u;
      const uint v47 = i * 2u;
      const float v51 = w1_scales_float[((v46 + v47) * 32u) + v15];
      const uint4 v54 = w1_codes_uint4[v16 + 32u];
      const uint v58 = x_uint[v22 + 7u];
      const uint v62 = x_uint[v22 + 6u];
      const uint v66 = x_uint[v22 + 5u];
      const uint v70 = x_uint[v22 + 4u];
      const int v73 = dot4_signed(16843009u, v62, dot4_signed(16843009u, v66, dot4_signed(16843009u, v70, 0)));
      const int v74 = dot4_signed(16843009u, v58, v73);
      const int v77 = dot4_signed(v54.s2, v62, dot4_signed(v54.s1, v66, dot4_signed(v54.s0, v70, 0)));
      const float v84 = w1_scales_float[((v46 + (v47 + 1u)) * 32u) + v15];
      const float v86 = ((float)dot4_signed(v17.s3, v24, v42) * v51) + ((float)dot4_signed(v54.s3, v58, v77) * v84);
      const float v89 = x_float[(v10 + 64u) + i];
      after = after + (v86 * v89);
    }
    w1_parts[item] = after;
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    const uint v92 = item % 32u;
    const float v93 = w1_parts[v92];
    const float v95 = w1_parts[v92 + 32u];
    const float v98 = w1_parts[v92 + 64u];
    const float v101 = w1_parts[v92 + 96u];
    const float v104 = w1_parts[v92 + 128u];
    const float v107 = w1_parts[v92 + 160u];
    const float v110 = w1_parts[v92 + 192u];
    const float v113 = w1_parts[v92 + 224u];
    const uint v116 = (group1 * 32u) + v92;
    const float v126 = ((((((v93 + v95) + v98) + v101) + v104) + v107) + v110) + v113;
    if ((item < 32u) && (v1 && (v116 < 64u))) {
      y_float[(group * 64u) + v116] = v126;
    }
  }
}
