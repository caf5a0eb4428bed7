// an item a row of the weight in Q4_0
#pragma OPENCL FP_CONTRACT OFF

float half_to_float(uint bits) {
  const ushort half_bits = convert_ushort(bits);
  return vload_half(0, (const half*)&half_bits);
}

int dot4_unsigned(uint a, uint b, int sum) {
  return sum + (int)(a & 0xffu) * ((int)(b << 24) >> 24) + (int)((a >> 8) & 0xffu) * ((int)(b << 16) >> 24) +
         (int)((a >> 16) & 0xffu) * ((int)(b << 8) >> 24) + (int)(a >> 24) * ((int)b >> 24);
}

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void matmul_576x576_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __global const uint* const x_uint = (__global const uint*)x;
  __global const int* const x_int = (__global const int*)x;
  __global const float* const x_float = (__global const float*)x;
  __global const uint* const w1_codes_uint = (__global const uint*)w1_codes;
  __global const uint* const w1_scales_uint = (__global const uint*)w1_scales;
  __global float* const y_float = (__global float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint group = (uint)get_group_id(1);
  const uint rows = counts_uint[count_index];
  const bool v1 = group < rows;
  const uint group1 = (uint)get_group_id(0);
  const uint item = (uint)get_local_id(0);
  const uint output = (group1 * 32u) + item;
  if (v1) {
    const uint v10 = min(group, rows - 1u) * 180u;
    float after = 0.0f;
    for (uint i = 0u; i < 18u; i += 1u) {
      const uint v12 = (group1 * 18u) + i;
      const uint v17 = ((v12 * 4u) << 5u) + item;
      const uint v20 = w1_codes_uint[v17 + 96u];
      const uint v26 = v10 + (i << 3u);
      const uint v29 = x_uint[v26 + 7u];
      const uint v33 = x_uint[v26 + 6u];
      const uint v36 = w1_codes_uint[v17 + 64u];
      const uint v40 = x_uint[v26 + 5u];
      const uint v43 = x_uint[v26 + 4u];
      const uint v45 = w1_codes_uint[v17 + 32u];
      const uint v49 = x_uint[v26 + 3u];
      const uint v53 = x_uint[v26 + 2u];
      const uint v54 = w1_codes_uint[v17];
      const uint v58 = x_uint[v26 + 1u];
      const uint v60 = x_uint[v26];
      const int v64 = x_int[(v10 + 162u) + i];
      const int v68 = dot4_unsigned((v54 >> 4u) & 252645135u, v58, dot4_unsigned(v54 & 252645135u, v60, v64 * -8));
      const int v70 = dot4_unsigned((v45 >> 4u) & 252645135u, v49, dot4_unsigned(v45 & 252645135u, v53, v68));
      const int v72 = dot4_unsigned((v36 >> 4u) & 252645135u, v40, dot4_unsigned(v36 & 252645135u, v43, v70));
      const int v74 = dot4_unsigned((v20 >> 4u) & 252645135u, v29, dot4_unsigned(v20 & 252645135u, v33, v72));
      const uint v77 = (v12 << 5u) + item;
      const uint v79 = w1_scales_uint[v77 >> 1u];
      const float v86 = (float)v74 * half_to_float((v79 >> ((v77 & 1u) << 4u)) & 65535u);
      const float v90 = x_float[(v10 + 144u) + i];
      after = after + (v86 * v90);
    }
    if (v1 && (output < 576u)) {
      y_float[(group * 576u) + output] = after;
    }
  }
}
