// Messages between a program and the worker processes that build its kernels. Each is one frame: its length in four
// bytes, the lowest first, then its payload.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "hal/kernel_device.h"

namespace trireme::compiler {

inline constexpr size_t kMostFrameBytes = size_t{80} << 20;  // of a payload

// The first request: what the worker builds for from now on.
struct OpenRequest {
  std::string device;     // "opencl:0"
  std::string library;    // the driver to load; empty: the usual
  std::string build_key;  // Target::build_key that the device must have

  bool operator==(const OpenRequest&) const = default;
};

// All others: a kernel to build.
using BuildRequest = std::variant<OpenRequest, KernelSource>;

// The built kernel, or nothing where a device was opened; or why there is none.
using BuildAnswer = Result<std::vector<std::byte>>;

// Payloads.
std::vector<std::byte> encode(const BuildRequest& request);
std::vector<std::byte> encode(const BuildAnswer& answer);

// Errors: kCorruptData when the payload is none of the like; nothing may follow it. Memory for no more than the payload
// is ever asked for.
Result<BuildRequest> decode_request(std::span<const std::byte> payload);
// The outer result says whether it was an answer at all.
Result<BuildAnswer> decode_answer(std::span<const std::byte> payload);

}  // namespace trireme::compiler
