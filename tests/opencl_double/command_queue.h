// CommandQueue: runs commands one after the other on a thread of its own; Event: how far one of them has come.
#pragma once

#include "backends/opencl/library.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace trireme::opencl_double {

struct Context;

using EventCallback = void(CL_CALLBACK*)(cl_event, cl_int, void*);

class Event {
 public:
  cl_event handle = nullptr;  // what callbacks are given

  // Once: CL_COMPLETE or an error.
  void complete(cl_int status);
  // Runs at once when it is complete already.
  void call_back(EventCallback callback, void* data);
  cl_int wait();

 private:
  struct Callback {
    EventCallback function;
    void* data;
  };

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  cl_int status_ = CL_QUEUED;
  std::vector<Callback> callbacks_;
};

struct Command {
  std::function<cl_int()> run;
  std::shared_ptr<Event> event;
};

class CommandQueue {
 public:
  explicit CommandQueue(std::shared_ptr<Context> context);
  // Runs what was added, flushed or not.
  ~CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  const std::shared_ptr<Context>& context() const { return context_; }
  // A command does not run before it was flushed, for there are drivers that do so.
  void add(Command command);
  void flush();
  // Flushes, and waits until all commands are over.
  void finish();

 private:
  void run();
  cl_int run(const Command& command);

  std::shared_ptr<Context> context_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Command> commands_;
  uint64_t added_ = 0;
  uint64_t flushed_ = 0;
  uint64_t completed_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trireme::opencl_double
