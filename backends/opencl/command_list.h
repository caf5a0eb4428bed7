// OpenClKernelList: recorded launches and copies, enqueued one after the other.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "backends/opencl/buffer.h"
#include "backends/opencl/kernel.h"

namespace trireme::opencl {

class OpenClKernelList final : public KernelList {
 public:
  explicit OpenClKernelList(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Status launch(std::shared_ptr<const Kernel> kernel, const KernelLaunch& launch) override;
  Status copy(const BufferRange& source, const BufferRange& target) override;
  // The queue runs one step after the other.
  Status barrier() override { return check_open(); }
  Status finish() override;

  const Connection* connection() const { return connection_.get(); }
  bool finished() const { return finished_; }
  int64_t launches() const { return int64_t(steps_.size()); }
  // Adds all steps to the queue of lists, and gives the event of the last. Errors: kDeviceLost, kOutOfMemory.
  Result<Handle<cl_event>> enqueue() const;

 private:
  // A launch of a kernel, or a copy when there is none.
  struct Step {
    std::shared_ptr<const OpenClKernel> kernel;
    Handle<cl_kernel> instance;  // with its arguments
    std::array<size_t, 3> items{};
    cl_mem source = nullptr;
    cl_mem target = nullptr;
    size_t source_offset = 0;
    size_t target_offset = 0;
    size_t bytes = 0;
  };

  Status check_open() const;
  Status set_arguments(const Step& step, const KernelLaunch& launch);
  Result<cl_mem> bind(const BufferRange& range);
  Status record();
  Result<Handle<cl_event>> enqueue_steps() const;
  cl_int enqueue(const Step& step, cl_event* event) const;

  std::shared_ptr<Connection> connection_;
  std::vector<Step> steps_;
  // Sub-buffers by buffer, offset and length: launches that bind the same range share one.
  std::map<std::tuple<cl_mem, uint64_t, uint64_t>, Handle<cl_mem>> parts_;
  Handle<cl_command_buffer_khr> recorded_;  // all steps, where the device takes them so
  bool finished_ = false;
};

}  // namespace trireme::opencl
