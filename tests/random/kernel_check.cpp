#include "tests/random/kernel_check.h"

#include "compiler/kernel/simplify.h"
#include "compiler/kernel/text.h"
#include "tests/conformance/random.h"
#include "tests/random/driver_faults.h"
#include "tests/random/kernel_generator.h"
#include "tests/random/kernel_reducer.h"

namespace trireme::random {

namespace {

// Kernels that the interpreter refuses one after the other.
constexpr int kMostKernels = 8;

std::optional<std::string> difference(const std::vector<Words>& expected, const std::vector<Words>& actual) {
  for (size_t memory = 0; memory < expected.size(); ++memory)
    for (size_t i = 0; i < expected[memory].size(); ++i)
      if (expected[memory][i] != actual[memory][i])
        return "word " + std::to_string(i) + " of memory " + std::to_string(memory) + " is " +
               std::to_string(actual[memory][i]) + ", the interpreter has " + std::to_string(expected[memory][i]);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> KernelCheck::failure_on(KernelDevice& device, const KernelCase& test,
                                                   const std::vector<Words>& expected) {
  if (const char* why = left_out(test.function, device.target().language)) {
    ++counts_.left_out[device.info().id + ": " + why];
    return std::nullopt;
  }
  ++counts_.launches;
  const auto actual = run(device, test);
  if (!actual) return device.info().id + ": " + actual.error().message();
  const auto different = difference(expected, *actual);
  return different ? std::optional(device.info().id + ": " + *different) : std::nullopt;
}

std::optional<std::string> KernelCheck::failure(const KernelCase& test, bool simplified) {
  const auto expected = interpret(test);
  if (!expected) return "interpreter: " + expected.error().message();
  const std::string text = kernel::print(test.function);
  const auto parsed = kernel::parse(text);
  if (!parsed) return "text: " + parsed.error().message();
  if (kernel::print(*parsed) != text) return "text: what is read back prints otherwise";
  KernelCase simpler = test;
  auto function = kernel::simplify(test.function);
  if (!function) return "simplify: " + function.error().message();
  simpler.function = std::move(*function);
  const auto kept = interpret(simpler);
  if (!kept) return "simplify: " + kept.error().message();
  if (const auto different = difference(*expected, *kept)) return "simplify: " + *different;
  for (const auto& device : devices_)
    if (auto failed = failure_on(*device, simplified ? simpler : test, *expected)) return failed;
  return std::nullopt;
}

Result<KernelCase> KernelCheck::generate(const std::string& seed) {
  for (int attempt = 0; attempt < kMostKernels; ++attempt) {
    const std::string own_seed = attempt == 0 ? seed : seed + " again " + std::to_string(attempt);
    const int lanes = conformance::Random("lanes of " + seed).integer(0, 3) == 0 ? 16 : 4;
    TRIREME_ASSIGN(KernelCase test, random_kernel(own_seed, lanes));
    const auto answer = interpret(test);
    if (answer) return test;
    // Only the one undefined result that the generator does not rule out.
    if (answer.error().message().find("it divides by zero") == std::string::npos) return fail(answer.error());
    ++counts_.regenerated;
  }
  return fail(ErrorCode::kInternal, seed, "the interpreter refuses every kernel of it");
}

std::optional<Finding> KernelCheck::check(const std::string& seed) {
  ++counts_.kernels;
  const auto test = generate(seed);
  if (!test) return Finding{seed, "generator: " + test.error().message(), ""};
  const bool simplified = conformance::Random("simplified " + seed).integer(0, 1) == 1;
  const auto failed = failure(*test, simplified);
  if (!failed) return std::nullopt;
  // A smaller kernel counts when the same part of the program or the same device fails.
  const std::string who = failed->substr(0, failed->find(": "));
  KernelCase smaller = *test;
  smaller.function = reduced(test->function, [&](const kernel::Function& function) {
    KernelCase candidate = *test;
    candidate.function = function;
    if (!interpret(candidate)) return false;
    const auto why = failure(candidate, simplified);
    return why && why->substr(0, why->find(": ")) == who;
  });
  return Finding{seed, *failed, kernel::print(smaller.function)};
}

}  // namespace trireme::random
