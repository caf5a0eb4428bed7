// MatmulSchedule: the parameters of the matmul template, which are chosen by default or measured by the tuner.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/kernel/builder.h"
#include "compiler/templates/weight_layout.h"
#include "hal/ops.h"

namespace trireme::compiler {

// How a group shares a tile of kTileRows rows of a weight: row item i has, of strip s, the `lanes` rows that begin at
// (s * items + i) * lanes. On a GPU each has one row, and `splits` items share it, each with every so-many-th block of
// columns, for a gemv has too few rows to keep a GPU's memory busy. Where items are emulated, each has several rows.
// Where an item is a thread of a processor, it has vectors of rows, and is all row items of its tile, one after the
// other.
struct RowTile {
  uint32_t items = uint32_t(kTileRows);
  uint32_t lanes = 1;
  uint32_t strips = 1;
  uint32_t splits = 1;
  bool operator==(const RowTile&) const = default;

  bool in_turn() const { return lanes > 1 && items > 1; }
  uint32_t group_size() const { return in_turn() ? 1 : items * splits; }
  // What a work item does as each of the row items that it is.
  void each_row_item(kernel::Builder& b, const std::function<void(kernel::Term item)>& work) const;
  // Whether this work item stores what its rows give, if `condition` holds.
  kernel::Term stores(kernel::Builder& b, kernel::Term condition) const {
    return splits == 1 ? condition : (b.local_id() < items) & condition;
  }
};

struct MatmulSchedule {
  RowTile rows;
  uint32_t tile = 1;  // activation rows that an item computes at once, or a subgroup by matrix tiles
  // By the target's matrix tiles: a group is a subgroup, which shares the tile of the weight as the tiles say.
  bool matrix = false;
  bool operator==(const MatmulSchedule&) const = default;

  std::string text() const;  // "items 32, lanes 1, strips 1, splits 4, tile 1", "matrix, tile 32"
  uint32_t group_size(const Target& target) const { return matrix ? target.matrix->lanes : rows.group_size(); }
};

// Of Matmul and MatmulGlu. What suits the target's class of devices.
MatmulSchedule default_schedule(const OpDesc& op, const Target& target);

// Why the template cannot be written so for the op and the target; nothing when it can.
std::optional<std::string> objection(const MatmulSchedule& schedule, const OpDesc& op, const Target& target);

// At most 100 that have no objection, the default first.
std::vector<MatmulSchedule> candidate_schedules(const OpDesc& op, const Target& target);

}  // namespace trireme::compiler
