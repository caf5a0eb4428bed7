// Tuning tables in files, one for each device, driver and version of it.
#pragma once

#include <filesystem>

#include "compiler/templates/tuning_table.h"

namespace trireme::compiler {

// The table of the target in the folder of built kernels; an empty one when there is none. One that cannot be used is
// told at debug level, and is as good as none.
TuningTable load_tuning(const std::filesystem::path& folder, const std::string& build_key);

// Adds the table's schedules, in the place of those of the same keys, at once for other processes. Errors: kIo.
Status add_tuning(const std::filesystem::path& folder, const TuningTable& table);

}  // namespace trireme::compiler
