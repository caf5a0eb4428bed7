// What each family reads from metadata, in every spelling that occurs, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/graph/model_description.h"

namespace trireme::graph {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Change = std::function<void(ModelDescription&)>;

// The hyperparameters of a recorded model after a change.
Result<Hyperparameters> read_changed(const std::string& name, const Change& change) {
  ModelDescription model = ModelDescription::load(name);
  change(model);
  TRIREME_ASSIGN(const Family* family, find_family(model));
  return family->read(model, model);
}
Result<Hyperparameters> read(const std::string& name) {
  return read_changed(name, [](ModelDescription&) {});
}

TEST(ReadingTest, FolderAndGgufOfOneModelAgreeButForTheirLayout) {
  Hyperparameters folder = *read("llama");
  EXPECT_EQ(folder.rope_style, RopeStyle::kHalves);
  folder.rope_style = RopeStyle::kInterleaved;
  EXPECT_EQ(folder, *read("llama_gguf"));

  EXPECT_EQ(*read("qwen3"), *read("qwen3_gguf"));

  Hyperparameters gemma = *read("gemma3");
  EXPECT_EQ(gemma.norm_weight_offset, 1.0f);
  gemma.norm_weight_offset = 0;  // folded into the GGUF's weights
  // The GGUF has no key of its own for the query's scale where it is not that of the head.
  EXPECT_FLOAT_EQ(gemma.attention_scale, 1 / std::sqrt(24.0f));
  gemma.attention_scale = 0.25f;
  EXPECT_EQ(gemma, *read("gemma3_gguf"));
}

TEST(ReadingTest, TheRealModels) {
  const auto smollm2 = read("smollm2_gguf");
  ASSERT_TRUE(smollm2) << smollm2.error().message();
  EXPECT_EQ(smollm2->layers, 30);
  EXPECT_EQ(smollm2->vocab, 49152);
  EXPECT_EQ(smollm2->head_dim, 64) << "the width over the heads";
  EXPECT_EQ(smollm2->rope.base, 100000);
  EXPECT_TRUE(smollm2->tied_embeddings);
  EXPECT_EQ(smollm2->rope_style, RopeStyle::kInterleaved);

  const auto gemma = read("gemma3_270m_gguf");
  ASSERT_TRUE(gemma) << gemma.error().message();
  EXPECT_EQ(gemma->vocab, 262144);
  EXPECT_EQ(gemma->kv_heads, 1);
  EXPECT_EQ(gemma->head_dim, 256);
  EXPECT_EQ(gemma->attention_scale, 1.0f / 16);
  EXPECT_FLOAT_EQ(gemma->embedding_scale, std::sqrt(640.0f));
  EXPECT_EQ(gemma->rope.base, 1e6);
  EXPECT_EQ(gemma->local_rope->base, 1e4);
  for (size_t layer = 0; layer < 18; ++layer) EXPECT_EQ(gemma->windows[layer], layer % 6 == 5 ? 0 : 512) << layer;
}

TEST(ReadingTest, BothSpellingsOfRopeScalingGiveTheSame) {
  const auto older = read_changed("llama_tied_yarn", [](ModelDescription& model) {
    model.erase_all("rope_parameters.");
    model.set("rope_theta", 10000.0);
    model.set("rope_scaling.type", std::string("yarn"));
    model.set("rope_scaling.factor", 4.0);
    model.set("rope_scaling.original_max_position_embeddings", int64_t{32});
  });
  ASSERT_TRUE(older) << older.error().message();
  EXPECT_EQ(*older, *read("llama_tied_yarn"));
  EXPECT_EQ(older->rope.scaling.kind, RopeScalingKind::kYarn);
}

TEST(ReadingTest, YarnTakesItsFactorFromTheContextsWhenItHasNone) {
  const auto h = read_changed("llama_tied_yarn", [](ModelDescription& m) { m.erase("rope_parameters.factor"); });
  ASSERT_TRUE(h);
  EXPECT_EQ(h->rope.scaling.factor, 8) << "256 positions over 32";
}

TEST(ReadingTest, YarnsOwnFields) {
  const auto h = read_changed("llama_tied_yarn", [](ModelDescription& m) {
    m.set("rope_parameters.beta_fast", 16.0);
    m.set("rope_parameters.beta_slow", 2.0);
    m.set("rope_parameters.truncate", false);
    m.set("rope_parameters.attention_factor", 1.5);
    m.set("rope_parameters.mscale", 1.0);
    m.set("rope_parameters.mscale_all_dim", 0.5);
  });
  ASSERT_TRUE(h);
  const RopeScaling& scaling = h->rope.scaling;
  EXPECT_EQ(scaling.beta_fast, 16);
  EXPECT_EQ(scaling.beta_slow, 2);
  EXPECT_FALSE(scaling.truncate);
  EXPECT_EQ(scaling.attention_factor, 1.5);
  EXPECT_EQ(scaling.mscale, 1.0);
  EXPECT_EQ(scaling.mscale_all_dim, 0.5);
}

TEST(ReadingTest, YarnOfAGguf) {
  const auto with_yarn = [](ModelDescription& m) {
    m.set("llama.rope.scaling.type", std::string("yarn"));
    m.set("llama.rope.scaling.factor", 4.0);
    m.set("llama.rope.scaling.original_context_length", int64_t{128});
  };
  const auto plain = read_changed("llama_gguf", with_yarn);
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->rope.scaling.kind, RopeScalingKind::kYarn);
  EXPECT_EQ(plain->rope.scaling.original_context, 128);
  EXPECT_EQ(plain->rope.scaling.attention_factor, std::nullopt);
  const auto stronger = read_changed("llama_gguf", [&](ModelDescription& m) {
    with_yarn(m);
    m.set("llama.rope.scaling.attn_factor", 2.0);
  });
  ASSERT_TRUE(stronger);
  EXPECT_DOUBLE_EQ(*stronger->rope.scaling.attention_factor, 2 * (0.1 * std::log(4.0) + 1));
}

