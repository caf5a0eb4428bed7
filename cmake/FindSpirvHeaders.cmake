# Finds SPIR-V's C++ header (Debian package spirv-headers) as SpirvHeaders_INCLUDE_DIR.
find_path(SpirvHeaders_INCLUDE_DIR spirv/unified1/spirv.hpp)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SpirvHeaders REQUIRED_VARS SpirvHeaders_INCLUDE_DIR)
mark_as_advanced(SpirvHeaders_INCLUDE_DIR)
