#include "backends/vulkan/library.h"

#include <dlfcn.h>

namespace trireme::vulkan {

std::string version_text(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." + std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

Result<std::shared_ptr<const Library>> Library::load(const std::string& path) {
  // Never closed: drivers leave threads and exit handlers behind.
  void* opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!opened) {
    const char* why = dlerror();
    return fail(ErrorCode::kNotFound, path, why ? why : "it cannot be opened", "install a Vulkan loader and a driver");
  }
  auto library = std::make_shared<Library>();
  library->vkGetInstanceProcAddr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(opened, "vkGetInstanceProcAddr"));
  const char* missing = library->vkGetInstanceProcAddr ? nullptr : "vkGetInstanceProcAddr";
#define TRIREME_VULKAN_FIND(name)                                                                 \
  if (!missing) {                                                                                 \
    library->name = reinterpret_cast<PFN_##name>(library->vkGetInstanceProcAddr(nullptr, #name)); \
    if (!library->name) missing = #name;                                                          \
  }
  TRIREME_VULKAN_LOADER_FUNCTIONS(TRIREME_VULKAN_FIND)
#undef TRIREME_VULKAN_FIND
  if (missing)
    return fail(ErrorCode::kUnsupported, path, "it has no " + std::string(missing),
                "a loader of Vulkan 1.2 or newer is needed");
  uint32_t version = 0;
  if (library->vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version < kOldestVersion)
    return fail(ErrorCode::kUnsupported, path, "it is a loader of Vulkan " + version_text(version),
                "a loader of Vulkan 1.2 or newer is needed");
  return library;
}

Result<Functions> Functions::find(const Library& library, VkInstance instance) {
  Functions functions;
  const char* missing = nullptr;
#define TRIREME_VULKAN_FIND(name) \
  functions.name = reinterpret_cast<PFN_##name>(library.vkGetInstanceProcAddr(instance, #name));
  TRIREME_VULKAN_FUNCTIONS(TRIREME_VULKAN_FIND)
  TRIREME_VULKAN_EXTENSION_FUNCTIONS(TRIREME_VULKAN_FIND)
#undef TRIREME_VULKAN_FIND
#define TRIREME_VULKAN_CHECK(name) \
  if (!functions.name) missing = #name;
  TRIREME_VULKAN_FUNCTIONS(TRIREME_VULKAN_CHECK)
#undef TRIREME_VULKAN_CHECK
  if (missing)
    return fail(ErrorCode::kUnsupported, "vulkan", "the loader has no " + std::string(missing),
                "a loader of Vulkan 1.2 or newer is needed");
  return functions;
}

}  // namespace trireme::vulkan
