#include "compiler/kernel/interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "compiler/kernel/evaluate.h"
#include "compiler/kernel/shadow.h"
#include "hal/dtype.h"

namespace trireme::kernel {
namespace {

// Item steps of one launch until it counts as endless.
constexpr uint64_t kMostSteps = uint64_t{1} << 36;

// One group after the other; the registers hold every value of every item.
class Run {
 public:
  Run(const Function& function, const Launch& launch) : function_(function), launch_(launch) {
    for (size_t i = 0; i < function.buffers.size(); ++i) {
      const bool plain = function.buffers[i].access == Access::kRead && launch.buffers[i].initialized;
      shadows_.push_back(
          plain ? nullptr : std::make_unique<Shadow>(launch.buffers[i].bytes.size(), launch.buffers[i].initialized));
    }
    for (const Value& value : function.values)
      registers_.emplace_back(size_t(value.type.lanes) * function.group_size, 0u);
  }

  Status run() {
    const auto& groups = launch_.groups;
    for (uint32_t z = 0; z < groups[2]; ++z)
      for (uint32_t y = 0; y < groups[1]; ++y)
        for (uint32_t x = 0; x < groups[0]; ++x) {
          group_ = {x, y, z};
          group_number_ = (z * groups[1] + y) * groups[0] + x;
          epoch_ = 0;
          shared_.clear();
          shared_shadows_.clear();
          for (const SharedArray& array : function_.shared) {
            shared_.emplace_back(array.count, 0u);
            shared_shadows_.emplace_back(size_t(array.count) * 4, false);
          }
          TRIREME_TRY(execute(function_.body, Mask(function_.group_size, true)));
        }
    return {};
  }

 private:
  using Mask = std::vector<uint8_t>;  // of items: whether they are active

  tl::unexpected<Error> bad(const Instruction& in, uint32_t item, const std::string& why) const {
    std::string text = in.results.empty() ? "" : "%" + function_.value(in.results[0]).name + " = ";
    text += std::string(op_name(in.op));
    for (const ValueId operand : in.operands) text += " %" + function_.value(operand).name;
    return fail(ErrorCode::kInternal,
                "kernel " + function_.name + ", group " + std::to_string(group_[0]) + "," + std::to_string(group_[1]) +
                    "," + std::to_string(group_[2]) + ", item " + std::to_string(item) + ", " + text,
                why);
  }

  Type type_of(ValueId id) const { return function_.value(id).type; }
  uint32_t& at(ValueId id, uint32_t item, int lane = 0) {
    return registers_[id][size_t(item) * size_t(type_of(id).lanes) + size_t(lane)];
  }

  // Calls work(item) for every active item until one fails.
  template <typename Work>
  Status each_item(const Mask& mask, Work work) {
    for (uint32_t item = 0; item < function_.group_size; ++item)
      if (mask[item]) TRIREME_TRY(work(item));
    return {};
  }

  // Where an operand's words are: of item i and lane l at i * per_item + l * per_lane.
  struct Words {
    const uint32_t* first = nullptr;
    uint32_t per_item = 0, per_lane = 0;
  };
  Words words_of(ValueId id) const {
    const auto lanes = uint32_t(type_of(id).lanes);
    return {registers_[id].data(), lanes, lanes == 1 ? 0u : 1u};
  }

  // result[lane] = work(item, lane, operand lanes..)
  template <typename Work>
  Status each_lane(const Instruction& in, const Mask& mask, Work work) {
    std::array<Words, 3> words;
    const size_t count = std::min(in.operands.size(), words.size());
    for (size_t i = 0; i < count; ++i) words[i] = words_of(in.operands[i]);
    const auto lanes = uint32_t(type_of(in.results[0]).lanes);
    uint32_t* const results = registers_[in.results[0]].data();
    const char* why = nullptr;
    for (uint32_t item = 0; item < function_.group_size; ++item) {
      if (!mask[item]) continue;
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        std::array<uint32_t, 3> operands{};
        for (size_t i = 0; i < count; ++i)
          operands[i] = words[i].first[item * words[i].per_item + lane * words[i].per_lane];
        results[item * lanes + lane] = work(item, int(lane), operands, why);
      }
      if (why) return bad(in, item, why);
    }
    return {};
  }

  Status execute(const Region& region, const Mask& mask) {
    for (const Instruction& in : region.body) {
      steps_ += function_.group_size;
      if (steps_ > kMostSteps) return bad(in, 0, "the launch does not end");
      TRIREME_TRY(execute(in, mask));
    }
    return {};
  }

