// The conformance cases as GoogleTest, one test for each op, and for each weight format of a matmul. Instantiate it for
// a device in that backend's tests, once, with
//
//   TRIREME_CONFORMANCE(Cpu, 3, [] { return cpu::create_backend()->open(0, {}); });
//
// The device runs under the validation layer, and must do every op and format of the level: one that it refuses fails,
// unless a second function, (const CaseResult&) -> bool, says that it may.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ostream>

#include "backends/reference/backend.h"
#include "hal/validation.h"
#include "tests/conformance/runner.h"

namespace trireme::conformance {

using OpenDevice = std::function<Result<std::shared_ptr<Device>>()>;
using MayRefuse = std::function<bool(const CaseResult&)>;

struct Group {
  std::string name;
  std::vector<CaseSource> cases;
};

// Of the cases of which `keep` says so by their name, in the order of all_cases().
inline std::vector<Group> groups(int level, const std::function<bool(const std::string& name)>& keep) {
  std::vector<Group> groups;
  for (CaseSource& source : all_cases(level)) {
    if (!keep(source.name)) continue;
    const bool matmul = source.name.starts_with("matmul") || source.name.starts_with("grouped_matmul");
    size_t end = source.name.find(' ');
    if (matmul && end != std::string::npos) end = source.name.find(' ', end + 1);
    std::string name = source.name.substr(0, end);
    for (char& c : name)
      if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    const auto group = std::ranges::find_if(groups, [&](const Group& other) { return other.name == name; });
    if (group == groups.end())
      groups.push_back({std::move(name), {std::move(source)}});
    else
      group->cases.push_back(std::move(source));
  }
  return groups;
}

inline std::vector<Group> groups(int level) {
  return groups(level, [](const std::string&) { return true; });
}

inline void PrintTo(const Group& group, std::ostream* out) { *out << group.name; }
inline std::string group_name(const ::testing::TestParamInfo<Group>& info) { return info.param.name; }

class Conformance : public ::testing::TestWithParam<Group> {
 protected:
  static void run(const Group& group, const OpenDevice& open, const MayRefuse& may_refuse = {}) {
    const Validation validation;
    {
      const auto opened = open();
      ASSERT_TRUE(opened) << opened.error().message();
      const auto device = validate(*opened, validation),
                 reference = validate(*reference::create_backend()->open(0, {}), validation);
      for (const CaseSource& source : group.cases) {
        const CaseResult result = run_case(*device, *reference, source);
        if (result.outcome == Outcome::kUnsupported && may_refuse && may_refuse(result)) continue;
        EXPECT_EQ(result.outcome, Outcome::kPassed) << result.name << "\n" << result.op << "\n" << result.message;
      }
    }
    for (const Error& finding : validation.findings()) ADD_FAILURE() << finding.message();
  }
};

}  // namespace trireme::conformance

#define TRIREME_CONFORMANCE(Name, level, ...) TRIREME_CONFORMANCE_AS(All, Name, level, __VA_ARGS__)

// Minutes where each kernel is compiled: run by `tools/check --long` alone.
#define TRIREME_LONG_CONFORMANCE(Name, level, ...) TRIREME_CONFORMANCE_AS(DISABLED_All, Name, level, __VA_ARGS__)

#define TRIREME_CONFORMANCE_AS(prefix, Name, level, ...)                                                          \
  class Name##Conformance : public ::trireme::conformance::Conformance {};                                        \
  TEST_P(Name##Conformance, AgreesWithTheReference) { run(GetParam(), __VA_ARGS__); }                             \
  INSTANTIATE_TEST_SUITE_P(prefix, Name##Conformance, ::testing::ValuesIn(::trireme::conformance::groups(level)), \
                           ::trireme::conformance::group_name)
