// What each pass makes of a layer, kept as text.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "compiler/compile.h"
#include "graph/text.h"
#include "tests/compiler/golden.h"

namespace trireme::compiler::test {
namespace {

TEST(PassesGolden, EachPassRewritesTheLayer) {
  std::ifstream file(std::string(TRIREME_TEST_DATA) + "/../compiler/golden/layer.graph");
  std::ostringstream text;
  text << file.rdbuf();
  auto graph = graph::parse(text.str());
  ASSERT_TRUE(graph) << graph.error().message();
  std::string shown;
  const Status status = optimize(*graph, {}, [&](std::string_view pass, const graph::Graph& rewritten) {
    const std::string now = graph::print(rewritten);
    shown += "== " + std::string(pass) + "\n" + now.substr(now.find("%0 = "));
  });
  ASSERT_TRUE(status) << status.error().message();
  expect_golden("layer_passes.txt", shown);
}

}  // namespace
}  // namespace trireme::compiler::test
