// an item a row of the weight in Q4_0
#pragma OPENCL FP_CONTRACT OFF

float half_to_float(uint bits) {
  const ushort half_bits = convert_ushort(bits);
  return vload_half(0, (const half*)&half_bits);
}

int dot4_unsigned(uint a, uint b, int sum) {
  const int products = as_int(a & 0xffu) * (as_int(b << 24) >> 24) +
                       as_int((a >> 8) & 0xffu) * (as_int(b << 16) >> 24) +
                       as_int((a >> 16) & 0xffu) * (as_int(b << 8) >> 24) +
                       as_int(a >> 24) * (as_int(b) >> 24);
  return as_int(as_uint(sum) + as_uint(products));
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
  if (v1) {
    const uint v8 = min(group, rows - 1u) * 180u;
    float after = 0.0f;
    for (uint i = 0u; i < 18u; i += 1u) {
      const uint v10 = ((uint)get_group_id(0) * 18u) + i;
      const uint item = (uint)get_local_id(0);
      const uint v13 = (v10 * 128u) + item;
      const uint v16 = w1_codes_uint[v13 + 96u];
      const uint v23 = v8 + (i << 3u);
      const uint v26 = x_uint[v23 + 7u];
      const uint v30 = x_uint[v23 + 6u];
      const uint v33 = w1_codes_uint[v13 + 64u];
      const uint v38 = x_uint[v23 + 5u];
      const uint v41 = x_uint[v23 + 4u];
      const uint v44 = w1_codes_uint[v13 + 32u];
      const uint v48 = x_uint[v23 + 3u];
      const uint v52 = x_uint[v23 + 2u];
      const uint v53 = w1_codes_uint[v13];
      const uint v57 = x_uint[v23 + 1u];
      const uint v59 = x_uint[v23];
      const int v63 = x_int[(v8 + 162u) + i];
      const int v66 = dot4_unsigned(v53 & 252645135u, v59, as_int(as_uint(v63) * as_uint(-8)));
      const int v68 = dot4_unsigned(v44 & 252645135u, v52, dot4_unsigned((v53 >> 4u) & 252645135u, v57, v66));
      const int v70 = dot4_unsigned(v33 & 252645135u, v41, dot4_unsigned((v44 >> 4u) & 252645135u, v48, v68));
      const int v72 = dot4_unsigned(v16 & 252645135u, v30, dot4_unsigned((v33 >> 4u) & 252645135u, v38, v70));
      const uint v76 = (v10 * 32u) + item;
      const uint v78 = w1_scales_uint[v76 >> 1u];
      const float v85 = (float)dot4_unsigned((v16 >> 4u) & 252645135u, v26, v72) * half_to_float((v78 >> ((v76 & 1u) << 4u)) & 65535u);
      const float v89 = x_float[(v8 + 144u) + i];
      after = after + (v85 * v89);
    }
    const uint v94 = ((uint)get_group_id(0) * 32u) + (uint)get_local_id(0);
    if (v1 && (v94 < 576u)) {
      y_float[(group * 576u) + v94] = after;
    }
  }
}
