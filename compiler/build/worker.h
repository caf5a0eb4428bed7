// Worker: a process in which kernels are built, and which may die of it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "compiler/build/messages.h"

namespace trireme::compiler {

class Worker {
 public:
  // Errors: kNotFound when the program cannot be started, kIo.
  static Result<std::unique_ptr<Worker>> start(const std::filesystem::path& program);
  // Ends the process: at once where it is building.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Sends a request and waits for its answer. Errors of the outer result, after which the process has ended: kInternal
  // when it ended by itself, with how; kTimeout when no answer came within `patience`; kCorruptData when what came is
  // none.
  Result<BuildAnswer> ask(const BuildRequest& request, std::chrono::milliseconds patience);
  // False when it has ended while nobody asked.
  bool alive();
  // Whether it ended by itself, and without an error.
  bool ended_well() const { return ended_well_; }

 private:
  Worker(pid_t process, int socket) : process_(process), socket_(socket) {}
  // How the process ended, once the other side has closed.
  Error end();
  void kill();

  pid_t process_;       // 0: it has ended
  int socket_;          // both streams of the process
  bool asked_ = false;  // and has not answered
  bool ended_well_ = false;
};

}  // namespace trireme::compiler
