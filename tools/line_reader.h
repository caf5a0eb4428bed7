// LineReader: lines from the user; edited and remembered on a terminal, plain elsewhere.
#pragma once

#include <memory>
#include <string>

namespace trireme::tools {

enum class Line : uint8_t {
  kText,
  kEnd,          // Ctrl-D, or the end of the input
  kInterrupted,  // Ctrl-C
};

class LineReader {
 public:
  LineReader();
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool on_terminal() const { return on_terminal_; }
  // `prompt` is shown on a terminal only. The line comes without its end, as valid UTF-8.
  Line read(const std::string& prompt, std::string& line);

 private:
  class Editor;
  Line read_plain(std::string& line);

  bool on_terminal_;
  std::unique_ptr<Editor> editor_;  // null off a terminal, or where the program was built without libedit
  std::string ahead_;               // read from stdin, not yet asked for
};

}  // namespace trireme::tools
