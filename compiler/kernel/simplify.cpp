#include "compiler/kernel/simplify.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "compiler/kernel/evaluate.h"
#include "compiler/kernel/verifier.h"

namespace trireme::kernel {
namespace {

constexpr ValueId kNone = ~ValueId{0};

bool is_commutative(Op op) {
  return op == Op::kAdd || op == Op::kMultiply || op == Op::kAnd || op == Op::kOr || op == Op::kXor ||
         op == Op::kEqual || op == Op::kNotEqual;
}

class Simplifier {
 public:
  explicit Simplifier(const Function& function) : in_(function), definitions_(function.values.size(), nullptr) {
    for (const BufferParameter& buffer : in_.buffers) used_names_.insert(buffer.name);
    for (const ConstantParameter& constant : in_.specializations) used_names_.insert(constant.name);
    for (const ConstantParameter& constant : in_.launch_constants) used_names_.insert(constant.name);
    for (const SharedArray& array : in_.shared) used_names_.insert(array.name);
    index(in_.body);
    renamed_.assign(in_.values.size(), kNone);
  }

  Result<Function> run() {
    out_ = in_;
    out_.values.clear();
    out_.body = {};
    rewrite(in_.body, out_.body);
    TRIREME_TRY(verify(out_));
    return std::move(out_);
  }

 private:
  using Key = std::tuple<Op, std::vector<ValueId>, std::array<uint32_t, 2>, Scalar, int>;

  // An effect, or a read of memory that the kernel writes: its place among the others counts.
  bool is_anchor(const Instruction& in) const {
    if (in.op == Op::kLoad) return in_.buffers[in.immediates[0]].access != Access::kRead;
    return has_effect(in.op);
  }

  void index(const Region& region) {
    for (const Instruction& in : region.body) {
      for (const ValueId result : in.results) definitions_[result] = &in;
      for (const Region& inner : in.regions) index(inner);
    }
  }

  static void add_uses(const Region& region, std::vector<ValueId>& uses) {
    for (const Instruction& in : region.body) {
      uses.insert(uses.end(), in.operands.begin(), in.operands.end());
      for (const Region& inner : in.regions) add_uses(inner, uses);
    }
    uses.insert(uses.end(), region.yields.begin(), region.yields.end());
  }

  ValueId new_value(const Value& like) {
    // Names that a builder made up are numbered anew.
    std::string stem = like.name;
    while (!stem.empty() && stem.back() >= '0' && stem.back() <= '9') stem.pop_back();
    std::string name = stem.empty() || stem == "v" ? "v" + std::to_string(next_number_++) : stem;
    for (uint32_t& count = counts_[stem]; !used_names_.insert(name).second;)
      name = stem == "v" ? "v" + std::to_string(next_number_++) : stem + std::to_string(++count);
    out_.values.push_back({like.type, name});
    return ValueId(out_.values.size() - 1);
  }

  void rewrite(const Region& from, Region& to) {
    const size_t scope = made_.size();
    made_.emplace_back();
    regions_.push_back(&to);
    std::set<const Instruction*> outer = std::exchange(here_, {});
    for (const Instruction& in : from.body) here_.insert(&in);
    for (const ValueId argument : from.arguments) {
      renamed_[argument] = new_value(in_.value(argument));
      to.arguments.push_back(renamed_[argument]);
    }
    for (const Instruction& in : from.body)
      if (is_anchor(in)) emit_anchor(in);
    for (const ValueId yielded : from.yields) to.yields.push_back(place(yielded));
    here_ = std::move(outer);
    regions_.pop_back();
    made_.resize(scope);
  }

  void emit_anchor(const Instruction& in) {
    Instruction copy;
    copy.op = in.op;
    copy.immediates = in.immediates;
    for (const ValueId operand : in.operands) copy.operands.push_back(place(operand));
    std::vector<ValueId> inner;
    for (const Region& region : in.regions) add_uses(region, inner);
    for (const ValueId used : inner)
      if (definitions_[used] && here_.contains(definitions_[used])) place(used);
    copy.regions.resize(in.regions.size());
    for (size_t i = 0; i < in.regions.size(); ++i) rewrite(in.regions[i], copy.regions[i]);
    for (const ValueId result : in.results) {
      renamed_[result] = new_value(in_.value(result));
      copy.results.push_back(renamed_[result]);
    }
    regions_.back()->body.push_back(std::move(copy));
  }

  // The new id of a value, which is computed now if it was not yet.
  ValueId place(ValueId old) {
    if (renamed_[old] != kNone) return renamed_[old];
    const Instruction& in = *definitions_[old];
    Instruction copy;
    copy.op = in.op;
    copy.immediates = in.immediates;
    for (const ValueId operand : in.operands) copy.operands.push_back(place(operand));
    const Type type = in_.value(old).type;
    if (const ValueId same = replacement(copy, type); same != kNone) return renamed_[old] = same;
    return renamed_[old] = unique(std::move(copy), in_.value(old));
  }

