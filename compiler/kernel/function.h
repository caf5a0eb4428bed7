// Function: one kernel as typed SSA instructions with structured control flow. Every work item of a group runs it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/kernel/op.h"
#include "compiler/kernel/type.h"
#include "hal/matrix_tile.h"

namespace trireme::kernel {

using ValueId = uint32_t;

struct Value {
  Type type;
  std::string name;  // unique in its function: a letter or _, then letters, digits and _
};

struct Instruction;

struct Region {
  std::vector<ValueId> arguments;
  std::vector<Instruction> body;
  std::vector<ValueId> yields;
};

struct Instruction {
  Op op = Op::kConstant;
  std::vector<ValueId> operands;
  std::vector<ValueId> results;
  std::array<uint32_t, 2> immediates{};
  std::vector<Region> regions;  // kLoop one, kIf two
};

enum class Access : uint8_t { kRead, kWrite, kReadWrite };

// Memory that is bound when the kernel is recorded. It begins at a multiple of 256 bytes.
struct BufferParameter {
  std::string name;
  Access access = Access::kRead;
};

// A number that is known when the kernel is built, or when it is recorded.
struct ConstantParameter {
  std::string name;
  Type type;                  // u32, i32 or f32, one lane
  uint32_t default_bits = 0;  // of a specialization
};

// Memory of a work group.
struct SharedArray {
  std::string name;
  Type type;  // u32, i32 or f32, one lane
  uint32_t count = 0;
};

struct Function {
  std::string name;
  std::string comment;  // one line: the template, its parameters and the format
  uint32_t group_size = 64;
  uint32_t subgroup_size = 0;             // 0: it uses no subgroups
  std::optional<MatrixTile> matrix = {};  // what kMatrixMultiply computes, with as many items as the subgroup has
  std::vector<BufferParameter> buffers;
  std::vector<ConstantParameter> specializations;
  std::vector<ConstantParameter> launch_constants;
  std::vector<SharedArray> shared;
  std::vector<Value> values;
  Region body;

  const Value& value(ValueId id) const { return values[id]; }
  uint32_t shared_bytes() const;
};

}  // namespace trireme::kernel
