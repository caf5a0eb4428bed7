#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "compiler/kernel/text.h"

namespace trireme::kernel {
namespace {

constexpr const char* kAccessNames[] = {"read", "write", "read_write"};

// Reads back to the same bits.
std::string number(Type type, uint32_t bits) {
  if (type.scalar == Scalar::kI32) return fmt::format("{}", int32_t(bits));
  if (type.is_bool()) return bits ? "true" : "false";
  if (!type.is_float()) return fmt::format("{}", bits);
  const auto value = std::bit_cast<float>(bits);
  return std::isfinite(value) ? fmt::format("{}", value) : fmt::format("0x{:08x}", bits);
}

class Printer {
 public:
  explicit Printer(const Function& function) : function_(function) {}

  std::string run() {
    line("kernel {}", function_.name);
    if (!function_.comment.empty()) line("# {}", function_.comment);
    line("group {}", function_.group_size);
    if (function_.subgroup_size > 0) line("subgroup {}", function_.subgroup_size);
    if (function_.matrix) print(*function_.matrix);
    for (const BufferParameter& buffer : function_.buffers)
      line("buffer {} {}", buffer.name, kAccessNames[size_t(buffer.access)]);
    for (const ConstantParameter& constant : function_.specializations)
      line("specialize {} {} {}", constant.name, type_name(constant.type),
           number(constant.type, constant.default_bits));
    for (const ConstantParameter& constant : function_.launch_constants)
      line("launch {} {}", constant.name, type_name(constant.type));
    for (const SharedArray& array : function_.shared)
      line("shared {} {} {}", array.name, type_name(array.type), array.count);
    line("{{");
    body(function_.body);
    line("}}");
    return std::move(text_);
  }

 private:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    text_.append(size_t(2 * depth_), ' ');
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }

  void print(const MatrixTile& tile) {
    line("matrix {} {} {}", tile.m, tile.n, tile.k);
    for (const auto& [name, map] : {std::pair("left", &tile.left), {"right", &tile.right}, {"result", &tile.result}})
      line("{} {} row{} column{}", name, map->elements, digits(map->row), digits(map->column));
  }
  static std::string digits(const std::vector<TileDigit>& digits) {
    std::string text;
    for (const TileDigit& digit : digits)
      text += fmt::format(" {} {} {} {}", digit.of_element ? "element" : "item", digit.divisor, digit.modulus,
                          digit.stride);
    return text;
  }

  std::string name(ValueId id) const { return "%" + function_.value(id).name; }
  std::string names(const std::vector<ValueId>& ids, size_t first = 0) const {
    std::string joined;
    for (size_t i = first; i < ids.size(); ++i) joined += (i > first ? ", " : "") + name(ids[i]);
    return joined;
  }

  void body(const Region& region) {
    ++depth_;
    for (const Instruction& in : region.body) print(in);
    if (!region.yields.empty()) line("yield {}", names(region.yields));
    --depth_;
  }

  void print(const Instruction& in) {
    const std::string target = in.results.empty() ? "" : names(in.results) + " = ";
    const uint32_t first = in.immediates[0];
    switch (in.op) {
      case Op::kStore:
        return line("store {}[{}], {}", function_.buffers[first].name, name(in.operands[0]), name(in.operands[1]));
      case Op::kStoreShared:
        return line("store_shared {}[{}], {}", function_.shared[first].name, name(in.operands[0]),
                    name(in.operands[1]));
      case Op::kLoop: return print_loop(in, target);
      case Op::kIf:
        line("{}if {} {{", target, name(in.operands[0]));
        body(in.regions[0]);
        line("}} else {{");
        body(in.regions[1]);
        return line("}}");
      default: break;
    }
    if (in.results.empty()) return line("{}", op_name(in.op));
    const std::string type = type_name(function_.value(in.results[0]).type);
    line("{}{} {}: {}", target, op_name(in.op), arguments(in), type);
  }

  // What stands between an op's name and its type, with a space behind it.
  std::string arguments(const Instruction& in) const {
    const uint32_t first = in.immediates[0];
    switch (in.op) {
      case Op::kConstant: return number(function_.value(in.results[0]).type, first) + " ";
      case Op::kSpecialization: return function_.specializations[first].name + " ";
      case Op::kLaunch: return function_.launch_constants[first].name + " ";
      case Op::kLoad: return fmt::format("{}[{}] ", function_.buffers[first].name, name(in.operands[0]));
      case Op::kLoadShared: return fmt::format("{}[{}] ", function_.shared[first].name, name(in.operands[0]));
      default: break;
    }
    std::string text;
    for (int i = 0; i < immediate_count(in.op); ++i) text += fmt::format("{} ", in.immediates[size_t(i)]);
    if (!in.operands.empty()) text += names(in.operands) + " ";
    return text;
  }

  void print_loop(const Instruction& in, const std::string& target) {
    const Region& region = in.regions[0];
    std::string carried;
    for (size_t i = 0; i < in.results.size(); ++i)
      carried +=
          fmt::format("{}{} = {}", i == 0 ? " carry " : ", ", name(region.arguments[i + 1]), name(in.operands[i + 3]));
    line("{}loop {} from {} to {} step {}{} {{", target, name(region.arguments[0]), name(in.operands[0]),
         name(in.operands[1]), name(in.operands[2]), carried);
    body(region);
    line("}}");
  }

  const Function& function_;
  std::string text_;
  int depth_ = 0;
};

}  // namespace

std::string print(const Function& function) { return Printer(function).run(); }

}  // namespace trireme::kernel
