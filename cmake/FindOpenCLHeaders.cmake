# Finds OpenCL's C headers, which Debian's package opencl-headers brings without a library, as OpenCLHeaders_INCLUDE_DIR.
find_path(OpenCLHeaders_INCLUDE_DIR CL/cl.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCLHeaders REQUIRED_VARS OpenCLHeaders_INCLUDE_DIR)
mark_as_advanced(OpenCLHeaders_INCLUDE_DIR)