TEST(ReadingTest, Llama3Scaling) {
  const auto h = read_changed("llama", [](ModelDescription& m) {
    m.set("rope_parameters.rope_type", std::string("llama3"));
    m.set("rope_parameters.factor", 8.0);
    m.set("rope_parameters.low_freq_factor", 1.0);
    m.set("rope_parameters.high_freq_factor", 4.0);
    m.set("rope_parameters.original_max_position_embeddings", int64_t{64});
  });
  ASSERT_TRUE(h) << h.error().message();
  EXPECT_EQ(h->rope.scaling.kind, RopeScalingKind::kLlama3);
  EXPECT_EQ(h->rope.scaling.original_context, 64);
}

TEST(ReadingTest, LinearScaling) {
  const auto folder = read_changed("llama", [](ModelDescription& m) {
    m.erase_all("rope_parameters.");
    m.set("rope_scaling.rope_type", std::string("linear"));
    m.set("rope_scaling.factor", 2.0);
  });
  ASSERT_TRUE(folder) << folder.error().message();
  EXPECT_EQ(folder->rope.scaling.kind, RopeScalingKind::kLinear);
  EXPECT_EQ(folder->rope.base, 10000) << "the default";
  const auto first_files =
      read_changed("llama_gguf", [](ModelDescription& m) { m.set("llama.rope.scale_linear", 2.0); });
  ASSERT_TRUE(first_files);
  EXPECT_EQ(first_files->rope, folder->rope);
}

TEST(ReadingTest, FactorsOfAGgufDivideItsFrequencies) {
  const auto frequencies_of = [](const ModelDescription& model) {
    const auto graph = build_graph(model, small_step());
    EXPECT_TRUE(graph) << graph.error().message();
    return graph->value(*graph->find("rope.frequencies")).data;
  };
  ModelDescription model = ModelDescription::load("llama_gguf");
  const std::vector<float> plain = frequencies_of(model);
  model.set_floats("rope_freqs.weight", {1, 1, 1, 2, 4, 8, 8, 8});
  const std::vector<float> divided = frequencies_of(model);
  EXPECT_EQ(divided[2], plain[2]);
  EXPECT_FLOAT_EQ(divided[3], plain[3] / 2);
  EXPECT_FLOAT_EQ(divided[7], plain[7] / 8);
  model.set_floats("rope_freqs.weight", {1, 1});
  EXPECT_FALSE(build_graph(model, small_step()));
}

