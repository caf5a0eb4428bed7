// one group a row
#pragma OPENCL FP_CONTRACT OFF

__kernel __attribute__((reqd_work_group_size(4, 1, 1)))
void row_sum(__global const void* x, __global void* y, uint columns) {
  __local float partial[4] __attribute__((aligned(64)));
  __global const float* const x_float = (__global const float*)x;
  __global float* const y_float = (__global float*)y;
  const uint item = (uint)get_local_id(0);
  const uint group = (uint)get_group_id(0);
  float sum = 0.0f;
  for (uint i = item; i < columns; i += 4u) {
    const float v4 = x_float[(group * columns) + i];
    sum = sum + v4;
  }
  partial[item] = sum;
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  if (item < 2u) {
    const float v8 = partial[item];
    const float v10 = partial[item + 2u];
    partial[item] = v8 + v10;
  }
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  if (item < 1u) {
    const float v14 = partial[item];
    const float v16 = partial[item + 1u];
    partial[item] = v14 + v16;
  }
  if (item == 0u) {
    const float v20 = partial[item];
    y_float[group] = v20;
  }
}
