#include "compiler/templates/matmul_schedule.h"

#include <algorithm>

#include "compiler/templates/matrix_product.h"
#include "hal/operands.h"

namespace trireme::compiler {
namespace {

constexpr uint32_t kMostColumnSplits = 16;
constexpr uint32_t kMostTile = 8;
constexpr uint32_t kDefaultTile = 4;
// An emulated GPU makes a vector of so many neighbouring items; each has several rows, for which it takes activations
// apart once.
constexpr uint32_t kSoftwareRowItems = 8;

uint32_t weight_count(const OpDesc& op) { return std::holds_alternative<MatmulGlu>(op.params) ? 2 : 1; }

// Of a group without matrix tiles: what items that share a row have of its sums, and a tile that is quantised.
uint64_t shared_bytes(const OpDesc& op, const MatmulSchedule& schedule) {
  const auto& [rows, tile, matrix] = schedule;
  const uint64_t sums = uint64_t(tile) * rows.strips * rows.group_size();
  const auto* const glu = std::get_if<MatmulGlu>(&op.params);
  return 4 *
         ((rows.splits > 1 ? weight_count(op) * sums : 0) + (glu && glu->quantize ? uint64_t(tile) * kTileRows : 0));
}

// Where items have several rows or vectors of them, the weight lies in tiles. A gemv reads a tile in its order, as an
// item's vectors of rows. With more activation rows the tile comes from a cache, and a processor has not the registers
// for the sums of more vectors.
RowTile default_rows(const OpDesc& op, uint32_t activation_rows, const Target& target) {
  constexpr uint32_t kMostVectors = 2;
  const int64_t columns = op.inputs[1].desc.shape.back();
  const uint32_t lanes = target.vector_lanes;
  RowTile tile;
  if (lanes > 1 && in_tiles(columns)) {
    const uint32_t vectors = uint32_t(kTileRows) / lanes;
    const uint32_t strips = activation_rows > 1 ? std::min(vectors, kMostVectors) : vectors;
    return {vectors / strips, lanes, strips, 1};
  }
  if (target.software)
    return in_tiles(columns) ? RowTile{kSoftwareRowItems, 1, kTileRows / kSoftwareRowItems, 1} : tile;
  for (RowTile more = tile; tile.splits < kMostColumnSplits; tile = more) {
    more.splits *= 2;
    if (more.group_size() > target.max_group_size || 32 * more.splits > uint64_t(columns) ||
        shared_bytes(op, {more, activation_rows}) > target.shared_bytes)
      break;
  }
  return tile;
}

// Matrix tiles of activation rows that a subgroup has: decoded weights meet each of them.
constexpr uint32_t kMostMatrixColumns = 4;
constexpr uint32_t kDefaultMatrixColumns = 2;

// Matmul and MatmulGlu alone.
bool takes_matrix(const OpDesc& op, const Target& target) {
  if (std::holds_alternative<GroupedMatmul>(op.params) || !target.matrix) return false;
  for (size_t i = 1; i <= weight_count(op); ++i)
    if (matrix_objection(op.inputs[i].desc, act_scheme(op.params), target)) return false;
  return uint32_t(op.inputs[0].desc.shape.rows()) >= target.matrix->n;
}

bool is_power_of_two(uint32_t number) { return number > 0 && (number & (number - 1)) == 0; }

}  // namespace

void RowTile::each_row_item(kernel::Builder& b, const std::function<void(kernel::Term item)>& work) const {
  if (in_turn()) return b.loop(b.u32(0), b.u32(items), b.u32(1), work);
  work(splits == 1 ? b.local_id() : b.local_id() % items);
}

std::string MatmulSchedule::text() const {
  if (matrix) return "matrix, tile " + std::to_string(tile);
  return "items " + std::to_string(rows.items) + ", lanes " + std::to_string(rows.lanes) + ", strips " +
         std::to_string(rows.strips) + ", splits " + std::to_string(rows.splits) + ", tile " + std::to_string(tile);
}

MatmulSchedule default_schedule(const OpDesc& op, const Target& target) {
  const auto rows = uint32_t(op.inputs[0].desc.shape.rows());
  if (takes_matrix(op, target)) {
    const uint32_t columns = rows >= kDefaultMatrixColumns * target.matrix->n ? kDefaultMatrixColumns : 1;
    return {{}, columns * target.matrix->n, true};
  }
  const uint32_t tile = std::min(rows, kDefaultTile);
  return {default_rows(op, tile, target), tile};
}

std::optional<std::string> objection(const MatmulSchedule& schedule, const OpDesc& op, const Target& target) {
  if (schedule.matrix) {
    if (!takes_matrix(op, target)) return "the device has no matrix tiles for it";
    const uint32_t n = target.matrix->n;
    if (schedule.rows != RowTile{}) return "matrix tiles say how rows are shared";
    if (schedule.tile < n || schedule.tile % n != 0 || schedule.tile > kMostMatrixColumns * n)
      return "its tile has no 1 to 4 matrix tiles";
    return std::nullopt;
  }
  const auto& [items, lanes, strips, splits] = schedule.rows;
  for (const uint32_t number : {items, lanes, strips, splits, schedule.tile})
    if (!is_power_of_two(number) || number > uint32_t(kTileRows)) return "its numbers are no powers of two up to 32";
  if (items * lanes * strips != uint32_t(kTileRows)) return "its items have no whole tile of rows";
  if (lanes > target.vector_lanes) return "its vectors are wider than the device's";
  if (schedule.rows.group_size() > target.max_group_size) return "its groups are larger than the device's";
  if (shared_bytes(op, schedule) > target.shared_bytes) return "its groups share more than the device's";
  if (splits > 1 && 32 * int64_t(splits) > op.inputs[1].desc.shape.back()) return "its items share too few columns";
  const bool tiles = in_tiles(op.inputs[1].desc.shape.back());
  if (!tiles && (lanes > 1 || strips > 1)) return "rows of no whole blocks have an item each";
  if (target.vector_lanes > 1 && tiles && ((items > 1 && lanes == 1) || splits > 1))
    return "a thread of a processor has a tile to itself, in vectors";
  if (schedule.tile > kMostTile || int64_t(schedule.tile) > std::max<int64_t>(1, op.inputs[0].desc.shape.rows()))
    return "its tile has more rows than there are";
  return std::nullopt;
}

std::vector<MatmulSchedule> candidate_schedules(const OpDesc& op, const Target& target) {
  constexpr size_t kMost = 100;
  constexpr uint32_t kMostSumsOfAnItem = 32;
  std::vector<MatmulSchedule> found = {default_schedule(op, target)};
  for (uint32_t columns = 1; columns <= kMostMatrixColumns; columns *= 2) {
    const MatmulSchedule schedule{{}, target.matrix ? columns * target.matrix->n : 0, true};
    if (schedule != found[0] && !objection(schedule, op, target)) found.push_back(schedule);
  }
  for (uint32_t items = 1; items <= uint32_t(kTileRows); items *= 2)
    for (uint32_t lanes = 1; items * lanes <= uint32_t(kTileRows); lanes *= 2)
      for (uint32_t splits = 1; splits <= kMostColumnSplits; splits *= 2)
        for (uint32_t tile = 1; tile <= kMostTile; tile *= 2) {
          const MatmulSchedule schedule{{items, lanes, uint32_t(kTileRows) / (items * lanes), splits}, tile};
          // Fewer items than a subgroup leave most of a GPU idle.
          if (items * splits < 8 && target.vector_lanes == 1) continue;
          // So many sums spill, and drivers of processors take minutes to compile them.
          if (weight_count(op) * schedule.rows.strips * tile > kMostSumsOfAnItem) continue;
          if (schedule == found[0] || objection(schedule, op, target)) continue;
          if (found.size() < kMost) found.push_back(schedule);
        }
  return found;
}

}  // namespace trireme::compiler