TEST(ReadingTest, SlidingWindowsOfMistral) {
  const Change windowed = [](ModelDescription& m) { m.set("sliding_window", int64_t{64}); };
  const auto h = read_changed("llama", [&](ModelDescription& m) {
    m.set_list("architectures", {std::string("MistralForCausalLM")});
    m.set("model_type", std::string("mistral"));
    windowed(m);
  });
  ASSERT_TRUE(h);
  EXPECT_THAT(h->windows, Each(64));
  EXPECT_THAT(read_changed("llama", windowed)->windows, Each(0)) << "llama has none, whatever its file says";
}

TEST(ReadingTest, HeadsWithoutAStatedWidth) {
  const Change erased = [](ModelDescription& m) { m.erase("head_dim"); };
  EXPECT_EQ(read_changed("llama", erased)->head_dim, 16) << "the width over the heads";
  EXPECT_EQ(read_changed("qwen3", erased)->head_dim, 128) << "what its official code takes";
  EXPECT_EQ(read_changed("gemma3", erased)->head_dim, 256) << "what its official code takes";
}

TEST(ReadingTest, SlidingWindowsOfQwen) {
  const Change windowed = [](ModelDescription& m) {
    m.set("use_sliding_window", true);
    m.set("sliding_window", int64_t{32});
    m.set("max_window_layers", int64_t{1});
    m.erase("layer_types");
  };
  EXPECT_THAT(read_changed("qwen2", windowed)->windows, ElementsAre(0, 32, 32));
  const auto by_type = read_changed("qwen3", [&](ModelDescription& m) {
    windowed(m);
    m.set_list("layer_types",
               {std::string("sliding_attention"), std::string("full_attention"), std::string("sliding_attention")});
  });
  EXPECT_THAT(by_type->windows, ElementsAre(32, 0, 32));
  EXPECT_THAT(read_changed("qwen2", [](ModelDescription& m) { m.set("sliding_window", int64_t{32}); })->windows,
              Each(0))
      << "not used unless asked for";
}

TEST(ReadingTest, GemmaInTheOlderSpelling) {
  const auto older = read_changed("gemma3", [](ModelDescription& m) {
    m.erase_all("rope_parameters.");
    m.erase("layer_types");
    m.set("rope_theta", 1e6);
    m.set("rope_local_base_freq", 1e4);
    m.erase("_sliding_window_pattern");
    m.set("sliding_window_pattern", int64_t{6});
  });
  ASSERT_TRUE(older) << older.error().message();
  EXPECT_EQ(*older, *read("gemma3"));
  const auto scaled = read_changed("gemma3", [](ModelDescription& m) {
    m.erase_all("rope_parameters.");
    m.set("rope_scaling.rope_type", std::string("linear"));
    m.set("rope_scaling.factor", 8.0);
  });
  ASSERT_TRUE(scaled);
  EXPECT_EQ(scaled->rope.scaling.factor, 8);
  EXPECT_EQ(scaled->rope.base, 1e6);
  EXPECT_EQ(scaled->local_rope->scaling.kind, RopeScalingKind::kNone) << "only layers without a window are stretched";
}

TEST(ReadingTest, GemmaPatternsOfAGguf) {
  const std::string key = "gemma3.attention.sliding_window_pattern";
  const auto every_third = read_changed("gemma3_gguf", [&](ModelDescription& m) { m.set(key, int64_t{3}); });
  EXPECT_THAT(every_third->windows, ElementsAre(8, 8, 0, 8, 8, 0, 8));
  const auto listed = read_changed("gemma3_gguf", [&](ModelDescription& m) {
    m.set_list(key, {true, false, true, false, true, true, false});
  });
  EXPECT_THAT(listed->windows, ElementsAre(8, 0, 8, 0, 8, 8, 0));
  EXPECT_FALSE(read_changed("gemma3_gguf", [&](ModelDescription& m) { m.set_list(key, {true, false}); }));
}

TEST(ReadingTest, GemmaScalesOfAGguf) {
  const auto stated = read_changed("gemma3_gguf", [](ModelDescription& m) { m.set("gemma3.attention.scale", 0.5); });
  EXPECT_EQ(stated->attention_scale, 0.5f);
  const auto largest = read_changed("gemma3_gguf", [](ModelDescription& m) {
    m.set("gemma3.block_count", int64_t{62});
    m.set("gemma3.attention.key_length", int64_t{32});
    m.set("gemma3.attention.value_length", int64_t{32});
  });
  ASSERT_TRUE(largest) << largest.error().message();
  EXPECT_EQ(largest->attention_scale, 0.25f) << "by width over heads, 96 / 6, not by the heads' 32";
}

