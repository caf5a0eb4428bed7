#include "compiler/weight_store.h"

#include <set>

namespace trireme::compiler {

Result<std::shared_ptr<const Weight>> WeightStore::get(const std::shared_ptr<Device>& device, const graph::Graph& graph,
                                                       graph::ValueId value_id, WeightUse use) {
  const graph::Value& value = graph.value(value_id);
  const Key key{device.get(), value.name, use};
  if (const auto found = weights_.find(key); found != weights_.end()) {
    if (found->second->desc() != value.desc)
      return fail(ErrorCode::kInternal, value.name, "two programs disagree about its shape or format");
    return found->second;
  }
  for (const auto& [other, weight] : weights_)
    if (std::get<0>(other) == device.get() && std::get<1>(other) == value.name && weight->serves(use) &&
        weight->desc() == value.desc)
      return weights_.emplace(key, weight).first->second;
  HostTensor tensor;
  if (value.kind == graph::ValueKind::kWeight) {
    TRIREME_ASSIGN(tensor, source_(value.name));
    if (tensor.desc != value.desc)
      return fail(ErrorCode::kInternal, value.name,
                  "the graph expects " + value.desc.text() + " and the model has " + tensor.desc.text());
  } else {
    tensor.desc = value.desc;
    tensor.name = value.name;
    tensor.data = std::as_bytes(std::span(constants_.try_emplace(value.name, value.data).first->second));
  }
  auto prepared = device->prepare_weight(tensor, use);
  if (!prepared) return fail(std::move(prepared).error(), "loading " + value.name + " on " + device->info().id);
  // Few rows of an embedding are ever read, and those come back when they are touched.
  if (tensor.release && (!(*prepared)->keeps_source() || use == WeightUse::kEmbedding)) tensor.release(tensor.data);
  weights_.emplace(key, *prepared);
  return *prepared;
}

WeightStore::Bytes WeightStore::bytes(const Device& device) const {
  Bytes bytes;
  std::set<const Weight*> counted;  // one may serve several uses
  std::map<std::string, uint64_t> mapped;
  std::set<std::string> copied;
  for (const auto& [key, weight] : weights_) {
    const auto& [of, name, use] = key;
    if (of != &device || !counted.insert(weight.get()).second) continue;
    bytes.copied += weight->device_bytes();
    if (weight->keeps_source())
      mapped[name] = uint64_t(weight->desc().bytes());
    else
      copied.insert(name);
  }
  // Of an embedding that is also the head, only a few rows are read in place: those that tokens ask for.
  for (const auto& [name, size] : mapped)
    if (!copied.contains(name)) bytes.mapped += size;
  return bytes;
}

}  // namespace trireme::compiler
