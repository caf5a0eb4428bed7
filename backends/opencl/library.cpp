#include "backends/opencl/library.h"

#include <dlfcn.h>

#include <type_traits>

namespace trireme::opencl {

Result<std::shared_ptr<const Library>> Library::load(const std::string& path) {
  // Never closed: drivers leave threads and exit handlers behind.
  void* opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!opened) {
    const char* why = dlerror();
    return fail(ErrorCode::kNotFound, "OpenCL", why ? why : path + " cannot be opened",
                "install an OpenCL loader and a driver");
  }
  auto library = std::make_shared<Library>();
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(opened, name));
    if (!function && !missing) missing = name;
  };
#define TRIREME_OPENCL_FIND(name) find(library->name, #name);
  TRIREME_OPENCL_FUNCTIONS(TRIREME_OPENCL_FIND)
#undef TRIREME_OPENCL_FIND
  if (missing)
    return fail(ErrorCode::kUnsupported, "OpenCL", path + " has no " + missing,
                "a loader of OpenCL 1.2 or newer is needed");
  return library;
}

}  // namespace trireme::opencl
