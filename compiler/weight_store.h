// WeightStore: a model's constants on its devices, each prepared once however many programs read it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "graph/graph.h"
#include "hal/device.h"

namespace trireme::compiler {

// Where weights come from: the tensor in host memory, valid as long as the store.
using WeightSource = std::function<Result<HostTensor>(const std::string& name)>;

class WeightStore {
 public:
  explicit WeightStore(WeightSource source) : source_(std::move(source)) {}

  // The value's bytes in the layout of `device`. Only kWeight and kConstant values are constants.
  Result<std::shared_ptr<const Weight>> get(const std::shared_ptr<Device>& device, const graph::Graph& graph,
                                            graph::ValueId value, WeightUse use);

  struct Bytes {
    uint64_t copied = 0;  // memory that the device allocated for them
    uint64_t mapped = 0;  // source memory that it reads in place, of constants that it has no copy of
  };
  Bytes bytes(const Device& device) const;

 private:
  using Key = std::tuple<const Device*, std::string, WeightUse>;
  WeightSource source_;
  std::map<std::string, std::vector<float>> constants_;  // outlive the graphs that they come from
  std::map<Key, std::shared_ptr<const Weight>> weights_;
};

}  // namespace trireme::compiler
