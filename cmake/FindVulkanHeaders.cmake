# Finds Vulkan's C headers (Debian package libvulkan-dev) as VulkanHeaders_INCLUDE_DIR. The loader is opened at run time.
find_path(VulkanHeaders_INCLUDE_DIR vulkan/vulkan.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(VulkanHeaders REQUIRED_VARS VulkanHeaders_INCLUDE_DIR)
mark_as_advanced(VulkanHeaders_INCLUDE_DIR)
