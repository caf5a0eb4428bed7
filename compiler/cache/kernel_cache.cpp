#include "compiler/cache/kernel_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cstring>
#include <fstream>

namespace trireme::compiler {
namespace {

namespace fs = std::filesystem;

// Changes whenever entries of an older program must not be used any more.
constexpr std::string_view kVersion = "trireme kernel 2";
constexpr uint64_t kMostBytes = uint64_t{64} << 20;

// An entry: this head, the key, the built kernel.
struct EntryHead {
  std::array<char, 8> magic = {'T', 'R', 'I', 'K', 'E', 'R', 'N', '1'};
  uint64_t key_bytes = 0;
  uint64_t built_bytes = 0;
  uint64_t checksum = 0;  // of key and kernel
};

std::string file_name(const std::string& key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return fmt::format("{:016x}{:016x}.kernel", hash.high64, hash.low64);
}

uint64_t checksum_of(const std::string& key, std::span<const std::byte> built) {
  return XXH3_64bits_withSeed(built.data(), built.size(), XXH3_64bits(key.data(), key.size()));
}

// The kernel in an entry, or why it is none.
Result<std::vector<std::byte>> read_entry(std::istream& file, const std::string& key) {
  const auto bad = [](const char* why) { return fail(ErrorCode::kCorruptData, "entry", why); };
  EntryHead head;
  const EntryHead expected;
  if (!file.read(reinterpret_cast<char*>(&head), sizeof(head))) return bad("it is truncated");
  if (head.magic != expected.magic) return bad("it is no entry");
  if (head.key_bytes != key.size() || head.built_bytes > kMostBytes) return bad("it is of another kernel");
  std::string stored(head.key_bytes, '\0');
  std::vector<std::byte> built(head.built_bytes);
  if (!file.read(stored.data(), std::streamsize(stored.size())) ||
      !file.read(reinterpret_cast<char*>(built.data()), std::streamsize(built.size())))
    return bad("it is truncated");
  if (stored != key) return bad("it is of another kernel");
  if (checksum_of(key, built) != head.checksum) return bad("its checksum is wrong");
  return built;
}

}  // namespace

std::string kernel_key(const Target& target, const KernelSource& source) {
  return fmt::format("{}\n{}\n{} {} {} {} {} {} {}\n{}", kVersion, target.build_key, int(target.language),
                     target.version, source.entry, source.group_size, source.subgroup_size, source.buffers,
                     source.launch_words, source.code);
}

std::optional<std::vector<std::byte>> KernelCache::find(const Target& target, const KernelSource& source) const {
  const std::string key = kernel_key(target, source);
  const fs::path path = folder_ / file_name(key);
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  auto built = read_entry(file, key);
  if (built) return std::move(*built);
  spdlog::debug("kernel cache: {} is built again: {}", path.string(), built.error().message());
  return std::nullopt;
}

void KernelCache::store(const Target& target, const KernelSource& source, std::span<const std::byte> built) const {
  if (built.size() > kMostBytes) return;
  const std::string key = kernel_key(target, source);
  const fs::path path = folder_ / file_name(key);
  const fs::path scratch = folder_ / fmt::format("{}.{}.{}", path.filename().string(), getpid(), fmt::ptr(&key));
  std::error_code error;
  fs::create_directories(folder_, error);
  EntryHead head;
  head.key_bytes = key.size();
  head.built_bytes = built.size();
  head.checksum = checksum_of(key, built);
  std::ofstream file(scratch, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&head), sizeof(head));
  file.write(key.data(), std::streamsize(key.size()));
  file.write(reinterpret_cast<const char*>(built.data()), std::streamsize(built.size()));
  file.close();
  // A reader sees the old entry or the whole new one.
  if (file) fs::rename(scratch, path, error);
  if (file && !error) return;
  spdlog::debug("kernel cache: {} could not be written", path.string());
  fs::remove(scratch, error);
}

}  // namespace trireme::compiler