TEST(ReadingTest, GemmaCapsItsLogitsButNotItsAttention) {
  ModelDescription model = ModelDescription::load("gemma3");
  model.set("final_logit_softcapping", 30.0);
  model.set("attn_logit_softcapping", 50.0);
  const auto graph = build_graph(model, small_step());
  ASSERT_TRUE(graph);
  const Node& last = graph->node(graph->node_order().back());
  EXPECT_EQ(last.params, OpParams(Softcap{30}));
  for (const NodeId id : graph->node_order())
    if (const auto* attention = std::get_if<Attention>(&graph->node(id).params)) {
      EXPECT_EQ(attention->softcap, 0) << "the official code reads this key and does not use it";
    }
}

TEST(ReadingTest, BiasesAreUsedWhereTheyAreAndAskedForWhereTheyMustBe) {
  ModelDescription biased = ModelDescription::load("llama");
  biased.set_tensor("blk.1.ffn_up.bias", {Shape{160}, &formats::f32()});
  const auto graph = build_graph(biased, small_step());
  ASSERT_TRUE(graph);
  EXPECT_EQ(graph->consumers(*graph->find("blk.1.ffn_up.bias")).size(), 1u);
  ModelDescription without = ModelDescription::load("qwen2");
  without.erase_tensor("blk.1.attn_k.bias");
  const auto refused = build_graph(without, small_step());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("tensor blk.1.attn_k.bias"));
}

TEST(ReadingTest, HeadsAreTiedAsTheFileSays) {
  EXPECT_FALSE(read("llama_gguf")->tied_embeddings);
  EXPECT_TRUE(
      read_changed("llama_gguf", [](ModelDescription& m) { m.erase_tensor("output.weight"); })->tied_embeddings);
  ModelDescription untied = ModelDescription::load("llama");
  untied.erase_tensor("output.weight");
  const auto refused = build_graph(untied, small_step());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("tensor output.weight"));
  EXPECT_TRUE(read_changed("gemma3", [](ModelDescription& m) { m.erase("tie_word_embeddings"); })->tied_embeddings);
}

struct Refusal {
  std::string name;
  std::string model;
  Change change;
  ErrorCode code;
  std::string names;  // what the message must name
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

template <typename Scalar>
Change set(std::string key, Scalar value) {
  return [=](ModelDescription& m) { m.set(key, value); };
}
Change erase(std::string key) {
  return [=](ModelDescription& m) { m.erase(key); };
}

class RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, NamesTheKey) {
  const auto h = read_changed(GetParam().model, GetParam().change);
  ASSERT_FALSE(h);
  EXPECT_EQ(h.error().code(), GetParam().code) << h.error().message();
  EXPECT_THAT(h.error().message(), HasSubstr(GetParam().names));
}

constexpr auto kCorrupt = ErrorCode::kCorruptData;
constexpr auto kMissing = ErrorCode::kNotFound;
constexpr auto kUnsupported = ErrorCode::kUnsupported;
const std::string kText = "text";
const Change kDynamic = set("rope_parameters.rope_type", std::string("dynamic"));

