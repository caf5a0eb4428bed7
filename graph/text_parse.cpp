#include <charconv>
#include <cmath>
#include <unordered_map>

#include "graph/names.h"
#include "graph/text.h"
#include "hal/op_fields.h"

namespace trireme::graph {
namespace {

constexpr size_t kMaxOutputs = 1024;  // looked up one by one

// Reads tokens of one line at a time and remembers the first error.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool failed() const { return error_.has_value(); }
  Error take_error() { return std::move(*error_); }

  bool fail_here(std::string why) {
    if (!error_)
      error_ = Error(ErrorCode::kCorruptData, "graph text",
                     "line " + std::to_string(line_) + ", column " + std::to_string(position_ - line_start_ + 1) +
                         ": " + std::move(why));
    return false;
  }

  void skip_blanks() {
    while (position_ < text_.size() &&
           (text_[position_] == ' ' || text_[position_] == '\t' || text_[position_] == '\r'))
      ++position_;
    if (position_ < text_.size() && text_[position_] == '#')
      while (position_ < text_.size() && text_[position_] != '\n') ++position_;
  }
  bool at_end() const { return position_ >= text_.size(); }
  bool at_line_end() {
    skip_blanks();
    return at_end() || text_[position_] == '\n';
  }
  bool next_line() {
    if (!at_line_end()) return fail_here("the line should end here");
    if (at_end()) return true;
    ++position_;
    ++line_;
    line_start_ = position_;
    return true;
  }

  bool at(std::string_view token) {
    skip_blanks();
    return text_.substr(position_).substr(0, token.size()) == token;
  }
  bool accept(std::string_view token) {
    if (!at(token)) return false;
    position_ += token.size();
    return true;
  }
  bool expect(std::string_view token) { return accept(token) || fail_here("expected '" + std::string(token) + "'"); }

  std::string_view word(std::string_view more = {}) {
    skip_blanks();
    const size_t start = position_;
    while (position_ < text_.size() && is_word(text_[position_], more)) ++position_;
    if (position_ == start) fail_here("expected a word");
    return text_.substr(start, position_ - start);
  }

  template <typename Number>
  bool number(Number& value) {
    skip_blanks();
    const char* begin = text_.data() + position_;
    const auto [end, status] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (status != std::errc{}) return fail_here("expected a number within range");
    if constexpr (std::is_floating_point_v<Number>)
      if (!std::isfinite(value)) return fail_here("the number is not finite");
    position_ += size_t(end - begin);
    return true;
  }

  bool string(std::string& value) {
    if (!expect("\"")) return false;
    for (; position_ < text_.size() && text_[position_] != '\n'; ++position_) {
      const char c = text_[position_];
      if (c == '"') {
        ++position_;
        return true;
      }
      if (c != '\\')
        value += c;
      else if (!escape(value))
        return false;
    }
    return fail_here("the string does not end on its line");
  }

 private:
  static bool is_word(char c, std::string_view more) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           more.find(c) != std::string_view::npos;
  }

  // At a backslash; ends on the last character of the escape.
  bool escape(std::string& value) {
    const char kind = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
    if (kind == '"' || kind == '\\') {
      value += kind;
      position_ += 1;
      return true;
    }
    unsigned byte = 0;
    const std::string_view digits = text_.substr(position_).substr(0, 4);
    if (kind != 'x' || digits.size() != 4 ||
        std::from_chars(digits.data() + 2, digits.data() + 4, byte, 16).ptr != digits.data() + 4)
      return fail_here("an escape is \\\", \\\\ or \\x and two hexadecimal digits");
    value += char(byte);
    position_ += 3;
    return true;
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t line_ = 1;
  size_t line_start_ = 0;
  std::optional<Error> error_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text) {}

  Result<Graph> run() {
    for (; !scanner_.failed(); scanner_.next_line()) {
      if (!scanner_.at_line_end()) parse_line();
      if (scanner_.failed() || (scanner_.at_line_end() && scanner_.at_end())) break;
    }
    if (scanner_.failed()) return fail(scanner_.take_error());
    return std::move(graph_);
  }

 private:
  bool parse_line() {
    if (scanner_.accept("%")) return parse_node();
    const std::string_view kind = scanner_.word();
    if (scanner_.failed()) return false;
    if (kind == "output") return parse_output();
    std::string name;
    TensorDesc desc;
    if (!parse_name(name) || !scanner_.expect(":") || !parse_desc(desc)) return false;
    if (named_.count(name)) return scanner_.fail_here("the name " + quoted(name) + " is taken");
    ValueId id = 0;
    if (kind == "input") {
      id = graph_.add_input(name, desc);
    } else if (kind == "weight") {
      id = graph_.add_weight(name, desc);
    } else if (kind == "state") {
      id = graph_.add_state(name, desc);
    } else if (kind == "constant") {
      std::vector<float> data;
      if (!parse_data(data)) return false;
      id = graph_.add_constant(name, desc, std::move(data));
    } else {
      return scanner_.fail_here("a line starts with input, weight, constant, state, output or a value");
    }
    named_.emplace(std::move(name), id);
    return true;
  }

  bool parse_data(std::vector<float>& data) {
    if (!scanner_.expect("=")) return false;
    while (!scanner_.at_line_end()) {
      float number = 0;
      if (!scanner_.number(number)) return false;
      data.push_back(number);
    }
    return true;
  }

  bool parse_name(std::string& name) {
    if (!scanner_.expect("@")) return false;
    if (!scanner_.at("\"")) {
      name = scanner_.word("._-/");
      return !scanner_.failed();
    }
    return scanner_.string(name) && (!name.empty() || scanner_.fail_here("the name is empty"));
  }

