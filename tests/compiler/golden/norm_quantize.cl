// RMS norm, a group a row
#pragma OPENCL FP_CONTRACT OFF

typedef float __attribute__((may_alias)) any_float;
typedef int __attribute__((may_alias)) any_int;
typedef uint __attribute__((may_alias)) any_uint;
__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void norm_quantize_64(__global const void* x, __global const void* weight, __global void* y, __global const void* counts, uint count_index) {
  __local float partial[64] __attribute__((aligned(64)));
  __global const float* const x_float = (__global const float*)x;
  __global const float* const weight_float = (__global const float*)weight;
  __global any_uint* const y_uint = (__global any_uint*)y;
  __global any_int* const y_int = (__global any_int*)y;
  __global any_float* const y_float = (__global any_float*)y;
  __global const uint* const counts_uint = (__global const uint*)counts;
  const uint row = (uint)get_group_id(0);
  const uint rows = counts_uint[count_index];
  const uint item = (uint)get_local_id(0);
  const uint v3 = row * 64u;
  if (row < rows) {
    float after = 0.0f;
    for (uint i = item; i < 64u; i += 64u) {
      const float v6 = x_float[v3 + i];
      after = fma(v6, v6, after);
    }
    partial[item] = after;
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 32u) {
      const float v10 = partial[item];
      const float v12 = partial[item + 32u];
      partial[item] = v10 + v12;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 16u) {
      const float v16 = partial[item];
      const float v18 = partial[item + 16u];
      partial[item] = v16 + v18;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 8u) {
      const float v22 = partial[item];
      const float v24 = partial[item + 8u];
      partial[item] = v22 + v24;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 4u) {
      const float v28 = partial[item];
      const float v30 = partial[item + 4u];
      partial[item] = v28 + v30;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 2u) {
      const float v34 = partial[item];
      const float v36 = partial[item + 2u];
      partial[item] = v34 + v36;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 1u) {
      const float v39 = partial[item];
      const float v41 = partial[item + 1u];
      partial[item] = v39 + v41;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    const float v44 = partial[0u];
    const float factor = 1.0f / sqrt((v44 / 64.0f) + 1e-05f);
    for (uint i1 = item; i1 < 2u; i1 += 64u) {
      float after1 = 0.0f;
      for (uint i2 = 0u; i2 < 32u; i2 += 1u) {
        const uint v53 = (i1 << 5u) + i2;
        const float v55 = x_float[v3 + v53];
        const float v57 = weight_float[v53];
        after1 = fmax(after1, fabs((v55 * factor) * (v57 + 0.0f)));
      }
      const uint v65 = as_uint(after1);
      const uint v74 = (v65 & 8388607u) | 8388608u;
      const uint v80 = (v74 < 16646144u) ? 0u : 1u;
      const uint v83 = (((v65 >> 23u) + 126u) + v80) - 133u;
      const uint v93 = (v74 % 16646144u) << 8u;
      const uint v98 = (v93 % 16646144u) << 8u;
      const uint v100 = ((((v74 / 16646144u) << 8u) | (v93 / 16646144u)) << 8u) | (v98 / 16646144u);
      const uint v103 = (v98 % 16646144u) << 8u;
      const uint v108 = (v103 % 16646144u) << 1u;
      const uint v110 = (v108 < 16646144u) ? 0u : 1u;
      const uint v111 = (((v100 << 8u) | (v103 / 16646144u)) << 1u) | v110;
      const uint v112 = v80 + 1u;
      const uint v113 = v111 >> v112;
      const uint v115 = 1u << v80;
      const uint v117 = v111 - (v113 << v112);
      const uint v127 = ((v115 == v117) ? 1u : 0u) & (((v108 == (16646144u * v110)) ? 0u : 1u) | (v113 & 1u));
      const uint v129 = (((v83 - 1u) << 23u) + v113) + (((v115 < v117) ? 1u : 0u) | v127);
      const float v131 = ((v65 == 0u) || (as_int(v83) < 1)) ? 0.0f : as_float(v129);
      const float scale = (after1 == as_float(0x7f800000u)) ? as_float(0x7f800000u) : v131;
      const bool v134 = (scale != 0.0f) && (scale != as_float(0x7f800000u));
      const uint v136 = row * 20u;
      const uint v139 = v136 + (i1 << 3u);
      int after2 = 0;
      for (uint i3 = 0u; i3 < 8u; i3 += 1u) {
        const uint v142 = i1 << 5u;
        const uint v143 = i3 << 2u;
        const uint v144 = v142 + v143;
        const float v146 = x_float[v3 + v144];
        const float v148 = weight_float[v144];
        const float v150 = (v146 * factor) * (v148 + 0.0f);
        const uint v155 = as_uint(fabs(v150));
        const uint v160 = (v155 & 8388607u) | 8388608u;
        const uint v161 = as_uint(scale);
        const uint v163 = (v161 & 8388607u) | 8388608u;
        const uint v165 = (v160 < v163) ? 0u : 1u;
        const uint v167 = v161 >> 23u;
        const uint v168 = (((v155 >> 23u) + 126u) + v165) - v167;
        const uint v177 = (v160 % v163) << 8u;
        const uint v182 = (v177 % v163) << 8u;
        const uint v184 = ((((v160 / v163) << 8u) | (v177 / v163)) << 8u) | (v182 / v163);
        const uint v187 = (v182 % v163) << 8u;
        const uint v192 = (v187 % v163) << 1u;
        const uint v194 = (v192 < v163) ? 0u : 1u;
        const uint v195 = (((v184 << 8u) | (v187 / v163)) << 1u) | v194;
        const uint v196 = v165 + 1u;
        const uint v197 = v195 >> v196;
        const uint v199 = 1u << v165;
        const uint v201 = v195 - (v197 << v196);
        const uint v211 = ((v199 == v201) ? 1u : 0u) & (((v192 == (v163 * v194)) ? 0u : 1u) | (v197 & 1u));
        const uint v213 = (((v168 - 1u) << 23u) + v197) + (((v199 < v201) ? 1u : 0u) | v211);
        const float v215 = ((v155 == 0u) || (as_int(v168) < 1)) ? 0.0f : as_float(v213);
        const int v218 = (int)fmin(rint(v215), 127.0f);
        const int v221 = (v134 && (v150 == v150)) ? ((v150 < 0.0f) ? as_int(-as_uint(v218)) : v218) : 0;
        const uint v226 = v142 + (v143 + 1u);
        const float v228 = x_float[v3 + v226];
        const float v230 = weight_float[v226];
        const float v232 = (v228 * factor) * (v230 + 0.0f);
        const uint v237 = as_uint(fabs(v232));
        const uint v242 = (v237 & 8388607u) | 8388608u;
        const uint v244 = (v242 < v163) ? 0u : 1u;
        const uint v246 = (((v237 >> 23u) + 126u) + v244) - v167;
        const uint v255 = (v242 % v163) << 8u;
        const uint v260 = (v255 % v163) << 8u;
        const uint v262 = ((((v242 / v163) << 8u) | (v255 / v163)) << 8u) | (v260 / v163);
        const uint v265 = (v260 % v163) << 8u;
        const uint v270 = (v265 % v163) << 1u;
        const uint v272 = (v270 < v163) ? 0u : 1u;
        const uint v273 = (((v262 << 8u) | (v265 / v163)) << 1u) | v272;
        const uint v274 = v244 + 1u;
        const uint v275 = v273 >> v274;
        const uint v277 = 1u << v244;
        const uint v279 = v273 - (v275 << v274);
        const uint v289 = ((v277 == v279) ? 1u : 0u) & (((v270 == (v163 * v272)) ? 0u : 1u) | (v275 & 1u));
        const uint v291 = (((v246 - 1u) << 23u) + v275) + (((v277 < v279) ? 1u : 0u) | v289);
        const float v293 = ((v237 == 0u) || (as_int(v246) < 1)) ? 0.0f : as_float(v291);
        const int v296 = (int)fmin(rint(v293), 127.0f);
        const int v299 = (v134 && (v232 == v232)) ? ((v232 < 0.0f) ? as_int(-as_uint(v296)) : v296) : 0;
        const uint v305 = v142 + (v143 + 2u);
        const float v307 = x_float[v3 + v305];
        const float v309 = weight_float[v305];
        const float v311 = (v307 * factor) * (v309 + 0.0f);
        const uint v316 = as_uint(fabs(v311));
        const uint v321 = (v316 & 8388607u) | 8388608u;
        const uint v323 = (v321 < v163) ? 0u : 1u;
        const uint v325 = (((v316 >> 23u) + 126u) + v323) - v167;
        const uint v334 = (v321 % v163) << 8u;
        const uint v339 = (v334 % v163) << 8u;
        const uint v341 = ((((v321 / v163) << 8u) | (v334 / v163)) << 8u) | (v339 / v163);
        const uint v344 = (v339 % v163) << 8u;
        const uint v349 = (v344 % v163) << 1u;
        const uint v351 = (v349 < v163) ? 0u : 1u;
        const uint v352 = (((v341 << 8u) | (v344 / v163)) << 1u) | v351;
        const uint v353 = v323 + 1u;
        const uint v354 = v352 >> v353;
        const uint v356 = 1u << v323;
        const uint v358 = v352 - (v354 << v353);
        const uint v368 = ((v356 == v358) ? 1u : 0u) & (((v349 == (v163 * v351)) ? 0u : 1u) | (v354 & 1u));
        const uint v370 = (((v325 - 1u) << 23u) + v354) + (((v356 < v358) ? 1u : 0u) | v368);
        const float v372 = ((v316 == 0u) || (as_int(v325) < 1)) ? 0.0f : as_float(v370);
        const int v375 = (int)fmin(rint(v372), 127.0f);
        const int v378 = (v134 && (v311 == v311)) ? ((v311 < 0.0f) ? as_int(-as_uint(v375)) : v375) : 0;
        const uint v382 = ((as_uint(v221) & 255u) | ((as_uint(v299) & 255u) << 8u)) | ((as_uint(v378) & 255u) << 16u);
        const uint v384 = v142 + (v143 + 3u);
        const float v386 = x_float[v3 + v384];
        const float v388 = weight_float[v384];
        const float v390 = (v386 * factor) * (v388 + 0.0f);
        const uint v395 = as_uint(fabs(v390));
        const uint v400 = (v395 & 8388607u) | 8388608u;
        const uint v402 = (v400 < v163) ? 0u : 1u;
        const uint v404 = (((v395 >> 23u) + 126u) + v402) - v167;
        const uint v413 = (v400 % v163) << 8u;
        const uint v418 = (v413 % v163) << 8u;
        const uint v420 = ((((v400 / v163) << 8u) | (v413 / v163)) << 8u) | (v418 / v163);
        const uint v423 = (v418 % v163) << 8u;
        const uint v428 = (v423 % v163) << 1u;
        const uint v430 = (v428 < v163) ? 0u : 1u;
        const uint v431 = (((v420 << 8u) | (v423 / v163)) << 1u) | v430;
        const uint v432 = v402 + 1u;
        const uint v433 = v431 >> v432;
        const uint v435 = 1u << v402;
        const uint v437 = v431 - (v433 << v432);
        const uint v447 = ((v435 == v437) ? 1u : 0u) & (((v428 == (v163 * v430)) ? 0u : 1u) | (v433 & 1u));
        const uint v449 = (((v404 - 1u) << 23u) + v433) + (((v435 < v437) ? 1u : 0u) | v447);
        const float v451 = ((v395 == 0u) || (as_int(v404) < 1)) ? 0.0f : as_float(v449);
        const int v454 = (int)fmin(rint(v451), 127.0f);
        const int v457 = (v134 && (v390 == v390)) ? ((v390 < 0.0f) ? as_int(-as_uint(v454)) : v454) : 0;
        y_uint[v139 + i3] = v382 | ((as_uint(v457) & 255u) << 24u);
        const int v465 = as_int(((as_uint(after2) + as_uint(v221)) + as_uint(v299)) + as_uint(v378));
        after2 = as_int(as_uint(v465) + as_uint(v457));
      }
      const uint v468 = (v136 + 16u) + i1;
      y_float[v468] = scale;
      y_int[v468 + 2u] = after2;
    }
  }
}
