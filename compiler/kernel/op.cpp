#include "compiler/kernel/op.h"

#include <array>

namespace trireme::kernel {
namespace {

struct OpInfo {
  std::string_view name;
  int immediates = 0;
  bool result = true;
  bool effect = false;
};

constexpr std::array<OpInfo, kOpCount> kOps = {{
    {"constant", 1},
    {"specialization", 1},
    {"launch", 1},
    {"group_id", 1},
    {"local_id"},
    {"subgroup_lane"},
    {"subgroup_id"},
    {"add"},
    {"subtract"},
    {"multiply"},
    {"divide"},
    {"remainder"},
    {"minimum"},
    {"maximum"},
    {"negate"},
    {"absolute"},
    {"fused_multiply_add"},
    {"square_root"},
    {"exponential"},
    {"sine"},
    {"cosine"},
    {"floor"},
    {"round_even"},
    {"and"},
    {"or"},
    {"xor"},
    {"not"},
    {"shift_left"},
    {"shift_right"},
    {"extract_bits", 2},
    {"equal"},
    {"not_equal"},
    {"less"},
    {"less_equal"},
    {"select"},
    {"convert"},
    {"bitcast"},
    {"half_to_float"},
    {"float_to_half"},
    {"pack"},
    {"extract", 1},
    {"splat"},
    {"dot4_signed"},
    {"dot4_unsigned"},
    {"load", 1, true, true},
    {"store", 1, false, true},
    {"load_shared", 1, true, true},
    {"store_shared", 1, false, true},
    {"barrier", 0, false, true},
    {"subgroup_add", 0, true, true},
    {"subgroup_maximum", 0, true, true},
    {"subgroup_broadcast", 1, true, true},
    {"matrix_multiply", 0, true, true},
    {"loop", 0, true, true},
    {"if", 0, true, true},
}};

}  // namespace

std::string_view op_name(Op op) { return kOps[size_t(op)].name; }

std::optional<Op> find_op(std::string_view name) {
  for (size_t i = 0; i < kOps.size(); ++i)
    if (kOps[i].name == name) return Op(i);
  return std::nullopt;
}

int immediate_count(Op op) { return kOps[size_t(op)].immediates; }
bool has_result(Op op) { return kOps[size_t(op)].result; }
bool has_effect(Op op) { return kOps[size_t(op)].effect; }

}  // namespace trireme::kernel
