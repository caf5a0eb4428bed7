#include "tests/opencl_double/chance.h"

#include <chrono>
#include <iterator>
#include <thread>

namespace trireme::opencl_double {
namespace {

bool hits(uint64_t number, double probability) { return double(number >> 11) * 0x1p-53 < probability; }

}  // namespace

void Chance::set(const OpenClDoubleChance& settings) {
  std::lock_guard lock(mutex_);
  settings_ = settings;
  state_ = settings.seed;
  failures_ = 0;
}

// SplitMix64.
uint64_t Chance::draw() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t number = state_;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

void Chance::delay() {
  std::chrono::microseconds duration{0};
  {
    std::lock_guard lock(mutex_);
    if (settings_.delay <= 0 || !hits(draw(), settings_.delay)) return;
    duration = std::chrono::microseconds(draw() % (uint64_t{settings_.longest_us} + 1));
  }
  std::this_thread::sleep_for(duration);
}

cl_int Chance::call_failure() { return failure(&OpenClDoubleChance::call_failure); }

cl_int Chance::command_failure() { return failure(&OpenClDoubleChance::command_failure); }

cl_int Chance::failure(double OpenClDoubleChance::*probability) {
  constexpr cl_int kCodes[] = {CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_MEM_OBJECT_ALLOCATION_FAILURE,
                               CL_DEVICE_NOT_AVAILABLE};
  std::lock_guard lock(mutex_);
  if (settings_.*probability <= 0 || !hits(draw(), settings_.*probability)) return CL_SUCCESS;
  ++failures_;
  return kCodes[draw() % std::size(kCodes)];
}

uint64_t Chance::failures() const {
  std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace trireme::opencl_double
