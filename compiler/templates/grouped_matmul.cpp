// GroupedMatmul: a group computes a tile of neighbouring rows of one expert's weights. Where experts have few rows of x
// each, it does so for one slot; else two kernels bring the slots together by expert first, and it takes a tile of
// them.
#include "compiler/templates/dot_product.h"
#include "compiler/templates/matmul_tile.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kGroupRows = kTileRows;  // of the weight, that a group computes
constexpr uint32_t kNoPlace = UINT32_MAX;

struct Grouped {
  uint32_t rows = 1;  // capacity
  uint32_t slots = 1;
  uint32_t experts = 1;
  uint32_t outputs = 1;  // rows of an expert's weights
  uint32_t columns = 1;
  bool by_expert = false;  // slots are brought together
  MatmulSchedule schedule;

  uint32_t tile() const { return schedule.tile; }
  uint32_t places() const { return rows * slots; }
  // Tiles of slots of one expert, or of those whose ids name none.
  uint32_t most_tiles() const { return places() / tile() + std::min(experts + 1, places()); }
  // Tiles of the weight that an expert's rows may touch.
  uint32_t weight_tiles() const {
    const bool aligned = outputs % kGroupRows == 0 || experts == 1;
    return ceil_div(outputs + (aligned ? 0 : kGroupRows - 1), kGroupRows);
  }

  // The workspace, in words: the slots of each expert, the expert of each tile, the slots of each tile.
  uint32_t tiles_at() const { return experts + 1; }
  uint32_t places_at() const { return tiles_at() + most_tiles(); }
  uint64_t words() const { return uint64_t(places_at()) + uint64_t(most_tiles()) * tile(); }
};

Grouped grouped_shape(const OpDesc& op, const Target& target) {
  const Shape &w = op.inputs[1].desc.shape, &ids = op.inputs[2].desc.shape;
  Grouped shape{uint32_t(ids[0]),
                uint32_t(ids[1]),
                uint32_t(w[0]),
                uint32_t(w[1]),
                uint32_t(w[2]),
                false,
                default_schedule(op, target)};
  shape.by_expert = shape.rows > 1 && uint64_t(shape.rows) * shape.slots >= 2 * uint64_t(shape.experts);
  if (!shape.by_expert) shape.schedule.tile = 1;
  return shape;
}

// The expert that a slot asks for; all ids that name none give the number of experts.
Term expert_of(CallBuilder& b, const Grouped& shape, uint32_t ids, Term place) {
  return minimum(b.load(ids, place, kernel::kU32), b.u32(shape.experts));
}

// An item an expert counts its slots, and the tiles are made empty.
Result<KernelCall> write_count(const OpDesc& op, const Grouped& shape) {
  CallBuilder b("count_experts_" + std::to_string(shape.experts), kGroupSize);
  const uint32_t ids = b.input(2, "ids");
  const uint32_t order = b.workspace("order", shape.words() * sizeof(uint32_t), Access::kWrite);
  const Term places = b.row_count(op.inputs[2].desc) * shape.slots;
  const Term number = b.named(b.group_id(0) * kGroupSize + b.local_id(), "number");
  b.when(number < shape.experts + 1, [&] {
    const Terms count = b.loop(b.u32(0), places, b.u32(1), {b.u32(0)}, [&](Term place, const Terms& before) {
      const Term is_own = expert_of(b, shape, ids, place) == number;
      return Terms{before[0] + convert(is_own, kernel::Scalar::kU32)};
    });
    b.store(order, number, count[0]);
  });
  b.when(number < shape.most_tiles(), [&] { b.store(order, number + shape.tiles_at(), b.u32(shape.experts + 1)); });
  const uint32_t slots = shape.most_tiles() * shape.tile();
  b.when(number < slots, [&] { b.store(order, number + shape.places_at(), b.u32(kNoPlace)); });
  return b.call({ceil_div(std::max(slots, shape.experts + 1), kGroupSize), 1, 1});
}

