// Texts that are kept in files, for what the compiler writes.
#pragma once

#include <string>

namespace trireme::compiler::test {

std::string golden_path(const std::string& name);

// Fails unless `text` is what the file tests/compiler/golden/NAME holds. What differs is left in the folder golden_new
// where the test runs; tests/compiler/accept_golden takes it over.
void expect_golden(const std::string& name, const std::string& text);

}  // namespace trireme::compiler::test