  ValueId unique(Instruction copy, const Value& like) {
    Key key{copy.op, copy.operands, copy.immediates, like.type.scalar, like.type.lanes};
    if (is_commutative(copy.op)) std::sort(std::get<1>(key).begin(), std::get<1>(key).end());
    for (const auto& scope : made_)
      if (const auto found = scope.find(key); found != scope.end()) return found->second;
    const ValueId made = new_value(like);
    copy.results = {made};
    if (copy.op == Op::kConstant) constants_[made] = copy.immediates[0];
    regions_.back()->body.push_back(std::move(copy));
    made_.back().emplace(std::move(key), made);
    return made;
  }

  std::optional<uint32_t> constant(ValueId id) const {
    const auto found = constants_.find(id);
    return found == constants_.end() ? std::nullopt : std::optional(found->second);
  }

  ValueId make_constant(uint32_t bits, Type type) {
    Instruction in;
    in.op = Op::kConstant;
    in.immediates[0] = bits;
    return unique(std::move(in), {type, "v"});
  }

  // An existing value that equals the instruction's, or kNone.
  ValueId replacement(const Instruction& in, Type type) {
    if (type.lanes != 1 || in.op == Op::kConstant || in.operands.empty()) return kNone;
    std::array<uint32_t, 3> v{};
    bool all = in.operands.size() <= 3 && in.op != Op::kLoad;
    for (size_t i = 0; i < in.operands.size() && all; ++i) {
      const auto bits = constant(in.operands[i]);
      all = bits.has_value();
      v[i] = bits.value_or(0);
    }
    if (all)
      if (const auto folded = fold(in, type, v)) return make_constant(*folded, type);
    return identity(in, type);
  }

  std::optional<uint32_t> fold(const Instruction& in, Type type, const std::array<uint32_t, 3>& v) const {
    const Type operand = out_.value(in.operands[0]).type;
    const char* why = nullptr;
    switch (in.op) {
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kLess:
      case Op::kLessEqual: return evaluate_comparison(in.op, operand.scalar, v[0], v[1]);
      case Op::kSelect: return v[0] ? v[1] : v[2];
      case Op::kExtractBits:
        return evaluate_extract_bits(type.scalar == Scalar::kI32, v[0], in.immediates[0], in.immediates[1]);
      case Op::kConvert:
        if (type.scalar == Scalar::kU8 || type.scalar == Scalar::kU16) return std::nullopt;
        return evaluate_convert(operand.scalar, type.scalar, v[0]);
      case Op::kBitcast: return v[0];
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide:
      case Op::kRemainder:
      case Op::kMinimum:
      case Op::kMaximum:
      case Op::kNegate:
      case Op::kAnd:
      case Op::kOr:
      case Op::kXor:
      case Op::kShiftLeft:
      case Op::kShiftRight: break;
      default: return std::nullopt;
    }
    if (type.is_bool()) return std::nullopt;
    // A device may round a quotient differently.
    if (type.is_float()) return in.op == Op::kDivide ? std::nullopt : std::optional(evaluate_float(in.op, v[0], v[1]));
    const uint32_t folded = evaluate_integer(in.op, type.scalar == Scalar::kI32, v[0], v[1], why);
    return why ? std::nullopt : std::optional(folded);
  }

  ValueId identity(const Instruction& in, Type type) {
    if (in.operands.size() != 2 || !type.is_integer()) return kNone;
    const auto left = constant(in.operands[0]), right = constant(in.operands[1]);
    const bool both_ways = is_commutative(in.op);
    const uint32_t neutral = in.op == Op::kMultiply || in.op == Op::kDivide ? 1 : in.op == Op::kAnd ? ~0u : 0;
    switch (in.op) {
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide:
      case Op::kAnd:
      case Op::kOr:
      case Op::kXor:
      case Op::kShiftLeft:
      case Op::kShiftRight:
        if (right == neutral) return in.operands[0];
        if (both_ways && left == neutral) return in.operands[1];
        break;
      case Op::kRemainder:
        if (right == 1u) return make_constant(0, type);
        break;
      default: break;
    }
    if (in.op == Op::kMultiply && (left == 0u || right == 0u)) return make_constant(0, type);
    return kNone;
  }

  const Function& in_;
  Function out_;
  std::vector<const Instruction*> definitions_;  // by old id; null for arguments of regions
  std::vector<ValueId> renamed_;                 // by old id
  std::vector<std::map<Key, ValueId>> made_;     // of each open region
  std::vector<Region*> regions_;                 // the open ones
  std::set<const Instruction*> here_;            // the instructions of the innermost one, as they were
  std::map<ValueId, uint32_t> constants_;        // by new id
  std::set<std::string> used_names_;
  std::map<std::string, uint32_t> counts_;
  uint32_t next_number_ = 0;
};

}  // namespace

Result<Function> simplify(const Function& function) {
  TRIREME_TRY(verify(function));
  return Simplifier(function).run();
}

}  // namespace trireme::kernel
