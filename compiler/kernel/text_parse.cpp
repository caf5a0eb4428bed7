#include <bit>
#include <charconv>
#include <map>

#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

namespace trireme::kernel {
namespace {

constexpr size_t kMaxValues = 1 << 20;
constexpr int kMaxDepth = 64;

// Words, names with %, numbers, and single signs. Lines end statements.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  std::string_view token() const { return token_; }  // empty at the end, "\n" at the end of a line
  int line() const { return line_; }

  std::string_view take() {
    const std::string_view taken = token_;
    advance();
    return taken;
  }
  bool accept(std::string_view wanted) {
    if (token_ != wanted) return false;
    advance();
    return true;
  }
  // The rest of the line, as it is.
  std::string_view take_line() {
    const size_t begin = size_t(token_.data() - text_.data());
    const size_t end = std::min(text_.find('\n', begin), text_.size());
    at_ = end;
    advance();
    return text_.substr(begin, end - begin);
  }

 private:
  static bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '+';
  }

  void advance() {
    if (token_ == "\n") ++line_;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '%') ++at_;
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    if (at_ == begin && at_ < text_.size()) ++at_;
    token_ = text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  std::string_view token_;
  size_t at_ = 0;
  int line_ = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Function> run() {
    TRIREME_TRY(head());
    TRIREME_TRY(region(function_.body, nullptr));
    TRIREME_TRY(end_line());
    if (!lexer_.token().empty()) return bad("something follows the kernel");
    TRIREME_TRY(verify(function_));
    return std::move(function_);
  }

 private:
  tl::unexpected<Error> bad(std::string_view why) const {
    return fail(ErrorCode::kCorruptData, "kernel text, line " + std::to_string(lexer_.line()), std::string(why),
                "print the kernel again");
  }
  Status expect(std::string_view wanted) {
    if (lexer_.accept(wanted)) return {};
    return bad("'" + std::string(wanted) + "' is missing");
  }
  Status end_line() {
    if (!lexer_.token().empty() && lexer_.token() != "\n")
      return bad("the line goes on with '" + std::string(lexer_.token()) + "'");
    while (lexer_.accept("\n")) {
    }
    return {};
  }

  Result<uint32_t> integer() {
    uint32_t value = 0;
    const std::string_view text = lexer_.take();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      return bad("'" + std::string(text) + "' is no number");
    return value;
  }

  Result<uint32_t> number(Type type) {
    const std::string_view text = lexer_.token();
    if (type.is_bool()) {
      if (text != "true" && text != "false") return bad("a bool is true or false");
      return uint32_t(lexer_.take() == "true");
    }
    const char* begin = text.data();
    const char* end = begin + text.size();
    std::from_chars_result done{begin, std::errc::invalid_argument};
    uint32_t bits = 0;
    if (text.starts_with("0x") && type.is_float()) {
      done = std::from_chars(begin + 2, end, bits, 16);
    } else if (type.is_float()) {
      float value = 0;
      done = std::from_chars(begin, end, value);
      bits = std::bit_cast<uint32_t>(value);
    } else if (type.scalar == Scalar::kI32) {
      int32_t value = 0;
      done = std::from_chars(begin, end, value);
      bits = uint32_t(value);
    } else {
      done = std::from_chars(begin, end, bits);
    }
    if (done.ec != std::errc() || done.ptr != end) return bad("'" + std::string(text) + "' is no such number");
    lexer_.take();
    return bits;
  }

  Result<Type> type() {
    Type parsed;
    if (!parse_type(lexer_.token(), parsed)) return bad("'" + std::string(lexer_.token()) + "' is no type");
    lexer_.take();
    return parsed;
  }

  Status head() {
    TRIREME_TRY(expect("kernel"));
    function_.name = lexer_.take();
    TRIREME_TRY(end_line());
    if (lexer_.accept("#")) {
      function_.comment = lexer_.take_line();
      TRIREME_TRY(end_line());
    }
    TRIREME_TRY(expect("group"));
    TRIREME_ASSIGN(function_.group_size, integer());
    TRIREME_TRY(end_line());
    if (lexer_.accept("subgroup")) {
      TRIREME_ASSIGN(function_.subgroup_size, integer());
      TRIREME_TRY(end_line());
    }
    if (lexer_.accept("matrix")) TRIREME_TRY(matrix());
    while (!lexer_.accept("{")) {
      TRIREME_TRY(parameter());
      TRIREME_TRY(end_line());
    }
    return {};
  }

  // Its items are those of the subgroup.
  Status matrix() {
    MatrixTile tile;
    tile.lanes = function_.subgroup_size;
    for (uint32_t* const size : {&tile.m, &tile.n, &tile.k}) {
      TRIREME_ASSIGN(*size, integer());
    }
    TRIREME_TRY(end_line());
    TRIREME_TRY(fragment("left", tile.left));
    TRIREME_TRY(fragment("right", tile.right));
    TRIREME_TRY(fragment("result", tile.result));
    function_.matrix = std::move(tile);
    return {};
  }

