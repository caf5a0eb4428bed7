// Attention: tasks of a few rows and one KV head, and for single rows also of parts of the context.
#include "backends/cpu/ops/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/ops/attention.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "backends/cpu/ops/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace trireme::cpu::HWY_NAMESPACE {

// A whole task.
void attend(const AttentionShape& shape, const AttentionTask& task, const AttentionScratch& scratch,
            const AttentionTarget& target) {
  attend_task(shape, task, scratch);
  for (int64_t q = 0; q < task.rows * shape.group(); ++q) finish_query(shape, scratch.merged, q, target);
}

// A task of one split, to a part.
void attend_part(const AttentionShape& shape, const AttentionTask& task, const AttentionScratch& scratch,
                 const AttentionState& part) {
  attend_task(shape, task, scratch);
  const auto queries = size_t(task.rows * shape.group());
  std::memcpy(part.largest, scratch.merged.largest, queries * sizeof(float));
  std::memcpy(part.total, scratch.merged.total, queries * sizeof(float));
  std::memcpy(part.sums, scratch.merged.sums, queries * size_t(shape.padded) * sizeof(float));
}

// Merges `count` parts, `stride` floats apart, in their order, as attend() does on its way.
void merge_parts(const AttentionShape& shape, const AttentionState& first, int64_t stride, int64_t count, int64_t rows,
                 const AttentionState& merged, const AttentionTarget& target) {
  const int64_t group = shape.group();
  clear(shape, rows * group, merged);
  for (int64_t q = 0; q < rows * group; ++q) {
    for (int64_t i = 0; i < count; ++i)
      merge_query(shape, {first.largest + i * stride, first.total + i * stride, first.sums + i * stride}, q, merged, q);
    finish_query(shape, merged, q, target);
  }
}

}  // namespace trireme::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/cpu/ops/make_kernel.h"

namespace trireme::cpu {
namespace {

HWY_EXPORT(attend);
HWY_EXPORT(attend_part);
HWY_EXPORT(merge_parts);

constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

AttentionShape shape_of(const Attention& op, const OpDesc& desc) {
  const Shape &q = desc.inputs[0].desc.shape, &cache = desc.inputs[1].desc.shape, &table = desc.inputs[3].desc.shape;
  return {.heads = q[1],
          .kv_heads = cache[1],
          .columns = q[2],
          .padded = round_up(q[2], 16),
          .block_size = cache[2],
          .table_columns = table[1],
          .half = desc.inputs[1].desc.format == &formats::f16(),
          .scale = op.scale,
          .softcap = op.softcap,
          .window = op.window};
}

// Consecutive rows of one sequence at consecutive positions.
struct Tile {
  int64_t row;
  int64_t rows;
  int64_t first_split;
  int64_t end_split;
};
// The task list of one run, for any KV head.
struct Plan {
  int64_t tiles;
  int64_t tasks;
  bool parts;  // each task is one split, and a second phase merges them
};
struct PlannedTask {
  int64_t tile;
  int64_t first_split;
  int64_t end_split;
};

// Where everything lies in the workspace, in bytes.
struct Layout {
  Layout(const AttentionShape& shape, int64_t capacity, int threads) {
    const int64_t part_rows = std::min(capacity, kSplitRows);
    const int64_t queries = round_up(shape.queries(), 16);
    state_floats = 2 * queries + queries * shape.padded;
    worker_floats = queries * (shape.padded + kSplitPositions) + kTilePositions * shape.padded + 2 * state_floats;
    row_part_floats = 2 * round_up(shape.group(), 16) + shape.group() * shape.padded;
    tiles_at = round_up(int64_t(sizeof(Plan)), 64);
    tasks_at = tiles_at + round_up(capacity * int64_t(sizeof(Tile)), 64);
    parts_at = tasks_at + round_up((capacity + part_rows * shape.splits()) * int64_t(sizeof(PlannedTask)), 64);
    workers_at = parts_at + (threads > 1 ? part_rows * shape.kv_heads * shape.splits() * row_part_floats * 4 : 0);
    bytes = workers_at + threads * worker_floats * 4;
  }
  int64_t state_floats, worker_floats, row_part_floats, tiles_at, tasks_at, parts_at, workers_at, bytes;
};

class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(const Attention& op, const KernelContext& context)
      : map_(context.desc, context.constants),
        shape_(shape_of(op, context.desc)),
        caches_(context.desc.inputs[1].desc.shape[0]),
        sequences_(context.desc.inputs[3].desc.shape[0]),
        capacity_(context.desc.outputs[0].shape[0]),
        threads_(context.threads),
        quantize_(op.quantize),
        layout_(shape_, capacity_, threads_) {}

