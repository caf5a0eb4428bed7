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
  if (row < rows) {
    const uint item = (uint)get_local_id(0);
    float after = 0.0f;
    for (uint i = item; i < 64u; i += 64u) {
      const float v6 = x_float[(row * 64u) + i];
      after = fma(v6, v6, after);
    }
    partial[item] = after;
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 32u) {
      const float v11 = partial[item];
      const float v13 = partial[item + 32u];
      partial[item] = v11 + v13;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 16u) {
      const float v17 = partial[item];
      const float v19 = partial[item + 16u];
      partial[item] = v17 + v19;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 8u) {
      const float v23 = partial[item];
      const float v25 = partial[item + 8u];
      partial[item] = v23 + v25;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 4u) {
      const float v29 = partial[item];
      const float v31 = partial[item + 4u];
      partial[item] = v29 + v31;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 2u) {
      const float v35 = partial[item];
      const float v37 = partial[item + 2u];
      partial[item] = v35 + v37;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (item < 1u) {
      const float v40 = partial[item];
      const float v42 = partial[item + 1u];
      partial[item] = v40 + v42;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    const float v44 = partial[0u];
    const float factor = 1.0f / sqrt((v44 / 64.0f) + 1e-05f);
    for (uint i1 = item; i1 < 2u; i1 += 64u) {
      float after1 = 0.0f;
      for (uint i2 = 0u; i2 < 32u; i2 += 1u) {
        const uint v54 = (i1 << 5u) + i2;
        const float v56 = x_float[(row * 64u) + v54];
        const float v58 = weight_float[v54];
        after1 = fmax(after1, fabs((v56 * factor) * (v58 + 0.0f)));
      }
      const uint v66 = as_uint(after1);
      const uint v75 = (v66 & 8388607u) | 8388608u;
      const uint v81 = (v75 < 16646144u) ? 0u : 1u;
      const uint v84 = (((v66 >> 23u) + 126u) + v81) - 133u;
      const uint v94 = (v75 % 16646144u) << 8u;
      const uint v99 = (v94 % 16646144u) << 8u;
      const uint v101 = ((((v75 / 16646144u) << 8u) | (v94 / 16646144u)) << 8u) | (v99 / 16646144u);
      const uint v104 = (v99 % 16646144u) << 8u;
      const uint v109 = (v104 % 16646144u) << 1u;
      const uint v111 = (v109 < 16646144u) ? 0u : 1u;
      const uint v112 = (((v101 << 8u) | (v104 / 16646144u)) << 1u) | v111;
      const uint v113 = v81 + 1u;
      const uint v114 = v112 >> v113;
      const uint v116 = 1u << v81;
      const uint v118 = v112 - (v114 << v113);
      const uint v128 = ((v116 == v118) ? 1u : 0u) & (((v109 == (16646144u * v111)) ? 0u : 1u) | (v114 & 1u));
      const uint v130 = (((v84 - 1u) << 23u) + v114) + (((v116 < v118) ? 1u : 0u) | v128);
      const float v132 = ((v66 == 0u) || (as_int(v84) < 1)) ? 0.0f : as_float(v130);
      const float scale = (after1 == as_float(0x7f800000u)) ? as_float(0x7f800000u) : v132;
      const uint v134 = row * 20u;
      const uint v137 = v134 + (i1 << 3u);
      int after2 = 0;
      for (uint i3 = 0u; i3 < 8u; i3 += 1u) {
        const bool v141 = (scale != 0.0f) && (scale != as_float(0x7f800000u));
        const uint v142 = row * 64u;
        const uint v144 = i1 << 5u;
        const uint v145 = i3 << 2u;
        const uint v146 = v144 + v145;
        const float v148 = x_float[v142 + v146];
        const float v150 = weight_float[v146];
        const float v152 = (v148 * factor) * (v150 + 0.0f);
        const uint v157 = as_uint(fabs(v152));
        const uint v162 = (v157 & 8388607u) | 8388608u;
        const uint v164 = as_uint((v141 ? scale : 1.0f));
        const uint v166 = (v164 & 8388607u) | 8388608u;
        const uint v168 = (v162 < v166) ? 0u : 1u;
        const uint v170 = v164 >> 23u;
        const uint v171 = (((v157 >> 23u) + 126u) + v168) - v170;
        const uint v180 = (v162 % v166) << 8u;
        const uint v185 = (v180 % v166) << 8u;
        const uint v187 = ((((v162 / v166) << 8u) | (v180 / v166)) << 8u) | (v185 / v166);
        const uint v190 = (v185 % v166) << 8u;
        const uint v195 = (v190 % v166) << 1u;
        const uint v197 = (v195 < v166) ? 0u : 1u;
        const uint v198 = (((v187 << 8u) | (v190 / v166)) << 1u) | v197;
        const uint v199 = v168 + 1u;
        const uint v200 = v198 >> v199;
        const uint v202 = 1u << v168;
        const uint v204 = v198 - (v200 << v199);
        const uint v214 = ((v202 == v204) ? 1u : 0u) & (((v195 == (v166 * v197)) ? 0u : 1u) | (v200 & 1u));
        const uint v216 = (((v171 - 1u) << 23u) + v200) + (((v202 < v204) ? 1u : 0u) | v214);
        const float v218 = ((v157 == 0u) || (as_int(v171) < 1)) ? 0.0f : as_float(v216);
        const int v221 = (int)fmin(rint(v218), 127.0f);
        const int v224 = (v141 && (v152 == v152)) ? ((v152 < 0.0f) ? as_int(-as_uint(v221)) : v221) : 0;
        const uint v229 = v144 + (v145 + 1u);
        const float v231 = x_float[v142 + v229];
        const float v233 = weight_float[v229];
        const float v235 = (v231 * factor) * (v233 + 0.0f);
        const uint v240 = as_uint(fabs(v235));
        const uint v245 = (v240 & 8388607u) | 8388608u;
        const uint v247 = (v245 < v166) ? 0u : 1u;
        const uint v249 = (((v240 >> 23u) + 126u) + v247) - v170;
        const uint v258 = (v245 % v166) << 8u;
        const uint v263 = (v258 % v166) << 8u;
        const uint v265 = ((((v245 / v166) << 8u) | (v258 / v166)) << 8u) | (v263 / v166);
        const uint v268 = (v263 % v166) << 8u;
        const uint v273 = (v268 % v166) << 1u;
        const uint v275 = (v273 < v166) ? 0u : 1u;
        const uint v276 = (((v265 << 8u) | (v268 / v166)) << 1u) | v275;
        const uint v277 = v247 + 1u;
        const uint v278 = v276 >> v277;
        const uint v280 = 1u << v247;
        const uint v282 = v276 - (v278 << v277);
        const uint v292 = ((v280 == v282) ? 1u : 0u) & (((v273 == (v166 * v275)) ? 0u : 1u) | (v278 & 1u));
        const uint v294 = (((v249 - 1u) << 23u) + v278) + (((v280 < v282) ? 1u : 0u) | v292);
        const float v296 = ((v240 == 0u) || (as_int(v249) < 1)) ? 0.0f : as_float(v294);
        const int v299 = (int)fmin(rint(v296), 127.0f);
        const int v302 = (v141 && (v235 == v235)) ? ((v235 < 0.0f) ? as_int(-as_uint(v299)) : v299) : 0;
        const uint v308 = v144 + (v145 + 2u);
        const float v310 = x_float[v142 + v308];
        const float v312 = weight_float[v308];
        const float v314 = (v310 * factor) * (v312 + 0.0f);
        const uint v319 = as_uint(fabs(v314));
        const uint v324 = (v319 & 8388607u) | 8388608u;
        const uint v326 = (v324 < v166) ? 0u : 1u;
        const uint v328 = (((v319 >> 23u) + 126u) + v326) - v170;
        const uint v337 = (v324 % v166) << 8u;
        const uint v342 = (v337 % v166) << 8u;
        const uint v344 = ((((v324 / v166) << 8u) | (v337 / v166)) << 8u) | (v342 / v166);
        const uint v347 = (v342 % v166) << 8u;
        const uint v352 = (v347 % v166) << 1u;
        const uint v354 = (v352 < v166) ? 0u : 1u;
        const uint v355 = (((v344 << 8u) | (v347 / v166)) << 1u) | v354;
        const uint v356 = v326 + 1u;
        const uint v357 = v355 >> v356;
        const uint v359 = 1u << v326;
        const uint v361 = v355 - (v357 << v356);
        const uint v371 = ((v359 == v361) ? 1u : 0u) & (((v352 == (v166 * v354)) ? 0u : 1u) | (v357 & 1u));
        const uint v373 = (((v328 - 1u) << 23u) + v357) + (((v359 < v361) ? 1u : 0u) | v371);
        const float v375 = ((v319 == 0u) || (as_int(v328) < 1)) ? 0.0f : as_float(v373);
        const int v378 = (int)fmin(rint(v375), 127.0f);
        const int v381 = (v141 && (v314 == v314)) ? ((v314 < 0.0f) ? as_int(-as_uint(v378)) : v378) : 0;
        const uint v385 = ((as_uint(v224) & 255u) | ((as_uint(v302) & 255u) << 8u)) | ((as_uint(v381) & 255u) << 16u);
        const uint v387 = v144 + (v145 + 3u);
        const float v389 = x_float[v142 + v387];
        const float v391 = weight_float[v387];
        const float v393 = (v389 * factor) * (v391 + 0.0f);
        const uint v398 = as_uint(fabs(v393));
        const uint v403 = (v398 & 8388607u) | 8388608u;
        const uint v405 = (v403 < v166) ? 0u : 1u;
        const uint v407 = (((v398 >> 23u) + 126u) + v405) - v170;
        const uint v416 = (v403 % v166) << 8u;
        const uint v421 = (v416 % v166) << 8u;
        const uint v423 = ((((v403 / v166) << 8u) | (v416 / v166)) << 8u) | (v421 / v166);
        const uint v426 = (v421 % v166) << 8u;
        const uint v431 = (v426 % v166) << 1u;
        const uint v433 = (v431 < v166) ? 0u : 1u;
        const uint v434 = (((v423 << 8u) | (v426 / v166)) << 1u) | v433;
        const uint v435 = v405 + 1u;
        const uint v436 = v434 >> v435;
        const uint v438 = 1u << v405;
        const uint v440 = v434 - (v436 << v435);
        const uint v450 = ((v438 == v440) ? 1u : 0u) & (((v431 == (v166 * v433)) ? 0u : 1u) | (v436 & 1u));
        const uint v452 = (((v407 - 1u) << 23u) + v436) + (((v438 < v440) ? 1u : 0u) | v450);
        const float v454 = ((v398 == 0u) || (as_int(v407) < 1)) ? 0.0f : as_float(v452);
        const int v457 = (int)fmin(rint(v454), 127.0f);
        const int v460 = (v141 && (v393 == v393)) ? ((v393 < 0.0f) ? as_int(-as_uint(v457)) : v457) : 0;
        y_uint[v137 + i3] = v385 | ((as_uint(v460) & 255u) << 24u);
        const int v468 = as_int(((as_uint(after2) + as_uint(v224)) + as_uint(v302)) + as_uint(v381));
        after2 = as_int(as_uint(v468) + as_uint(v460));
      }
      const uint v471 = (v134 + 16u) + i1;
      y_float[v471] = scale;
      y_int[v471 + 2u] = after2;
    }
  }
}
