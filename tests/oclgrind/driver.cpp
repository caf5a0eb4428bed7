// oclgrind's driver, for tests, with two functions in place of its own: it calls back only for what ends after the
// callback was set, and runs what was enqueued inside a flush or a finish.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>

#define TRIREME_EXPORT extern "C" __attribute__((visibility("default")))

TRIREME_EXPORT cl_int clFlush(cl_command_queue) { return CL_SUCCESS; }

TRIREME_EXPORT cl_int clSetEventCallback(cl_event event, cl_int type, void (*notify)(cl_event, cl_int, void*),
                                         void* data) {
  const auto own = reinterpret_cast<decltype(&clSetEventCallback)>(dlsym(RTLD_NEXT, "clSetEventCallback"));
  cl_command_queue queue = nullptr;
  cl_int code = clGetEventInfo(event, CL_EVENT_COMMAND_QUEUE, sizeof queue, &queue, nullptr);
  if (code == CL_SUCCESS) code = own(event, type, notify, data);
  return code == CL_SUCCESS ? clFinish(queue) : code;
}