  uint64_t workspace_bytes() const override { return uint64_t(layout_.bytes); }
  int phases() const override { return 2; }

  Status check(const KernelArgs& args) const override {
    for (int64_t row = 0; row < args.rows; ++row) {
      const int64_t position = positions(args)[row], sequence = sequences(args)[row];
      if (sequence < 0 || sequence >= sequences_ || position < 0 ||
          position >= shape_.table_columns * shape_.block_size)
        return fail(ErrorCode::kInvalidArgument, "attention row " + std::to_string(row),
                    "position " + std::to_string(position) + " of sequence " + std::to_string(sequence) +
                        " is outside the block table");
      const int64_t last = position / shape_.block_size;
      const int64_t first = follows(args, row) ? last : first_seen(position) / shape_.block_size;
      for (int64_t i = first; i <= last; ++i)
        if (const int32_t block = blocks(args, sequence)[i]; block < 0 || block >= caches_)
          return fail(ErrorCode::kInvalidArgument, "block table",
                      "block " + std::to_string(block) + " is outside the cache");
    }
    return {};
  }

  int64_t chunks(int phase, const KernelArgs& args) const override {
    if (phase == 0) make_plan(args);
    const Plan& plan = *at<Plan>(args, 0);
    if (phase == 0) return plan.tasks * shape_.kv_heads;
    return plan.parts ? plan.tiles * shape_.kv_heads : 0;
  }

  void run(int phase, int64_t chunk, int worker, const KernelArgs& args) const override {
    const Plan& plan = *at<Plan>(args, 0);
    const int64_t head = chunk % shape_.kv_heads, index = chunk / shape_.kv_heads;
    const AttentionScratch scratch = scratch_of(worker, args);
    if (phase == 1) {
      const Tile& tile = at<Tile>(args, layout_.tiles_at)[index];
      return HWY_DYNAMIC_DISPATCH(merge_parts)(shape_, part(args, tile, head, 0), tile.rows * layout_.row_part_floats,
                                               tile.end_split - tile.first_split, tile.rows, scratch.merged,
                                               target(args, tile, head));
    }
    const PlannedTask& planned = at<PlannedTask>(args, layout_.tasks_at)[index];
    const Tile& tile = at<Tile>(args, layout_.tiles_at)[planned.tile];
    const AttentionTask task = make_task(args, planned, tile, head);
    if (plan.parts) HWY_DYNAMIC_DISPATCH(attend_part)
    (shape_, task, scratch, part(args, tile, head, planned.first_split - tile.first_split));
    else HWY_DYNAMIC_DISPATCH(attend)(shape_, task, scratch, target(args, tile, head));
  }

 private:
  template <typename T>
  static T* at(const KernelArgs& args, int64_t offset) {
    return reinterpret_cast<T*>(args.workspace + offset);
  }
  const int32_t* positions(const KernelArgs& args) const { return map_.input<int32_t>(args, 4); }
  const int32_t* sequences(const KernelArgs& args) const { return map_.input<int32_t>(args, 5); }
  const int32_t* blocks(const KernelArgs& args, int64_t sequence) const {
    return map_.input<int32_t>(args, 3) + sequence * shape_.table_columns;
  }
  int64_t first_seen(int64_t position) const {
    return shape_.window > 0 ? std::max<int64_t>(0, position - shape_.window + 1) : 0;
  }
  bool follows(const KernelArgs& args, int64_t row) const {
    return row > 0 && sequences(args)[row] == sequences(args)[row - 1] &&
           positions(args)[row] == positions(args)[row - 1] + 1;
  }
  int64_t offset(const Tile& tile, int64_t head) const {
    return (tile.row * shape_.heads + head * shape_.group()) * shape_.columns;
  }
  AttentionTarget target(const KernelArgs& args, const Tile& tile, int64_t head) const {
    if (!quantize_) return {map_.output<float>(args, 0) + offset(tile, head), nullptr, 0};
    const int64_t row_bytes = formats::q8_act().row_bytes(shape_.heads * shape_.columns);
    return {nullptr, map_.output<std::byte>(args, 0) + tile.row * row_bytes,
            head * shape_.group() * shape_.columns / 32};
  }

