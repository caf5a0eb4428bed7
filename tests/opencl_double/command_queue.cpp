#include "tests/opencl_double/command_queue.h"

#include "tests/opencl_double/driver.h"

namespace trireme::opencl_double {

void Event::complete(cl_int status) {
  std::vector<Callback> callbacks;
  {
    std::lock_guard lock(mutex_);
    status_ = status;
    callbacks.swap(callbacks_);
    changed_.notify_all();
  }
  for (const Callback& callback : callbacks) callback.function(handle, status, callback.data);
}

void Event::call_back(EventCallback callback, void* data) {
  cl_int status = CL_QUEUED;
  {
    std::lock_guard lock(mutex_);
    if (status_ > CL_COMPLETE) {
      callbacks_.push_back({callback, data});
      return;
    }
    status = status_;
  }
  callback(handle, status, data);
}

cl_int Event::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return status_ <= CL_COMPLETE; });
  return status_;
}

CommandQueue::CommandQueue(std::shared_ptr<Context> context)
    : context_(std::move(context)), thread_([this] { run(); }) {}

CommandQueue::~CommandQueue() {
  {
    std::lock_guard lock(mutex_);
    flushed_ = added_;
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void CommandQueue::add(Command command) {
  std::lock_guard lock(mutex_);
  commands_.push_back(std::move(command));
  ++added_;
}

void CommandQueue::flush() {
  std::lock_guard lock(mutex_);
  flushed_ = added_;
  changed_.notify_all();
}

void CommandQueue::finish() {
  std::unique_lock lock(mutex_);
  const uint64_t last = flushed_ = added_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return completed_ >= last; });
}

void CommandQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || completed_ < flushed_; });
    if (completed_ == flushed_) return;
    {
      const Command command = std::move(commands_.front());
      commands_.pop_front();
      lock.unlock();
      command.event->complete(run(command));
    }
    lock.lock();
    ++completed_;
    changed_.notify_all();
  }
}

// After an abnormal end a context is of no use any more.
cl_int CommandQueue::run(const Command& command) {
  Chance& chance = driver().chance();
  chance.delay();
  if (context_->lost) return CL_OUT_OF_RESOURCES;
  cl_int status = chance.command_failure();
  if (status == CL_SUCCESS) status = command.run();
  if (status != CL_SUCCESS) context_->lose();
  return status;
}

}  // namespace trireme::opencl_double
