// an item a row of the weight in Q4_0
#pragma OPENCL FP_CONTRACT OFF

float half_to_float(uint bits) {
  const ushort half_bits = convert_ushort(bits);
  return vload_half(0, (const half*)&half_bits);
}

int dot4_signed(uint a, uint b, int sum) {
  const int products = (as_int(a << 24) >> 24) * (as_int(b << 24) >> 24) +
                       (as_int(a << 16) >> 24) * (as_int(b << 16) >> 24) +
                       (as_int(a << 8) >> 24) * (as_int(b << 8) >> 24) +
                       (as_int(a) >> 24) * (as_int(b) >> 24);
  return as_int(as_uint(sum) + as_uint(products));
}

__kernel __attribute__((reqd_work_group_size(256, 1, 1)))
void matmul_576x576_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __local float w1_parts[256] __attribute__((aligned(64)));
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
    const uint item = (uint)get_local_id(0);
    const uint v7 = item % 32u;
    const uint v12 = min(group, rows - 1u) * 180u;
    float after = 0.0f;
    for (uint i = item / 32u; i < 18u; i += 8u) {
      const uint v16 = (((group1 * 18u) + i) * 32u) + v7;
      const uint4 v17 = w1_codes_uint4[v16];
      const uint v18 = v17.s3;
      const uint v25 = v12 + (i << 3u);
      const uint v28 = x_uint[v25 + 7u];
      const uint v32 = x_uint[v25 + 6u];
      const uint v33 = v17.s2;
      const uint v38 = x_uint[v25 + 5u];
      const uint v41 = x_uint[v25 + 4u];
      const uint v42 = v17.s1;
      const uint v46 = x_uint[v25 + 3u];
      const uint v50 = x_uint[v25 + 2u];
      const uint v51 = v17.s0;
      const uint v55 = x_uint[v25 + 1u];
      const uint v57 = x_uint[v25];
      const int v61 = x_int[(v12 + 162u) + i];
      const int v64 = dot4_signed(v51 & 252645135u, v57, as_int(as_uint(v61) * as_uint(-8)));
      const int v66 = dot4_signed(v42 & 252645135u, v50, dot4_signed((v51 >> 4u) & 252645135u, v55, v64));
      const int v68 = dot4_signed(v33 & 252645135u, v41, dot4_signed((v42 >> 4u) & 252645135u, v46, v66));
      const int v70 = dot4_signed(v18 & 252645135u, v32, dot4_signed((v33 >> 4u) & 252645135u, v38, v68));
      const uint v74 = w1_scales_uint[v16 >> 1u];
      const float v81 = (float)dot4_signed((v18 >> 4u) & 252645135u, v28, v70) * half_to_float((v74 >> ((v16 & 1u) << 4u)) & 65535u);
      const float v85 = x_float[(v12 + 144u) + i];
      after = after + (v81 * v85);
    }
    w1_parts[item] = after;
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    const float v88 = w1_parts[v7];
    const float v90 = w1_parts[v7 + 32u];
    const float v93 = w1_parts[v7 + 64u];
    const float v96 = w1_parts[v7 + 96u];
    const float v99 = w1_parts[v7 + 128u];
    const float v102 = w1_parts[v7 + 160u];
    const float v105 = w1_parts[v7 + 192u];
    const float v108 = w1_parts[v7 + 224u];
    const uint v111 = (group1 * 32u) + v7;
    const float v122 = ((((((v88 + v90) + v93) + v96) + v99) + v102) + v105) + v108;
    if ((item < 32u) && (v1 && (v111 < 576u))) {
      y_float[(group * 576u) + v111] = v122;
    }
  }
}
