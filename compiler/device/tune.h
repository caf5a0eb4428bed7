// tune: measures which schedules of the matmul template are the best on a device.
#pragma once

#include <functional>
#include <span>

#include "compiler/templates/tuning_table.h"
#include "hal/device.h"

namespace trireme::compiler {

struct Tuned {
  std::string key;
  std::optional<MatmulSchedule> schedule;  // none: the default is the best
  int candidates = 0;
  double default_s = 0;  // of one launch: the median of both in turn, or of the default alone where nothing beats it
  double best_s = 0;
};

// Of a device that compile_for() gave: its Matmul and MatmulGlu ops, one of each tuning_key() that was not measured
// before (all of them `again`), each candidate once. The three fastest then meet the default in turn, seven times; what
// is not ahead of it in six of them, and by a hundredth, does not replace it.
// `progress` hears of each candidate, of how many there are, and returns false to end with what was found so far. Each
// key is kept for the device's later starts as soon as it is measured. Errors: kUnsupported for a device without the
// compiler's kernels or without a folder for them; those of the device and of writing.
Result<std::vector<Tuned>> tune(Device& device, std::span<const OpDesc> ops,
                                const std::function<bool(int done, int all)>& progress, bool again = false);

// What was tuned for the device, and taking over a table that was measured on its like.
// Errors: kUnsupported as above; kInvalidArgument when the table is of another device or driver; kIo.
Result<TuningTable> tuning_of(const Device& device);
Status adopt_tuning(Device& device, const TuningTable& table);

}  // namespace trireme::compiler
