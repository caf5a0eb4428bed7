#include "backends/vulkan/module_facts.h"

#include <cstring>
#include <map>
#include <spirv/unified1/spirv.hpp>
#include <vector>

namespace trireme::vulkan {
namespace {

constexpr size_t kHeaderWords = 5;
constexpr uint32_t kNewestVersion = 0x00010500;  // that Vulkan 1.2 takes

class ModuleReader {
 public:
  explicit ModuleReader(std::string_view entry) : entry_(entry) {}

  // False when an instruction leaves the module.
  bool read(const std::vector<uint32_t>& words) {
    for (size_t at = kHeaderWords; at < words.size();) {
      const size_t count = words[at] >> 16;
      if (count == 0 || count > words.size() - at) return false;
      take(spv::Op(words[at] & 0xffff), &words[at], count);
      at += count;
    }
    return true;
  }

  bool found() const { return id_ != 0; }
  const ModuleFacts& facts() const { return facts_; }

 private:
  void take(spv::Op op, const uint32_t* words, size_t count) {
    // What is not there reads as 0.
    const auto word = [&](size_t i) { return i < count ? words[i] : 0; };
    switch (op) {
      case spv::OpEntryPoint: {
        const std::string_view name(reinterpret_cast<const char*>(words + 3), count > 3 ? (count - 3) * 4 : 0);
        if (word(1) == spv::ExecutionModelGLCompute && name.substr(0, name.find('\0')) == entry_) id_ = word(2);
        break;
      }
      case spv::OpExecutionMode:
        if (word(1) == id_ && word(2) == spv::ExecutionModeLocalSize)
          facts_.group_size = uint64_t(word(3)) * word(4) * word(5);
        break;
      case spv::OpDecorate:
        if (word(2) == spv::DecorationBinding && word(3) < UINT32_MAX) {
          facts_.buffers = std::max(facts_.buffers, word(3) + 1);
          bindings_[word(1)] = word(3);
        }
        break;
      case spv::OpTypeInt:
      case spv::OpTypeFloat: bytes_[word(1)] = word(2) / 8; break;
      case spv::OpTypeVector: bytes_[word(1)] = bytes_[word(2)] * word(3); break;
      case spv::OpConstant: constants_[word(2)] = word(3); break;
      case spv::OpTypeArray: bytes_[word(1)] = bytes_[word(2)] * constants_[word(3)]; break;
      case spv::OpTypeStruct: members_[word(1)] = uint32_t(count - std::min<size_t>(count, 2)); break;
      case spv::OpTypeImage: texels_[word(1)] = word(8) == spv::ImageFormatR32ui ? 1 : 4; break;
      case spv::OpTypePointer: pointees_[word(1)] = word(3); break;
      case spv::OpVariable:
        if (word(3) == spv::StorageClassWorkgroup) facts_.shared_bytes += bytes_[pointees_[word(1)]];
        if (word(3) == spv::StorageClassUniformConstant && bindings_.contains(word(2)))
          facts_.texels[bindings_[word(2)]] = texels_[pointees_[word(1)]];
        if (word(3) == spv::StorageClassPushConstant) facts_.launch_words = members_[pointees_[word(1)]];
        break;
      default: break;
    }
  }

  std::string_view entry_;
  uint32_t id_ = 0;
  ModuleFacts facts_;
  std::map<uint32_t, uint64_t> bytes_;  // of types
  std::map<uint32_t, uint32_t> constants_;
  std::map<uint32_t, uint32_t> members_;
  std::map<uint32_t, uint32_t> pointees_;
  std::map<uint32_t, uint32_t> texels_;    // words of images' texels
  std::map<uint32_t, uint32_t> bindings_;  // of variables
};

}  // namespace

Result<ModuleFacts> read_module(std::string_view code, std::string_view entry) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::kInternal, "kernel " + std::string(entry), why);
  };
  std::vector<uint32_t> words(code.size() / sizeof(uint32_t));
  if (code.size() % sizeof(uint32_t) != 0 || words.size() < kHeaderWords) return bad("it is no SPIR-V: too short");
  std::memcpy(words.data(), code.data(), code.size());
  if (words[0] != spv::MagicNumber || words[1] > kNewestVersion) return bad("it is no SPIR-V that Vulkan 1.2 takes");
  ModuleReader reader(entry);
  if (!reader.read(words)) return bad("its SPIR-V is cut off");
  if (!reader.found()) return bad("its SPIR-V has no compute kernel of that name");
  return reader.facts();
}

}  // namespace trireme::vulkan
