// The test double as tests use it.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/opencl_double/control.h"

namespace trireme::opencl_double {

inline constexpr char kPath[] = TRIREME_OPENCL_DOUBLE;

// One of the functions of control.h.
template <typename Function>
Function* find(const char* name) {
  void* const library = dlopen(kPath, RTLD_NOW | RTLD_LOCAL);
  auto* const function = library ? reinterpret_cast<Function*>(dlsym(library, name)) : nullptr;
  if (!function) ADD_FAILURE() << name << " is not in " << kPath << ": " << dlerror();
  return function;
}

inline void set_chance(const OpenClDoubleChance& chance) {
  find<decltype(trireme_opencl_double_set_chance)>("trireme_opencl_double_set_chance")(&chance);
}
inline uint64_t failures() {
  return find<decltype(trireme_opencl_double_failures)>("trireme_opencl_double_failures")();
}
// Their number, and the text of the first.
inline std::pair<size_t, std::string> take_violations() {
  char first[512] = {};
  const size_t count = find<decltype(trireme_opencl_double_take_violations)>("trireme_opencl_double_take_violations")(
      first, sizeof(first));
  return {count, first};
}
inline size_t live_objects() {
  return find<decltype(trireme_opencl_double_live_objects)>("trireme_opencl_double_live_objects")();
}

// After each test: no rule was broken, nothing was forgotten, and nothing fails any more.
inline void expect_clean() {
  set_chance({});
  const auto [count, first] = take_violations();
  EXPECT_EQ(count, 0u) << first;
  EXPECT_EQ(live_objects(), 0u);
}

}  // namespace trireme::opencl_double
