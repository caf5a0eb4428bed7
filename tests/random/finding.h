// What a check of random programs tells.
#pragma once

#include <string>

namespace trireme::random {

struct Finding {
  std::string seed;
  std::string what;     // one line
  std::string reduced;  // the smallest case that still shows it, as text
};

}  // namespace trireme::random
