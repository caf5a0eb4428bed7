#include "compiler/emit/emit.h"

#include "compiler/emit/opencl_c.h"
#include "compiler/emit/source.h"
#include "compiler/emit/spirv.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

namespace trireme::compiler {

Status check_language(const Target& target) {
  switch (target.language) {
    case TargetLanguage::kOpenClC:
    case TargetLanguage::kSpirV:
    case TargetLanguage::kKernelText: return {};
  }
  return fail(ErrorCode::kUnsupported, "target language", "nothing here writes it");
}

Result<KernelSource> emit(const kernel::Function& function, const Target& target) {
  TRIREME_TRY(check_language(target));
  if (target.language == TargetLanguage::kOpenClC) return emit_opencl_c(function, target);
  if (target.language == TargetLanguage::kSpirV) return emit_spirv(function, target);
  TRIREME_TRY(kernel::check_limits(function, kernel::limits_of(target)));
  return source_of(function, kernel::print(function));
}

}  // namespace trireme::compiler
