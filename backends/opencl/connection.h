// Connection: what all objects of one opened device share, and what they are told apart by.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "backends/opencl/command_buffer.h"
#include "hal/device.h"

namespace trireme::opencl {

class Connection {
 public:
  Connection(std::shared_ptr<const Library> library, DeviceFacts facts, std::string id);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Makes the context and the queues. Errors: kDeviceLost, kOutOfMemory.
  Status open();

  const Library& library() const { return *library_; }
  const DeviceFacts& facts() const { return facts_; }
  const std::string& id() const { return id_; }
  DeviceInfo info() const;
  // What other processes allocated is not known.
  std::vector<MemoryHeap> memory() const;
  // Null where lists are enqueued a command at a time.
  const CommandBufferCalls* command_buffers() const { return command_buffers_ ? &*command_buffers_ : nullptr; }
  cl_context context() const { return context_.get(); }
  // Runs lists, in the order of their submission.
  cl_command_queue lists() const { return lists_.get(); }
  // Copies from and to host memory, which are ordered against nothing.
  cl_command_queue transfers() const { return transfers_.get(); }

  // The error of a failed call, with what the driver said by itself since the last one.
  Status check(cl_int code, std::string_view call, ErrorCode otherwise = ErrorCode::kInternal) const;
  // Owns what a clCreate... or an event's call gave.
  template <typename T>
  Handle<T> own(T object, cl_int (*release)(T)) const {
    return Handle<T>(object, {release});
  }

  std::atomic<uint64_t>& allocated_bytes() { return allocated_bytes_; }

 private:
  static void CL_CALLBACK note(const char* text, const void* data, size_t bytes, void* connection);

  std::shared_ptr<const Library> library_;
  DeviceFacts facts_;
  std::string id_;
  std::optional<CommandBufferCalls> command_buffers_;
  std::atomic<uint64_t> allocated_bytes_ = 0;
  mutable std::mutex mutex_;  // guards the note
  mutable std::string note_;
  Handle<cl_context> context_;
  Handle<cl_command_queue> lists_;
  Handle<cl_command_queue> transfers_;
};

}  // namespace trireme::opencl
