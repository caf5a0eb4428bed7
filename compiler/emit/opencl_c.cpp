#include "compiler/emit/opencl_c.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/emit/opencl_c_helpers.h"
#include "compiler/emit/opencl_c_words.h"
#include "compiler/emit/source.h"
#include "compiler/kernel/verifier.h"

namespace trireme::compiler {

using kernel::Function;
using kernel::Instruction;
using kernel::Op;
using kernel::Region;
using kernel::Scalar;
using kernel::Type;
using kernel::ValueId;

namespace {

bool is_dot(Op op) { return op == Op::kDot4Signed || op == Op::kDot4Unsigned; }

class Writer {
 public:
  Writer(const Function& function, const Target& target)
      : function_(function),
        target_(target),
        uses_(function.values.size(), 0),
        home_(function.values.size(), nullptr),
        definitions_(function.values.size(), nullptr),
        text_of_(function.values.size()) {
    count(function.body);
    for (const kernel::BufferParameter& buffer : function.buffers) names_.insert(buffer.name);
    for (const kernel::ConstantParameter& constant : function.launch_constants) names_.insert(constant.name);
    for (const kernel::SharedArray& array : function.shared) names_.insert(array.name);
  }

  std::string run() {
    body(function_.body);
    std::string code = std::move(text_);
    text_.clear();
    depth_ = 0;
    head();
    return text_ + code + "}\n";
  }

 private:
  template <typename... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    text_.append(size_t(2 * depth_), ' ');
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }

  Type type_of(ValueId id) const { return function_.value(id).type; }
  const std::string& text(ValueId id) const { return text_of_[id]; }
  std::string bare_text(ValueId id) const { return without_parentheses(text_of_[id]); }

  // A use inside of another region than the value's own counts twice: what is computed once is not moved into a loop.
  void count(const Region& region) {
    for (const Instruction& in : region.body) {
      ops_.insert(in.op);
      for (const ValueId operand : in.operands) uses_[operand] += home_[operand] == &region ? 1 : 2;
      for (const ValueId result : in.results) {
        home_[result] = &region;
        definitions_[result] = &in;
      }
      for (const Region& inner : in.regions) count(inner);
    }
    // What is yielded beside others is computed before any of the variables changes.
    for (const ValueId yielded : region.yields)
      uses_[yielded] += home_[yielded] == &region && region.yields.size() == 1 ? 1 : 2;
  }

  void head() {
    if (!function_.comment.empty()) line("// {}", function_.comment);
    if (function_.subgroup_size > 0) line("#pragma OPENCL EXTENSION cl_khr_subgroups : enable");
    if (target_.integer_dot && (ops_.contains(Op::kDot4Signed) || ops_.contains(Op::kDot4Unsigned)))
      line("#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable");
    line("#pragma OPENCL FP_CONTRACT OFF\n");
    std::set<std::string> shared_types;
    for (const auto& [buffer, type] : views_)
      if (is_punned(buffer)) shared_types.insert(opencl_type(unpacked(type)));
    for (const std::string& type : shared_types) line("typedef {0} __attribute__((may_alias)) any_{0};", type);
    for (const Helper& helper : helped_) text_ += opencl_helper(helper, target_) + '\n';
    std::string parameters;
    for (const kernel::BufferParameter& buffer : function_.buffers)
      parameters += fmt::format("{}__global {}void* {}", parameters.empty() ? "" : ", ",
                                buffer.access == kernel::Access::kRead ? "const " : "", buffer.name);
    for (const kernel::ConstantParameter& constant : function_.launch_constants)
      parameters += fmt::format("{}uint {}", parameters.empty() ? "" : ", ", constant.name);
    line("__kernel __attribute__((reqd_work_group_size({}, 1, 1)))", function_.group_size);
    if (function_.subgroup_size > 0) {
      // Where a device has several sizes, a kernel names its own.
      line("#ifdef cl_intel_required_subgroup_size");
      line("__attribute__((intel_reqd_sub_group_size({})))", function_.subgroup_size);
      line("#endif");
    }
    line("void {}({}) {{", function_.name, parameters);
    depth_ = 1;
    for (const kernel::SharedArray& array : function_.shared)
      line("__local {} {}[{}] __attribute__((aligned(64)));", opencl_type(array.type), array.name, array.count);
    for (const auto& [buffer, type] : views_)
      line("__global {0}* const {1} = (__global {0}*){2};", element_type(buffer, unpacked(type)),
           view_name(buffer, unpacked(type)), function_.buffers[buffer].name);
    depth_ = 0;
  }

