// Budget: what one rendering has used of its limits. Every value it makes is charged here while it lives.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hal/result.h"
#include "runtime/chat_template/chat_template.h"

namespace trireme::runtime::jinja {

// An error of the template language, without its line; the interpreter adds that.
inline tl::unexpected<Error> template_error(std::string why, std::string remedy = {}) {
  return fail(ErrorCode::kInvalidArgument, "chat template", std::move(why), std::move(remedy));
}
inline tl::unexpected<Error> unsupported(std::string why) {
  return fail(ErrorCode::kUnsupported, "chat template", std::move(why), "use a template without it");
}

class Budget {
 public:
  explicit Budget(const ChatTemplateLimits& limits) : limits_(limits) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  const ChatTemplateLimits& limits() const { return limits_; }

  // Counts `units` of work. Errors: the step limit, or values alive over their limit.
  Status work(std::uint64_t units) {
    steps_ += units;
    if (steps_ > limits_.steps) {
      return template_error("the rendering takes more than " + std::to_string(limits_.steps) + " steps",
                            "check the template for an endless loop");
    }
    if (live_ > limits_.live_bytes) return too_large();
    return {};
  }

  // Asks before `bytes` of text or values are made: counts the work of making them. Errors: as work().
  Status admit(std::size_t bytes) {
    if (bytes > limits_.live_bytes || live_ > limits_.live_bytes - bytes) return too_large();
    return work(bytes / 16);
  }

  void charge(std::size_t bytes) { live_ += bytes; }
  void release(std::size_t bytes) { live_ -= bytes; }

 private:
  tl::unexpected<Error> too_large() const {
    return template_error("its values take more than " + std::to_string(limits_.live_bytes) + " bytes",
                          "shorten the conversation or check the template");
  }

  const ChatTemplateLimits limits_;
  std::uint64_t steps_ = 0;
  std::size_t live_ = 0;
};

}  // namespace trireme::runtime::jinja
