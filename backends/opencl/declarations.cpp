#include "backends/opencl/declarations.h"

namespace trireme::opencl {

const char* const kDeclarations = R"(
#define PURE __attribute__((overloadable, const))
#define OF_WIDTHS(OF, ...) OF(, __VA_ARGS__) OF_VECTORS(OF, __VA_ARGS__)
#define OF_VECTORS(OF, ...) OF(2, __VA_ARGS__) OF(4, __VA_ARGS__) OF(8, __VA_ARGS__) OF(16, __VA_ARGS__)

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __SIZE_TYPE__ size_t;
#define VECTOR(N, T) typedef T T##N __attribute__((ext_vector_type(N)));
OF_VECTORS(VECTOR, uchar) OF_VECTORS(VECTOR, ushort) OF_VECTORS(VECTOR, uint)
OF_VECTORS(VECTOR, int) OF_VECTORS(VECTOR, float)

#define as_int(x) __builtin_astype((x), int)
#define as_int2(x) __builtin_astype((x), int2)
#define as_int4(x) __builtin_astype((x), int4)
#define as_int8(x) __builtin_astype((x), int8)
#define as_int16(x) __builtin_astype((x), int16)
#define as_uint(x) __builtin_astype((x), uint)
#define as_uint2(x) __builtin_astype((x), uint2)
#define as_uint4(x) __builtin_astype((x), uint4)
#define as_uint8(x) __builtin_astype((x), uint8)
#define as_uint16(x) __builtin_astype((x), uint16)
#define as_float(x) __builtin_astype((x), float)
#define as_float2(x) __builtin_astype((x), float2)
#define as_float4(x) __builtin_astype((x), float4)
#define as_float8(x) __builtin_astype((x), float8)
#define as_float16(x) __builtin_astype((x), float16)

#define CONVERTED(N, T, FROM) T##N PURE convert_##T##N(FROM##N);
#define CONVERTED_TO(T) OF_WIDTHS(CONVERTED, T, uchar) OF_WIDTHS(CONVERTED, T, ushort) \
  OF_WIDTHS(CONVERTED, T, uint) OF_WIDTHS(CONVERTED, T, int) OF_WIDTHS(CONVERTED, T, float)
CONVERTED_TO(uchar) CONVERTED_TO(ushort) CONVERTED_TO(uint) CONVERTED_TO(int) CONVERTED_TO(float)

#define OF_ONE(N, T, F) T##N PURE F(T##N);
#define OF_TWO(N, T, F) T##N PURE F(T##N, T##N);
#define OF_THREE(N, T, F) T##N PURE F(T##N, T##N, T##N);
OF_WIDTHS(OF_ONE, float, cos) OF_WIDTHS(OF_ONE, float, exp) OF_WIDTHS(OF_ONE, float, fabs)
OF_WIDTHS(OF_ONE, float, floor) OF_WIDTHS(OF_ONE, float, rint) OF_WIDTHS(OF_ONE, float, sin)
OF_WIDTHS(OF_ONE, float, sqrt)
OF_WIDTHS(OF_TWO, float, fmax) OF_WIDTHS(OF_TWO, float, fmin) OF_WIDTHS(OF_THREE, float, fma)
OF_WIDTHS(OF_TWO, int, max) OF_WIDTHS(OF_TWO, int, min) OF_WIDTHS(OF_TWO, uint, max) OF_WIDTHS(OF_TWO, uint, min)

#define SELECTED(N, T) T##N PURE select(T##N, T##N, int##N);
OF_VECTORS(SELECTED, float) OF_WIDTHS(SELECTED, int) OF_WIDTHS(SELECTED, uint)
#define COMPARED(N, F) int##N PURE F(float##N);
OF_WIDTHS(COMPARED, isnan)

#define HALVES(N, ...) float##N __attribute__((overloadable, pure)) vload_half##N(size_t, const half*); \
  void __attribute__((overloadable)) vstore_half##N##_rte(float##N, size_t, half*);
OF_WIDTHS(HALVES, )

size_t PURE get_group_id(uint);
size_t PURE get_local_id(uint);
typedef uint cl_mem_fence_flags;
#define CLK_LOCAL_MEM_FENCE 1
#define CLK_GLOBAL_MEM_FENCE 2
void __attribute__((overloadable, convergent)) barrier(cl_mem_fence_flags);
)";

}  // namespace trireme::opencl
