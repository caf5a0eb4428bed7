#include "hal/start_thread.h"

#include <system_error>

namespace trireme {

Status start_thread(std::thread& thread, std::function<void()> body) {
  if (thread.joinable()) return {};
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kOutOfMemory, "thread", std::string("the system refused one: ") + error.what(),
                "end other programs, or raise the limit of processes");
  }
  return {};
}

}  // namespace trireme
