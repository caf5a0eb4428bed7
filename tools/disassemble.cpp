#include "tools/disassemble.h"

#include <cstring>
#include <memory>
#include <spirv-tools/libspirv.hpp>

namespace trireme::tools {

Result<std::string> readable(const KernelSource& source) {
  constexpr uint32_t kMagic = 0x07230203;  // the first word of a module, in the machine's byte order
  const std::string& code = source.code;
  std::vector<uint32_t> words(code.size() / sizeof(uint32_t));
  std::memcpy(words.data(), code.data(), words.size() * sizeof(uint32_t));
  if (words.empty() || words[0] != kMagic) return code;
  std::string text, why;
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_2);
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t&, const char* said) { why = said; });
  constexpr uint32_t kOptions =
      SPV_BINARY_TO_TEXT_OPTION_FRIENDLY_NAMES | SPV_BINARY_TO_TEXT_OPTION_INDENT | SPV_BINARY_TO_TEXT_OPTION_NO_HEADER;
  if (!tools.Disassemble(words, &text, kOptions))
    return fail(ErrorCode::kCorruptData, "kernel " + source.entry, "its module cannot be read: " + why);
  return text;
}

}  // namespace trireme::tools
