#include "compiler/device/tune.h"

#include <algorithm>
#include <set>

#include "compiler/cache/tuning_store.h"
#include "compiler/device/compiled_device.h"
#include "compiler/device/op_timer.h"

namespace trireme::compiler {
namespace {

constexpr double kHopeless = 1.5;  // times the best: not measured again
constexpr double kEndless = 1e9;
constexpr double kWorthIt = 0.99;
constexpr size_t kBatch = 16;  // candidates that are built together; then each is measured alone

Result<const CompiledDevice*> compiled(const Device& device) {
  const auto* const found = dynamic_cast<const CompiledDevice*>(&device);
  if (!found || !found->cache_folder())
    return fail(ErrorCode::kUnsupported, "tuning " + device.info().id,
                found ? "no folder keeps its kernels" : "it computes with kernels of its own, which have no parameters",
                "name a device that the compiler writes kernels for");
  return found;
}

// Those of keys that `known` lacks.
std::vector<OpDesc> distinct(std::span<const OpDesc> ops, const TuningTable& known) {
  std::vector<OpDesc> found;
  std::set<std::string> keys;
  for (const auto& [key, schedule] : known.schedules) keys.insert(key);
  for (const OpDesc& op : ops)
    if (std::holds_alternative<Matmul>(op.params) || std::holds_alternative<MatmulGlu>(op.params))
      if (keys.insert(tuning_key(op)).second) found.push_back(op);
  return found;
}

// Takes the trial over where it is the best so far.
Status try_candidate(Tuned& result, const OpTimer& timer, const MatmulSchedule& schedule,
                     const Result<std::unique_ptr<CompiledDevice>>& trial) {
  const auto taken = trial ? timer.seconds(**trial, result.candidates == 0 ? kEndless : kHopeless * result.best_s)
                           : fail(trial.error());
  // A candidate that the driver refuses is none.
  if (!taken && result.candidates > 0) return {};
  if (!taken) return fail(taken.error());
  if (result.candidates++ == 0) result.default_s = result.best_s = *taken;
  if (result.candidates == 1 || *taken < result.best_s) {
    result.best_s = *taken;
    result.schedule = schedule;
  }
  return {};
}

// `next` hears of each candidate, and says whether to go on; nothing when it says no.
Result<std::optional<Tuned>> tune_op(Device& device, const CompiledDevice& base, const OpDesc& op, const std::function<bool()>& next) {
  Tuned result{tuning_key(op), {}, 0, 0, 0};
  TRIREME_ASSIGN(const OpTimer timer, OpTimer::create(device, op));
  const std::vector<MatmulSchedule> schedules = candidate_schedules(op, base.target());
  for (size_t first = 0; first < schedules.size(); first += kBatch) {
    const auto batch = std::span(schedules).subspan(first, std::min(kBatch, schedules.size() - first));
    std::vector<TuningTable> tables;
    for (const MatmulSchedule& schedule : batch) tables.push_back({{}, {{result.key, schedule}}});
    const auto trials = base.with_tunings(tables, timer.op());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!next()) return std::nullopt;
      TRIREME_TRY(try_candidate(result, timer, batch[i], trials[i]));
    }
  }
  return result;
}

}  // namespace

Result<std::vector<Tuned>> tune(Device& device, std::span<const OpDesc> ops,
                                const std::function<bool(int, int)>& progress, bool again) {
  TRIREME_ASSIGN(const CompiledDevice* const base, compiled(device));
  TuningTable table = load_tuning(*base->cache_folder(), base->target().build_key);
  const std::vector<OpDesc> chosen = distinct(ops, again ? TuningTable{} : table);
  int all = 0, done = 0;
  for (const OpDesc& op : chosen) all += int(candidate_schedules(op, base->target()).size());
  std::vector<Tuned> results;
  for (const OpDesc& op : chosen) {
    TRIREME_ASSIGN(std::optional<Tuned> result,
                   tune_op(device, *base, op, [&] { return progress(done++, all); }));
    if (!result) break;
    if (result->best_s >= kWorthIt * result->default_s) {
      result->schedule = std::nullopt;
      result->best_s = result->default_s;
    }
    table.schedules[result->key] = result->schedule;
    TRIREME_TRY(store_tuning(*base->cache_folder(), table));
    results.push_back(*std::move(result));
  }
  return results;
}

Result<TuningTable> tuning_of(const Device& device) {
  TRIREME_ASSIGN(const CompiledDevice* const base, compiled(device));
  return load_tuning(*base->cache_folder(), base->target().build_key);
}

Status adopt_tuning(Device& device, const TuningTable& table) {
  TRIREME_ASSIGN(const CompiledDevice* const base, compiled(device));
  if (table.build_key != base->target().build_key)
    return fail(ErrorCode::kInvalidArgument, "tuning of " + device.info().id,
                "it was measured on '" + table.build_key + "', and this is '" + base->target().build_key + "'",
                "tune this device itself");
  return store_tuning(*base->cache_folder(), table);
}

}  // namespace trireme::compiler
