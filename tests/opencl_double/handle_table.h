// HandleTable: the objects of one kind that an application holds. Handles are numbers that are never used again, so one
// of a released object is always found out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace trireme::opencl_double {

template <typename Handle, typename Object>
class HandleTable {
 public:
  Handle add(std::shared_ptr<Object> object) {
    std::lock_guard lock(mutex_);
    next_ += kStep;
    objects_.emplace(next_, std::move(object));
    return reinterpret_cast<Handle>(next_);
  }
  // Null when it is no handle, or one of an object that was released.
  std::shared_ptr<Object> find(Handle handle) const {
    std::lock_guard lock(mutex_);
    const auto found = objects_.find(reinterpret_cast<uintptr_t>(handle));
    return found == objects_.end() ? nullptr : found->second;
  }
  // What find() gives, and no longer holds it.
  std::shared_ptr<Object> take(Handle handle) {
    std::lock_guard lock(mutex_);
    const auto found = objects_.find(reinterpret_cast<uintptr_t>(handle));
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<Object> object = std::move(found->second);
    objects_.erase(found);
    return object;
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return objects_.size();
  }

 private:
  static constexpr uintptr_t kStep = 64;

  mutable std::mutex mutex_;  // guards what follows
  uintptr_t next_ = 0;
  std::map<uintptr_t, std::shared_ptr<Object>> objects_;
};

}  // namespace trireme::opencl_double
