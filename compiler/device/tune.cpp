#include "compiler/device/tune.h"

#include <algorithm>
#include <set>

#include "compiler/cache/tuning_store.h"
#include "compiler/device/compiled_device.h"
#include "compiler/device/op_timer.h"

namespace trireme::compiler {
namespace {

constexpr double kHopeless = 1.5;  // times the best: not measured again
constexpr double kWorthIt = 0.99;
constexpr size_t kMostContenders = 3;
constexpr int kMeetings = 7;
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

struct Contender {
  double seconds;
  MatmulSchedule schedule;
  std::unique_ptr<CompiledDevice> device;
};

// The default, and the fastest others when each was measured once.
struct Field {
  std::unique_ptr<CompiledDevice> home;  // with the default
  double home_s = 0;
  std::vector<Contender> contenders;  // the fastest first, at most kMostContenders
  int candidates = 0;
};

Status enter(Field& field, const OpTimer& timer, const MatmulSchedule& schedule,
             Result<std::unique_ptr<CompiledDevice>> trial) {
  if (!field.home) {
    if (!trial) return fail(std::move(trial).error());
    field.home = *std::move(trial);
    TRIREME_ASSIGN(field.home_s, timer.seconds(*field.home));
    field.candidates = 1;
    return {};
  }
  // A candidate that the driver cannot build is none.
  if (!trial) return {};
  auto& contenders = field.contenders;
  const double best = contenders.empty() ? field.home_s : std::min(field.home_s, contenders.front().seconds);
  TRIREME_ASSIGN(const double taken, timer.seconds(**trial, kHopeless * best));
  ++field.candidates;
  const auto place = std::ranges::upper_bound(contenders, taken, {}, &Contender::seconds);
  contenders.insert(place, {taken, schedule, *std::move(trial)});
  if (contenders.size() > kMostContenders) contenders.pop_back();
  return {};
}

double median(std::vector<double> numbers) {
  std::ranges::nth_element(numbers, numbers.begin() + numbers.size() / 2);
  return numbers[numbers.size() / 2];
}

// A device's speed changes while it is measured: the contender must be ahead of the default whenever both are measured
// in turn, all times but one, and is the result if it is so by more than the result so far.
Status contend(Tuned& result, const OpTimer& timer, const Field& field, const Contender& contender) {
  std::vector<double> home, away;
  int ahead = 0;
  for (int meeting = 0; meeting < kMeetings; ++meeting) {
    TRIREME_ASSIGN(home.emplace_back(), timer.seconds(*field.home));
    TRIREME_ASSIGN(away.emplace_back(), timer.seconds(*contender.device));
    ahead += away.back() < home.back();
  }
  const double home_s = median(std::move(home)), away_s = median(std::move(away));
  if (ahead < kMeetings - 1 || away_s >= kWorthIt * home_s) return {};
  if (result.schedule && away_s / home_s >= result.best_s / result.default_s) return {};
  result.schedule = contender.schedule;
  result.default_s = home_s;
  result.best_s = away_s;
  return {};
}

// `next` hears of each candidate, and says whether to go on; nothing when it says no.
Result<std::optional<Tuned>> tune_op(Device& device, const CompiledDevice& base, const OpDesc& op,
                                     const std::function<bool()>& next) {
  TRIREME_ASSIGN(const OpTimer timer, OpTimer::create(device, op));
  const std::string key = tuning_key(op);
  const std::vector<MatmulSchedule> schedules = candidate_schedules(op, base.target());
  Field field;
  for (size_t first = 0; first < schedules.size(); first += kBatch) {
    const auto batch = std::span(schedules).subspan(first, std::min(kBatch, schedules.size() - first));
    std::vector<TuningTable> tables;
    for (const MatmulSchedule& schedule : batch) tables.push_back({{}, {{key, schedule}}});
    auto trials = base.with_tunings(tables, timer.op());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!next()) return std::nullopt;
      TRIREME_TRY(enter(field, timer, batch[i], std::move(trials[i])));
    }
  }
  Tuned result{key, {}, field.candidates, field.home_s, field.home_s};
  for (const Contender& contender : field.contenders)
    if (contender.seconds < kHopeless * field.home_s) TRIREME_TRY(contend(result, timer, field, contender));
  return result;
}

}  // namespace

Result<std::vector<Tuned>> tune(Device& device, std::span<const OpDesc> ops,
                                const std::function<bool(int, int)>& progress, bool again) {
  TRIREME_ASSIGN(const CompiledDevice* const base, compiled(device));
  const TuningTable known = load_tuning(*base->cache_folder(), base->target().build_key);
  const std::vector<OpDesc> chosen = distinct(ops, again ? TuningTable{} : known);
  int all = 0, done = 0;
  for (const OpDesc& op : chosen) all += int(candidate_schedules(op, base->target()).size());
  std::vector<Tuned> results;
  for (const OpDesc& op : chosen) {
    TRIREME_ASSIGN(std::optional<Tuned> result, tune_op(device, *base, op, [&] { return progress(done++, all); }));
    if (!result) break;
    TRIREME_TRY(add_tuning(*base->cache_folder(), {base->target().build_key, {{result->key, result->schedule}}}));
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
  return add_tuning(*base->cache_folder(), table);
}

}  // namespace trireme::compiler
