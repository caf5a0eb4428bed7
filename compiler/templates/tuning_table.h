// TuningTable: what was measured to be the best schedules on a device.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/templates/matmul_schedule.h"
#include "hal/result.h"

namespace trireme::compiler {

// What ops have in common that share a schedule: the op, its formats and activations, and classes of its sizes. Of
// Matmul and MatmulGlu: "matmul Q4_0 q8, 1 row, up to 1024 columns, up to 4096 outputs", with up to 8 rows and many as
// the other classes.
std::string tuning_key(const OpDesc& op);

struct TuningTable {
  std::string build_key;                                           // of the target that it was measured on
  std::map<std::string, std::optional<MatmulSchedule>> schedules;  // none: the default was the best

  // As a file has it: JSON.
  std::string text() const;
  // Errors: kCorruptData saying what is wrong.
  static Result<TuningTable> parse(const std::string& text);
};

// The tuned one, unless the table has none or the template cannot be written so; else the default.
MatmulSchedule schedule_of(const OpDesc& op, const Target& target, const TuningTable* tuned);

}  // namespace trireme::compiler
