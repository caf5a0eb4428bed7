// codes of rows in Q4_K
#pragma OPENCL FP_CONTRACT OFF

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void repack_codes(__global const void* stored, __global const void* tables, __global void* codes, uint rows, uint first_tile, uint row_blocks, uint entries) {
  __global const uint* const stored_uint = (__global const uint*)stored;
  __global uint4* const codes_uint4 = (__global uint4*)codes;
  const uint item1 = ((uint)get_group_id(0) * 64u) + (uint)get_local_id(0);
  const uint block = item1 >> 5u;
  const uint tile = (uint)get_group_id(1);
  const uint lane = item1 & 31u;
  if (block < entries) {
    const uint v6 = (tile << 5u) + lane;
    uint chosen;
    uint chosen1;
    uint chosen2;
    uint chosen3;
    if (v6 < rows) {
      const uint v16 = block % 8u;
      const uint v21 = ((v6 * (row_blocks * 1152u)) + ((block / 8u) * 1152u)) + ((v16 / 2u) * 256u);
      const uint v25 = v21 + ((v16 % 2u) * 4u);
      const uint v26 = v25 >> 5u;
      const uint v28 = stored_uint[v26 + 4u];
      const uint v29 = v25 & 31u;
      const uint v32 = stored_uint[v26 + 5u];
      const uint v35 = 31u - v29;
      const uint v43 = stored_uint[v26 + 6u];
      const uint v48 = (((v32 >> v29) | ((v43 << 1u) << v35)) & 252645135u) << 4u;
      const uint v49 = (((v28 >> v29) | ((v32 << 1u) << v35)) & 252645135u) | v48;
      const uint v53 = stored_uint[v26 + 7u];
      const uint v60 = stored_uint[v26 + 8u];
      const uint v65 = (((v53 >> v29) | ((v60 << 1u) << v35)) & 252645135u) << 4u;
      const uint v66 = (((v43 >> v29) | ((v53 << 1u) << v35)) & 252645135u) | v65;
      const uint v70 = stored_uint[v26 + 9u];
      const uint v78 = stored_uint[v26 + 10u];
      const uint v83 = (((v70 >> v29) | ((v78 << 1u) << v35)) & 252645135u) << 4u;
      const uint v84 = (((v60 >> v29) | ((v70 << 1u) << v35)) & 252645135u) | v83;
      const uint v88 = stored_uint[v26 + 11u];
      const uint v96 = stored_uint[v26 + 12u];
      const uint v101 = (((v88 >> v29) | ((v96 << 1u) << v35)) & 252645135u) << 4u;
      const uint v102 = (((v78 >> v29) | ((v88 << 1u) << v35)) & 252645135u) | v101;
      chosen = v49;
      chosen1 = v66;
      chosen2 = v84;
      chosen3 = v102;
    } else {
      chosen = 0u;
      chosen1 = 0u;
      chosen2 = 0u;
      chosen3 = 0u;
    }
    codes_uint4[((((first_tile + tile) * entries) + block) * 32u) + lane] = (uint4)(chosen, chosen1, chosen2, chosen3);
  }
}
// factors of rows in Q4_K
#pragma OPENCL FP_CONTRACT OFF

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void repack_factors(__global const void* stored, __global const void* tables, __global void* factors, uint rows, uint first_tile, uint row_blocks, uint entries) {
  __global const uint* const stored_uint = (__global const uint*)stored;
  __global uint* const factors_uint = (__global uint*)factors;
  const uint item1 = ((uint)get_group_id(0) * 64u) + (uint)get_local_id(0);
  const uint entry = item1 / 16u;
  const uint tile = (uint)get_group_id(1);
  const uint place = item1 % 16u;
  if (entry < entries) {
    const uint v8 = (tile << 5u) + (place * 2u);
    uint chosen;
    if (v8 < rows) {
      const uint v17 = (v8 * (row_blocks * 1152u)) + ((entry / 8u) * 1152u);
      const uint v18 = entry % 8u;
      const uint v21 = (v18 / 4u) % 2u;
      const uint v25 = (v18 % 4u) * 8u;
      const uint v28 = ((v17 + (v21 * 64u)) + v25) + 32u;
      const uint v30 = stored_uint[v28 >> 5u];
      const uint v38 = (v17 + (v21 * 2u)) + v25;
      const uint v40 = v38 + 36u;
      const uint v42 = stored_uint[v40 >> 5u];
      const uint v48 = ((v30 >> (v28 & 31u)) & 15u) | (((v42 >> (v40 & 31u)) & 3u) << 4u);
      const uint v52 = ((v17 + (v21 * 36u)) + v25) + 64u;
      const uint v54 = stored_uint[v52 >> 5u];
      const uint v59 = v38 + 68u;
      const uint v61 = stored_uint[v59 >> 5u];
      const uint v66 = ((v54 >> (v52 & 31u)) & 15u) | (((v61 >> (v59 & 31u)) & 3u) << 4u);
      chosen = v48 | (v66 << 8u);
    } else {
      chosen = 0u;
    }
    const uint v70 = v8 + 1u;
    uint chosen1;
    if (v70 < rows) {
      const uint v78 = (v70 * (row_blocks * 1152u)) + ((entry / 8u) * 1152u);
      const uint v79 = entry % 8u;
      const uint v82 = (v79 / 4u) % 2u;
      const uint v86 = (v79 % 4u) * 8u;
      const uint v89 = ((v78 + (v82 * 64u)) + v86) + 32u;
      const uint v91 = stored_uint[v89 >> 5u];
      const uint v99 = (v78 + (v82 * 2u)) + v86;
      const uint v101 = v99 + 36u;
      const uint v103 = stored_uint[v101 >> 5u];
      const uint v109 = ((v91 >> (v89 & 31u)) & 15u) | (((v103 >> (v101 & 31u)) & 3u) << 4u);
      const uint v113 = ((v78 + (v82 * 36u)) + v86) + 64u;
      const uint v115 = stored_uint[v113 >> 5u];
      const uint v120 = v99 + 68u;
      const uint v122 = stored_uint[v120 >> 5u];
      const uint v127 = ((v115 >> (v113 & 31u)) & 15u) | (((v122 >> (v120 & 31u)) & 3u) << 4u);
      chosen1 = v109 | (v127 << 8u);
    } else {
      chosen1 = 0u;
    }
    factors_uint[((((first_tile + tile) * entries) + entry) * 16u) + place] = chosen | (chosen1 << 16u);
  }
}
// block_factors of rows in Q4_K
#pragma OPENCL FP_CONTRACT OFF

__kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void repack_block_factors(__global const void* stored, __global const void* tables, __global void* block_factors, uint rows, uint first_tile, uint row_blocks, uint entries) {
  __global const uint* const stored_uint = (__global const uint*)stored;
  __global uint* const block_factors_uint = (__global uint*)block_factors;
  const uint item1 = ((uint)get_group_id(0) * 64u) + (uint)get_local_id(0);
  const uint entry = item1 / 32u;
  const uint tile = (uint)get_group_id(1);
  const uint place = item1 % 32u;
  if (entry < entries) {
    const uint v7 = (tile << 5u) + place;
    uint chosen;
    if (v7 < rows) {
      const uint v16 = stored_uint[((v7 * (row_blocks * 1152u)) + (entry * 1152u)) >> 5u];
      chosen = (v16 & 65535u) | (((v16 >> 16u) & 65535u) << 16u);
    } else {
      chosen = 0u;
    }
    block_factors_uint[((((first_tile + tile) * entries) + entry) * 32u) + place] = chosen;
  }
}
