#include "tests/conformance/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "hal/validation.h"
#include "runtime/files/atomic_file.h"
#include "tools/context.h"
#include "tools/progress.h"

namespace trireme::tools {
namespace {

using conformance::CaseResult;
using conformance::Outcome;

struct ConformanceFlags {
  std::string device = "cpu:0";
  int level = 2;
  int threads = 0;
  std::string report;
};

struct OpTotal {
  std::string op;
  int64_t passed = 0;
  int64_t failed = 0;
  int64_t unsupported = 0;
  double worst = 0;  // the largest error over the allowed one
};

struct Conclusion {
  std::vector<OpTotal> ops;  // in the order of the cases
  OpTotal all;
  std::vector<CaseResult> failures;
  std::vector<CaseResult> unsupported;
};

// A case's name begins with its op.
std::string op_of(const CaseResult& result) { return result.name.substr(0, result.name.find(' ')); }

void count(const CaseResult& result, OpTotal& total) {
  if (result.outcome == Outcome::kPassed) ++total.passed;
  if (result.outcome == Outcome::kFailed) ++total.failed;
  if (result.outcome == Outcome::kUnsupported) ++total.unsupported;
  total.worst = std::max(total.worst, result.worst);
}

Conclusion conclude(const std::vector<CaseResult>& results) {
  Conclusion conclusion;
  conclusion.all.op = "all";
  for (const CaseResult& result : results) {
    auto total = std::ranges::find(conclusion.ops, op_of(result), &OpTotal::op);
    if (total == conclusion.ops.end()) {
      conclusion.ops.push_back({.op = op_of(result)});
      total = conclusion.ops.end() - 1;
    }
    count(result, *total);
    count(result, conclusion.all);
    if (result.outcome == Outcome::kFailed) conclusion.failures.push_back(result);
    if (result.outcome == Outcome::kUnsupported) conclusion.unsupported.push_back(result);
  }
  return conclusion;
}

// Runs every case, also under the validation layer, whose findings count as a failure of the case that caused them.
Result<std::vector<CaseResult>> run_cases(const Context& context, const ConformanceFlags& flags) {
  const Validation validation;
  TRIREME_ASSIGN(auto opened, context.registry.open(flags.device, {flags.threads}));
  TRIREME_ASSIGN(auto opened_reference, context.registry.open("reference:0"));
  const auto device = validate(std::move(opened), validation);
  const auto reference = validate(std::move(opened_reference), validation);
  const std::vector<conformance::CaseSource> cases = conformance::all_cases(flags.level);
  std::vector<CaseResult> results;
  size_t findings = 0;
  Progress progress("conformance", int64_t(cases.size()), "cases");
  for (const conformance::CaseSource& source : cases) {
    if (interrupted()) return fail(ErrorCode::kCancelled, "conformance", "it was interrupted", "start it again");
    CaseResult result = conformance::run_case(*device, *reference, source);
    const std::vector<Error> found = validation.findings();
    if (found.size() > findings) {
      result.outcome = Outcome::kFailed;
      result.message = "validation: " + found.back().message();
      findings = found.size();
    }
    results.push_back(std::move(result));
    progress.update(int64_t(results.size()));
  }
  return results;
}

// JSON has no infinity, which is what an error has where none was allowed.
nlohmann::ordered_json worst_json(double worst) {
  return std::isfinite(worst) ? nlohmann::ordered_json(worst) : nlohmann::ordered_json("infinite");
}

nlohmann::ordered_json total_json(const OpTotal& total) {
  return {{"op", total.op},
          {"passed", total.passed},
          {"failed", total.failed},
          {"unsupported", total.unsupported},
          {"worst", worst_json(total.worst)}};
}

nlohmann::ordered_json cases_json(const std::vector<CaseResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CaseResult& result : results)
    list.push_back({{"case", result.name}, {"op", result.op}, {"message", result.message}});
  return list;
}

nlohmann::ordered_json json_of(const ConformanceFlags& flags, const Conclusion& conclusion) {
  nlohmann::ordered_json ops = nlohmann::ordered_json::array();
  for (const OpTotal& total : conclusion.ops) ops.push_back(total_json(total));
  return {{"device", flags.device},
          {"level", flags.level},
          {"passed", conclusion.all.passed},
          {"failed", conclusion.all.failed},
          {"unsupported", conclusion.all.unsupported},
          {"ops", ops},
          {"failures", cases_json(conclusion.failures)},
          {"refusals", cases_json(conclusion.unsupported)}};
}

std::string text_of(const Conclusion& conclusion) {
  std::string text = fmt::format("{:<20} {:>8} {:>8} {:>12}   {}\n", "OP", "PASSED", "FAILED", "UNSUPPORTED",
                                 "WORST ERROR OF THE ALLOWED");
  std::vector<OpTotal> rows = conclusion.ops;
  rows.push_back(conclusion.all);
  for (const OpTotal& total : rows)
    text += fmt::format("{:<20} {:>8} {:>8} {:>12}   {:.1f} %\n", total.op, total.passed, total.failed,
                        total.unsupported, 100 * total.worst);
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(conclusion.failures.size(), kShown); ++i)
    text += fmt::format("failed: {}: {}\n", conclusion.failures[i].name, conclusion.failures[i].message);
  if (conclusion.failures.size() > kShown)
    text += fmt::format("and {} more; --report writes all of them\n", conclusion.failures.size() - kShown);
  std::vector<std::string> reasons;
  for (const CaseResult& result : conclusion.unsupported)
    if (std::ranges::find(reasons, result.message) == reasons.end()) reasons.push_back(result.message);
  for (const std::string& reason : reasons) text += "unsupported: " + reason + "\n";
  return text;
}

