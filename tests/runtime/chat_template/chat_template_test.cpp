// What a chat template is given, what it may use, and what an error says.
#include "runtime/chat_template/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

namespace trireme::runtime {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

std::string render(std::string_view source, const ChatTemplateInput& input = {},
                   const ChatTemplateLimits& limits = {}) {
  const auto parsed = ChatTemplate::parse(source);
  if (!parsed) return "error: " + parsed.error().message();
  const auto text = parsed->render(input, limits);
  return text ? *text : "error: " + text.error().message();
}

std::string template_file(const std::string& name) {
  std::ifstream file(TRIREME_TEST_DATA "/chat_templates/templates/" + name, std::ios::binary);
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ChatTemplate, RendersTheConversationsThatTransformersRenderedForSmolLm2) {
  ChatTemplateInput input;
  input.add_generation_prompt = true;
  input.messages = Json::parse(R"([{"role":"user","content":"What is 2+2?"},{"role":"assistant","content":"4."},
                                   {"role":"user","content":"And times 3?"}])");
  const std::string rest =
      "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n4.<|im_end|>\n"
      "<|im_start|>user\nAnd times 3?<|im_end|>\n<|im_start|>assistant\n";
  const std::string source = template_file("HuggingFaceTB-SmolLM2-135M-Instruct.jinja");
  EXPECT_EQ(
      render(source, input),
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" + rest);
  input.messages.insert(input.messages.begin(), Json{{"role", "system"}, {"content", "You are terse."}});
  EXPECT_EQ(render(source, input), "<|im_start|>system\nYou are terse.<|im_end|>\n" + rest);
}

TEST(ChatTemplate, GivesTheVariablesThatTransformersGives) {
  ChatTemplateInput input;
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  EXPECT_EQ(render("{{ messages }}{{ tools }}{{ documents }}{{ add_generation_prompt }}{{ bos_token }}{{ eos_token }}",
                   input),
            "[]NoneNoneFalse<s></s>");
  input.tools = Json::parse(R"([{"b":1,"a":2}])");
  input.documents = Json::array();
  input.add_generation_prompt = true;
  input.extra = {{"enable_thinking", false}, {"bos_token", "<b>"}};
  EXPECT_EQ(render("{{ tools }}{{ documents }}{{ add_generation_prompt }}{{ enable_thinking }}{{ bos_token }}", input),
            "[{'b': 1, 'a': 2}][]TrueFalse<b>");
}

TEST(ChatTemplate, PrintsTheTimeItIsGivenAndElseTheClock) {
  using namespace std::chrono;
  ChatTemplateInput input;
  input.now = local_days(2024y / February / 29) + 23h + 5min;
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y %H:%M, day %j, %A') }}", input), "29 Feb 2024 23:05, day 060, Thursday");
  EXPECT_GE(render("{{ strftime_now('%Y') }}"), "2024");
}

TEST(ChatTemplate, NamesTheLineOfAnError) {
  EXPECT_THAT(render("a\nb\n{{ x.y }}"), HasSubstr("chat template, line 3: 'x' is undefined"));
  EXPECT_THAT(render("a\n{% if %}"), HasSubstr("chat template, line 2: Expected an expression"));
  EXPECT_THAT(render("{% for i in [1] %}\n\n{{ i.x.y }}\n{% endfor %}"), HasSubstr("line 3"));
  EXPECT_THAT(render("{% include 'x' %}"), HasSubstr("line 1: the tag 'include'; use a template without it"));
  EXPECT_THAT(render("\n{{ raise_exception('Roles must alternate') }}"),
              HasSubstr("line 2: the template refuses the conversation: Roles must alternate; change the messages"));
  EXPECT_THAT(render("{{ raise_exception('one\\ntwo') }}"), HasSubstr(": one two;")) << "an error is one line";
  EXPECT_THAT(render("a\xff"), HasSubstr("not UTF-8"));
}

TEST(ChatTemplate, RefusesInputThatIsNoText) {
  ChatTemplateInput input;
  input.messages = Json::array({Json{{"role", "user"}, {"content", "\xc3("}}});
  EXPECT_THAT(render("{{ messages }}", input), HasSubstr("not UTF-8"));
  input.messages = std::uint64_t{1} << 63;
  EXPECT_THAT(render("{{ messages }}", input), HasSubstr("more than 64 bits"));
}

// A template that never ends, or that grows without end, is an error within a second and within its memory.
class EndlessTemplate : public testing::TestWithParam<const char*> {};

TEST_P(EndlessTemplate, EndsInAnErrorWithinASecond) {
  [[maybe_unused]] const auto start = std::chrono::steady_clock::now();
  const std::string text = render(GetParam());
  EXPECT_THAT(text, HasSubstr("error: chat template")) << text.substr(0, 200);
#if defined(NDEBUG) && !defined(TRIREME_SANITIZED)
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4)) << "less than one on a machine at rest";
#endif
}

