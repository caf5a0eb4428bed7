#include "backends/opencl/command_list.h"

namespace trireme::opencl {
namespace {

// Errors: kInvalidArgument for no groups, or more items than the device can number.
Status check_groups(const KernelLaunch& launch, const OpenClKernel& kernel) {
  const uint64_t most = kernel.connection()->facts().address_bits < 64 ? UINT32_MAX : UINT64_MAX;
  for (size_t axis = 0; axis < launch.groups.size(); ++axis) {
    const uint64_t items = uint64_t(launch.groups[axis]) * (axis == 0 ? kernel.source().group_size : 1);
    if (items == 0 || items > most)
      return fail(ErrorCode::kInvalidArgument, "kernel " + kernel.source().entry,
                  kernel.connection()->id() + " cannot launch " + std::to_string(launch.groups[axis]) +
                      " groups on axis " + std::to_string(axis));
  }
  return {};
}

}  // namespace

Status OpenClKernelList::check_open() const {
  if (finished_) return fail(ErrorCode::kInvalidArgument, "kernel list", "it is already finished");
  return {};
}

Result<cl_mem> OpenClKernelList::bind(const BufferRange& range) {
  TRIREME_ASSIGN(const OpenClBuffer* buffer, resolve(*connection_, range));
  if (range.offset % kBindingAlignment != 0 || range.bytes == 0)
    return fail(ErrorCode::kInvalidArgument, "buffer range",
                std::to_string(range.bytes) + " bytes at " + std::to_string(range.offset) +
                    " are not a range that starts at a multiple of " + std::to_string(kBindingAlignment));
  if (range.offset == 0 && range.bytes == buffer->size()) return buffer->memory();
  const auto key = std::make_tuple(buffer->memory(), range.offset, range.bytes);
  if (const auto found = parts_.find(key); found != parts_.end()) return found->second.get();
  const cl_buffer_region region{size_t(range.offset), size_t(range.bytes)};
  cl_int code = CL_SUCCESS;
  auto part = connection_->own(connection_->library().clCreateSubBuffer(buffer->memory(), CL_MEM_READ_WRITE,
                                                                        CL_BUFFER_CREATE_TYPE_REGION, &region, &code),
                               connection_->library().clReleaseMemObject);
  TRIREME_TRY(connection_->check(code, "clCreateSubBuffer"));
  return parts_.emplace(key, std::move(part)).first->second.get();
}

Status OpenClKernelList::set_arguments(const Step& step, const KernelLaunch& launch) {
  const auto& set = connection_->library().clSetKernelArg;
  cl_uint index = 0;
  for (const BufferRange& range : launch.buffers) {
    TRIREME_ASSIGN(const cl_mem memory, bind(range));
    TRIREME_TRY(connection_->check(set(step.instance.get(), index++, sizeof(cl_mem), static_cast<const void*>(&memory)),
                                   "clSetKernelArg"));
  }
  for (const uint32_t word : launch.words)
    TRIREME_TRY(connection_->check(set(step.instance.get(), index++, sizeof(word), &word), "clSetKernelArg"));
  return {};
}

Status OpenClKernelList::launch(std::shared_ptr<const Kernel> kernel, const KernelLaunch& launch) {
  TRIREME_TRY(check_open());
  Step step;
  step.kernel = std::dynamic_pointer_cast<const OpenClKernel>(std::move(kernel));
  if (!step.kernel || step.kernel->connection() != connection_.get())
    return fail(ErrorCode::kInvalidArgument, "kernel list", "the kernel was loaded by another device");
  const KernelSource& source = step.kernel->source();
  if (launch.buffers.size() != source.buffers || launch.words.size() != source.launch_words)
    return fail(ErrorCode::kInvalidArgument, "kernel " + source.entry,
                "it takes " + std::to_string(source.buffers) + " buffers and " + std::to_string(source.launch_words) +
                    " words, not " + std::to_string(launch.buffers.size()) + " and " +
                    std::to_string(launch.words.size()));
  TRIREME_TRY(check_groups(launch, *step.kernel));
  step.items = {size_t(launch.groups[0]) * source.group_size, launch.groups[1], launch.groups[2]};
  TRIREME_ASSIGN(step.instance, step.kernel->instance());
  if (Status set = set_arguments(step, launch); !set)
    return fail(std::move(set).error(), "recording a launch of kernel " + source.entry);
  steps_.push_back(std::move(step));
  return {};
}

Status OpenClKernelList::copy(const BufferRange& source, const BufferRange& target) {
  TRIREME_TRY(check_open());
  TRIREME_ASSIGN(const OpenClBuffer* from, resolve(*connection_, source));
  TRIREME_ASSIGN(const OpenClBuffer* to, resolve(*connection_, target));
  if (source.bytes != target.bytes || source.overlaps(target))
    return fail(ErrorCode::kInvalidArgument, "kernel list", "a copy needs two ranges of one size that do not overlap");
  if (source.bytes == 0) return {};
  Step step;
  step.source = from->memory();
  step.target = to->memory();
  step.source_offset = size_t(source.offset);
  step.target_offset = size_t(target.offset);
  step.bytes = size_t(source.bytes);
  steps_.push_back(std::move(step));
  return {};
}

Status OpenClKernelList::finish() {
  TRIREME_TRY(check_open());
  finished_ = true;
  return steps_.empty() || !connection_->command_buffers() ? Status() : record();
}

Status OpenClKernelList::record() {
  const CommandBufferCalls& calls = *connection_->command_buffers();
  cl_command_queue queue = connection_->lists();
  cl_int code = CL_SUCCESS;
  recorded_ = connection_->own(calls.create(1, &queue, nullptr, &code), calls.release);
  TRIREME_TRY(connection_->check(code, "clCreateCommandBufferKHR"));
  for (const Step& step : steps_) {
    if (step.kernel) {
      const std::array<size_t, 3> group = {step.kernel->source().group_size, 1, 1};
      code = calls.launch(recorded_.get(), nullptr, nullptr, step.instance.get(), 3, nullptr, step.items.data(),
                          group.data(), 0, nullptr, nullptr, nullptr);
      TRIREME_TRY(connection_->check(code, "clCommandNDRangeKernelKHR"));
    } else {
      code = calls.copy(recorded_.get(), nullptr, step.source, step.target, step.source_offset, step.target_offset,
                        step.bytes, 0, nullptr, nullptr, nullptr);
      TRIREME_TRY(connection_->check(code, "clCommandCopyBufferKHR"));
    }
  }
  return connection_->check(calls.finish(recorded_.get()), "clFinalizeCommandBufferKHR");
}

cl_int OpenClKernelList::enqueue(const Step& step, cl_event* event) const {
  const Library& library = connection_->library();
  if (!step.kernel)
    return library.clEnqueueCopyBuffer(connection_->lists(), step.source, step.target, step.source_offset,
                                       step.target_offset, step.bytes, 0, nullptr, event);
  const std::array<size_t, 3> group = {step.kernel->source().group_size, 1, 1};
  return library.clEnqueueNDRangeKernel(connection_->lists(), step.instance.get(), 3, nullptr, step.items.data(),
                                        group.data(), 0, nullptr, event);
}

Result<Handle<cl_event>> OpenClKernelList::enqueue() const {
  if (!recorded_) return enqueue_steps();
  cl_event event = nullptr;
  const cl_int code = connection_->command_buffers()->enqueue(0, nullptr, recorded_.get(), 0, nullptr, &event);
  TRIREME_TRY(connection_->check(code, "clEnqueueCommandBufferKHR", ErrorCode::kDeviceLost));
  return connection_->own(event, connection_->library().clReleaseEvent);
}

Result<Handle<cl_event>> OpenClKernelList::enqueue_steps() const {
  const Library& library = connection_->library();
  cl_event event = nullptr;
  // A list of nothing is over when those before it are.
  if (steps_.empty())
    TRIREME_TRY(connection_->check(library.clEnqueueMarkerWithWaitList(connection_->lists(), 0, nullptr, &event),
                                   "clEnqueueMarkerWithWaitList", ErrorCode::kDeviceLost));
  for (const Step& step : steps_) {
    const cl_int code = enqueue(step, &step == &steps_.back() ? &event : nullptr);
    Status enqueued = connection_->check(code, step.kernel ? "clEnqueueNDRangeKernel" : "clEnqueueCopyBuffer",
                                         ErrorCode::kDeviceLost);
    if (!enqueued)
      return fail(std::move(enqueued).error(),
                  step.kernel ? "launching kernel " + step.kernel->source().entry : "copying");
  }
  return connection_->own(event, library.clReleaseEvent);
}

}  // namespace trireme::opencl
