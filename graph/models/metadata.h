// Metadata: a model file's description of itself, as the families read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hal/tensor_desc.h"

namespace trireme::graph {

enum class MetadataSource : uint8_t {
  kGguf,         // key-values of a GGUF file, keys as stored: "llama.block_count"
  kHuggingFace,  // config.json, nested objects flattened with dots: "rope_parameters.rope_theta"
};

// A getter returns nullopt when the key is missing or its value has another type. A JSON null counts as missing.
class Metadata {
 public:
  virtual ~Metadata() = default;
  virtual MetadataSource source() const = 0;
  virtual bool has(std::string_view key) const = 0;
  virtual std::optional<int64_t> get_int(std::string_view key) const = 0;   // nullopt when beyond int64
  virtual std::optional<double> get_float(std::string_view key) const = 0;  // integers too
  virtual std::optional<bool> get_bool(std::string_view key) const = 0;
  virtual std::optional<std::string> get_string(std::string_view key) const = 0;
  virtual std::optional<std::vector<int64_t>> get_int_list(std::string_view key) const = 0;  // booleans as 0 and 1
  virtual std::optional<std::vector<double>> get_float_list(std::string_view key) const = 0;
  virtual std::optional<std::vector<std::string>> get_string_list(std::string_view key) const = 0;
};

// The tensors of a model, under their canonical (GGUF) names whatever the file's own naming is.
class TensorTable {
 public:
  virtual ~TensorTable() = default;
  // Shape slowest first ([rows, columns] of a matmul's weight), row domain kFixed; nullopt when there is no such
  // tensor.
  virtual std::optional<TensorDesc> find(std::string_view name) const = 0;
  // The elements of a small tensor (at most 65536 elements) as f32, for tables that the builder folds in.
  virtual Result<std::vector<float>> read_floats(std::string_view name) const = 0;
};

// Readers with range checks. Errors: kCorruptData naming the key, its value and what is allowed; kNotFound when a
// required key is missing.
Result<int64_t> require_int(const Metadata& metadata, std::string_view key, int64_t minimum, int64_t maximum);
Result<int64_t> int_or(const Metadata& metadata, std::string_view key, int64_t fallback, int64_t minimum,
                       int64_t maximum);
// A number, or a list with one for each layer. kUnsupported when the layers differ.
Result<int64_t> uniform_int(const Metadata& metadata, std::string_view key, int64_t minimum, int64_t maximum);
// The bound of numbers that may be anything finite that f32 can compute with.
constexpr double kHuge = 1e30;
Result<double> require_float(const Metadata& metadata, std::string_view key, double minimum, double maximum);
Result<double> float_or(const Metadata& metadata, std::string_view key, double fallback, double minimum,
                        double maximum);
Result<bool> bool_or(const Metadata& metadata, std::string_view key, bool fallback);
Result<std::string> string_or(const Metadata& metadata, std::string_view key, std::string fallback);

}  // namespace trireme::graph
