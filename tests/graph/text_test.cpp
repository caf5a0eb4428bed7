// The text form: any graph reads back as itself, and text that is not a graph is an error with its place.
#include "graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "graph/verifier.h"
#include "hal/op_fields.h"

namespace trireme::graph {
namespace {

using ::testing::HasSubstr;

// Any finite float, subnormal and negative zero included.
rc::Gen<float> any_float() {
  return rc::gen::suchThat(
      rc::gen::map(rc::gen::arbitrary<uint32_t>(), [](uint32_t bits) { return std::bit_cast<float>(bits); }),
      [](float value) { return std::isfinite(value); });
}

// Names and labels with any byte but a line break, which they print as an escape anyway.
rc::Gen<std::string> any_name() {
  return rc::gen::oneOf(rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z'))),
                        rc::gen::nonEmpty(rc::gen::arbitrary<std::string>()));
}

TensorDesc any_desc() {
  const int rank = *rc::gen::inRange(0, kMaxRank + 1);
  Shape shape =
      *Shape::from(*rc::gen::container<std::vector<int64_t>>(size_t(rank), rc::gen::inRange<int64_t>(0, 1 << 12)));
  const auto formats = builtin_formats();
  return {
      shape, *rc::gen::elementOf(std::vector(formats.begin(), formats.end())),
      shape.rank() ? *rc::gen::element(RowDomain::kFixed, RowDomain::kTokens, RowDomain::kOutputs) : RowDomain::kFixed};
}

template <size_t Index = 0>
OpParams op_at(size_t index) {
  if constexpr (Index + 1 < std::variant_size_v<OpParams>)
    return index == Index ? OpParams{std::in_place_index<Index>} : op_at<Index + 1>(index);
  return OpParams{std::in_place_index<Index>};
}

OpParams any_op() {
  OpParams params = op_at(*rc::gen::inRange<size_t>(0, std::variant_size_v<OpParams>));
  std::visit(
      [](auto& op) {
        visit_fields(op, [](std::string_view, auto& field) {
          using Field = std::remove_cvref_t<decltype(field)>;
          if constexpr (std::is_same_v<Field, bool>) {
            field = *rc::gen::arbitrary<bool>();
          } else if constexpr (std::is_enum_v<Field>) {
            const auto& all = EnumNames<Field>::kAll;
            field = all[*rc::gen::inRange<size_t>(0, all.size())].first;
          } else if constexpr (std::is_same_v<Field, float>) {
            field = *any_float();
          } else {
            field = *rc::gen::arbitrary<int64_t>();
          }
        });
      },
      params);
  return params;
}

// A graph that need not be sound: any ops over any values.
Graph any_graph() {
  Graph graph;
  std::vector<ValueId> values;
  std::set<std::string> names;
  for (std::string& name : *rc::gen::container<std::vector<std::string>>(any_name())) {
    if (!names.insert(name).second) continue;
    switch (*rc::gen::inRange(0, 4)) {
      case 0: values.push_back(graph.add_input(std::move(name), any_desc())); break;
      case 1: values.push_back(graph.add_weight(std::move(name), any_desc())); break;
      case 2: values.push_back(graph.add_state(std::move(name), any_desc())); break;
      default:
        values.push_back(
            graph.add_constant(std::move(name), any_desc(), *rc::gen::container<std::vector<float>>(any_float())));
    }
  }
  const int nodes = *rc::gen::inRange(0, 12);
  for (int i = 0; i < nodes; ++i) {
    std::vector<ValueId> inputs;
    if (!values.empty()) inputs = *rc::gen::container<std::vector<ValueId>>(rc::gen::elementOf(values));
    std::vector<TensorDesc> outputs;
    for (int j = *rc::gen::inRange(1, 4); j > 0; --j) outputs.push_back(any_desc());
    const auto ids =
        graph.add_unchecked(any_op(), inputs, outputs, *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<int>());
    values.insert(values.end(), ids.begin(), ids.end());
  }
  if (!values.empty())
    for (const std::string& name : *rc::gen::container<std::vector<std::string>>(any_name()))
      graph.set_output(name, *rc::gen::elementOf(values));
  return graph;
}

TEST(TextTest, AnyGraphReadsBackAsItself) {
  EXPECT_TRUE(rc::check([] {
    const Graph graph = any_graph();
    const std::string text = print(graph);
    const auto parsed = parse(text);
    if (!parsed) RC_FAIL(parsed.error().message() + "\n" + text);
    RC_ASSERT(same_graph(graph, *parsed));
    RC_ASSERT(print(*parsed) == text);
  }));
}

TEST(TextTest, AnyBytesEndInAGraphOrAnError) {
  EXPECT_TRUE(rc::check([] {
    std::string text = print(any_graph());
    const auto edits = *rc::gen::container<std::vector<std::pair<uint16_t, char>>>(rc::gen::pair(
        rc::gen::arbitrary<uint16_t>(), rc::gen::element('%', '@', '"', '{', '\n', '=', '9', ',', ' ', '\\')));
    for (const auto& [position, c] : edits)
      if (!text.empty()) text[position % text.size()] = c;
    const auto parsed = parse(text);
    if (parsed) RC_ASSERT(same_graph(*parsed, parse(print(*parsed)).value()));
  }));
}

constexpr std::string_view kSmall =
    "# A comment, and blank lines, are skipped.\n"
    "\n"
    "input @x : F32[tokens<=4, 8]  # here too\n"
    "weight @\"a weight \\\"\\\\\\x07\" : F32[8]\n"
    "constant @c : F32[2] = -0 1e-45\n"
    "state @s : F16[2, 1, 4, 8]\n"
    "%0 = rms_norm(@x, @\"a weight \\\"\\\\\\x07\") {epsilon=0.25 weight_offset=1} : F32[tokens<=4, 8] ; layer -1 "
    "\"n\"\n"
    "%1 = multiply(%0, %0) : F32[tokens<=4, 8] ; layer 3\r\n"
    "output @y = %1\n";

TEST(TextTest, ReadsEachKindOfLine) {
  const auto graph = parse(kSmall);
  ASSERT_TRUE(graph) << graph.error().message();
  EXPECT_EQ(graph->value(*graph->find("x")).desc.text(), "F32[tokens<=4, 8]");
  EXPECT_TRUE(graph->find("a weight \"\\\x07"));
  const std::vector<float>& data = graph->value(*graph->find("c")).data;
  ASSERT_EQ(data.size(), 2u);
  EXPECT_TRUE(data[0] == 0 && std::signbit(data[0]));
  EXPECT_EQ(data[1], std::numeric_limits<float>::denorm_min());
  const Node& norm = graph->node(graph->node_order()[0]);
  EXPECT_EQ(norm.params, OpParams(RmsNorm{0.25f, 1.0f}));
  EXPECT_EQ(norm.label, "n");
  EXPECT_EQ(norm.layer, -1);
  EXPECT_EQ(graph->node(graph->node_order()[1]).params, OpParams(Binary{Binary::Kind::kMultiply}));
  EXPECT_TRUE(verify(*graph)) << verify(*graph).error().message();
}

TEST(TextTest, TheLastLineNeedsNoEnd) {
  EXPECT_TRUE(parse("input @x : F32[2]"));
  EXPECT_TRUE(parse(""));
  EXPECT_TRUE(parse("# only a comment"));
}

struct BadText {
  std::string text;
  std::string why;
};

void PrintTo(const BadText& bad, std::ostream* out) { *out << bad.why; }

class BadTextTest : public ::testing::TestWithParam<BadText> {};

TEST_P(BadTextTest, IsAnErrorWithItsPlace) {
  const auto graph = parse(GetParam().text);
  ASSERT_FALSE(graph) << GetParam().text;
  EXPECT_EQ(graph.error().code(), ErrorCode::kCorruptData);
  EXPECT_THAT(graph.error().message(), HasSubstr(GetParam().why)) << GetParam().text;
}

constexpr const char* kX = "input @x : F32[8]\n";

INSTANTIATE_TEST_SUITE_P(
    Lines, BadTextTest,
    ::testing::Values(
        BadText{"\n  model @x : F32[8]", "line 2, column"}, BadText{"model @x : F32[8]", "a line starts with"},
        BadText{"input x : F32[8]", "line 1, column 7: expected '@'"}, BadText{"input @ : F32[8]", "expected a word"},
        BadText{"input @\"\" : F32[8]", "the name is empty"},
        BadText{"input @\"x : F32[8]", "does not end on its line"},
        BadText{"input @\"x\n\" : F32[8]", "does not end on its line"},
        BadText{"input @\"\\y\" : F32[8]", "an escape is"}, BadText{"input @\"\\xg0\" : F32[8]", "an escape is"},
        BadText{"input @\"\\", "an escape is"}, BadText{"input @x : F33[8]", "no format is called 'F33'"},
        BadText{"input @x : F32", "expected '['"}, BadText{"input @x : F32[8", "expected ','"},
        BadText{"input @x : F32[8 8]", "expected ','"}, BadText{"input @x : F32[rows<=8]", "expected a number"},
        BadText{"input @x : F32[1, 1, 1, 1, 1]", "5 dimensions"},
        BadText{"input @x : F32[-1]", "negative or too large"},
        BadText{"input @x : F32[4294967296, 4294967296]", "negative or too large"},
        BadText{"input @x : F32[99999999999999999999]", "expected a number within range"},
        BadText{"input @x : F32[8] 8", "the line should end here"},
        BadText{std::string(kX) + "weight @x : F32[8]", "line 2, column 19: the name \"x\" is taken"},
        BadText{"constant @c : F32[1]", "expected '='"}, BadText{"constant @c : F32[1] = one", "expected a number"},
        BadText{"constant @c : F32[1] = nan", "not finite"}, BadText{"constant @c : F32[1] = inf", "not finite"},
        BadText{"constant @c : F32[1] = 1e99", "expected a number within range"}));

INSTANTIATE_TEST_SUITE_P(
    Nodes, BadTextTest,
    ::testing::Values(
        BadText{std::string(kX) + "%1 = scale(@x) : F32[8] ; layer 0", "the next value must be %0"},
        BadText{std::string(kX) + "%0, %0 = scale(@x) : F32[8], F32[8] ; layer 0", "the next value must be %1"},
        BadText{std::string(kX) + "%0 = twice(@x) : F32[8] ; layer 0", "no op is called 'twice'"},
        BadText{std::string(kX) + "%0 = scale(@z) : F32[8] ; layer 0", "@\"z\" is not defined above"},
        BadText{std::string(kX) + "%0 = scale(%0) : F32[8] ; layer 0", "%0 is not defined above"},
        BadText{std::string(kX) + "%0 = scale(@x : F32[8] ; layer 0", "expected ')'"},
        BadText{std::string(kX) + "%0 = scale(@x) {half=1} : F32[8] ; layer 0", "the op has no field 'half'"},
        BadText{std::string(kX) + "%0 = scale(@x) {factor} : F32[8] ; layer 0", "expected '='"},
        BadText{std::string(kX) + "%0 = scale(@x) {factor=x} : F32[8] ; layer 0", "expected a number"},
        BadText{std::string(kX) + "%0 = scale(@x) {factor=1", "expected a word"},
        BadText{std::string(kX) + "%0 = unary(@x) {activation=step} : F32[8] ; layer 0", "'step' is not one of"},
        BadText{std::string(kX) + "%0 = matmul(@x, @x) {has_bias=1} : F32[8] ; layer 0", "expected true or false"},
        BadText{std::string(kX) + "%0 = scale(@x) : F32[8], F32[8] ; layer 0", "one result type for each value"},
        BadText{std::string(kX) + "%0 = scale(@x) : F32[8]", "expected ';'"},
        BadText{std::string(kX) + "%0 = scale(@x) : F32[8] ; layer zero", "expected a number"},
        BadText{std::string(kX) + "%0 = scale(@x) : F32[8] ; layer 0 label", "expected '\"'"},
        BadText{std::string(kX) + "output @y = %0", "%0 is not defined above"},
        BadText{std::string(kX) + "output @y = @x\noutput @y = @x", "line 3"},
        BadText{std::string(kX) + "output @y", "expected '='"}));

// The fuzz target starts from these; a seed that is refused at once would teach it nothing.
TEST(TextTest, SeedsOfTheFuzzTargetAreSound) {
  size_t seeds = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(TRIREME_TEST_DATA) + "/../fuzz/corpus/graph_text")) {
    std::ifstream stream(entry.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const auto graph = parse(text);
    ASSERT_TRUE(graph) << graph.error().message();
    const Status status = verify(*graph);
    EXPECT_TRUE(status) << entry.path() << ": " << status.error().message();
    ++seeds;
  }
  EXPECT_GE(seeds, 2u);
}

// Found by the fuzz target: names from the text broke the error's single line.
TEST(TextTest, ErrorsStayOnOneLineWhateverTheNames) {
  const auto unknown = parse("output @y = @\"a\\x0ab\"");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("@\"a\\x0ab\" is not defined above"));
  const auto taken = parse("input @\"\\x0a\" : F32[1]\ninput @\"\\x0a\" : F32[1]");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message().find('\n'), std::string::npos);
  const auto unsound = parse("input @\"\\x0a\" : F32[0]\n");
  ASSERT_TRUE(unsound);
  EXPECT_EQ(verify(*unsound).error().message().find('\n'), std::string::npos);
}

TEST(TextTest, ManyOutputsAreRefused) {
  std::string text = kX;
  for (int i = 0; i < 1025; ++i) text += "output @y" + std::to_string(i) + " = @x\n";
  const auto graph = parse(text);
  ASSERT_FALSE(graph);
  EXPECT_THAT(graph.error().message(), HasSubstr("line 1026"));
}

// Reading and verifying stay linear: chains of views, which are followed to their storage, and long constants.
TEST(TextTest, LongGraphsAreReadInLinearTime) {
  std::string text = "input @x : F32[1]\nconstant @c : F32[1] =";
  for (int i = 0; i < 200'000; ++i) text += " 1";
  text += "\n%0 = reshape(@x) : F32[1] ; layer 0\n";
  for (int i = 1; i < 40'000; ++i)
    text += "%" + std::to_string(i) + " = reshape(%" + std::to_string(i - 1) + ") : F32[1] ; layer 0\n";
  const auto start = std::chrono::steady_clock::now();
  const auto graph = parse(text);
  ASSERT_TRUE(graph);
  EXPECT_FALSE(verify(*graph)) << "the constant has too many numbers";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace trireme::graph
