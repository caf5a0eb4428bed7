// Events and markers.
#include "tests/opencl_double/enqueue.h"

namespace trireme::opencl_double {

cl_int enqueue(const char* call, const std::shared_ptr<CommandQueue>& queue, const EnqueueOptions& options,
               std::function<cl_int()> run) {
  if ((options.wait_count == 0) != (options.waits == nullptr))
    return driver().violation(CL_INVALID_EVENT_WAIT_LIST, call, "count and list of events do not fit each other");
  std::vector<std::shared_ptr<Event>> waits;
  for (cl_uint i = 0; i < options.wait_count; ++i) {
    waits.push_back(driver().events.find(options.waits[i]));
    if (!waits.back()) return driver().violation(CL_INVALID_EVENT_WAIT_LIST, call, "an event is none");
  }
  if (queue->context()->lost) return CL_OUT_OF_RESOURCES;
  auto event = std::make_shared<Event>();
  if (options.event) *options.event = event->handle = driver().events.add(event);
  queue->add({[waits = std::move(waits), run = std::move(run)] {
                for (const auto& wait : waits)
                  if (wait->wait() < 0) return cl_int(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
                return run();
              },
              event});
  if (!options.blocking) return CL_SUCCESS;
  queue->flush();
  return event->wait();
}

}  // namespace trireme::opencl_double

using namespace trireme::opencl_double;

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint wait_count, const cl_event* waits, cl_event* event) {
  constexpr char kCall[] = "clEnqueueMarkerWithWaitList";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto found = driver().queues.find(queue);
  if (!found) return driver().violation(CL_INVALID_COMMAND_QUEUE, kCall, "the queue");
  return enqueue(kCall, found, {wait_count, waits, event, false}, [] { return cl_int(CL_SUCCESS); });
}

cl_int clSetEventCallback(cl_event event, cl_int status, EventCallback callback, void* data) {
  constexpr char kCall[] = "clSetEventCallback";
  if (const cl_int failure = begin_call(); failure != CL_SUCCESS) return failure;
  const auto found = driver().events.find(event);
  if (!found) return driver().violation(CL_INVALID_EVENT, kCall, "it is none, or was released");
  if (!callback || status != CL_COMPLETE)
    return driver().violation(CL_INVALID_VALUE, kCall, "the double knows only completion, and wants a function");
  found->call_back(callback, data);
  return CL_SUCCESS;
}

cl_int clReleaseEvent(cl_event event) {
  if (driver().events.take(event)) return CL_SUCCESS;
  return driver().violation(CL_INVALID_EVENT, "clReleaseEvent", "it is none, or was released");
}
