#include "tests/compiler/golden.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace trireme::compiler::test {

std::string golden_path(const std::string& name) {
  return std::string(TRIREME_TEST_DATA) + "/../compiler/golden/" + name;
}

void expect_golden(const std::string& name, const std::string& text) {
  std::ifstream file(golden_path(name));
  std::ostringstream kept;
  kept << file.rdbuf();
  EXPECT_EQ(text, kept.str()) << "if the new text is right: tests/compiler/accept_golden";
  if (text == kept.str()) return;
  std::filesystem::create_directories("golden_new");
  std::ofstream("golden_new/" + name) << text;
}

}  // namespace trireme::compiler::test