  Status execute(const Instruction& in, const Mask& mask) {
    switch (in.op) {
      case Op::kLoop: return loop(in, mask);
      case Op::kIf: return choose(in, mask);
      case Op::kLoad:
      case Op::kStore: return access(in, mask);
      case Op::kLoadShared:
      case Op::kStoreShared: return access_shared(in, mask);
      case Op::kBarrier:
        TRIREME_TRY(all_come(in, mask));
        ++epoch_;
        return {};
      case Op::kSubgroupAdd:
      case Op::kSubgroupMaximum:
      case Op::kSubgroupBroadcast: return subgroup(in, mask);
      case Op::kMatrixMultiply: return multiply_matrices(in, mask);
      default: break;
    }
    const Type operand_type = in.operands.empty() ? kU32 : type_of(in.operands[0]);
    return each_lane(in, mask, [&](uint32_t item, int lane, const std::array<uint32_t, 3>& v, const char*& why) {
      return compute(in, operand_type, item, lane, v, why);
    });
  }

  uint32_t compute(const Instruction& in, Type operand_type, uint32_t item, int lane, const std::array<uint32_t, 3>& v,
                   const char*& why) {
    const Type result = type_of(in.results[0]);
    const uint32_t immediate = in.immediates[0];
    switch (in.op) {
      case Op::kConstant: return immediate;
      case Op::kSpecialization:
        return launch_.specializations.empty() ? function_.specializations[immediate].default_bits
                                               : launch_.specializations[immediate];
      case Op::kLaunch: return launch_.launch_constants[immediate];
      case Op::kGroupId: return group_[immediate];
      case Op::kLocalId: return item;
      case Op::kSubgroupLane: return item % function_.subgroup_size;
      case Op::kSubgroupId: return item / function_.subgroup_size;
      case Op::kFusedMultiplyAdd: return as_bits(std::fma(as_float(v[0]), as_float(v[1]), as_float(v[2])));
      case Op::kNot: return result.is_bool() ? uint32_t(v[0] == 0) : ~v[0];
      case Op::kExtractBits:
        return evaluate_extract_bits(result.scalar == Scalar::kI32, v[0], immediate, in.immediates[1]);
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kLess:
      case Op::kLessEqual: return evaluate_comparison(in.op, operand_type.scalar, v[0], v[1]);
      case Op::kSelect: return v[0] ? v[1] : v[2];
      case Op::kConvert: return evaluate_convert(operand_type.scalar, result.scalar, v[0]);
      case Op::kBitcast:
      case Op::kSplat: return v[0];
      case Op::kHalfToFloat: return as_bits(f16_to_f32(uint16_t(v[0])));
      case Op::kFloatToHalf: return f32_to_f16(as_float(v[0]));
      case Op::kPack: return at(in.operands[size_t(lane)], item);
      case Op::kExtract: return at(in.operands[0], item, int(immediate));
      case Op::kDot4Signed: return v[2] + uint32_t(evaluate_dot4(true, v[0], v[1]));
      case Op::kDot4Unsigned: return v[2] + uint32_t(evaluate_dot4(false, v[0], v[1]));
      default: break;
    }
    if (result.is_float()) return evaluate_float(in.op, v[0], v[1]);
    return evaluate_integer(in.op, result.scalar == Scalar::kI32, v[0], v[1], why);
  }

  Status access(const Instruction& in, const Mask& mask) {
    const uint32_t buffer = in.immediates[0];
    const ValueId value = in.op == Op::kLoad ? in.results[0] : in.operands[1];
    const Type type = type_of(value);
    const auto bytes = size_t(type_bytes(type));
    const std::span<std::byte> memory = launch_.buffers[buffer].bytes;
    return each_item(mask, [&](uint32_t item) -> Status {
      const uint64_t offset = uint64_t(at(in.operands[0], item)) * bytes;
      if (offset + bytes > memory.size())
        return bad(in, item,
                   "byte " + std::to_string(offset) + " and the " + std::to_string(bytes) + " from there leave '" +
                       function_.buffers[buffer].name + "' of " + std::to_string(memory.size()) + " bytes");
      if (shadows_[buffer]) {
        const Actor actor{group_number_, item, epoch_};
        Shadow& shadow = *shadows_[buffer];
        if (const char* why =
                in.op == Op::kLoad ? shadow.read(offset, bytes, actor) : shadow.write(offset, bytes, actor))
          return bad(
              in, item,
              std::string(why) + ", byte " + std::to_string(offset) + " of '" + function_.buffers[buffer].name + "'");
      }
      const auto element = size_t(scalar_bytes(type.scalar));
      for (int lane = 0; lane < type.lanes; ++lane) {
        std::byte* place = memory.data() + offset + size_t(lane) * element;
        uint32_t& reg = at(value, item, lane);
        if (in.op == Op::kLoad) reg = 0;
        if (in.op == Op::kLoad)
          std::memcpy(&reg, place, element);
        else
          std::memcpy(place, &reg, element);
      }
      return {};
    });
  }

