// Result and Error: how every layer from hal up reports failure. No exceptions are thrown below tools/.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace trireme {

enum class ErrorCode {
  kInvalidArgument,  // the caller's value can never work
  kNotFound,         // a file, device, tensor or name does not exist
  kUnsupported,      // valid, but this device or version cannot do it
  kCorruptData,      // outside data breaks its own format
  kOutOfMemory,      // a budget or an allocator said no
  kIo,               // the operating system failed a read or a write
  kTimeout,          // a wait ended before its value was reached
  kDeviceLost,       // a device failed while working
  kCancelled,        // the user asked to stop
  kContextOverflow,  // a sequence would grow past its capacity
  kInternal,         // an invariant of this program is broken
};

std::string_view error_code_name(ErrorCode code);

// One failure. `what` names the thing that failed, `why` the cause, `remedy` what the user can do about it.
// The context lists what was being done, innermost first.
class Error {
 public:
  Error(ErrorCode code, std::string_view what, std::string_view why, std::string_view remedy = {});
  // Not inline: nearly every function has a Result, and copies of this code in each took a fifth of the build's time.
  Error(const Error& other);
  Error(Error&& other) noexcept;
  Error& operator=(const Error& other);
  Error& operator=(Error&& other) noexcept;
  ~Error();

  ErrorCode code() const { return code_; }
  const std::string& what() const { return what_; }
  const std::string& why() const { return why_; }
  const std::string& remedy() const { return remedy_; }
  const std::vector<std::string>& context() const { return context_; }

  // Adds the step that was being done when this error came up. Returns *this for chaining.
  Error& add_context(std::string doing) &;
  Error&& add_context(std::string doing) &&;

  // One line: "<what>: <why> (while <innermost>, while <outer>); <remedy>".
  std::string message() const;

 private:
  ErrorCode code_;
  std::string what_;
  std::string why_;
  std::string remedy_;
  std::vector<std::string> context_;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// Builds the error side of any Result.
tl::unexpected<Error> fail(ErrorCode code, std::string_view what, std::string_view why, std::string_view remedy = {});
tl::unexpected<Error> fail(Error error);

// The same error with one more step of context.
tl::unexpected<Error> fail(Error error, std::string_view doing);

}  // namespace trireme

#define TRIREME_CONCAT_INNER(a, b) a##b
#define TRIREME_CONCAT(a, b) TRIREME_CONCAT_INNER(a, b)

// Returns the error of a Status or Result expression to the caller.
#define TRIREME_TRY(expression)                                                             \
  do {                                                                                      \
    auto trireme_try_result = (expression);                                                 \
    if (!trireme_try_result) return ::trireme::fail(std::move(trireme_try_result).error()); \
  } while (false)

// Declares or assigns `target` from a Result, or returns its error to the caller.
#define TRIREME_ASSIGN(target, expression) \
  TRIREME_ASSIGN_INNER(TRIREME_CONCAT(trireme_result_, __LINE__), target, expression)
#define TRIREME_ASSIGN_INNER(name, target, expression)        \
  auto name = (expression);                                   \
  if (!name) return ::trireme::fail(std::move(name).error()); \
  target = std::move(*name)
