// What the templates write for cases of the conformance suite.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "compiler/emit/emit.h"
#include "compiler/templates/templates.h"
#include "tests/conformance/cases.h"

namespace trireme::compiler::test {

// Each text once, and a case that has it. Whether templates cover every op is asked elsewhere.
inline std::map<std::string, std::string> template_texts(const std::vector<conformance::CaseSource>& cases,
                                                         const Target& target) {
  std::map<std::string, std::string> texts;
  for (const conformance::CaseSource& source : cases) {
    const auto made = source.make(source.name);
    EXPECT_TRUE(made) << made.error().message();
    if (!made) continue;
    const auto calls = write_kernels(made->op, target);
    for (size_t i = 0; calls && i < calls->size(); ++i) {
      const auto emitted = emit((*calls)[i].function, target);
      EXPECT_TRUE(emitted) << source.name << ": " << emitted.error().message();
      if (emitted) texts.emplace(emitted->code, source.name);
    }
  }
  return texts;
}

}  // namespace trireme::compiler::test
