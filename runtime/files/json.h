// JSON from outside, parsed within limits.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hal/result.h"

namespace trireme::runtime {

struct JsonLimits {
  size_t bytes = size_t{4} << 20;
  int depth = 32;
  bool unique_keys = false;  // refuse objects that name a key twice (else the last one counts)
};

// `name` is what errors call the text. Errors: kCorruptData.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

// Reads and parses a file. Errors also: those of MappedFile::open.
Result<nlohmann::json> read_json(const std::string& path, const JsonLimits& limits = {});

}  // namespace trireme::runtime
