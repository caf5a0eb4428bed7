#include "compiler/templates/tuning_table.h"

#include <bit>
#include <nlohmann/json.hpp>

#include "hal/operands.h"

namespace trireme::compiler {
namespace {

using nlohmann::ordered_json;

constexpr int kTableVersion = 3;
constexpr const char* kDefault = "default";
constexpr const char* kFields[] = {"items", "lanes", "strips", "splits", "tile", "matrix"};

std::string class_of(int64_t size) { return std::to_string(std::bit_ceil(uint64_t(size))); }

std::array<uint32_t, 6> numbers_of(const MatmulSchedule& schedule) {
  const RowTile& rows = schedule.rows;
  return {rows.items, rows.lanes, rows.strips, rows.splits, schedule.tile, uint32_t(schedule.matrix)};
}

Result<std::optional<MatmulSchedule>> parse_schedule(const std::string& key, const ordered_json& entry) {
  if (entry == kDefault) return std::nullopt;
  std::array<uint32_t, 6> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto found = entry.is_object() ? entry.find(kFields[i]) : entry.end();
    if (!entry.is_object() || found == entry.end() || !found->is_number_unsigned() || found->get<uint64_t>() > 1024)
      return fail(ErrorCode::kCorruptData, "tuning of " + key, std::string(kFields[i]) + " is no number up to 1024");
    numbers[i] = found->get<uint32_t>();
  }
  return MatmulSchedule{{numbers[0], numbers[1], numbers[2], numbers[3]}, numbers[4], numbers[5] != 0};
}

}  // namespace

std::string tuning_key(const OpDesc& op) {
  const int64_t rows = op.inputs[0].desc.shape.rows();
  const TensorDesc& weight = op.inputs[1].desc;
  return std::string(op_name(op.params)) + " " + weight.format->name +
         (act_scheme(op.params) == ActScheme::kQ8 ? " q8, " : " float, ") +
         (rows == 1   ? "1 row"
          : rows <= 8 ? "up to 8 rows"
                      : "many rows") +
         ", up to " + class_of(weight.shape.back()) + " columns, up to " + class_of(weight.shape.rows()) + " outputs";
}

std::string TuningTable::text() const {
  ordered_json entries = ordered_json::object();
  for (const auto& [key, schedule] : schedules) {
    entries[key] = kDefault;
    if (!schedule) continue;
    entries[key] = ordered_json::object();
    const auto numbers = numbers_of(*schedule);
    for (size_t i = 0; i < numbers.size(); ++i) entries[key][kFields[i]] = numbers[i];
  }
  const ordered_json all = {{"trireme_tuning", kTableVersion}, {"device", build_key}, {"schedules", entries}};
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Result<TuningTable> TuningTable::parse(const std::string& text) {
  const auto bad = [](const std::string& why) { return fail(ErrorCode::kCorruptData, "tuning", why); };
  const ordered_json all = ordered_json::parse(text, nullptr, false);
  if (!all.is_object()) return bad("it is no JSON object");
  const auto version = all.find("trireme_tuning"), device = all.find("device"), entries = all.find("schedules");
  if (version == all.end() || *version != kTableVersion) return bad("it is of another version of this program");
  if (device == all.end() || !device->is_string()) return bad("it names no device");
  if (entries == all.end() || !entries->is_object()) return bad("it has no schedules");
  TuningTable table;
  table.build_key = device->get<std::string>();
  for (const auto& [key, entry] : entries->items()) {
    TRIREME_ASSIGN(const std::optional<MatmulSchedule> schedule, parse_schedule(key, entry));
    table.schedules.emplace(key, schedule);
  }
  return table;
}

MatmulSchedule schedule_of(const OpDesc& op, const Target& target, const TuningTable* tuned) {
  if (tuned) {
    const auto found = tuned->schedules.find(tuning_key(op));
    if (found != tuned->schedules.end() && found->second) {
      MatmulSchedule schedule = *found->second;
      // A class has ops of fewer rows, too.
      schedule.tile = std::min(schedule.tile, std::bit_floor(uint32_t(op.inputs[0].desc.shape.rows())));
      if (!objection(schedule, op, target)) return schedule;
    }
  }
  return default_schedule(op, target);
}

}  // namespace trireme::compiler
