#include "tests/conformance/runner.h"

#include "tests/conformance/intervals.h"
#include "tests/conformance/judge.h"

namespace trireme::conformance {
namespace {

Result<Verdict> compare(Device& device, Device& reference, const Case& test) {
  TRIREME_ASSIGN(const auto expected, execute(reference, unquantised(test)));
  TRIREME_ASSIGN(const auto actual, execute(device, test));
  TRIREME_ASSIGN(const auto allowed, allowed_errors(test, device.info().numeric));
  return judge(test, expected, actual, allowed);
}

}  // namespace

std::vector<CaseSource> format_cases(const Format& format, int level) {
  std::vector<CaseSource> cases;
  add_embed_cases(cases, format);
  add_matmul_cases(cases, format);
  std::erase_if(cases, [&](const CaseSource& source) { return source.level > level; });
  return cases;
}

std::vector<CaseSource> all_cases(int level) {
  std::vector<CaseSource> cases;
  add_row_cases(cases);
  add_elementwise_cases(cases);
  add_attention_cases(cases);
  add_matmul_cases(cases);
  std::erase_if(cases, [&](const CaseSource& source) { return source.level > level; });
  if (level < kHighestLevel) return cases;
  const size_t once = cases.size();
  for (const char* values : {" values 2", " values 3", " values 4"})
    for (size_t i = 0; i < once; ++i) cases.push_back({cases[i].name + values, kHighestLevel, cases[i].make});
  return cases;
}

CaseResult run_case(Device& device, Device& reference, const CaseSource& source) {
  CaseResult result;
  result.name = source.name;
  const auto test = source.make(source.name);
  if (!test) {
    result.outcome = Outcome::kFailed;
    result.message = "the case cannot be made: " + test.error().message();
    return result;
  }
  result.op = test->op.text();
  const auto answers = device.assess({&test->op, 1});
  if (answers.size() == 1 && std::holds_alternative<Unsupported>(answers[0])) {
    result.outcome = Outcome::kUnsupported;
    result.message = std::get<Unsupported>(answers[0]).reason;
    return result;
  }
  const auto verdict = compare(device, reference, *test);
  if (!verdict) {
    result.outcome = Outcome::kFailed;
    result.message = verdict.error().message();
    return result;
  }
  result.outcome = verdict->passed ? Outcome::kPassed : Outcome::kFailed;
  result.worst = verdict->worst;
  result.message = verdict->message;
  return result;
}

std::vector<CaseResult> run_all(Device& device, Device& reference, int level,
                                const std::function<void(const CaseResult&)>& progress) {
  std::vector<CaseResult> results;
  for (const CaseSource& source : all_cases(level)) {
    results.push_back(run_case(device, reference, source));
    if (progress) progress(results.back());
  }
  return results;
}

}  // namespace trireme::conformance
