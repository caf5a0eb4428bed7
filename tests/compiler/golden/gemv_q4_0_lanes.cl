// an item 32 rows of the weight in Q4_0
#pragma OPENCL FP_CONTRACT OFF

float8 half_to_float8(uint8 bits) {
  const ushort8 half_bits = convert_ushort8(bits);
  return vload_half8(0, (const half*)&half_bits);
}

#if defined(__clang__) && __clang_major__ < 20 && (defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && defined(__AVX512VL__)))
int8 dot4_small8(uint8 a, uint8 b, int8 sum) {
  typedef int words __attribute__((vector_size(32)));
  return as_int8(__builtin_ia32_vpdpbusd256((words)sum, (words)a, (words)b));
}
#elif defined(__clang__) && __clang_major__ < 20 && defined(__AVX2__)
int8 dot4_small8(uint8 a, uint8 b, int8 sum) {
  typedef char bytes __attribute__((vector_size(32)));
  typedef short halves __attribute__((vector_size(32)));
  const halves ones = (halves)(uint8)(0x10001u);
  const halves pairs = __builtin_ia32_pmaddubsw256((bytes)a, (bytes)b);
  return as_int8(as_uint8(sum) + as_uint8(__builtin_ia32_pmaddwd256(pairs, ones)));
}
#else
int8 dot4_small8(uint8 a, uint8 b, int8 sum) {
  const int8 products = (as_int8(a << 24) >> 24) * (as_int8(b << 24) >> 24) +
                       (as_int8(a << 16) >> 24) * (as_int8(b << 16) >> 24) +
                       (as_int8(a << 8) >> 24) * (as_int8(b << 8) >> 24) +
                       (as_int8(a) >> 24) * (as_int8(b) >> 24);
  return as_int8(as_uint8(sum) + as_uint8(products));
}
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void matmul_576x576_tile1(__global const void* x, __global const void* w1_codes, __global const void* w1_scales, __global void* y, __global const void* counts, uint count_index) {
  __global const uint* const x_uint = (__global const uint*)x;
  __global const int* const x_int = (__global const int*)x;
  __global const float* const x_float = (__global const float*)x;
  __global const uint8* const w1_codes_uint8 = (__global const uint8*)w1_codes;
  __global const ushort8* const w1_scales_ushort8 = (__global const ushort8*)w1_scales;
  __global float8* const y_float8 = (__global float8*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint group = (uint)get_group_id(1);
  const uint rows = counts_uint[count_index];
  const bool v1 = group < rows;
  const uint group1 = (uint)get_group_id(0);
  if (v1) {
    const float8 v5 = (float8)(0.0f);
    const uint item = (uint)get_local_id(0);
    const uint v9 = min(group, rows - 1u) * 180u;
    float8 after = v5;
    float8 after1 = v5;
    float8 after2 = v5;
    float8 after3 = v5;
    for (uint i = 0u; i < 18u; i += 1u) {
      const uint v11 = (group1 * 18u) + i;
      const uint v13 = v11 * 16u;
      const uint v14 = v13 + item;
      const uint8 v17 = w1_codes_uint8[v14 + 12u];
      const uint8 v19 = (uint8)(4u);
      const uint8 v22 = (uint8)(252645135u);
      const uint v26 = v9 + (i << 3u);
      const uint v29 = x_uint[v26 + 7u];
      const uint8 v30 = (uint8)(v29);
      const uint8 v31 = (uint8)(0u);
      const uint v36 = x_uint[v26 + 6u];
      const uint8 v37 = (uint8)(v36);
      const uint8 v40 = w1_codes_uint8[v14 + 8u];
      const uint v45 = x_uint[v26 + 5u];
      const uint8 v46 = (uint8)(v45);
      const uint v50 = x_uint[v26 + 4u];
      const uint8 v51 = (uint8)(v50);
      const uint8 v53 = w1_codes_uint8[v14 + 4u];
      const uint v57 = x_uint[v26 + 3u];
      const uint8 v58 = (uint8)(v57);
      const uint v63 = x_uint[v26 + 2u];
      const uint8 v64 = (uint8)(v63);
      const uint8 v65 = w1_codes_uint8[v14];
      const uint v69 = x_uint[v26 + 1u];
      const uint8 v70 = (uint8)(v69);
      const uint v73 = x_uint[v26];
      const uint8 v74 = (uint8)(v73);
      const int v78 = x_int[(v9 + 162u) + i];
      const int8 v81 = (int8)(as_int(as_uint(v78) * as_uint(-8)));
      const int8 v83 = dot4_small8((v65 >> v19) & v22, v70, dot4_small8((v65 >> v31) & v22, v74, v81));
      const int8 v85 = dot4_small8((v53 >> v19) & v22, v58, dot4_small8((v53 >> v31) & v22, v64, v83));
      const int8 v87 = dot4_small8((v40 >> v19) & v22, v46, dot4_small8((v40 >> v31) & v22, v51, v85));
      const int8 v89 = dot4_small8((v17 >> v19) & v22, v30, dot4_small8((v17 >> v31) & v22, v37, v87));
      const uint v91 = v11 * 4u;
      const ushort8 v93 = w1_scales_ushort8[v91 + item];
      const float v100 = x_float[(v9 + 144u) + i];
      const float8 v101 = (float8)(v100);
      const float8 v102 = (convert_float8(v89) * half_to_float8(convert_uint8(v93))) * v101;
      const float8 v103 = after + v102;
      const uint v104 = item + 1u;
      const uint v105 = v13 + v104;
      const uint8 v107 = w1_codes_uint8[v105 + 12u];
      const uint8 v113 = w1_codes_uint8[v105 + 8u];
      const uint8 v119 = w1_codes_uint8[v105 + 4u];
      const uint8 v124 = w1_codes_uint8[v105];
      const int8 v130 = dot4_small8((v124 >> v19) & v22, v70, dot4_small8((v124 >> v31) & v22, v74, v81));
      const int8 v132 = dot4_small8((v119 >> v19) & v22, v58, dot4_small8((v119 >> v31) & v22, v64, v130));
      const int8 v134 = dot4_small8((v113 >> v19) & v22, v46, dot4_small8((v113 >> v31) & v22, v51, v132));
      const int8 v136 = dot4_small8((v107 >> v19) & v22, v30, dot4_small8((v107 >> v31) & v22, v37, v134));
      const ushort8 v139 = w1_scales_ushort8[v91 + v104];
      const float8 v142 = convert_float8(v136) * half_to_float8(convert_uint8(v139));
      const float8 v144 = after1 + (v142 * v101);
      const uint v145 = item + 2u;
      const uint v146 = v13 + v145;
      const uint8 v148 = w1_codes_uint8[v146 + 12u];
      const uint8 v154 = w1_codes_uint8[v146 + 8u];
      const uint8 v160 = w1_codes_uint8[v146 + 4u];
      const uint8 v165 = w1_codes_uint8[v146];
      const int8 v171 = dot4_small8((v165 >> v19) & v22, v70, dot4_small8((v165 >> v31) & v22, v74, v81));
      const int8 v173 = dot4_small8((v160 >> v19) & v22, v58, dot4_small8((v160 >> v31) & v22, v64, v171));
      const int8 v175 = dot4_small8((v154 >> v19) & v22, v46, dot4_small8((v154 >> v31) & v22, v51, v173));
      const int8 v177 = dot4_small8((v148 >> v19) & v22, v30, dot4_small8((v148 >> v31) & v22, v37, v175));
      const ushort8 v180 = w1_scales_ushort8[v91 + v145];
      const float8 v183 = convert_float8(v177) * half_to_float8(convert_uint8(v180));
      const float8 v185 = after2 + (v183 * v101);
      const uint v186 = item + 3u;
      const uint v187 = v13 + v186;
      const uint8 v189 = w1_codes_uint8[v187 + 12u];
      const uint8 v195 = w1_codes_uint8[v187 + 8u];
      const uint8 v201 = w1_codes_uint8[v187 + 4u];
      const uint8 v206 = w1_codes_uint8[v187];
      const int8 v212 = dot4_small8((v206 >> v19) & v22, v70, dot4_small8((v206 >> v31) & v22, v74, v81));
      const int8 v214 = dot4_small8((v201 >> v19) & v22, v58, dot4_small8((v201 >> v31) & v22, v64, v212));
      const int8 v216 = dot4_small8((v195 >> v19) & v22, v46, dot4_small8((v195 >> v31) & v22, v51, v214));
      const int8 v218 = dot4_small8((v189 >> v19) & v22, v30, dot4_small8((v189 >> v31) & v22, v37, v216));
      const ushort8 v221 = w1_scales_ushort8[v91 + v186];
      const float8 v224 = convert_float8(v218) * half_to_float8(convert_uint8(v221));
      const float8 v226 = after3 + (v224 * v101);
      after = v103;
      after1 = v144;
      after2 = v185;
      after3 = v226;
    }
    const uint v228 = group1 * 4u;
    const uint v229 = v228 + item;
    if (v1 && (v229 < 72u)) {
      y_float8[(group * 72u) + v229] = after;
    }
    const uint v236 = (v228 + 1u) + item;
    if (v1 && (v236 < 72u)) {
      y_float8[(group * 72u) + v236] = after1;
    }
    const uint v243 = (v228 + 2u) + item;
    if (v1 && (v243 < 72u)) {
      y_float8[(group * 72u) + v243] = after2;
    }
    const uint v250 = (v228 + 3u) + item;
    if (v1 && (v250 < 72u)) {
      y_float8[(group * 72u) + v250] = after3;
    }
  }
}