  // Types in an order, for the set of views.
  static uint32_t packed(Type type) { return uint32_t(type.scalar) * 32 + uint32_t(type.lanes); }
  static Type unpacked(uint32_t packed) { return {Scalar(packed / 32), int(packed % 32)}; }
  std::string view_name(uint32_t buffer, Type type) const {
    return function_.buffers[buffer].name + "_" + opencl_type(type);
  }
  std::string view(uint32_t buffer, Type type) {
    views_.emplace(buffer, packed(type));
    return view_name(buffer, type);
  }

  // Written bytes that are also seen as another type, which in C no access may change unless it says so.
  bool is_punned(uint32_t buffer) const {
    if (function_.buffers[buffer].access == kernel::Access::kRead) return false;
    std::set<Scalar> scalars;
    for (const auto& [viewed, type] : views_)
      if (viewed == buffer)
        scalars.insert(unpacked(type).scalar == Scalar::kI32 ? Scalar::kU32 : unpacked(type).scalar);
    return scalars.size() > 1;
  }
  std::string element_type(uint32_t buffer, Type type) const {
    if (function_.buffers[buffer].access == kernel::Access::kRead) return "const " + opencl_type(type);
    return is_punned(buffer) ? "any_" + opencl_type(type) : opencl_type(type);
  }

  std::string shared_element(uint32_t array, Type type, ValueId index) const {
    const std::string& name = function_.shared[array].name;
    if (type.lanes == 1) return fmt::format("{}[{}]", name, bare_text(index));
    return fmt::format("((__local {}*){})[{}]", opencl_type(type), name, bare_text(index));
  }

  void body(const Region& region) {
    ++depth_;
    for (const Instruction& in : region.body) statement(in);
    --depth_;
  }

  void statement(const Instruction& in) {
    const uint32_t first = in.immediates[0];
    switch (in.op) {
      case Op::kStore:
        return line("{}[{}] = {};", view(first, type_of(in.operands[1])), bare_text(in.operands[0]),
                    bare_text(in.operands[1]));
      case Op::kStoreShared:
        return line("{} = {};", shared_element(first, type_of(in.operands[1]), in.operands[0]),
                    bare_text(in.operands[1]));
      case Op::kBarrier: return line("barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);");
      case Op::kLoop: return loop(in);
      case Op::kIf: return choice(in);
      default: break;
    }
    const ValueId result = in.results[0];
    const std::string value = expression(in);
    // Written where it is used, when that is once and right here; constants everywhere.
    if (in.op == Op::kConstant || in.op == Op::kSpecialization || in.op == Op::kLaunch ||
        (uses_[result] == 1 && !kernel::has_effect(in.op) && value.size() < 60)) {
      text_of_[result] = value;
      return;
    }
    line("const {} {} = {};", opencl_type(type_of(result)), name(result), without_parentheses(value));
  }

  // A name that OpenCL C takes for itself gets a sign behind it.
  std::string name(ValueId id) {
    std::string name = function_.value(id).name;
    while (is_opencl_word(name) || !names_.insert(name).second) name += '_';
    return text_of_[id] = name;
  }

