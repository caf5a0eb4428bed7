// Makes a GGUF file in chosen formats from a model on disk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/convert/choose_formats.h"

namespace trireme::runtime {

struct QuantizeOptions {
  FormatRules rules;
  int threads = 1;
  // Bytes of source tensors that are done, of all; an error that it returns ends the work.
  std::function<Status(uint64_t done, uint64_t total)> progress = {};
};

struct QuantizeSummary {
  int64_t tensors = 0;
  uint64_t bytes_in = 0;   // of tensors
  uint64_t bytes_out = 0;  // of the whole file
  std::vector<Fallback> fallbacks;
  std::vector<std::string> notes;  // what was left out or lost, for the user
};

// Reads a GGUF file or a Hugging Face folder and writes `out`, which appears whole or not at all. From GGUF all
// metadata are kept but general.file_type and general.quantization_version; from a folder they are made from its JSON
// files. Memory does not grow with the model. The same input gives the same bytes, whatever the number of threads.
// Errors: those of ModelFile::open and choose_formats; kInvalidArgument when `out` is what is read; kUnsupported for a
// model that GGUF cannot tell; kCorruptData for values that are not finite; kIo.
Result<QuantizeSummary> quantize(const std::string& in, const std::string& out, const QuantizeOptions& options);

}  // namespace trireme::runtime