  // "F32[tokens<=8, 576]"
  bool parse_desc(TensorDesc& desc) {
    const std::string_view format = scanner_.word("._-");
    if (scanner_.failed()) return false;
    desc.format = find_format(format);
    if (!desc.format) return scanner_.fail_here("no format is called '" + std::string(format) + "'");
    if (!scanner_.expect("[")) return false;
    if (scanner_.accept("tokens<=")) desc.rows = RowDomain::kTokens;
    if (scanner_.accept("outputs<=")) desc.rows = RowDomain::kOutputs;
    std::vector<int64_t> sizes;
    while (!scanner_.accept("]")) {
      if (sizes.size() > size_t(kMaxRank)) break;
      if (!sizes.empty() && !scanner_.expect(",")) return false;
      if (!scanner_.number(sizes.emplace_back())) return false;
    }
    auto shape = Shape::from(sizes);
    if (!shape) return scanner_.fail_here(shape.error().why());
    desc.shape = *shape;
    return true;
  }

  bool parse_reference(ValueId& id) {
    if (scanner_.accept("%")) {
      uint32_t number = 0;
      if (!scanner_.number(number)) return false;
      if (number >= computed_.size()) return scanner_.fail_here("%" + std::to_string(number) + " is not defined above");
      id = computed_[number];
      return true;
    }
    std::string name;
    if (!parse_name(name)) return false;
    const auto found = named_.find(name);
    if (found == named_.end()) return scanner_.fail_here("@" + quoted(name) + " is not defined above");
    id = found->second;
    return true;
  }

  bool parse_output() {
    std::string name;
    ValueId id = 0;
    if (!parse_name(name) || !scanner_.expect("=") || !parse_reference(id)) return false;
    if (graph_.find_output(name)) return scanner_.fail_here("the output " + quoted(name) + " is defined twice");
    if (graph_.outputs().size() >= kMaxOutputs) return scanner_.fail_here("there are too many outputs");
    graph_.set_output(std::move(name), id);
    return true;
  }

  // After the '%' of the first result.
  bool parse_node() {
    size_t results = 0;
    do {
      if (results && !scanner_.expect("%")) return false;
      uint64_t number = 0;
      if (!scanner_.number(number)) return false;
      if (number != computed_.size() + results)
        return scanner_.fail_here("the next value must be %" + std::to_string(computed_.size() + results));
      ++results;
    } while (scanner_.accept(","));

    if (!scanner_.expect("=")) return false;
    const std::string_view op = scanner_.word();
    if (scanner_.failed()) return false;
    std::optional<OpParams> params = op_from_name(op);
    if (!params) return scanner_.fail_here("no op is called '" + std::string(op) + "'");
    std::vector<ValueId> inputs;
    std::vector<TensorDesc> outputs;
    std::string label;
    int layer = -1;
    if (!parse_inputs(inputs) || !parse_fields(*params) || !scanner_.expect(":") || !parse_results(results, outputs) ||
        !parse_place(layer, label))
      return false;
    const std::vector<ValueId> ids =
        graph_.add_unchecked(*params, std::move(inputs), std::move(outputs), std::move(label), layer);
    computed_.insert(computed_.end(), ids.begin(), ids.end());
    return true;
  }

  bool parse_inputs(std::vector<ValueId>& inputs) {
    if (!scanner_.expect("(")) return false;
    if (scanner_.accept(")")) return true;
    do {
      if (!parse_reference(inputs.emplace_back())) return false;
    } while (scanner_.accept(","));
    return scanner_.expect(")");
  }

  bool parse_results(size_t count, std::vector<TensorDesc>& outputs) {
    do {
      if (!parse_desc(outputs.emplace_back())) return false;
    } while (scanner_.accept(","));
    return outputs.size() == count || scanner_.fail_here("there must be one result type for each value");
  }

  bool parse_place(int& layer, std::string& label) {
    if (!scanner_.expect(";") || !scanner_.expect("layer") || !scanner_.number(layer)) return false;
    return scanner_.at_line_end() || scanner_.string(label);
  }

  bool parse_fields(OpParams& params) {
    if (!scanner_.accept("{")) return true;
    while (!scanner_.accept("}")) {
      const std::string_view name = scanner_.word();
      if (scanner_.failed() || !scanner_.expect("=")) return false;
      bool found = false;
      std::visit(
          [&](auto& op) {
            visit_fields(op, [&](std::string_view field, auto& value) {
              if (found || field != name) return;
              found = true;
              parse_field(value);
            });
          },
          params);
      if (!found) scanner_.fail_here("the op has no field '" + std::string(name) + "'");
      if (scanner_.failed()) return false;
    }
    return true;
  }

  template <typename Field>
  bool parse_field(Field& field) {
    if constexpr (std::is_same_v<Field, bool>) {
      const std::string_view value = scanner_.word();
      field = value == "true";
      return field || value == "false" || scanner_.fail_here("expected true or false");
    } else if constexpr (std::is_enum_v<Field>) {
      const std::string_view text = scanner_.word();
      for (const auto& [value, name] : EnumNames<Field>::kAll) {
        if (name != text) continue;
        field = value;
        return true;
      }
      return scanner_.fail_here("'" + std::string(text) + "' is not one of the field's values");
    } else {
      return scanner_.number(field);
    }
  }

  Scanner scanner_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> named_;
  std::vector<ValueId> computed_;
};

}  // namespace

Result<Graph> parse(std::string_view text) { return Parser(text).run(); }

}  // namespace trireme::graph