  std::string expression(const Instruction& in) {
    const ValueId result = in.results[0];
    const Type type = type_of(result);
    const uint32_t first = in.immediates[0];
    const auto operand = [&](size_t i) { return text(in.operands[i]); };
    switch (in.op) {
      case Op::kConstant: return opencl_number(type, first);
      case Op::kSpecialization: return opencl_number(type, function_.specializations[first].default_bits);
      case Op::kLaunch: {
        const std::string& parameter = function_.launch_constants[first].name;
        return type == kernel::kU32 ? parameter : fmt::format("as_{}({})", opencl_type(type), parameter);
      }
      case Op::kGroupId: return fmt::format("(uint)get_group_id({})", first);
      case Op::kLocalId: return "(uint)get_local_id(0)";
      case Op::kSubgroupLane: return "get_sub_group_local_id()";
      case Op::kSubgroupId: return "get_sub_group_id()";
      case Op::kNegate:
        if (!type.is_float()) return wraps(type, "-", unsigned_text(in.operands[0]));
        return operand(0).starts_with('-') ? fmt::format("(-({}))", operand(0)) : fmt::format("(-{})", operand(0));
      case Op::kNot: return fmt::format("({}{})", type == kernel::kBool ? "!" : "~", operand(0));
      case Op::kExtractBits: {
        const uint32_t width = in.immediates[1];
        if (type.scalar == Scalar::kI32)
          return fmt::format("(({} << {}) >> {})", operand(0), 32 - first - width, 32 - width);
        if (first + width == 32) return fmt::format("({} >> {})", operand(0), first);
        const std::string shifted = first == 0 ? operand(0) : fmt::format("({} >> {})", operand(0), first);
        return fmt::format("({} & 0x{:x}u)", shifted, (uint64_t{1} << width) - 1);
      }
      case Op::kSelect:
        if (type.lanes > 1) return fmt::format("select({}, {}, {})", operand(2), operand(1), operand(0));
        return fmt::format("({} ? {} : {})", operand(0), operand(1), operand(2));
      case Op::kConvert: return converted(operand(0), type_of(in.operands[0]), type);
      case Op::kBitcast: return fmt::format("as_{}({})", opencl_type(type), operand(0));
      case Op::kPack: {
        std::string lanes;
        for (size_t i = 0; i < in.operands.size(); ++i)
          lanes += (i ? ", " : "") + (type.is_bool() ? mask(operand(i)) : without_parentheses(operand(i)));
        return fmt::format("({})({})", opencl_type(type), lanes);
      }
      case Op::kExtract: {
        const std::string lane = fmt::format("{}.s{:x}", operand(0), first);
        return type.is_bool() ? fmt::format("({} != 0)", lane) : lane;
      }
      case Op::kSplat:
        return fmt::format("({})({})", opencl_type(type), type.is_bool() ? mask(operand(0)) : operand(0));
      case Op::kLoad: return fmt::format("{}[{}]", view(first, type), without_parentheses(operand(0)));
      case Op::kLoadShared: return shared_element(first, type, in.operands[0]);
      case Op::kSubgroupBroadcast: return fmt::format("sub_group_broadcast({}, {}u)", operand(0), first);
      default: break;
    }
    if (is_wrapped(in))
      return wraps(type, unsigned_text(in.operands[0]) + " " + opencl_sign(in.op, false) + " ",
                   unsigned_text(in.operands[1]));
    if (const char* sign = opencl_sign(in.op, type == kernel::kBool && type_of(in.operands[0]).is_bool()))
      return fmt::format("({} {} {})", operand(0), sign, operand(1));
    std::string arguments;
    for (size_t i = 0; i < in.operands.size(); ++i) arguments += (i ? ", " : "") + without_parentheses(operand(i));
    if (!needs_opencl_helper(in.op, type))
      return fmt::format("{}({})", opencl_function(in.op, type.is_float()), arguments);
    const bool small = type.lanes >= 8 && is_dot(in.op) && has_small_bytes(in.operands[0]);
    const Helper helper{small ? Op::kDot4Signed : in.op, type.lanes, small};
    helped_.insert(helper);
    return fmt::format("{}({})", helper_name(helper), arguments);
  }

  // In C a sum of ints that does not fit is undefined: these are computed as uints, which wrap around.
  bool is_wrapped(const Instruction& in) const {
    const bool wraps = in.op == Op::kAdd || in.op == Op::kSubtract || in.op == Op::kMultiply || in.op == Op::kNegate;
    return wraps && type_of(in.results[0]).scalar == Scalar::kI32;
  }
  static std::string wraps(Type type, const std::string& left, const std::string& right) {
    return fmt::format("as_{}({}{})", opencl_type(type), left, right);
  }
  std::string unsigned_text(ValueId id) const {
    const std::string& text = text_of_[id];
    const std::string cast = "as_" + opencl_type(type_of(id));
    // What was just made an int of a uint.
    if (definitions_[id] && is_wrapped(*definitions_[id]) && text.starts_with(cast)) return text.substr(cast.size());
    return fmt::format("as_{}({})", opencl_type({Scalar::kU32, type_of(id).lanes}), without_parentheses(text));
  }

