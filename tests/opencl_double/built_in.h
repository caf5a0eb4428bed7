// The engine of the custom device: built-in kernels alone, which compute with the loops of the reference backend.
#pragma once

#include "tests/opencl_double/objects.h"

namespace trireme::opencl_double {

// The kernels' names, between semicolons. backends/opencl/built_in_table.cpp says what arguments they take.
std::string built_in_names();
std::shared_ptr<Engine> built_in_engine();

}  // namespace trireme::opencl_double