  Status access_shared(const Instruction& in, const Mask& mask) {
    const uint32_t array = in.immediates[0];
    const bool load = in.op == Op::kLoadShared;
    const ValueId value = load ? in.results[0] : in.operands[1];
    const int lanes = type_of(value).lanes;
    return each_item(mask, [&](uint32_t item) -> Status {
      const uint64_t first = uint64_t(at(in.operands[0], item)) * uint64_t(lanes);
      const auto fault = [&](const std::string& why) {
        return bad(in, item, why + ", element " + std::to_string(first) + " of '" + function_.shared[array].name + "'");
      };
      if (first + uint64_t(lanes) > shared_[array].size())
        return bad(in, item,
                   "element " + std::to_string(first) + " is outside of '" + function_.shared[array].name + "'");
      const Actor actor{0, item, epoch_};
      Shadow& shadow = shared_shadows_[array];
      const size_t offset = first * 4, bytes = size_t(lanes) * 4;
      if (const char* why = load ? shadow.read(offset, bytes, actor) : shadow.write(offset, bytes, actor))
        return fault(why);
      for (int lane = 0; lane < lanes; ++lane) {
        uint32_t& element = shared_[array][first + size_t(lane)];
        if (load)
          at(value, item, lane) = element;
        else
          element = at(value, item, lane);
      }
      return {};
    });
  }

  Status all_come(const Instruction& in, const Mask& mask) const {
    if (const auto absent = std::find(mask.begin(), mask.end(), false); absent != mask.end())
      return bad(in, uint32_t(absent - mask.begin()), "it does not come here");
    return {};
  }

  // The int8 matrix whose words begin at operand `first`. Items that have the same element must agree.
  Result<std::vector<int32_t>> gather(const Instruction& in, const FragmentMap& map, size_t first, uint32_t columns,
                                      size_t elements, uint32_t first_item) {
    std::vector<int32_t> matrix(elements);
    std::vector<bool> seen(elements, false);
    for (uint32_t item = 0; item < function_.matrix->lanes; ++item)
      for (uint32_t element = 0; element < map.elements; ++element) {
        const uint32_t word = at(in.operands[first + element / 4], first_item + item);
        const auto code = int32_t(int8_t(word >> (8 * (element % 4))));
        const size_t place = size_t(map.row_of(item, element)) * columns + map.column_of(item, element);
        if (seen[place] && matrix[place] != code)
          return bad(in, first_item + item, "it has another number than an item with the same element");
        seen[place] = true;
        matrix[place] = code;
      }
    return matrix;
  }

  Status multiply_matrices(const Instruction& in, const Mask& mask) {
    TRIREME_TRY(all_come(in, mask));
    const MatrixTile& tile = *function_.matrix;
    const size_t right_at = tile.left_words(), addend_at = right_at + tile.right_words();
    steps_ += uint64_t(tile.m) * tile.n * tile.k / tile.lanes * function_.group_size;
    for (uint32_t first = 0; first < function_.group_size; first += tile.lanes) {
      TRIREME_ASSIGN(const std::vector<int32_t> left, gather(in, tile.left, 0, tile.k, tile.m * tile.k, first));
      TRIREME_ASSIGN(const std::vector<int32_t> right,
                     gather(in, tile.right, right_at, tile.n, tile.k * tile.n, first));
      for (uint32_t item = 0; item < tile.lanes; ++item)
        for (uint32_t element = 0; element < tile.result.elements; ++element) {
          const uint32_t row = tile.result.row_of(item, element), column = tile.result.column_of(item, element);
          uint32_t sum = at(in.operands[addend_at + element], first + item);  // wraps around
          for (uint32_t k = 0; k < tile.k; ++k) sum += uint32_t(left[row * tile.k + k] * right[k * tile.n + column]);
          at(in.results[element], first + item) = sum;
        }
    }
    return {};
  }

  Status subgroup(const Instruction& in, const Mask& mask) {
    TRIREME_TRY(all_come(in, mask));
    const Type type = type_of(in.results[0]);
    const uint32_t size = function_.subgroup_size;
    const char* why = nullptr;
    for (uint32_t first = 0; first < function_.group_size; first += size) {
      uint32_t total = at(in.operands[0], first + (in.op == Op::kSubgroupBroadcast ? in.immediates[0] : 0));
      const Op op = in.op == Op::kSubgroupAdd ? Op::kAdd : Op::kMaximum;
      for (uint32_t item = first + 1; item < first + size && in.op != Op::kSubgroupBroadcast; ++item) {
        const uint32_t next = at(in.operands[0], item);
        total = type.is_float() ? evaluate_float(op, total, next)
                                : evaluate_integer(op, type.scalar == Scalar::kI32, total, next, why);
      }
      for (uint32_t item = first; item < first + size; ++item) at(in.results[0], item) = total;
    }
    return {};
  }