// An item a slot finds its place among those of its expert: behind the tiles of the experts before.
Result<KernelCall> write_place(const OpDesc& op, const Grouped& shape) {
  CallBuilder b("place_slots_" + std::to_string(shape.experts), kGroupSize);
  const uint32_t ids = b.input(2, "ids");
  const uint32_t order = b.workspace("order", shape.words() * sizeof(uint32_t), Access::kReadWrite);
  const Term places = b.row_count(op.inputs[2].desc) * shape.slots;
  const Term place = b.named(b.group_id(0) * kGroupSize + b.local_id(), "place");
  b.when(place < places, [&] {
    const Term expert = b.named(expert_of(b, shape, ids, place), "expert");
    const Terms first = b.loop(b.u32(0), expert, b.u32(1), {b.u32(0)}, [&](Term other, const Terms& before) {
      const Term count = b.load(order, other, kernel::kU32);
      return Terms{before[0] + (count + (shape.tile() - 1)) / shape.tile()};
    });
    const Terms rank = b.loop(b.u32(0), place, b.u32(1), {b.u32(0)}, [&](Term other, const Terms& before) {
      const Term is_same = expert_of(b, shape, ids, other) == expert;
      return Terms{before[0] + convert(is_same, kernel::Scalar::kU32)};
    });
    const Term tile = first[0] + rank[0] / shape.tile(), inside = rank[0] % shape.tile();
    b.store(order, tile * shape.tile() + inside + shape.places_at(), place);
    b.when(inside == 0u, [&] { b.store(order, tile + shape.tiles_at(), expert); });
  });
  return b.call({ceil_div(shape.places(), kGroupSize), 1, 1});
}

// The products of a tile of slots with a part of the weight.
class GroupedProduct {
 public:
  GroupedProduct(const OpDesc& op, const Grouped& shape, const RowPart& part, const Target& target)
      : shape_(shape),
        part_(part),
        b_("grouped_matmul_" + std::to_string(shape.outputs) + "x" + std::to_string(shape.columns) + "_of_" +
               std::to_string(shape.experts) + "_tile" + std::to_string(shape.tile()),
           shape.schedule.rows.group_size()),
        x_(b_.input(0, "x")),
        dot_(b_, std::get<GroupedMatmul>(op.params).act, op.inputs[1].desc, 1, x_, shape.schedule.rows, part, target),
        order_(shape.by_expert ? b_.workspace("order", shape.words() * sizeof(uint32_t), Access::kRead)
                               : b_.input(2, "ids")),
        y_(b_.output(0, "y")) {
    const uint32_t rows = shape.schedule.rows.lanes * shape.schedule.rows.strips;
    b_.comment("an item " + (rows == 1 ? std::string("a row") : std::to_string(rows) + " rows") +
               " of an expert's weights in " + op.inputs[1].desc.format->name +
               (shape.by_expert ? ", for slots of the same expert" : ", for a slot"));
    if (!shape.by_expert) places_ = b_.row_count(op.inputs[0].desc) * shape.slots;
    first_tile_ = part.count < shape.experts * shape.outputs ? b_.call_constant("first_tile", part.first / kGroupRows)
                                                             : b_.u32(0);
  }

  Result<KernelCall> write() {
    if (shape_.by_expert)
      write_tile(b_.load(order_, b_.group_id(1) + shape_.tiles_at(), kernel::kU32));
    else
      b_.when(b_.group_id(1) < places_, [&] { write_tile(expert_of(b_, shape_, order_, b_.group_id(1))); });
    return b_.call({shape_.weight_tiles(), shape_.by_expert ? shape_.most_tiles() : shape_.places(), 1});
  }

 private:
  void write_tile(Term loaded) {
    const Term expert = b_.named(loaded, "expert");
    b_.when(expert < shape_.experts, [&] { multiply(expert); });
    // Of the parts one writes the zeros.
    if (part_.first == 0) b_.when(expert == shape_.experts, [&] { write_zeros(); });
  }

