// RMS norm, an item a row
#pragma OPENCL FP_CONTRACT OFF

typedef float __attribute__((may_alias)) any_float;
typedef int __attribute__((may_alias)) any_int;
typedef uint4 __attribute__((may_alias)) any_uint4;
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void norm_quantize_64(__global const void* x, __global const void* weight, __global void* y, __global const void* counts, uint count_index) {
  __global const float8* const x_float8 = (__global const float8*)x;
  __global const float8* const weight_float8 = (__global const float8*)weight;
  __global any_uint4* const y_uint4 = (__global any_uint4*)y;
  __global any_int* const y_int = (__global any_int*)y;
  __global any_float* const y_float = (__global any_float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint row = (uint)get_group_id(0);
  const uint rows = counts_uint[count_index];
  if (row < rows) {
    const float8 v5 = (float8)(0.0f);
    float8 after = v5;
    for (uint i = 0u; i < 8u; i += 1u) {
      const float8 v8 = x_float8[(row * 8u) + i];
      after = fma(v8, v8, after);
    }
    const float v20 = (((after.s0 + after.s1) + after.s2) + after.s3) + after.s4;
    const float v30 = ((((v20 + after.s5) + after.s6) + after.s7) / 64.0f) + 1e-05f;
    const float factor = 1.0f / sqrt(v30);
    for (uint i1 = 0u; i1 < 2u; i1 += 1u) {
      const uint v33 = row * 20u;
      const uint v38 = (v33 + (i1 << 3u)) / 4u;
      const uint v39 = row * 8u;
      const uint v40 = i1 * 4u;
      const float8 v42 = x_float8[v39 + v40];
      const float8 v43 = (float8)(factor);
      const float8 v45 = weight_float8[v40];
      const float8 v47 = (v42 * v43) * (v45 + v5);
      const float8 v48 = fabs(v47);
      const uint v50 = v40 + 2u;
      const float8 v52 = x_float8[v39 + v50];
      const float8 v54 = weight_float8[v50];
      const float8 v56 = (v52 * v43) * (v54 + v5);
      const float8 v57 = fabs(v56);
      const uint v60 = v40 + 1u;
      const float8 v62 = x_float8[v39 + v60];
      const float8 v64 = weight_float8[v60];
      const float8 v66 = (v62 * v43) * (v64 + v5);
      const float8 v67 = fabs(v66);
      const uint v69 = v40 + 3u;
      const float8 v71 = x_float8[v39 + v69];
      const float8 v73 = weight_float8[v69];
      const float8 v75 = (v71 * v43) * (v73 + v5);
      const float8 v76 = fabs(v75);
      const float8 v79 = fmax(fmax(fmax(v48, v5), fmax(v57, v5)), fmax(fmax(v67, v5), fmax(v76, v5)));
      const float v94 = fmax(fmax(fmax(v79.s0, v79.s4), fmax(v79.s2, v79.s6)), fmax(fmax(v79.s1, v79.s5), fmax(v79.s3, v79.s7)));
      const float v98 = v94 / 127.0f;
      const float scale = (v94 == as_float(0x7f800000u)) ? as_float(0x7f800000u) : ((v98 < 1.1754944e-38f) ? 0.0f : v98);
      const float8 v102 = (float8)(scale);
      const int8 v106 = (v102 != v5) & (v102 != (float8)(as_float(0x7f800000u)));
      const float8 v111 = select((float8)(1.0f), v102, v106);
      const float8 v112 = v48 / v111;
      const float8 v113 = (float8)(1.1754944e-38f);
      const float8 v117 = (float8)(127.0f);
      const int8 v119 = convert_int8(fmin(rint(select(v112, v5, (v112 < v113))), v117));
      const int8 v123 = (int8)(0);
      const int8 v124 = select(v123, select(v119, as_int8(-as_uint8(v119)), (v47 < v5)), (v106 & (v47 == v47)));
      const uint8 v127 = (uint8)(255u);
      const uint8 v131 = (uint8)(0u, 8u, 16u, 24u, 0u, 8u, 16u, 24u);
      const uint8 v132 = (as_uint8(v124) & v127) << v131;
      const float8 v150 = v67 / v111;
      const int8 v155 = convert_int8(fmin(rint(select(v150, v5, (v150 < v113))), v117));
      const int8 v158 = select(v123, select(v155, as_int8(-as_uint8(v155)), (v66 < v5)), (v106 & (v66 == v66)));
      const uint8 v161 = (as_uint8(v158) & v127) << v131;
      const uint4 v176 = (uint4)((v132.s0 | v132.s1) | (v132.s2 | v132.s3), (v132.s4 | v132.s5) | (v132.s6 | v132.s7), (v161.s0 | v161.s1) | (v161.s2 | v161.s3), (v161.s4 | v161.s5) | (v161.s6 | v161.s7));
      y_uint4[v38] = v176;
      const float8 v181 = v57 / v111;
      const int8 v186 = convert_int8(fmin(rint(select(v181, v5, (v181 < v113))), v117));
      const int8 v189 = select(v123, select(v186, as_int8(-as_uint8(v186)), (v56 < v5)), (v106 & (v56 == v56)));
      const uint8 v192 = (as_uint8(v189) & v127) << v131;
      const float8 v210 = v76 / v111;
      const int8 v215 = convert_int8(fmin(rint(select(v210, v5, (v210 < v113))), v117));
      const int8 v218 = select(v123, select(v215, as_int8(-as_uint8(v215)), (v75 < v5)), (v106 & (v75 == v75)));
      const uint8 v221 = (as_uint8(v218) & v127) << v131;
      const uint4 v236 = (uint4)((v192.s0 | v192.s1) | (v192.s2 | v192.s3), (v192.s4 | v192.s5) | (v192.s6 | v192.s7), (v221.s0 | v221.s1) | (v221.s2 | v221.s3), (v221.s4 | v221.s5) | (v221.s6 | v221.s7));
      y_uint4[v38 + 1u] = v236;
      const uint v238 = (v33 + 16u) + i1;
      y_float[v238] = scale;
      const int8 v242 = as_int8((as_uint8(v124) + as_uint8(v189)) + (as_uint8(v158) + as_uint8(v218)));
      const int v249 = as_int((as_uint(v242.s0) + as_uint(v242.s4)) + (as_uint(v242.s2) + as_uint(v242.s6)));
      const int v256 = as_int((as_uint(v242.s1) + as_uint(v242.s5)) + (as_uint(v242.s3) + as_uint(v242.s7)));
      y_int[v238 + 2u] = as_int(as_uint(v249) + as_uint(v256));
    }
  }
}
