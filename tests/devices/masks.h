// What devices of other machines lack.
#pragma once

#include "tests/conformance/suite.h"
#include "tests/devices/masked_device.h"

namespace trireme::devices_test {

using conformance::CaseResult;

inline void whole(Target&) {}
// Rows to items, and items that share a row, instead of a schedule for processors.
inline void as_a_gpu(Target& target) {
  target.software = false;
  target.vector_lanes = 1;
  target.exact_division = false;
  target.fetches_texels = false;
}
inline void one_lane(Target& target) { target.vector_lanes = 1; }
inline void no_exact_division(Target& target) { target.exact_division = false; }
inline void little_shared(Target& target) { target.shared_bytes = 16384; }
inline void small_groups(Target& target) {
  as_a_gpu(target);
  target.max_group_size = 64;
  target.shared_bytes = 16384;
}
inline void no_subgroups(Target& target) { target.subgroup_size = 0; }
inline void no_texels(Target& target) { target.fetches_texels = false; }
inline void no_small_stores(Target& target) { target.small_stores = false; }
// parts_test.cpp has weights that need parts for it; here are operands that are refused.
inline void small_buffers(Target& target) { target.max_buffer_bytes = 64 << 10; }
inline void least(Target& target) {
  small_groups(target);
  no_small_stores(target);
  no_subgroups(target);
  small_buffers(target);
  target.integer_dot = false;
}

inline conformance::OpenDevice open(const char* id, const Mask& mask) {
  return [=] { return open_masked(id, mask); };
}

// Those whose names begin so.
inline std::vector<conformance::Group> groups_of(int level, const std::vector<std::string>& names) {
  return conformance::groups(level, [&](const std::string& of_case) {
    return std::ranges::any_of(names, [&](const std::string& name) { return of_case.starts_with(name); });
  });
}

// What a device may refuse for want of 16-bit stores or of large buffers: it says so.
inline bool may_refuse(const CaseResult& result) {
  return result.message.find("16-bit") != std::string::npos ||
         result.message.find("the device binds at most 65536") != std::string::npos;
}

}  // namespace trireme::devices_test