  Status fragment(std::string_view name, FragmentMap& map) {
    TRIREME_TRY(expect(name));
    TRIREME_ASSIGN(map.elements, integer());
    TRIREME_TRY(expect("row"));
    TRIREME_TRY(digits(map.row));
    TRIREME_TRY(expect("column"));
    TRIREME_TRY(digits(map.column));
    return end_line();
  }

  Status digits(std::vector<TileDigit>& digits) {
    while (lexer_.token() == "item" || lexer_.token() == "element") {
      if (digits.size() >= kMaxParameters) return bad("there are too many digits");
      TileDigit digit;
      digit.of_element = lexer_.take() == "element";
      for (uint32_t* const number : {&digit.divisor, &digit.modulus, &digit.stride}) {
        TRIREME_ASSIGN(*number, integer());
      }
      digits.push_back(digit);
    }
    return {};
  }

  Status parameter() {
    const std::string_view kind = lexer_.take();
    std::string name(lexer_.take());
    if (function_.buffers.size() + function_.launch_constants.size() + function_.specializations.size() +
            function_.shared.size() >
        4 * kMaxParameters)
      return bad("there are too many parameters");
    if (kind == "buffer") {
      const std::string_view access = lexer_.take();
      if (access != "read" && access != "write" && access != "read_write")
        return bad("a buffer is read, write or read_write");
      function_.buffers.push_back({name, access == "read"    ? Access::kRead
                                         : access == "write" ? Access::kWrite
                                                             : Access::kReadWrite});
      return {};
    }
    if (kind != "specialize" && kind != "launch" && kind != "shared")
      return bad("'" + std::string(kind) + "' is neither a parameter nor '{'");
    TRIREME_ASSIGN(const Type type, this->type());
    if (kind == "launch") {
      function_.launch_constants.push_back({name, type});
    } else if (kind == "specialize") {
      TRIREME_ASSIGN(const uint32_t bits, number(type));
      function_.specializations.push_back({name, type, bits});
    } else {
      TRIREME_ASSIGN(const uint32_t count, integer());
      function_.shared.push_back({name, type, count});
    }
    return {};
  }

  Result<ValueId> define(Type type, std::string_view name) {
    if (!name.starts_with('%')) return bad("'" + std::string(name) + "' is no value");
    if (function_.values.size() >= kMaxValues) return bad("there are too many values");
    const auto id = ValueId(function_.values.size());
    name.remove_prefix(1);
    if (!by_name_.try_emplace(std::string(name), id).second) return bad("%" + std::string(name) + " is defined twice");
    function_.values.push_back({type, std::string(name)});
    return id;
  }

  Result<ValueId> use() {
    const std::string_view name = lexer_.take();
    const auto found = name.starts_with('%') ? by_name_.find(name.substr(1)) : by_name_.end();
    if (found == by_name_.end()) return bad("'" + std::string(name) + "' is no value that is defined before");
    return found->second;
  }

  Result<std::vector<ValueId>> uses() {
    std::vector<ValueId> ids;
    do {
      TRIREME_ASSIGN(const ValueId id, use());
      ids.push_back(id);
    } while (lexer_.accept(","));
    return ids;
  }

