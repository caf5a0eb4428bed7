// an item a row of the weight in Q4_0
#pragma OPENCL FP_CONTRACT OFF

float half_to_float(uint bits) {
  const ushort half_bits = convert_ushort(bits);
  return vload_half(0, (const half*)&half_bits);
}

int dot4_signed(uint a, uint b, int sum) {
  return sum + (as_int(a << 24) >> 24) * (as_int(b << 24) >> 24) +
         (as_int(a << 16) >> 24) * (as_int(b << 16) >> 24) +
         (as_int(a << 8) >> 24) * (as_int(b << 8) >> 24) + (as_int(a) >> 24) * (as_int(b) >> 24);
}

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void matmul_576x576_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __global const uint* const x_uint = (__global const uint*)x;
  __global const int* const x_int = (__global const int*)x;
  __global const float* const x_float = (__global const float*)x;
  __global const uint4* const w1_codes_uint4 = (__global const uint4*)w1_codes;
  __global const uint* const w1_scales_uint = (__global const uint*)w1_scales;
  __global float* const y_float = (__global float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint group = (uint)get_group_id(1);
  const uint rows = counts_uint[count_index];
  const bool v1 = group < rows;
  const uint group1 = (uint)get_group_id(0);
  if (v1) {
    const uint v8 = min(group, rows - 1u) * 180u;
    float after = 0.0f;
    for (uint i = 0u; i < 18u; i += 1u) {
      const uint v13 = (((group1 * 18u) + i) * 32u) + (uint)get_local_id(0);
      const uint4 v14 = w1_codes_uint4[v13];
      const uint v15 = v14.s3;
      const uint v22 = v8 + (i << 3u);
      const uint v25 = x_uint[v22 + 7u];
      const uint v29 = x_uint[v22 + 6u];
      const uint v30 = v14.s2;
      const uint v35 = x_uint[v22 + 5u];
      const uint v38 = x_uint[v22 + 4u];
      const uint v39 = v14.s1;
      const uint v43 = x_uint[v22 + 3u];
      const uint v47 = x_uint[v22 + 2u];
      const uint v48 = v14.s0;
      const uint v52 = x_uint[v22 + 1u];
      const uint v54 = x_uint[v22];
      const int v58 = x_int[(v8 + 162u) + i];
      const int v62 = dot4_signed((v48 >> 4u) & 252645135u, v52, dot4_signed(v48 & 252645135u, v54, v58 * -8));
      const int v64 = dot4_signed((v39 >> 4u) & 252645135u, v43, dot4_signed(v39 & 252645135u, v47, v62));
      const int v66 = dot4_signed((v30 >> 4u) & 252645135u, v35, dot4_signed(v30 & 252645135u, v38, v64));
      const int v68 = dot4_signed((v15 >> 4u) & 252645135u, v25, dot4_signed(v15 & 252645135u, v29, v66));
      const uint v71 = w1_scales_uint[v13 >> 1u];
      const float v78 = (float)v68 * half_to_float((v71 >> ((v13 & 1u) << 4u)) & 65535u);
      const float v82 = x_float[(v8 + 144u) + i];
      after = after + (v78 * v82);
    }
    const uint v87 = (group1 * 32u) + (uint)get_local_id(0);
    if (v1 && (v87 < 576u)) {
      y_float[(group * 576u) + v87] = after;
    }
  }
}