Status write_report(const std::string& folder, const nlohmann::ordered_json& report) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::kIo, folder, "it cannot be made: " + error.message(), "name a folder to write to");
  TRIREME_ASSIGN(auto file, runtime::AtomicFile::create((std::filesystem::path(folder) / "report.json").string()));
  using Json = nlohmann::ordered_json;
  TRIREME_TRY(file.write(std::string_view(report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n")));
  return file.commit();
}

Status run_conformance(const Context& context, const ConformanceFlags& flags) {
  TRIREME_ASSIGN(const std::vector<CaseResult> results, run_cases(context, flags));
  const Conclusion conclusion = conclude(results);
  const nlohmann::ordered_json report = json_of(flags, conclusion);
  if (!flags.report.empty()) TRIREME_TRY(write_report(flags.report, report));
  TRIREME_TRY(context.json ? print_json(report) : print(text_of(conclusion)));
  if (conclusion.all.failed == 0) return {};
  return fail(ErrorCode::kDeviceLost, flags.device,
              fmt::format("{} of {} cases differ from the reference", conclusion.all.failed, results.size()),
              "see the failures, or write them to a file with --report DIR");
}

}  // namespace

void add_conformance_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("conformance", "Prove that a device computes what the reference computes");
  auto flags = std::make_shared<ConformanceFlags>();
  command->add_option("--device", flags->device, "The device to judge")->type_name("ID")->capture_default_str();
  command->add_option("--level", flags->level, "How much is tried, see below")
      ->check(between(0, conformance::kHighestLevel))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Host threads of a device that computes on them; 0: one a core")
      ->check(between(0, 1024));
  command->add_option("--report", flags->report, "Write report.json into this folder")->type_name("DIR");
  command->footer(
      "Levels, each with those below it:\n"
      "  0  one small case of each op\n"
      "  1  shapes with ones, primes and tails, and every parameter of each op\n"
      "  2  every weight format\n"
      "  3  extreme values: codes of +-127, tiny and huge scales, zeros\n"
      "  4  large shapes\n"
      "  5  every case again with three other sets of random values\n\n"
      "A result must lie within an interval that follows from the op, its operands and what the device says of its\n"
      "arithmetic. What a device says it cannot do is counted as unsupported and fails nothing; a wrong result, a "
      "write\n"
      "outside of an operand or a breach of the device contract does, and the program ends with 1.\n\n"
      "Example:\n  trireme conformance --device cpu:0 --level 3 --report reports");
  command->callback(
      [&context, flags] { context.command = [&context, flags] { return run_conformance(context, *flags); }; });
}

}  // namespace trireme::tools
