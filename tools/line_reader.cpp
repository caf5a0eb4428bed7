#include "tools/line_reader.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/tokenizer/utf8.h"
#include "tools/terminal.h"

#ifdef TRIREME_HAVE_LIBEDIT
#include <histedit.h>
#include <langinfo.h>

#include <clocale>
#include <cstring>
#endif

namespace trireme::tools {

#ifdef TRIREME_HAVE_LIBEDIT

class LineReader::Editor {
 public:
  Editor() {
    // The editor draws characters as the locale defines them; texts are UTF-8 whatever it says.
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    history(history_, &event, H_SETUNIQUE, 1);
    editor_ = el_init("trireme", stdin, stderr, stderr);
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, prompt_of);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_set(editor_, EL_GETCFN, read_character);
  }
  ~Editor() {
    el_end(editor_);
    history_end(history_);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  Line read(const std::string& prompt, std::string& line) {
    prompt_ = prompt;
    // Before the prompt is seen: the terminal itself would swallow a Ctrl-D that comes before the editor's first read.
    el_set(editor_, EL_PREP_TERM, 1);
    int count = 0;
    const char* text = el_gets(editor_, &count);
    if (interrupted()) {
      show("^C\n");
      return Line::kInterrupted;
    }
    if (text == nullptr || count <= 0) {
      show("\n");
      return Line::kEnd;
    }
    line.assign(text, size_t(count));
    if (line.ends_with('\n')) line.pop_back();
    HistEvent event;
    if (!line.empty()) history(history_, &event, H_ENTER, line.c_str());
    return Line::kText;
  }

 private:
  static char* prompt_of(EditLine* editor) {
    Editor* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return self->prompt_.data();
  }

  // The editor's own reader goes on after a signal; this one lets Ctrl-C end the line.
  static int read_character(EditLine*, wchar_t* character) {
    std::string bytes;
    while (true) {
      char byte = 0;
      const ssize_t count = read_input(&byte, 1);
      if (count <= 0) return int(count);
      bytes += byte;
      const runtime::Utf8Unit unit = runtime::read_utf8(bytes, 0);
      if (unit.truncated) continue;
      *character = unit.valid ? wchar_t(unit.value) : L'\uFFFD';
      return 1;
    }
  }

  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  std::string prompt_;
};

#else

class LineReader::Editor {
 public:
  Line read(const std::string&, std::string&) { return Line::kEnd; }
};

#endif

LineReader::LineReader() : on_terminal_(isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) {
#ifdef TRIREME_HAVE_LIBEDIT
  if (on_terminal_) editor_ = std::make_unique<Editor>();
#endif
}

LineReader::~LineReader() = default;

Line LineReader::read(const std::string& prompt, std::string& line) {
  line.clear();
  if (on_terminal_ && !editor_) show(prompt);
  const Line kind = editor_ ? editor_->read(prompt, line) : read_plain(line);
  line = runtime::replace_invalid_utf8(line);
  return kind;
}

Line LineReader::read_plain(std::string& line) {
  std::array<char, 4096> bytes;
  while (true) {
    const size_t end = ahead_.find('\n');
    if (end != std::string::npos) {
      line = ahead_.substr(0, end);
      ahead_.erase(0, end + 1);
      return Line::kText;
    }
    const ssize_t count = read_input(bytes.data(), bytes.size());
    if (count > 0) {
      ahead_.append(bytes.data(), size_t(count));
      continue;
    }
    if (count < 0 && errno == EINTR) {
      if (interrupted()) return Line::kInterrupted;
      continue;
    }
    line.swap(ahead_);
    ahead_.clear();
    return line.empty() ? Line::kEnd : Line::kText;
  }
}

}  // namespace trireme::tools
