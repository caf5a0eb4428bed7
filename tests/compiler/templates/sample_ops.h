// What tests of the templates describe ops and targets with.
#pragma once

#include "compiler/templates/templates.h"

namespace trireme::compiler::test {

inline Target target_for(TargetLanguage language, uint32_t lanes = 1) {
  Target target;
  target.language = language;
  target.version = language == TargetLanguage::kSpirV ? 103 : 120;
  target.max_group_size = 256;
  target.shared_bytes = 32768;
  target.small_stores = true;
  target.software = target.exact_division = lanes > 1;
  target.vector_lanes = lanes;
  return target;
}

inline TensorDesc rows(const Shape& shape, const Format& format = formats::f32()) {
  return {shape, &format, RowDomain::kTokens};
}
inline TensorDesc fixed(const Shape& shape, const Format& format = formats::f32()) { return {shape, &format}; }
inline const Format& q8() { return formats::q8_act(); }
inline const Format& i32() { return formats::i32(); }

}  // namespace trireme::compiler::test
