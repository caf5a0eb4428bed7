#include "compiler/cache/tuning_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <xxhash.h>

#include <fstream>
#include <sstream>

namespace trireme::compiler {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTableBytes = uint64_t{4} << 20;

fs::path file_of(const fs::path& folder, const std::string& build_key) {
  return folder / fmt::format("{:016x}.tuning.json", XXH3_64bits(build_key.data(), build_key.size()));
}

Result<TuningTable> read_table(const fs::path& file) {
  std::error_code unreadable;
  if (fs::file_size(file, unreadable) > kMostTableBytes || unreadable)
    return fail(ErrorCode::kCorruptData, file.string(), "it is larger than a tuning can be");
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return TuningTable::parse(text.str());
}

}  // namespace

TuningTable load_tuning(const fs::path& folder, const std::string& build_key) {
  TuningTable none;
  none.build_key = build_key;
  const fs::path file = file_of(folder, build_key);
  std::error_code missing;
  if (!fs::exists(file, missing)) return none;
  auto table = read_table(file);
  if (table && table->build_key != build_key)
    table = fail(ErrorCode::kCorruptData, "tuning", "it is of another device");
  if (table) return *table;
  spdlog::debug("{}: not used: {}", file.string(), table.error().message());
  return none;
}

Status add_tuning(const fs::path& folder, const TuningTable& added) {
  TuningTable table = load_tuning(folder, added.build_key);
  for (const auto& [key, schedule] : added.schedules) table.schedules[key] = schedule;
  const fs::path file = file_of(folder, table.build_key);
  const fs::path part = file.string() + "." + std::to_string(::getpid());
  std::error_code error;
  fs::create_directories(folder, error);
  const bool written = bool((std::ofstream(part, std::ios::binary) << table.text()).flush());
  if (written) fs::rename(part, file, error);
  if (written && !error) return {};
  const std::string why = error ? error.message() : "it cannot be written";
  fs::remove(part, error);
  return fail(ErrorCode::kIo, file.string(), why, "make room, or name another folder by --kernel-cache");
}

}  // namespace trireme::compiler