  void copy(ValueId from, ValueId to, uint32_t item) {
    for (int lane = 0; lane < type_of(to).lanes; ++lane) at(to, item, lane) = at(from, item, lane);
  }

  Status loop(const Instruction& in, const Mask& outer) {
    const Region& body = in.regions[0];
    const bool is_signed = type_of(in.operands[0]).scalar == Scalar::kI32;
    Mask mask = outer;
    TRIREME_TRY(each_item(outer, [&](uint32_t item) -> Status {
      const uint32_t step = at(in.operands[2], item);
      if (step == 0 || (is_signed && int32_t(step) < 0)) return bad(in, item, "its step is not above zero");
      at(body.arguments[0], item) = at(in.operands[0], item);
      for (size_t i = 0; i < in.results.size(); ++i) copy(in.operands[i + 3], body.arguments[i + 1], item);
      return {};
    }));
    std::vector<std::vector<uint32_t>> next(in.results.size());
    while (true) {
      bool any = false;
      for (uint32_t item = 0; item < function_.group_size; ++item) {
        if (!mask[item]) continue;
        const uint32_t index = at(body.arguments[0], item), end = at(in.operands[1], item);
        mask[item] = is_signed ? int32_t(index) < int32_t(end) : index < end;
        any = any || mask[item];
      }
      if (!any) break;
      TRIREME_TRY(execute(body, mask));
      // A yield may be another carried value: read all before any is replaced.
      for (size_t i = 0; i < next.size(); ++i) next[i] = registers_[body.yields[i]];
      TRIREME_TRY(each_item(mask, [&](uint32_t item) -> Status {
        for (size_t i = 0; i < next.size(); ++i) {
          const auto lanes = size_t(type_of(body.yields[i]).lanes);
          for (size_t lane = 0; lane < lanes; ++lane)
            at(body.arguments[i + 1], item, int(lane)) = next[i][item * lanes + lane];
        }
        const uint32_t before = at(body.arguments[0], item), step = at(in.operands[2], item);
        const int64_t index = is_signed ? int64_t(int32_t(before)) + int32_t(step) : int64_t(before) + step;
        if (index > (is_signed ? INT32_MAX : int64_t(UINT32_MAX)) || index < (is_signed ? INT32_MIN : 0))
          return bad(in, item, "its index overflows");
        at(body.arguments[0], item) = uint32_t(index);
        return {};
      }));
    }
    return each_item(outer, [&](uint32_t item) -> Status {
      for (size_t i = 0; i < in.results.size(); ++i) copy(body.arguments[i + 1], in.results[i], item);
      return {};
    });
  }

  Status choose(const Instruction& in, const Mask& outer) {
    for (int side = 0; side < 2; ++side) {
      Mask mask = outer;
      for (uint32_t item = 0; item < function_.group_size; ++item)
        mask[item] = outer[item] && (at(in.operands[0], item) != 0) == (side == 0);
      if (std::find(mask.begin(), mask.end(), true) == mask.end()) continue;
      const Region& region = in.regions[size_t(side)];
      TRIREME_TRY(execute(region, mask));
      TRIREME_TRY(each_item(mask, [&](uint32_t item) -> Status {
        for (size_t i = 0; i < in.results.size(); ++i) copy(region.yields[i], in.results[i], item);
        return {};
      }));
    }
    return {};
  }

  const Function& function_;
  const Launch& launch_;
  std::vector<std::unique_ptr<Shadow>> shadows_;  // none for buffers that are only read
  std::vector<std::vector<uint32_t>> registers_;  // by value: items x lanes
  std::vector<std::vector<uint32_t>> shared_;
  std::vector<Shadow> shared_shadows_;
  std::array<uint32_t, 3> group_{};
  uint32_t group_number_ = 0;
  uint32_t epoch_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace

Status interpret(const Function& function, const Launch& launch) {
  if (launch.buffers.size() != function.buffers.size() ||
      launch.launch_constants.size() != function.launch_constants.size() ||
      (!launch.specializations.empty() && launch.specializations.size() != function.specializations.size()))
    return fail(ErrorCode::kInvalidArgument, "launch of " + function.name, "it has the wrong number of arguments");
  return Run(function, launch).run();
}

}  // namespace trireme::kernel
