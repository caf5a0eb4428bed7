// From the regular expressions of published tokenizers to those of PCRE2.
#pragma once

#include <string>
#include <string_view>

#include "hal/result.h"

namespace trireme::runtime {

// Rewrites a pattern in Oniguruma's Ruby syntax (github.com/kkos/oniguruma, doc/RE) so that PCRE2 with UTF, UCP and
// MULTILINE matches the same: \s, \w and \h have other meanings there, {n,m}+ is not possessive, (?m) means that a dot
// matches newlines, {,n} has a lower bound of 0.
// Errors: kUnsupported for what cannot be expressed: nested character classes and intersections, \W and \H inside a
// class, {n}?, the absent operator.
Result<std::string> translate_oniguruma(std::string_view pattern);

}  // namespace trireme::runtime
