// StopTexts: ends a text where one of several texts begins, however the pieces of it are cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trireme::runtime {

class StopTexts {
 public:
  // Empty texts are ignored.
  explicit StopTexts(std::vector<std::string> texts);

  // The text that is now known to lie before any stop. What may be the beginning of one is kept back.
  std::string push(std::string_view piece);
  // What was kept back and turned out to be no stop.
  std::string finish();
  // True from the piece on that completed a stop. Further pieces give nothing.
  bool found() const { return found_; }

 private:
  std::vector<std::string> texts_;
  std::string kept_;
  bool found_ = false;
};

}  // namespace trireme::runtime
