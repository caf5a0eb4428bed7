// DeviceFacts: what a driver says of a device before it is opened.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "backends/vulkan/instance.h"
#include "hal/target.h"

namespace trireme::vulkan {

struct DeviceFacts {
  VkPhysicalDevice device = VK_NULL_HANDLE;
  std::string name;
  std::string driver_name;
  std::string driver_info;
  uint32_t version = 0;  // of Vulkan
  uint32_t driver_version = 0;
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  std::array<uint8_t, VK_UUID_SIZE> cache_uuid{};
  VkPhysicalDeviceLimits limits{};
  uint64_t allocation_bytes = 0;
  VkPhysicalDeviceMemoryProperties memory{};
  std::optional<uint32_t> queue_family;  // that computes
  bool timeline_semaphores = false;
  bool small_stores = false;     // 8- and 16-bit integers, also in storage buffers
  bool integer_dot = false;      // a dot product of four signed bytes is an instruction of the hardware
  uint32_t subgroup_size = 1;    // that the driver takes by itself
  bool sized_subgroups = false;  // kernels can ask for that size, and have sums and maxima over subgroups
  std::vector<std::string> extensions;
  uint64_t host_pointer_alignment = 0;  // 0: host memory cannot be imported
  // Buffers are in memory that the host does not see, and contents go through a staging buffer.
  bool staged = false;

  bool software() const { return type == VK_PHYSICAL_DEVICE_TYPE_CPU; }
  uint32_t sure_subgroup_size() const { return sized_subgroups ? subgroup_size : 0; }  // as Target's
  bool has(std::string_view extension) const;
  std::string driver() const;
  // Among those of `bits`, the memory type for buffers, or for a staging buffer.
  std::optional<uint32_t> buffer_memory(uint32_t bits) const;
  std::optional<uint32_t> host_memory(uint32_t bits) const;
  uint32_t heap() const;  // of buffers
  // Why the device cannot be opened, if so.
  std::optional<std::string> refusal() const;
};

// What kernels for the device are written for.
Target target_of(const DeviceFacts& facts);

// Every device of every driver, in the loader's order. Errors: kNotFound when there is none.
Result<std::vector<DeviceFacts>> find_devices(const Instance& instance);

}  // namespace trireme::vulkan
