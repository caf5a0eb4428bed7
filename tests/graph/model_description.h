// A model file without its weights, as tests/graph/describe_model.py writes it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "graph/models/family.h"

namespace trireme::graph {

// Both views of one description. Tests may change any entry before they read it.
class ModelDescription final : public Metadata, public TensorTable {
 public:
  using Scalar = std::variant<bool, int64_t, double, std::string>;

  // Reads tests/data/graph/NAME.json; fails the running test when it cannot.
  static ModelDescription load(const std::string& name);

  MetadataSource source() const override { return source_; }
  bool has(std::string_view key) const override {
    return values_.count(std::string(key)) || lists_.count(std::string(key));
  }
  std::optional<int64_t> get_int(std::string_view key) const override;
  std::optional<double> get_float(std::string_view key) const override;
  std::optional<bool> get_bool(std::string_view key) const override;
  std::optional<std::string> get_string(std::string_view key) const override;
  std::optional<std::vector<int64_t>> get_int_list(std::string_view key) const override;
  std::optional<std::vector<double>> get_float_list(std::string_view key) const override;
  std::optional<std::vector<std::string>> get_string_list(std::string_view key) const override;

  std::optional<TensorDesc> find(std::string_view name) const override;
  Result<std::vector<float>> read_floats(std::string_view name) const override;

  void set(const std::string& key, Scalar value) { values_[key] = std::move(value); }
  void set_list(const std::string& key, std::vector<Scalar> value) { lists_[key] = std::move(value); }
  std::vector<std::string> keys() const;
  void erase(const std::string& key) {
    values_.erase(key);
    lists_.erase(key);
  }
  void erase_all(const std::string& prefix);
  void set_tensor(const std::string& canonical, TensorDesc desc) { tensors_[canonical] = desc; }
  void set_floats(const std::string& canonical, std::vector<float> values);
  void erase_tensor(const std::string& canonical) { tensors_.erase(canonical); }
  const std::map<std::string, TensorDesc>& tensors() const { return tensors_; }

 private:
  MetadataSource source_ = MetadataSource::kGguf;
  std::map<std::string, Scalar> values_;
  std::map<std::string, std::vector<Scalar>> lists_;
  std::map<std::string, TensorDesc> tensors_;  // by canonical name
  std::map<std::string, std::vector<float>> floats_;
};

// The whole way from a description to a verified graph.
Result<Graph> build_graph(const ModelDescription& model, const StepShape& step);
StepShape small_step();  // 8 tokens, 2 outputs, 2 sequences of 4 blocks, 8 blocks of 16 positions in F16

}  // namespace trireme::graph
