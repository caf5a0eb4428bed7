// parallel: independent pieces of work on several threads.
#pragma once

#include <functional>

namespace trireme::compiler {

// Cores that this process may use.
int usable_core_count();

// Calls work(i) for each i below `count`, on at most `threads` threads, in no order; with one, on this thread. After
// each, done(i) is called on this thread.
void run_parallel(int count, int threads, const std::function<void(int)>& work, const std::function<void(int)>& done);

}  // namespace trireme::compiler