  // Of vectors of bool the lanes are ints: 0, or all bits.
  static std::string mask(const std::string& lane) { return fmt::format("{} ? -1 : 0", lane); }

  static std::string converted(const std::string& operand, Type from, Type to) {
    if (to.lanes == 1) return fmt::format("({}){}", opencl_type(to), operand);
    if (!from.is_bool()) return fmt::format("convert_{}({})", opencl_type(to), operand);
    if (to.scalar == Scalar::kI32) return fmt::format("({} & 1)", operand);
    return fmt::format("convert_{}({} & 1)", opencl_type(to), operand);
  }

  // Whether no byte of a word can be above 127.
  bool has_small_bytes(ValueId word) const {
    const Instruction* in = definitions_[word];
    if (!in || in->op != Op::kAnd) return false;
    return std::ranges::any_of(in->operands, [&](ValueId operand) {
      const Instruction* mask = definitions_[operand];
      if (mask && mask->op == Op::kSplat) mask = definitions_[mask->operands[0]];
      return mask && mask->op == Op::kConstant && (mask->immediates[0] & 0x80808080u) == 0;
    });
  }

  // Results are variables, which the loop's carried values name inside of it.
  void loop(const Instruction& in) {
    const Region& region = in.regions[0];
    for (size_t i = 0; i < in.results.size(); ++i) {
      line("{} {} = {};", opencl_type(type_of(in.results[i])), name(in.results[i]), bare_text(in.operands[i + 3]));
      text_of_[region.arguments[i + 1]] = text_of_[in.results[i]];
    }
    const std::string index = name(region.arguments[0]);
    line("for ({0} {1} = {2}; {1} < {3}; {1} += {4}) {{", opencl_type(type_of(region.arguments[0])), index,
         bare_text(in.operands[0]), text(in.operands[1]), bare_text(in.operands[2]));
    body(region);
    ++depth_;
    // All yields are read before a variable changes.
    std::vector<std::string> next;
    for (size_t i = 0; i < in.results.size(); ++i) {
      next.push_back(bare_text(region.yields[i]));
      bool carried = false;
      for (size_t j = 0; j < i; ++j) carried = carried || region.yields[i] == region.arguments[j + 1];
      if (!carried) continue;
      next.back() = text_of_[in.results[i]] + "_next";
      line("const {} {} = {};", opencl_type(type_of(in.results[i])), next.back(), bare_text(region.yields[i]));
    }
    for (size_t i = 0; i < in.results.size(); ++i)
      if (next[i] != text(in.results[i])) line("{} = {};", text(in.results[i]), next[i]);
    --depth_;
    line("}}");
  }

  void choice(const Instruction& in) {
    for (const ValueId result : in.results) line("{} {};", opencl_type(type_of(result)), name(result));
    line("if ({}) {{", bare_text(in.operands[0]));
    for (size_t side = 0; side < 2; ++side) {
      const Region& region = in.regions[side];
      if (side == 1 && region.body.empty() && region.yields.empty()) break;
      if (side == 1) line("}} else {{");
      body(region);
      ++depth_;
      for (size_t i = 0; i < in.results.size(); ++i) line("{} = {};", text(in.results[i]), bare_text(region.yields[i]));
      --depth_;
    }
    line("}}");
  }

  const Function& function_;
  const Target& target_;
  std::vector<int> uses_;
  std::vector<const Region*> home_;  // of values: the region that computes them
  std::vector<const Instruction*> definitions_;
  std::vector<std::string> text_of_;  // of values: a name, or an expression
  std::set<std::pair<uint32_t, uint32_t>> views_;
  std::set<Op> ops_;
  std::set<Helper> helped_;
  std::set<std::string> names_;  // in use
  std::string text_;
  int depth_ = 0;
};

}  // namespace

Result<KernelSource> emit_opencl_c(const Function& function, const Target& target) {
  TRIREME_TRY(kernel::verify(function));
  if (function.matrix)
    return fail(ErrorCode::kUnsupported, "kernel " + function.name,
                "it multiplies matrix tiles, for which OpenCL C has no words");
  TRIREME_TRY(kernel::check_limits(function, kernel::limits_of(target)));
  return source_of(function, Writer(function, target).run());
}

}  // namespace trireme::compiler