INSTANTIATE_TEST_SUITE_P(
    All, EndlessTemplate,
    testing::Values(
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{{ 'a' * 9999999999 }}", "{{ [1] * 9999999999 }}", "{{ 'a'.center(9999999999) }}", "{{ '%9999999999d' % 1 }}",
        "{{ '{:9999999999}'.format(1) }}", "{{ 'ab'.replace('', 'x' * 100000).replace('x', 'y' * 100000) }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}",
        "{% set ns = namespace(g=[1]) %}{% for i in range(99999) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ "
        "ns.g|list }}",
        "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}",
        "{% set a = namespace() %}{% set b = namespace() %}{% set a.x = [b] %}{% set b.x = [a] %}{{ [a] }}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{{ ('a' * 1000000).split('') }}",
        "{{ ('ab' * 10000000).replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
        "{% for i in range(99999) %}{{ 'a' * 100000 }}{% endfor %}",
        "{% set s = 'a' * 20000000 %}{% for i in range(99999) %}{{ s.find('b') }}{% endfor %}",
        "{% set s = 'a' * 2000000 %}{{ s.find('a' * 1000000 ~ 'b') }}", "{{ range(99999)|list|tojson(indent=100000) }}",
        "{% filter indent('x' * 1000000) %}{% for i in range(9999) %}{{ i }}\nx{% endfor %}{% endfilter %}",
        "{% set s = range(99999)|list %}{% for i in s %}{{ s|sort|length }}{% endfor %}",
        "{% set ns = namespace(f=none) %}{% for i in range(99999) %}{% macro m() %}{{ i }}{% endmacro %}"
        "{% set ns.f = [m, i] %}{% endfor %}{% for a in range(99999) %}{{ ns.f[0]() }}{% endfor %}{{ 1 // 0 }}",
        "{% for i in range(9) %}{% for x in range(99999)|batch(1)|map('list')|map('first')|select %}{{ x }}"
        "{% endfor %}{% endfor %}{{ nope() }}"));

TEST(ChatTemplateLimits, AreKept) {
  ChatTemplateLimits limits;
  limits.output_bytes = 10;
  EXPECT_EQ(render("{{ 'a' * 10 }}", {}, limits), "aaaaaaaaaa");
  EXPECT_THAT(render("{{ 'a' * 11 }}", {}, limits), HasSubstr("more than 10 bytes"));
  limits = {};
  limits.steps = 1000;
  EXPECT_THAT(render("{% for i in range(1000) %}{% endfor %}", {}, limits), HasSubstr("more than 1000 steps"));
  limits = {};
  limits.live_bytes = 100000;
  EXPECT_THAT(render("{{ 'a' * 100001 }}", {}, limits), HasSubstr("more than 100000 bytes"));
  limits = {};
  limits.depth = 20;
  EXPECT_THAT(render("{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(20) }}", {}, limits),
              HasSubstr("too deeply"));
  // What a template lets go of is not counted.
  limits = {};
  limits.live_bytes = 1 << 20;
  EXPECT_EQ(render("{% for i in range(1000) %}{% set s = 'a' * 10000 %}{% endfor %}ok", {}, limits), "ok");
}

TEST(ChatTemplateLimits, BoundTheTextOfATemplate) {
  const std::string deep_if = [] {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "{% if 1 %}";
    return text;
  }();
  EXPECT_THAT(render(deep_if), HasSubstr("nested more than 60 deep"));
  for (const char* one : {"(", "[", "not ", "-", "1 + ", "1 if 1 else ", "x|", "{1:", "x[", "f("}) {
    std::string text = "{{ ";
    for (int i = 0; i < 100'000; ++i) text += one;
    EXPECT_THAT(render(text), HasSubstr("error")) << one;
  }
  std::string chain = "{{ 1";
  for (int i = 0; i < 100'000; ++i) chain += " + 1";
  EXPECT_THAT(render(chain + " }}"), HasSubstr("nested more than 150 deep"));
  EXPECT_THAT(render(std::string(5 << 20, 'a')), HasSubstr("more than 4 MiB"));
}

TEST(ChatTemplate, IsRenderedFromTwoCopiesAlike) {
  const auto first = ChatTemplate::parse("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}");
  ASSERT_TRUE(first);
  const ChatTemplate second = *first;
  EXPECT_EQ(*first->render({}), "1");
  EXPECT_EQ(*second.render({}), "1");
  EXPECT_EQ(*first->render({}), "1") << "one rendering leaves nothing to the next";
}

}  // namespace
}  // namespace trireme::runtime
