#include "hal/result.h"

namespace trireme {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kCorruptData: return "corrupt data";
    case ErrorCode::kOutOfMemory: return "out of memory";
    case ErrorCode::kIo: return "input/output";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kDeviceLost: return "device lost";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kContextOverflow: return "context overflow";
    case ErrorCode::kInternal: return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string_view what, std::string_view why, std::string_view remedy)
    : code_(code), what_(what), why_(why), remedy_(remedy) {}
Error::Error(const Error& other) = default;
Error::Error(Error&& other) noexcept = default;
Error& Error::operator=(const Error& other) = default;
Error& Error::operator=(Error&& other) noexcept = default;
Error::~Error() = default;

Error& Error::add_context(std::string doing) & {
  context_.push_back(std::move(doing));
  return *this;
}

Error&& Error::add_context(std::string doing) && {
  context_.push_back(std::move(doing));
  return std::move(*this);
}

std::string Error::message() const {
  std::string text = what_ + ": " + why_;
  if (!context_.empty()) {
    text += " (";
    for (size_t i = 0; i < context_.size(); ++i) text += (i ? ", while " : "while ") + context_[i];
    text += ")";
  }
  if (!remedy_.empty()) text += "; " + remedy_;
  return text;
}

tl::unexpected<Error> fail(ErrorCode code, std::string_view what, std::string_view why, std::string_view remedy) {
  return tl::unexpected<Error>(Error(code, what, why, remedy));
}

tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

tl::unexpected<Error> fail(Error error, std::string_view doing) {
  return tl::unexpected<Error>(std::move(error).add_context(std::string(doing)));
}

}  // namespace trireme
