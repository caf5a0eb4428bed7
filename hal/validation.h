// The validation layer: decorates any device and reports misuse of the contract. Made for tests and for porting; it
// costs locks and bookkeeping at every call.
//
// What it finds: ranges outside their buffer; operands whose number or size is not the op's; foreign objects; use of
// freed buffers, lists and timelines, and freeing them in flight; access to one range from two steps between barriers
// when one of them writes, or from two operands of one step; lists submitted unfinished or while still pending; host
// access to memory that a pending submission uses; timelines signalled backwards; assess() and prepare() that disagree;
// objects that outlive their device.
//
// A submission counts as pending until the host has seen it complete: by wait() or value() on a timeline that it, a
// later submission of its device, or a submission that waited for it, signals. So a forgotten wait is found even where
// the device happens to be quick.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "hal/device.h"

namespace trireme {

namespace validation {
class Tracker;
}

// What the devices of one program that are decorated together know of each other. Thread-safe.
class Validation {
 public:
  // `report` is called with each finding, from the thread that caused it; it must not call the devices.
  explicit Validation(std::function<void(const Error&)> report = {});

  std::vector<Error> findings() const;
  const std::shared_ptr<validation::Tracker>& tracker() const { return tracker_; }

 private:
  std::shared_ptr<validation::Tracker> tracker_;
};

// The device behind the layer. Objects of the result and of the undecorated device must not be mixed. A call that
// breaks a rule returns the finding and does not reach the device.
std::shared_ptr<Device> validate(std::shared_ptr<Device> device, const Validation& validation);

}  // namespace trireme
