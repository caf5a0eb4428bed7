// Published templates and thousands of snippets against what Jinja2 renders
// (tests/data/chat_templates/make_expected.py).
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "runtime/chat_template/chat_template.h"

namespace trireme::runtime {
namespace {

using Json = nlohmann::ordered_json;

std::string folder() { return TRIREME_TEST_DATA "/chat_templates/"; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Json read_json(const std::string& name) { return Json::parse(read_file(folder() + name)); }

// Variables as make_expected.py passes them: those that every conversation has, then the case's own.
ChatTemplateInput make_input(const Json& given) {
  ChatTemplateInput input;
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  input.extra = given;
  using namespace std::chrono;
  input.now = local_days(2025y / July / 4) + 15h + 6min + 7s;
  return input;
}

Result<std::string> render(const std::string& source, const Json& variables) {
  return ChatTemplate::parse(source).and_then(
      [&](const ChatTemplate& chat_template) { return chat_template.render(make_input(variables)); });
}

class PublishedTemplate : public testing::TestWithParam<std::string> {};

TEST_P(PublishedTemplate, RendersEveryScenarioAsJinjaDoes) {
  const Json scenarios = read_json("scenarios.json");
  const std::string source = read_file(folder() + "templates/" + GetParam() + ".jinja");
  std::size_t rendered = 0;
  std::size_t cases = 0;
  for (const Json& expected : read_json("expected_templates.json")) {
    if (expected["template"] != GetParam()) continue;
    ++cases;
    const std::string scenario = expected["scenario"];
    const Result<std::string> text = render(source, scenarios[scenario]);
    if (expected.contains("error")) {
      EXPECT_FALSE(text) << scenario << ": Jinja fails with " << expected["error"];
      continue;
    }
    ++rendered;
    ASSERT_TRUE(text) << scenario << ": " << text.error().message();
    EXPECT_EQ(*text, expected["text"].get<std::string>()) << scenario;
  }
  EXPECT_EQ(cases, scenarios.size());
  EXPECT_GE(rendered, 2u);
}

std::vector<std::string> template_names() {
  std::set<std::string> names;
  for (const Json& expected : read_json("expected_templates.json"))
    names.insert(expected["template"].get<std::string>());
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(All, PublishedTemplate, testing::ValuesIn(template_names()), [](const auto& one) {
  std::string name = one.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
});

// What the runtime refuses although Jinja renders it: integers over 64 bits, texts with an address, and rarities.
const std::set<std::string> kRefused = {
    R"({{ 'a\N{BULLET}' }})",
    "{{ 9223372036854775807 + 1 }}",
    "{{ -9223372036854775807 - 2 }}",
    "{{ 2 ** 64 }}",
    "{{ 10 ** 20 }}",
    "{{ (-7) ** (2.5) }}",
    "{{ s.format_map({})|length }}",
    "{{ '%c' % 'a' == 'a' }}",
    "{{ ('{}'|e).format('<') }}",
    "{{ ('%s'|e) % '<' }}",
    "{{ d|attr('items')|string|length }}",
};

TEST(Snippets, RenderOrFailAsJinjaDoes) {
  const Json data = read_json("expected_snippets.json");
  std::size_t wrong = 0;
  std::size_t refused = 0;
  for (const Json& expected : data["cases"]) {
    const std::string source = expected["source"];
    const Result<std::string> text = render(source, data["variables"]);
    if (expected.contains("error")) {
      if (text && ++wrong <= 40)
        ADD_FAILURE() << source << "\ngives " << *text << "\nbut Jinja fails with " << expected["error"];
      continue;
    }
    if (text && *text == expected["text"].get<std::string>()) continue;
    if (kRefused.contains(source)) {
      ++refused;
      EXPECT_TRUE(!text && text.error().code() == ErrorCode::kUnsupported) << source;
      continue;
    }
    if (++wrong <= 40) {
      ADD_FAILURE() << source << "\ngives    " << (text ? *text : text.error().message()) << "\nexpected "
                    << expected["text"].get<std::string>();
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(data["cases"].size(), 5000u);
  EXPECT_EQ(refused, kRefused.size());
}

}  // namespace
}  // namespace trireme::runtime
