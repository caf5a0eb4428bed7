#include "compiler/kernel/verifier.h"

#include <algorithm>
#include <set>
#include <string>

#include "compiler/kernel/uniformity.h"

namespace trireme::kernel {
namespace {

bool is_name(const std::string& name) {
  if (name.empty() || name.size() > 64) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_type(Type type) { return type.scalar <= Scalar::kF32 && is_lane_count(type.lanes); }

bool is_word(Type type) { return type.lanes == 1 && (type.is_integer() || type.is_float()); }

// The types that each op asks for. Operand counts are checked before.
class TypeRules {
 public:
  TypeRules(const Function& function, const Instruction& instruction) : function_(function), in_(instruction) {}

  // Null when all fits, else what does not.
  const char* check() const {
    if (const int count = operand_count(); count >= 0 && size_t(count) != in_.operands.size())
      return "it has the wrong number of operands";
    const bool many = in_.op == Op::kLoop || in_.op == Op::kIf || in_.op == Op::kMatrixMultiply;
    if (!many && in_.results.size() != size_t(has_result(in_.op))) return "it has the wrong number of results";
    if (in_.regions.size() != size_t(in_.op == Op::kLoop ? 1 : in_.op == Op::kIf ? 2 : 0))
      return "it has the wrong number of regions";
    return fits() ? nullptr : "its types do not fit";
  }

 private:
  Type operand(size_t i) const { return function_.value(in_.operands[i]).type; }
  Type result() const { return function_.value(in_.results[0]).type; }
  bool same() const {
    return std::all_of(in_.operands.begin(), in_.operands.end(),
                       [&](ValueId id) { return function_.value(id).type == result(); });
  }

  int operand_count() const {
    switch (in_.op) {
      case Op::kConstant:
      case Op::kSpecialization:
      case Op::kLaunch:
      case Op::kGroupId:
      case Op::kLocalId:
      case Op::kSubgroupLane:
      case Op::kSubgroupId:
      case Op::kBarrier: return 0;
      case Op::kNegate:
      case Op::kAbsolute:
      case Op::kSquareRoot:
      case Op::kExponential:
      case Op::kSine:
      case Op::kCosine:
      case Op::kFloor:
      case Op::kRoundEven:
      case Op::kNot:
      case Op::kExtractBits:
      case Op::kConvert:
      case Op::kBitcast:
      case Op::kHalfToFloat:
      case Op::kFloatToHalf:
      case Op::kExtract:
      case Op::kSplat:
      case Op::kLoad:
      case Op::kLoadShared:
      case Op::kSubgroupAdd:
      case Op::kSubgroupMaximum:
      case Op::kSubgroupBroadcast:
      case Op::kIf: return 1;
      case Op::kFusedMultiplyAdd:
      case Op::kSelect:
      case Op::kDot4Signed:
      case Op::kDot4Unsigned: return 3;
      case Op::kPack:
      case Op::kMatrixMultiply:
      case Op::kLoop: return -1;
      default: return 2;
    }
  }

  bool fits() const {
    switch (in_.op) {
      case Op::kConstant: return result().lanes == 1 && (is_word(result()) || result().is_bool());
      case Op::kSpecialization: return parameter(function_.specializations);
      case Op::kLaunch: return parameter(function_.launch_constants);
      case Op::kGroupId: return result() == kU32 && in_.immediates[0] < 3;
      case Op::kLocalId: return result() == kU32;
      case Op::kSubgroupLane:
      case Op::kSubgroupId: return result() == kU32 && function_.subgroup_size > 0;
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide:
      case Op::kMinimum:
      case Op::kMaximum: return same() && (result().is_integer() || result().is_float());
      case Op::kRemainder:
      case Op::kAnd:
      case Op::kOr:
      case Op::kXor: return same() && (result().is_integer() || (result().is_bool() && in_.op != Op::kRemainder));
      case Op::kNegate:
      case Op::kAbsolute: return same() && (result().is_float() || result().scalar == Scalar::kI32);
      case Op::kFusedMultiplyAdd:
      case Op::kSquareRoot:
      case Op::kExponential:
      case Op::kSine:
      case Op::kCosine:
      case Op::kFloor:
      case Op::kRoundEven: return same() && result().is_float();
      case Op::kNot: return same() && (result().is_integer() || result().is_bool());
      case Op::kShiftLeft:
      case Op::kShiftRight: return same() && result().is_integer();
      case Op::kExtractBits:
        return same() && result().is_integer() && in_.immediates[1] >= 1 && in_.immediates[0] < 32 &&
               in_.immediates[1] <= 32 - in_.immediates[0];
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kLess:
      case Op::kLessEqual:
        return operand(0) == operand(1) && (operand(0).is_integer() || operand(0).is_float()) &&
               result() == Type{Scalar::kBool, operand(0).lanes};
      case Op::kSelect:
        return operand(0) == Type{Scalar::kBool, result().lanes} && operand(1) == result() && operand(2) == result();
      default: return other_fits();
    }
  }

  bool other_fits() const {
    switch (in_.op) {
      case Op::kConvert: return converts();
      case Op::kBitcast:
        return operand(0).lanes == result().lanes && (operand(0).is_integer() || operand(0).is_float()) &&
               (result().is_integer() || result().is_float());
      case Op::kHalfToFloat: return operand(0) == kU32.with_lanes(result().lanes) && result().is_float();
      case Op::kFloatToHalf: return operand(0) == kF32.with_lanes(result().lanes) && result().scalar == Scalar::kU32;
      case Op::kPack:
        return in_.operands.size() == size_t(result().lanes) && result().lanes > 1 &&
               std::all_of(in_.operands.begin(), in_.operands.end(),
                           [&](ValueId id) { return function_.value(id).type == result().with_lanes(1); });
      case Op::kExtract:
        return result() == operand(0).with_lanes(1) && operand(0).lanes > 1 &&
               in_.immediates[0] < uint32_t(operand(0).lanes);
      case Op::kSplat: return operand(0).lanes == 1 && operand(0) == result().with_lanes(1) && result().lanes > 1;
      case Op::kDot4Signed:
      case Op::kDot4Unsigned:
        return operand(0) == kU32.with_lanes(result().lanes) && operand(1) == operand(0) && operand(2) == result() &&
               result().scalar == Scalar::kI32;
      case Op::kLoad:
        return operand(0) == kU32 && in_.immediates[0] < function_.buffers.size() && !result().is_bool() &&
               function_.buffers[in_.immediates[0]].access != Access::kWrite;
      case Op::kStore:
        return operand(0) == kU32 && in_.immediates[0] < function_.buffers.size() && !operand(1).is_bool() &&
               function_.buffers[in_.immediates[0]].access != Access::kRead;
      case Op::kLoadShared: return shared_fits(result());
      case Op::kStoreShared: return shared_fits(operand(1));
      case Op::kBarrier: return true;
      case Op::kSubgroupAdd:
      case Op::kSubgroupMaximum:
      case Op::kSubgroupBroadcast:
        return function_.subgroup_size > 0 && same() && is_word(result()) &&
               (in_.op != Op::kSubgroupBroadcast || in_.immediates[0] < function_.subgroup_size);
      case Op::kMatrixMultiply: return matrix_fits();
      case Op::kLoop: return loop_fits();
      case Op::kIf: return if_fits();
      default: return false;
    }
  }

  bool parameter(const std::vector<ConstantParameter>& list) const {
    return in_.immediates[0] < list.size() && result() == list[in_.immediates[0]].type;
  }

  bool shared_fits(Type type) const {
    return operand(0) == kU32 && in_.immediates[0] < function_.shared.size() &&
           type.with_lanes(1) == function_.shared[in_.immediates[0]].type;
  }

  bool converts() const {
    const Type from = operand(0);
    const Type to = result();
    if (from.lanes != to.lanes || to.is_bool() || from == to) return false;
    const auto small = [](Type type) { return type.scalar == Scalar::kU8 || type.scalar == Scalar::kU16; };
    if (small(from) || small(to)) return from.scalar == Scalar::kU32 || to.scalar == Scalar::kU32;
    return true;
  }

  bool yields_fit(const Region& region) const {
    if (region.yields.size() != in_.results.size()) return false;
    for (size_t i = 0; i < in_.results.size(); ++i)
      if (function_.value(region.yields[i]).type != function_.value(in_.results[i]).type) return false;
    return true;
  }

  bool loop_fits() const {
    if (in_.operands.size() != in_.results.size() + 3) return false;
    const Region& body = in_.regions[0];
    if (body.arguments.size() != in_.results.size() + 1 || !yields_fit(body)) return false;
    const Type index = operand(0);
    if (index != kU32 && index != kI32) return false;
    if (operand(1) != index || operand(2) != index || function_.value(body.arguments[0]).type != index) return false;
    for (size_t i = 0; i < in_.results.size(); ++i) {
      const Type carried = function_.value(in_.results[i]).type;
      if (operand(i + 3) != carried || function_.value(body.arguments[i + 1]).type != carried) return false;
    }
    return true;
  }

  bool matrix_fits() const {
    if (!function_.matrix) return false;
    const MatrixTile& tile = *function_.matrix;
    const size_t words = tile.left_words() + tile.right_words();
    if (in_.operands.size() != words + tile.result.elements || in_.results.size() != tile.result.elements) return false;
    for (size_t i = 0; i < in_.operands.size(); ++i)
      if (operand(i) != (i < words ? kU32 : kI32)) return false;
    return std::all_of(in_.results.begin(), in_.results.end(),
                       [&](ValueId id) { return function_.value(id).type == kI32; });
  }

  bool if_fits() const {
    return operand(0) == kBool && in_.regions[0].arguments.empty() && in_.regions[1].arguments.empty() &&
           yields_fit(in_.regions[0]) && yields_fit(in_.regions[1]);
  }

  const Function& function_;
  const Instruction& in_;
};

class Verifier {
 public:
  explicit Verifier(const Function& function) : function_(function), state_(function.values.size(), kUndefined) {}

  Status run() {
    TRIREME_TRY(check_head());
    TRIREME_TRY(define_and_check(function_.body));
    if (!function_.body.arguments.empty() || !function_.body.yields.empty())
      return bad("body", "it takes or yields values");
    uniform_ = uniform_values(function_);
    return check_together(function_.body, true);
  }

 private:
  enum State : uint8_t { kUndefined, kVisible, kHidden };

  tl::unexpected<Error> bad(const std::string& what, const std::string& why) const {
    return fail(ErrorCode::kInternal, "kernel " + function_.name + ", " + what, why);
  }
  tl::unexpected<Error> bad(const Instruction& in, const std::string& why) const {
    const std::string result = in.results.empty() ? "" : "%" + function_.value(in.results[0]).name + " = ";
    return bad(result + std::string(op_name(in.op)), why);
  }

  Status check_head() {
    if (!is_name(function_.name)) return bad("name", "it is no name");
    if (function_.comment.find('\n') != std::string::npos) return bad("comment", "it has more than one line");
    if (function_.group_size < 1 || function_.group_size > kMaxGroupSize)
      return bad("group", std::to_string(function_.group_size) + " items are not possible");
    const uint32_t subgroup = function_.subgroup_size;
    if (subgroup > 128 || (subgroup & (subgroup - 1)) != 0 || (subgroup > 0 && function_.group_size % subgroup != 0))
      return bad("subgroup", "its size is no power of two up to 128 that divides the group");
    if (function_.matrix) {
      if (const Status whole = trireme::verify(*function_.matrix); !whole)
        return bad("matrix", whole.error().message());
      if (function_.matrix->lanes != subgroup) return bad("matrix", "its items are not those of a subgroup");
    }
    std::set<std::string> names;
    const auto take = [&](const std::string& name) { return is_name(name) && names.insert(name).second; };
    if (function_.buffers.size() > kMaxParameters || function_.launch_constants.size() > kMaxParameters ||
        function_.specializations.size() > kMaxParameters || function_.shared.size() > kMaxParameters)
      return bad("parameters", "there are more than 64 of a kind");
    for (const BufferParameter& buffer : function_.buffers)
      if (!take(buffer.name)) return bad("buffer " + buffer.name, "its name is no name or in use");
    for (const auto* list : {&function_.specializations, &function_.launch_constants})
      for (const ConstantParameter& constant : *list)
        if (!take(constant.name) || !is_word(constant.type))
          return bad("constant " + constant.name, "its name is in use, or its type is not one word");
    for (const SharedArray& array : function_.shared)
      if (!take(array.name) || !is_word(array.type) || array.count < 1 || array.count > 65536)
        return bad("shared array " + array.name, "its name is in use, or its type or size is not possible");
    for (const Value& value : function_.values)
      if (!take(value.name) || !is_type(value.type))
        return bad("value " + value.name, "its name is in use, or its type is none");
    return {};
  }

  Status define(ValueId id, const std::string& where) {
    if (id >= state_.size()) return bad(where, "it defines a value that is not listed");
    if (state_[id] != kUndefined) return bad("value " + function_.value(id).name, "it is defined twice");
    state_[id] = kVisible;
    scope_.push_back(id);
    return {};
  }

  Status use(ValueId id, const std::string& where) const {
    if (id < state_.size() && state_[id] == kVisible) return {};
    return bad(where, "it uses a value that is not defined there");
  }

  Status define_and_check(const Region& region) {
    if (++depth_ > 64) return bad("body", "it nests too deeply");
    const size_t outer = scope_.size();
    for (const ValueId argument : region.arguments) TRIREME_TRY(define(argument, "a region"));
    for (const Instruction& in : region.body) {
      for (const ValueId operand : in.operands) TRIREME_TRY(use(operand, std::string(op_name(in.op))));
      for (const Region& inner : in.regions) TRIREME_TRY(define_and_check(inner));
      for (const ValueId result : in.results) TRIREME_TRY(define(result, std::string(op_name(in.op))));
      if (const char* why = TypeRules(function_, in).check()) return bad(in, why);
    }
    for (const ValueId yielded : region.yields) TRIREME_TRY(use(yielded, "a yield"));
    for (; scope_.size() > outer; scope_.pop_back()) state_[scope_.back()] = kHidden;
    --depth_;
    return {};
  }

  Status check_together(const Region& region, bool together) {
    for (const Instruction& in : region.body) {
      const bool collective = in.op == Op::kBarrier || in.op == Op::kSubgroupAdd || in.op == Op::kSubgroupMaximum ||
                              in.op == Op::kSubgroupBroadcast || in.op == Op::kMatrixMultiply;
      if (collective && !together) return bad(in, "not all items of a group need come here");
      bool inner = together;
      for (size_t i = 0; i < in.operands.size() && i < 3 && !in.regions.empty(); ++i)
        inner = inner && uniform_[in.operands[i]];
      for (const Region& nested : in.regions) TRIREME_TRY(check_together(nested, inner));
    }
    return {};
  }

  const Function& function_;
  std::vector<State> state_;
  std::vector<ValueId> scope_;
  std::vector<bool> uniform_;
  int depth_ = 0;
};

}  // namespace

Status verify(const Function& function) { return Verifier(function).run(); }

Limits limits_of(const Target& target) {
  return {target.max_group_size, target.shared_bytes, target.subgroup_size, target.max_buffers};
}

Status check_limits(const Function& function, const Limits& limits) {
  const auto bad = [&](const char* what, uint32_t needs, uint32_t has) {
    return fail(ErrorCode::kUnsupported, "kernel " + function.name,
                std::string(what) + ": it needs " + std::to_string(needs) + " and there are " + std::to_string(has));
  };
  if (function.group_size > limits.group_size) return bad("items of a group", function.group_size, limits.group_size);
  if (function.shared_bytes() > limits.shared_bytes)
    return bad("bytes of shared memory", function.shared_bytes(), limits.shared_bytes);
  if (function.subgroup_size > 0 && function.subgroup_size != limits.subgroup_size)
    return bad("items of a subgroup", function.subgroup_size, limits.subgroup_size);
  if (function.buffers.size() > limits.buffers)
    return bad("buffers", uint32_t(function.buffers.size()), limits.buffers);
  return {};
}

}  // namespace trireme::kernel
