// Texts in docs/compiler.md are those that the compiler writes.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>

#include "tests/compiler/golden.h"

namespace trireme::compiler {
namespace {

// The line without the spaces around it.
std::string trimmed(const std::string& line) {
  const size_t first = line.find_first_not_of(' ');
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(' ') + 1 - first);
}

// Whether the rest of the file has the line.
bool skip_to(std::istream& file, const std::string& line) {
  for (std::string kept; std::getline(file, kept);)
    if (trimmed(kept) == line) return true;
  return false;
}

// A fence that names a golden file behind its language quotes lines of it, in their order; "..." leaves some out.
TEST(CompilerDocs, QuoteTheGoldenTexts) {
  std::ifstream page(std::string(TRIREME_TEST_DATA) + "/../../docs/compiler.md");
  ASSERT_TRUE(page);
  std::optional<std::ifstream> golden;
  int quoted = 0;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      const size_t name = line.find(' ');
      golden.reset();
      if (name != std::string::npos) golden.emplace(test::golden_path(line.substr(name + 1)));
      ASSERT_TRUE(!golden || *golden) << line;
      continue;
    }
    const std::string text = trimmed(line);
    if (!golden || text == "...") continue;
    EXPECT_TRUE(skip_to(*golden, text)) << "docs/compiler.md: '" << text << "' is no longer what the compiler writes";
    ++quoted;
  }
  EXPECT_GT(quoted, 10);
}

}  // namespace
}  // namespace trireme::compiler
