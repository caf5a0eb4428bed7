// start_thread: a thread that a system at its limits may refuse.
#pragma once

#include <functional>
#include <thread>

#include "hal/result.h"

namespace trireme {

// Starts `body` unless the thread runs already. Errors: kOutOfMemory when the system has no thread to give.
Status start_thread(std::thread& thread, std::function<void()> body);

}  // namespace trireme
