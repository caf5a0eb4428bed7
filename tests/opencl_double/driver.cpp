#include "tests/opencl_double/driver.h"

#include <algorithm>
#include <utility>

#include "tests/opencl_double/built_in.h"

namespace trireme::opencl_double {
namespace {

constexpr int kSessions = 4;
constexpr uint64_t kSessionBytes = uint64_t{2} << 30;

std::shared_ptr<Device> make_device(size_t number, std::string name, cl_device_type type) {
  auto device = std::make_shared<Device>();
  device->handle = reinterpret_cast<cl_device_id>(uintptr_t{64} * (number + 1));
  device->name = std::move(name);
  device->type = type;
  device->global_bytes = kSessionBytes;
  return device;
}

}  // namespace

void Context::lose() {
  if (lost.exchange(true) || !notify) return;
  notify("the test double ended a command", nullptr, 0, notify_data);
}

Driver::Driver() {
  for (int session = 0; session < kSessions; ++session)
    devices_.push_back(make_device(devices_.size(),
                                   "Trireme test double: accelerator session " + std::to_string(session),
                                   CL_DEVICE_TYPE_ACCELERATOR));
  devices_.push_back(make_device(devices_.size(), "Trireme test double: custom NPU", CL_DEVICE_TYPE_CUSTOM));
  devices_.back()->built_in_kernels = built_in_names();
}

cl_platform_id Driver::platform() { return reinterpret_cast<cl_platform_id>(uintptr_t{64}); }

Device* Driver::find(cl_device_id handle) const {
  const auto found = std::find_if(devices_.begin(), devices_.end(),
                                  [&](const std::shared_ptr<Device>& device) { return device->handle == handle; });
  return found == devices_.end() ? nullptr : found->get();
}

cl_int Driver::violation(cl_int code, const char* call, const std::string& what) {
  std::lock_guard lock(mutex_);
  if (violation_count_++ == 0) first_violation_ = std::string(call) + ": " + what;
  return code;
}

size_t Driver::take_violations(std::string& first) {
  std::lock_guard lock(mutex_);
  first = std::exchange(first_violation_, {});
  return std::exchange(violation_count_, 0);
}

size_t Driver::live_objects() const {
  return contexts.size() + queues.size() + buffers.size() + programs.size() + kernels.size() + events.size();
}

Driver& driver() {
  static Driver only;
  return only;
}

cl_int begin_call() {
  driver().chance().delay();
  return driver().chance().call_failure();
}

void store(cl_int* place, cl_int code) {
  if (place) *place = code;
}

}  // namespace trireme::opencl_double

using trireme::opencl_double::driver;

void trireme_opencl_double_set_chance(const OpenClDoubleChance* chance) { driver().chance().set(*chance); }

uint64_t trireme_opencl_double_failures() { return driver().chance().failures(); }

size_t trireme_opencl_double_take_violations(char* first, size_t bytes) {
  std::string text;
  const size_t count = driver().take_violations(text);
  if (bytes > 0) first[text.copy(first, bytes - 1)] = '\0';
  return count;
}

size_t trireme_opencl_double_live_objects() { return driver().live_objects(); }
