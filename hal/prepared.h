// What a device makes of constants and ops before it runs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "hal/ops.h"

namespace trireme {

// A tensor in host memory, as a model file holds it. `planes` are further tensors that its format needs (scales kept
// apart), in the order that the format's record names them. `release`, where set, is told by a device which parts of
// `data` it has copied, from any thread and as soon as may be: their memory can be given back, their contents stay.
struct HostTensor {
  TensorDesc desc;
  std::span<const std::byte> data;
  std::vector<std::span<const std::byte>> planes;
  std::string name;
  std::function<void(std::span<const std::byte> part)> release = {};
};

// What a constant is read as.
enum class WeightUse : uint8_t {
  kMatmul,     // the W of matmuls
  kEmbedding,  // rows are gathered
  kVector,     // biases, norm weights, rope frequencies: a few numbers, read whole
};

// A constant in a device's own layout. Shared by every op that reads it, whatever its capacity.
class Weight {
 public:
  virtual ~Weight() = default;
  virtual const TensorDesc& desc() const = 0;
  virtual uint64_t device_bytes() const = 0;  // memory that it holds beyond the source
  virtual bool keeps_source() const = 0;      // the source's memory must stay valid and is read again
  // Whether ops that read it for this use can, too, so that it need not be held twice.
  virtual bool serves(WeightUse) const { return false; }
};

// An op that a device is ready to run.
class PreparedOp {
 public:
  virtual ~PreparedOp() = default;
  virtual const OpDesc& desc() const = 0;
  virtual uint64_t workspace_bytes() const = 0;
};

}  // namespace trireme