  template <typename Parameters>
  Result<uint32_t> find(const Parameters& parameters) {
    const std::string_view name = lexer_.take();
    for (size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].name == name) return uint32_t(i);
    return bad("'" + std::string(name) + "' is no parameter of this kind");
  }

  // Up to and with the closing brace. `owner` is null for the kernel's own body.
  Status region(Region& region, Instruction* owner) {
    if (++depth_ > kMaxDepth) return bad("it nests too deeply");
    TRIREME_TRY(end_line());
    while (!lexer_.accept("}")) {
      if (lexer_.token().empty()) return bad("'}' is missing");
      if (owner && lexer_.accept("yield")) {
        TRIREME_ASSIGN(region.yields, uses());
        TRIREME_TRY(end_line());
        TRIREME_TRY(expect("}"));
        break;
      }
      Instruction instruction;
      TRIREME_TRY(statement(instruction));
      region.body.push_back(std::move(instruction));
      TRIREME_TRY(end_line());
    }
    --depth_;
    return {};
  }

  Status statement(Instruction& in) {
    std::vector<std::string_view> targets;
    while (lexer_.token().starts_with('%')) {
      targets.push_back(lexer_.take());
      if (!lexer_.accept(",")) break;
    }
    if (!targets.empty()) TRIREME_TRY(expect("="));
    const std::optional<Op> op = find_op(lexer_.token());
    if (!op) return bad("'" + std::string(lexer_.token()) + "' is no op");
    lexer_.take();
    in.op = *op;
    if (in.op == Op::kLoop) return loop(in, targets);
    if (in.op == Op::kIf) return choice(in, targets);
    if (in.op == Op::kMatrixMultiply) return matrix_multiply(in, targets);
    if (targets.size() != size_t(has_result(in.op))) return bad("the op has another number of results");
    return simple(in, targets);
  }

  // A constant's number is read behind its type, which follows it.
  Status simple(Instruction& in, const std::vector<std::string_view>& targets) {
    if (in.op == Op::kConstant) return constant(in, targets[0]);
    const bool memory =
        in.op == Op::kLoad || in.op == Op::kStore || in.op == Op::kLoadShared || in.op == Op::kStoreShared;
    if (memory) {
      TRIREME_TRY(access(in));
    } else if (in.op == Op::kSpecialization) {
      TRIREME_ASSIGN(in.immediates[0], find(function_.specializations));
    } else if (in.op == Op::kLaunch) {
      TRIREME_ASSIGN(in.immediates[0], find(function_.launch_constants));
    } else {
      for (int i = 0; i < immediate_count(in.op); ++i) {
        TRIREME_ASSIGN(in.immediates[size_t(i)], integer());
      }
      if (lexer_.token().starts_with('%')) {
        TRIREME_ASSIGN(in.operands, uses());
      }
    }
    if (targets.empty()) return {};
    TRIREME_TRY(expect(":"));
    TRIREME_ASSIGN(const Type type, this->type());
    TRIREME_ASSIGN(const ValueId id, define(type, targets[0]));
    in.results.push_back(id);
    return {};
  }

  Status matrix_multiply(Instruction& in, const std::vector<std::string_view>& targets) {
    TRIREME_ASSIGN(in.operands, uses());
    TRIREME_TRY(expect(":"));
    TRIREME_ASSIGN(const Type type, this->type());
    for (const std::string_view target : targets) {
      TRIREME_ASSIGN(const ValueId id, define(type, target));
      in.results.push_back(id);
    }
    return {};
  }

  Status constant(Instruction& in, std::string_view target) {
    const Lexer before = lexer_;
    lexer_.take();
    TRIREME_TRY(expect(":"));
    TRIREME_ASSIGN(const Type type, this->type());
    const Lexer after = lexer_;
    lexer_ = before;
    TRIREME_ASSIGN(in.immediates[0], number(type));
    lexer_ = after;
    TRIREME_ASSIGN(const ValueId id, define(type, target));
    in.results.push_back(id);
    return {};
  }

  Status access(Instruction& in) {
    const bool shared = in.op == Op::kLoadShared || in.op == Op::kStoreShared;
    TRIREME_ASSIGN(in.immediates[0], shared ? find(function_.shared) : find(function_.buffers));
    TRIREME_TRY(expect("["));
    TRIREME_ASSIGN(const ValueId index, use());
    in.operands.push_back(index);
    TRIREME_TRY(expect("]"));
    if (has_result(in.op)) return {};
    TRIREME_TRY(expect(","));
    TRIREME_ASSIGN(const ValueId value, use());
    in.operands.push_back(value);
    return {};
  }

  Status loop(Instruction& in, const std::vector<std::string_view>& targets) {
    const std::string_view index = lexer_.take();
    for (const char* word : {"from", "to", "step"}) {
      TRIREME_TRY(expect(word));
      TRIREME_ASSIGN(const ValueId id, use());
      in.operands.push_back(id);
    }
    Region body;
    std::vector<std::string_view> names = {index};
    if (lexer_.accept("carry")) {
      do {
        names.push_back(lexer_.take());
        TRIREME_TRY(expect("="));
        TRIREME_ASSIGN(const ValueId id, use());
        in.operands.push_back(id);
      } while (lexer_.accept(","));
    }
    if (targets.size() + 1 != names.size()) return bad("the loop carries another number of values than it gives");
    for (size_t i = 0; i < names.size(); ++i) {
      const Type type = function_.value(in.operands[i == 0 ? 0 : i + 2]).type;
      TRIREME_ASSIGN(const ValueId id, define(type, names[i]));
      body.arguments.push_back(id);
    }
    TRIREME_TRY(expect("{"));
    TRIREME_TRY(region(body, &in));
    in.regions.push_back(std::move(body));
    return define_results(in, targets);
  }

  Status choice(Instruction& in, const std::vector<std::string_view>& targets) {
    TRIREME_ASSIGN(const ValueId condition, use());
    in.operands.push_back(condition);
    in.regions.resize(2);
    TRIREME_TRY(expect("{"));
    TRIREME_TRY(region(in.regions[0], &in));
    TRIREME_TRY(expect("else"));
    TRIREME_TRY(expect("{"));
    TRIREME_TRY(region(in.regions[1], &in));
    return define_results(in, targets);
  }

  Status define_results(Instruction& in, const std::vector<std::string_view>& targets) {
    if (in.regions[0].yields.size() != targets.size()) return bad("the region yields another number of values");
    for (size_t i = 0; i < targets.size(); ++i) {
      TRIREME_ASSIGN(const ValueId id, define(function_.value(in.regions[0].yields[i]).type, targets[i]));
      in.results.push_back(id);
    }
    return {};
  }

  Lexer lexer_;
  Function function_;
  std::map<std::string, ValueId, std::less<>> by_name_;
  int depth_ = 0;
};

}  // namespace

Result<Function> parse(std::string_view text) { return Parser(text).run(); }

}  // namespace trireme::kernel