INSTANTIATE_TEST_SUITE_P(
    Keys, RefusalTest,
    ::testing::Values(
        Refusal{"no_architecture", "llama_gguf", erase("general.architecture"), kMissing, "general.architecture"},
        Refusal{"unknown_architecture", "llama_gguf", set("general.architecture", std::string("mamba")), kUnsupported,
                "mamba"},
        Refusal{"lists_known_ones", "llama_gguf", set("general.architecture", std::string("mamba")), kUnsupported,
                "llama, qwen2, qwen3, gemma3"},
        Refusal{"unknown_class", "llama",
                [](ModelDescription& m) { m.set_list("architectures", {std::string("MambaForCausalLM")}); },
                kUnsupported, "LlamaForCausalLM"},
        Refusal{"unknown_type", "llama",
                [](ModelDescription& m) {
                  m.erase("architectures");
                  m.set("model_type", std::string("mamba"));
                },
                kUnsupported, "gemma3_text"},
        Refusal{"no_layers", "llama", erase("num_hidden_layers"), kMissing, "num_hidden_layers"},
        Refusal{"layers_as_text", "llama", set("num_hidden_layers", kText), kCorrupt, "num_hidden_layers"},
        Refusal{"too_many_layers", "llama", set("num_hidden_layers", int64_t{1} << 40), kCorrupt, "num_hidden_layers"},
        Refusal{"negative_width", "llama_gguf", set("llama.embedding_length", int64_t{-96}), kCorrupt,
                "llama.embedding_length"},
        Refusal{"zero_heads", "llama_gguf", set("llama.attention.head_count", int64_t{0}), kCorrupt,
                "llama.attention.head_count"},
        Refusal{"kv_heads_do_not_divide", "llama_gguf", set("llama.attention.head_count_kv", int64_t{4}), kCorrupt,
                "6 heads are not a multiple of 4 KV heads"},
        Refusal{"kv_heads_by_layer", "llama_gguf",
                [](ModelDescription& m) {
                  m.erase("llama.attention.head_count_kv");
                  m.set_list("llama.attention.head_count_kv", {int64_t{2}, int64_t{1}, int64_t{2}});
                },
                kUnsupported, "llama.attention.head_count_kv"},
        Refusal{"values_narrower", "llama_gguf", set("llama.attention.value_length", int64_t{8}), kUnsupported,
                "llama.attention.value_length"},
        Refusal{"no_epsilon", "llama_gguf", erase("llama.attention.layer_norm_rms_epsilon"), kMissing,
                "layer_norm_rms_epsilon"},
        Refusal{"epsilon_nan", "llama", set("rms_norm_eps", std::nan("")), kCorrupt, "rms_norm_eps"},
        Refusal{"other_vocabulary", "llama", set("vocab_size", int64_t{321}), kCorrupt, "vocab_size"},
        Refusal{"embedding_missing", "llama", [](ModelDescription& m) { m.erase_tensor("token_embd.weight"); },
                kMissing, "token_embd.weight"},
        Refusal{"embedding_a_vector", "llama",
                [](ModelDescription& m) { m.set_tensor("token_embd.weight", {Shape{320}, &formats::f32()}); }, kCorrupt,
                "token_embd.weight"},
        Refusal{"tied_as_text", "llama", set("tie_word_embeddings", kText), kCorrupt, "tie_word_embeddings"},
        Refusal{"unknown_activation", "llama", set("hidden_act", std::string("step")), kUnsupported, "hidden_act"},
        Refusal{"experts", "llama_gguf", set("llama.expert_count", int64_t{8}), kUnsupported, "llama.expert_count"},
        Refusal{"odd_rope", "llama_gguf", set("llama.rope.dimension_count", int64_t{15}), kCorrupt,
                "rope turns 15 of 16"},
        Refusal{"rope_wider_than_head", "llama_gguf", set("llama.rope.dimension_count", int64_t{18}), kCorrupt,
                "llama.rope.dimension_count"},
        Refusal{"rope_base_zero", "llama", set("rope_parameters.rope_theta", 0.0), kCorrupt,
                "rope_parameters.rope_theta"},
        Refusal{"dynamic_rope", "llama", kDynamic, kUnsupported, "dynamic"},
        Refusal{"long_rope", "llama_gguf", set("llama.rope.scaling.type", std::string("longrope")), kUnsupported,
                "longrope"},
        Refusal{"linear_without_factor", "llama", set("rope_parameters.rope_type", std::string("linear")), kMissing,
                "rope_parameters.factor"},
        Refusal{"extrapolation", "llama_gguf",
                [](ModelDescription& m) {
                  m.set("llama.rope.scaling.type", std::string("yarn"));
                  m.set("llama.rope.scaling.factor", 2.0);
                  m.set("llama.rope.scaling.yarn_ext_factor", 0.5);
                },
                kUnsupported, "yarn_ext_factor"},
        Refusal{"layer_types_too_few", "gemma3",
                [](ModelDescription& m) { m.set_list("layer_types", {std::string("full_attention")}); }, kCorrupt,
                "layer_types"},
        Refusal{"unknown_layer_type", "qwen3",
                [](ModelDescription& m) {
                  m.set("use_sliding_window", true);
                  m.set_list("layer_types", std::vector<ModelDescription::Scalar>(3, std::string("linear_attention")));
                },
                kUnsupported, "linear_attention"},
        Refusal{"window_missing", "gemma3", erase("sliding_window"), kMissing, "sliding_window"},
        Refusal{"bidirectional", "gemma3", set("use_bidirectional_attention", true), kUnsupported,
                "use_bidirectional_attention"}),
    [](const auto& test) { return test.param.name; });

