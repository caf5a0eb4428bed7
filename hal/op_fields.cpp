#include "hal/op_fields.h"

namespace trireme {
namespace {

template <size_t Index = 0>
std::optional<OpParams> find_alternative(std::string_view name) {
  if constexpr (Index < std::variant_size_v<OpParams>) {
    OpParams params{std::in_place_index<Index>};
    if (op_name(params) == name) return params;
    return find_alternative<Index + 1>(name);
  } else {
    return std::nullopt;
  }
}

}  // namespace

std::optional<OpParams> op_from_name(std::string_view name) {
  for (const auto& [kind, kind_name] : EnumNames<Binary::Kind>::kAll)
    if (kind_name == name) return Binary{kind};
  return find_alternative(name);
}

}  // namespace trireme