  // Late rows see most of the context, so they come first.
  void make_plan(const KernelArgs& args) const {
    Plan& plan = *at<Plan>(args, 0);
    Tile* tiles = at<Tile>(args, layout_.tiles_at);
    PlannedTask* tasks = at<PlannedTask>(args, layout_.tasks_at);
    plan = {};
    for (int64_t end = args.rows, begin = end - 1; end > 0; end = begin, --begin) {
      while (end - begin < shape_.task_rows() && follows(args, begin)) --begin;
      tiles[plan.tiles++] = {begin, end - begin, first_seen(positions(args)[begin]) / kSplitPositions,
                             positions(args)[end - 1] / kSplitPositions + 1};
    }
    plan.parts = threads_ > 1 && args.rows <= kSplitRows;
    for (int64_t i = 0; i < plan.tiles; ++i) {
      const int64_t step = plan.parts ? 1 : tiles[i].end_split - tiles[i].first_split;
      for (int64_t split = tiles[i].first_split; split < tiles[i].end_split; split += step)
        tasks[plan.tasks++] = {i, split, split + step};
    }
    plan.parts = plan.parts && plan.tasks > plan.tiles;
  }

  AttentionTask make_task(const KernelArgs& args, const PlannedTask& planned, const Tile& tile, int64_t head) const {
    const int64_t head_bytes = shape_.block_size * shape_.columns * (shape_.half ? 2 : 4);
    return {.q = map_.input<float>(args, 0) + offset(tile, head),
            .k = map_.input<std::byte>(args, 1) + head * head_bytes,
            .v = map_.input<std::byte>(args, 2) + head * head_bytes,
            .blocks = blocks(args, sequences(args)[tile.row]),
            .rows = tile.rows,
            .position = positions(args)[tile.row],
            .first_split = planned.first_split,
            .end_split = planned.end_split};
  }

  AttentionState part(const KernelArgs& args, const Tile& tile, int64_t head, int64_t split) const {
    const int64_t rows = std::min(capacity_, kSplitRows);
    float* base = at<float>(args, layout_.parts_at) +
                  ((head * rows + tile.row) * shape_.splits() + split * tile.rows) * layout_.row_part_floats;
    const int64_t some = tile.rows * round_up(shape_.group(), 16);
    return {base, base + some, base + 2 * some};
  }

  AttentionScratch scratch_of(int worker, const KernelArgs& args) const {
    const int64_t queries = round_up(shape_.queries(), 16);
    float* next = at<float>(args, layout_.workers_at) + worker * layout_.worker_floats;
    const auto take = [&](int64_t floats) { return std::exchange(next, next + floats); };
    const auto state = [&] {
      AttentionState taken;
      taken.largest = take(queries);
      taken.total = take(queries);
      taken.sums = take(queries * shape_.padded);
      return taken;
    };
    AttentionScratch scratch;
    scratch.q = take(queries * shape_.padded);
    scratch.scores = take(queries * kSplitPositions);
    scratch.tile = take(kTilePositions * shape_.padded);
    scratch.split = state();
    scratch.merged = state();
    return scratch;
  }

  OperandMap map_;
  AttentionShape shape_;
  int64_t caches_;
  int64_t sequences_;
  int64_t capacity_;
  int threads_;
  bool quantize_;
  Layout layout_;
};

}  // namespace

KernelResult make_kernel(const Attention& op, const KernelContext& context) {
  return std::make_unique<AttentionKernel>(op, context);
}

uint64_t attention_workspace_bytes(const OpDesc& desc, int threads) {
  const AttentionShape shape = shape_of(std::get<Attention>(desc.params), desc);
  return uint64_t(Layout(shape, desc.outputs[0].shape[0], threads).bytes);
}

}  // namespace trireme::cpu
#endif  // HWY_ONCE