  // Of each slot of the tile: its number, and whether there is one.
  TileResults slots() {
    TileResults results{y_, shape_.outputs, {}, {}, {}};
    if (!shape_.by_expert) {
      results.rows = {b_.group_id(1)};
      results.stored = {b_.boolean(true)};
      return results;
    }
    for (uint32_t i = 0; i < shape_.tile(); ++i) {
      const Term place = b_.load(order_, b_.group_id(1) * shape_.tile() + (shape_.places_at() + i), kernel::kU32);
      results.rows.push_back(place);
      results.stored.push_back(place < shape_.places());
    }
    return results;
  }

  void multiply(Term expert) {
    const uint32_t outputs = shape_.outputs, all_rows = shape_.experts * outputs;
    const Term start = outputs % kGroupRows == 0 ? expert * (outputs / kGroupRows) : expert * outputs / kGroupRows;
    const Term tile = b_.named(start + b_.group_id(0), "tile");
    const Term own = tile - first_tile_;
    Term inside = own < ceil_div(part_.count, kGroupRows);
    if (outputs % kGroupRows != 0) inside = inside & (tile * kGroupRows < (expert + b_.u32(1)) * outputs);
    const auto compute = [&] {
      TileResults results = slots();
      results.first = [&](uint32_t lanes) { return tile * (kGroupRows / lanes) - expert * (outputs / lanes); };
      Terms x_rows;
      // Slots that are not there are computed like the first, which is.
      for (size_t i = 0; i < results.rows.size(); ++i)
        x_rows.push_back(select(results.stored[i], results.rows[i], results.rows[0]) / shape_.slots);
      shape_.schedule.rows.each_row_item(b_, [&](Term item) {
        store_tile(b_, shape_.schedule.rows, item, results, dot_.sums(x_rows, own, item),
                   [](Term value, Term, Term) { return value; });
      });
    };
    if (outputs % kGroupRows == 0 && part_.count == all_rows) return compute();
    b_.when(inside, compute);
  }

  void write_zeros() {
    const TileResults results = slots();
    const uint32_t items = shape_.schedule.rows.group_size();
    b_.loop(b_.local_id(), b_.u32(kGroupRows), b_.u32(items), [&](Term i) {
      const Term output = b_.group_id(0) * kGroupRows + i;
      for (size_t slot = 0; slot < results.rows.size(); ++slot)
        b_.when(results.stored[slot] & (output < shape_.outputs),
                [&] { b_.store(y_, results.rows[slot] * shape_.outputs + output, b_.f32(0)); });
    });
  }

  const Grouped& shape_;
  const RowPart& part_;
  CallBuilder b_;
  uint32_t x_;
  DotProduct dot_;
  uint32_t order_;  // or the ids themselves
  uint32_t y_;
  Term places_;
  Term first_tile_;
};

}  // namespace

Result<OpCalls> write_grouped_matmul(const OpDesc& op, const Target& target) {
  const Grouped shape = grouped_shape(op, target);
  TRIREME_ASSIGN(const std::vector<RowPart> parts, row_parts(op.inputs[1].desc, target));
  OpCalls calls;
  if (shape.by_expert) {
    const uint64_t bytes = shape.words() * sizeof(uint32_t);
    if (target.max_buffer_bytes > 0 && bytes > target.max_buffer_bytes)
      return fail(ErrorCode::kUnsupported, "a workspace of " + std::to_string(bytes) + " bytes",
                  "the device binds at most " + std::to_string(target.max_buffer_bytes));
    TRIREME_ASSIGN(KernelCall count, write_count(op, shape));
    calls.push_back(std::move(count));
    TRIREME_ASSIGN(KernelCall place, write_place(op, shape));
    calls.push_back(std::move(place));
  }
  for (const RowPart& part : parts) {
    TRIREME_ASSIGN(KernelCall call, GroupedProduct(op, shape, part, target).write());
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace trireme::compiler