TEST(ReadingTest, ErrorsStayOnOneLineWhateverTheMetadata) {
  const auto h = read_changed("llama_gguf", set("general.architecture", std::string("a\nb")));
  ASSERT_FALSE(h);
  EXPECT_THAT(h.error().message(), HasSubstr("a\\x0ab"));
}

class HostileMetadataTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Models, HostileMetadataTest,
                         ::testing::Values("llama", "llama_gguf", "llama_tied_yarn", "qwen2", "gemma3", "gemma3_gguf"),
                         [](const auto& test) { return test.param; });

// Whatever one key holds, the model is refused with one line, or is built and sound.
TEST_P(HostileMetadataTest, AnyValueOfAnyKeyEndsInAnErrorOrASoundGraph) {
  using Scalar = ModelDescription::Scalar;
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<Scalar> values = {int64_t{0},
                                      int64_t{-1},
                                      int64_t{1},
                                      int64_t{7},
                                      std::numeric_limits<int64_t>::max(),
                                      std::numeric_limits<int64_t>::min(),
                                      0.0,
                                      -1.5,
                                      1e300,
                                      1e-300,
                                      infinity,
                                      std::nan(""),
                                      true,
                                      std::string(),
                                      std::string("yarn\n")};
  const ModelDescription model = ModelDescription::load(GetParam());
  const auto expect_handled = [](const ModelDescription& changed, const std::string& key) {
    const auto graph = build_graph(changed, small_step());
    if (graph) return;
    EXPECT_NE(graph.error().code(), ErrorCode::kInternal) << key << ": " << graph.error().message();
    EXPECT_EQ(graph.error().message().find('\n'), std::string::npos) << key;
  };
  for (const std::string& key : model.keys()) {
    for (const Scalar& value : values) {
      ModelDescription changed = model;
      changed.erase(key);
      changed.set(key, value);
      expect_handled(changed, key);
      changed.erase(key);
      changed.set_list(key, {value, value, value});
      expect_handled(changed, key);
    }
    ModelDescription changed = model;
    changed.erase(key);
    changed.set_list(key, {});
    expect_handled(changed, key);
    changed.erase(key);
    expect_handled(changed, key);
  }
}

TEST(BuildingTest, RefusesStepsThatHoldNothing) {
  const ModelDescription model = ModelDescription::load("llama");
  for (int64_t StepShape::*size : {&StepShape::tokens, &StepShape::outputs, &StepShape::sequences,
                                   &StepShape::blocks_per_sequence, &StepShape::blocks, &StepShape::block_size}) {
    StepShape step = small_step();
    step.*size = 0;
    const auto graph = build_graph(model, step);
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().code(), ErrorCode::kInvalidArgument);
  }
  StepShape step = small_step();
  step.outputs = 9;
  EXPECT_FALSE(build_graph(model, step)) << "more logits than rows";
  step = small_step();
  step.kv_format = &formats::i32();
  EXPECT_FALSE(build_graph(model, step));
  step.kv_format = nullptr;
  EXPECT_FALSE(build_graph(model, step));
}

TEST(TensorNamesTest, TranslateBothWays) {
  for (const Family* family : families()) {
    for (const TensorName& entry : family->tensor_names) {
      const auto with_layer = [](std::string_view pattern) {
        std::string name(pattern);
        if (const size_t hole = name.find("{}"); hole != std::string::npos) name.replace(hole, 2, "12");
        return name;
      };
      const std::string canonical = with_layer(entry.canonical);
      const std::string hugging_face = with_layer(entry.hugging_face);
      EXPECT_EQ(hugging_face_name(*family, canonical), hugging_face);
      EXPECT_EQ(canonical_name(*family, hugging_face), canonical);
    }
  }
}

TEST(TensorNamesTest, KnowOnlyWholeNamesAndPlainNumbers) {
  const Family& llama = *families()[0];
  for (const std::string_view name :
       {"", "blk..attn_q.weight", "blk.x.attn_q.weight", "blk.01.attn_q.weight", "blk.1.attn_q.weight2",
        "blk.-1.attn_q.weight", "xblk.1.attn_q.weight", "blk.1.2.attn_q.weight", "token_embd", "rope_freqs.weight"})
    EXPECT_EQ(hugging_face_name(llama, name), "") << name;
}

}  // namespace
}  // namespace trireme::graph
