// Each family's graph for the reference models, and what the families refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "graph/text.h"
#include "tests/graph/model_description.h"

namespace trireme::graph {
namespace {

using ::testing::HasSubstr;

std::string golden_path(const std::string& name) {
  return std::string(TRIREME_TEST_DATA) + "/graph/" + name + ".graph";
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

class FamilyGraphTest : public ::testing::TestWithParam<std::string> {};

// With `--update-golden` the files are written instead: see main() below.
bool update_golden = false;

TEST_P(FamilyGraphTest, IsTheRecordedOne) {
  const auto graph = build_graph(ModelDescription::load(GetParam()), small_step());
  ASSERT_TRUE(graph) << graph.error().message();
  const std::string text = print(*graph);
  if (update_golden) std::ofstream(golden_path(GetParam())) << text;
  EXPECT_EQ(text, read_text(golden_path(GetParam()))) << "to record it anew: graph_family_test --update-golden";
}

TEST_P(FamilyGraphTest, ReadsBackFromItsText) {
  const auto graph = build_graph(ModelDescription::load(GetParam()), small_step());
  ASSERT_TRUE(graph);
  const auto parsed = parse(print(*graph));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_TRUE(same_graph(*graph, *parsed));
}

TEST_P(FamilyGraphTest, UsesEveryTensorOfTheFile) {
  const ModelDescription model = ModelDescription::load(GetParam());
  const auto graph = build_graph(model, small_step());
  ASSERT_TRUE(graph);
  for (const auto& entry : model.tensors()) EXPECT_TRUE(graph->find(entry.first)) << entry.first;
  for (const ValueId weight : graph->values_of(ValueKind::kWeight))
    EXPECT_FALSE(graph->consumers(weight).empty()) << graph->value(weight).name;
}

TEST_P(FamilyGraphTest, NamesTheTensorThatIsMissingOrHasAnotherShape) {
  const ModelDescription model = ModelDescription::load(GetParam());
  for (const auto& [name, desc] : model.tensors()) {
    if (name.starts_with("blk.") && !name.starts_with("blk.0.") && !name.starts_with("blk.5.")) continue;  // all alike
    if (name == "output.weight" || name.ends_with(".bias")) continue;  // tested apart: absence has a meaning there
    ModelDescription missing = model;
    missing.erase_tensor(name);
    const auto without = build_graph(missing, small_step());
    ASSERT_FALSE(without) << name;
    EXPECT_EQ(without.error().code(), ErrorCode::kNotFound);
    EXPECT_THAT(without.error().message(), HasSubstr("tensor " + name + ":"));

    if (name == "token_embd.weight") continue;
    ModelDescription wrong = model;
    TensorDesc other = desc;
    other.shape[0] += 1;
    wrong.set_tensor(name, other);
    const auto misshapen = build_graph(wrong, small_step());
    ASSERT_FALSE(misshapen) << name;
    EXPECT_EQ(misshapen.error().code(), ErrorCode::kCorruptData);
    EXPECT_THAT(misshapen.error().message(), HasSubstr("tensor " + name + ":"));
  }
}

TEST_P(FamilyGraphTest, LayersPartitionTheNodes) {
  const auto graph = build_graph(ModelDescription::load(GetParam()), small_step());
  ASSERT_TRUE(graph);
  const std::vector<LayerInfo> layers = layers_of(*graph);
  std::vector<NodeId> nodes;
  for (size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].layer, int(i) - 1);
    nodes.insert(nodes.end(), layers[i].nodes.begin(), layers[i].nodes.end());
    const bool is_block = i > 0 && i + 1 < layers.size();
    EXPECT_EQ(layers[i].states.size(), is_block ? 2u : 0u);
    for (const ValueId weight : layers[i].weights) {
      const std::string& name = graph->value(weight).name;
      EXPECT_EQ(name.starts_with("blk." + std::to_string(layers[i].layer) + "."), is_block) << name;
    }
  }
  EXPECT_EQ(nodes, graph->node_order());
}

INSTANTIATE_TEST_SUITE_P(Models, FamilyGraphTest,
                         ::testing::Values("llama", "llama_gguf", "llama_tied_yarn", "qwen2", "qwen3", "qwen3_gguf",
                                           "gemma3", "gemma3_gguf", "smollm2_gguf", "gemma3_270m_gguf"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace trireme::graph

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  for (int i = 1; i < argc; ++i) trireme::graph::update_golden |= std::string_view(argv[i]) == "--update-golden";
  return RUN_ALL_TESTS();
}
