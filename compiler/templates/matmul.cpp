// Matmul and MatmulGlu: a group computes a tile of neighbouring rows of the weight for a tile of activation rows.
#include <optional>
#include <set>

#include "compiler/templates/dot_product.h"
#include "compiler/templates/matmul_tile.h"
#include "compiler/templates/matrix_product.h"
#include "hal/operands.h"

namespace trireme::compiler {

using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kRows = kTileRows;  // of the weight, that a group computes; also a group of Q8_ACT

struct MatmulShape {
  RowPart part;          // of the weight
  uint32_t rows = 1;     // capacity
  uint32_t outputs = 1;  // rows of the weight
  uint32_t tile = 1;     // activation rows of an item
};

MatmulShape matmul_shape(const OpDesc& op, const RowPart& part, const MatmulSchedule& schedule) {
  MatmulShape shape;
  shape.part = part;
  shape.rows = uint32_t(op.inputs[0].desc.shape.rows());
  shape.outputs = uint32_t(op.inputs[1].desc.shape.rows());
  shape.tile = schedule.tile;
  return shape;
}

std::string name_of(const char* what, const OpDesc& op, const MatmulShape& shape, const MatmulSchedule& schedule) {
  return std::string(what) + "_" + std::to_string(shape.outputs) + "x" +
         std::to_string(op.inputs[1].desc.shape.back()) + (schedule.matrix ? "_matrix" : "_tile") +
         std::to_string(shape.tile);
}

std::string comment_of(const char* what, const OpDesc& op, const MatmulSchedule& schedule) {
  if (schedule.matrix) return what + std::string("matrix tiles of the weight in ") + op.inputs[1].desc.format->name;
  const uint32_t rows = schedule.rows.lanes * schedule.rows.strips;
  return std::string(what) + "an item " + (rows == 1 ? std::string("a row") : std::to_string(rows) + " rows") +
         " of the weight in " + op.inputs[1].desc.format->name;
}

// The tile of the weight's rows that this group computes.
Term tile_of_group(CallBuilder& b, const MatmulShape& shape) {
  if (shape.part.count == shape.outputs) return b.group_id(0);
  return b.group_id(0) + b.call_constant("first_tile", shape.part.first / kRows);
}

// Products with one constant of the op, whichever way the schedule says.
class TileProduct {
 public:
  TileProduct(CallBuilder& b, const OpDesc& op, int input, uint32_t x, const MatmulShape& shape, const Target& target,
              const MatmulSchedule& schedule) {
    const TensorDesc& weight = op.inputs[size_t(input)].desc;
    if (schedule.matrix)
      matrix_.emplace(b, weight, input, x, shape.tile, shape.part, target);
    else
      dot_.emplace(b, act_scheme(op.params), weight, input, x, schedule.rows, shape.part, target);
  }

  DotProduct& dot() { return *dot_; }
  MatrixProduct& matrix() { return *matrix_; }

 private:
  std::optional<DotProduct> dot_;
  std::optional<MatrixProduct> matrix_;
};

// The activation rows of this group's tile; those past the count are computed like the last one and not stored.
Terms tile_rows(CallBuilder& b, Term rows, uint32_t tile) {
  Terms tiled;
  for (uint32_t i = 0; i < tile; ++i) tiled.push_back(minimum(b.group_id(1) * tile + i, rows - 1u));
  return tiled;
}

// Where the results of this group's tile go.
TileResults results_of(CallBuilder& b, const MatmulShape& shape, uint32_t y, Term rows, Term weight_tile) {
  TileResults results{y, shape.outputs, {}, {}, {}};
  results.first = [=](uint32_t lanes) { return weight_tile * (kRows / lanes); };
  for (uint32_t i = 0; i < shape.tile; ++i) {
    results.rows.push_back(b.group_id(1) * shape.tile + i);
    results.stored.push_back(results.rows.back() < rows);
  }
  return results;
}

Result<KernelCall> write(const Matmul& params, const OpDesc& op, const Target& target, const RowPart& part,
                         const MatmulSchedule& schedule) {
  const MatmulShape shape = matmul_shape(op, part, schedule);
  CallBuilder b(name_of("matmul", op, shape, schedule), schedule.group_size(target));
  b.comment(comment_of("", op, schedule));
  if (schedule.matrix) b.use_matrix(*target.matrix);
  const uint32_t x = b.input(0, "x");
  TileProduct product(b, op, 1, x, shape, target, schedule);
  const uint32_t bias = params.has_bias ? b.plane(2, 0, "bias") : 0;
  const uint32_t residual = params.has_residual ? b.input(params.has_bias ? 3 : 2, "residual") : 0;
  const uint32_t y = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term weight_tile = tile_of_group(b, shape);
  const auto finish = [&](Term value, Term row, Term output) {
    const kernel::Type type = value.type();
    if (params.has_bias) value = value + b.load(bias, output, type);
    const Term at = row * (shape.outputs / uint32_t(type.lanes)) + output;
    return params.has_residual ? value + b.load(residual, at, type) : value;
  };
  const Term first_row = b.group_id(1) * shape.tile;
  b.when(first_row < rows, [&] {
    const TileResults results = results_of(b, shape, y, rows, weight_tile);
    if (schedule.matrix)
      return store_matrix(b, results, first_row, rows, product.matrix().results(first_row, rows, b.group_id(0)),
                          finish);
    const Terms x_rows = tile_rows(b, rows, shape.tile);
    schedule.rows.each_row_item(b, [&](Term item) {
      store_tile(b, schedule.rows, item, results, product.dot().sums(x_rows, b.group_id(0), item), finish);
    });
  });
  return b.call({ceil_div(part.count, kRows), ceil_div(shape.rows, shape.tile), 1});
}

// Whether a work item has a whole group of Q8_ACT in vectors.
bool quantizes_vectors(const RowTile& tile) { return (tile.items == 1 || tile.in_turn()) && tile.lanes >= 4; }

// Quantises the tile's rows of kRows values each, which are in a shared array.
void quantize_shared(CallBuilder& b, uint32_t shared, uint32_t group_size, const MatmulShape& shape, uint32_t y,
                     Term rows, Term weight_tile, const Target& target) {
  b.barrier();
  const auto quantize_row = [&](Term i) {
    const Term row = b.group_id(1) * shape.tile + i;
    b.when((i < shape.tile) & (row < rows), [&] {
      store_q8_group(b, target, {y, row, weight_tile, shape.outputs},
                     [&](Term e) { return b.load_shared(shared, i * kRows + e); });
    });
  };
  if (group_size >= shape.tile) return quantize_row(b.local_id());
  b.loop(b.local_id(), b.u32(shape.tile), b.u32(group_size), quantize_row);
}

using RowItemValues = std::function<Terms(Term item)>;

// The tile's values in a shared array, kRows for each activation row.
uint32_t share_tile(CallBuilder& b, const RowTile& tile, const MatmulShape& shape, const RowItemValues& values_of) {
  const uint32_t shared = b.shared("values", kernel::kF32, kRows * shape.tile);
  tile.each_row_item(b, [&](Term item) {
    const Terms values = values_of(item);
    for (uint32_t i = 0; i < shape.tile; ++i)
      for (uint32_t strip = 0; strip < tile.strips; ++strip) {
        const uint32_t vector = strip * tile.items + i * (kRows / tile.lanes);
        const auto store = [&] { b.store_shared(shared, item + vector, values[i * tile.strips + strip]); };
        if (tile.splits == 1)
          store();
        else
          b.when(tile.stores(b, b.boolean(true)), store);
      }
  });
  return shared;
}

// Quantises the tile's rows of values that the row items of a group have.
void quantize_tile(CallBuilder& b, const RowTile& tile, const MatmulShape& shape, uint32_t y,
                   const RowItemValues& values_of, Term rows, Term weight_tile, const Target& target) {
  const uint32_t shared = share_tile(b, tile, shape, values_of);
  quantize_shared(b, shared, tile.group_size(), shape, y, rows, weight_tile, target);
}

// The same where a work item has all of a tile in vectors.
void quantize_vectors(CallBuilder& b, const RowTile& tile, const MatmulShape& shape, uint32_t y,
                      const RowItemValues& values_of, Term rows, Term weight_tile, const Target& target) {
  const uint32_t count = kRows / tile.lanes;
  const auto quantize_row = [&](Term i, const std::function<Term(uint32_t vector)>& value) {
    const Term row = b.group_id(1) * shape.tile + i;
    b.when(row < rows, [&] {
      Terms vectors;
      for (uint32_t vector = 0; vector < count; ++vector) vectors.push_back(value(vector));
      store_q8_vectors(b, target, {y, row, weight_tile, shape.outputs}, vectors);
    });
  };
  if (!tile.in_turn()) {
    const Terms values = values_of(b.local_id());
    for (uint32_t i = 0; i < shape.tile; ++i)
      quantize_row(b.u32(i), [&](uint32_t vector) { return values[i * count + vector]; });
    return;
  }
  const uint32_t shared = share_tile(b, tile, shape, values_of);
  b.loop(b.u32(0), b.u32(shape.tile), b.u32(1), [&](Term i) {
    quantize_row(i, [&](uint32_t vector) { return b.load_shared(shared, i * count + vector, int(tile.lanes)); });
  });
}

void quantize_matrix(CallBuilder& b, const MatmulShape& shape, uint32_t y, const std::vector<MatrixResult>& values,
                     Term rows, Term weight_tile, const Target& target) {
  const uint32_t shared = b.shared("values", kernel::kF32, kRows * shape.tile);
  for (const MatrixResult& result : values) b.store_shared(shared, result.row * kRows + result.output, result.value);
  quantize_shared(b, shared, target.matrix->lanes, shape, y, rows, weight_tile, target);
}

Term itself(Term value, Term, Term) { return value; }

Result<KernelCall> write(const MatmulGlu& params, const OpDesc& op, const Target& target, const RowPart& part,
                         const MatmulSchedule& schedule) {
  const MatmulShape shape = matmul_shape(op, part, schedule);
  const RowTile& tile = schedule.rows;
  CallBuilder b(name_of(params.quantize ? "matmul_glu_quantize" : "matmul_glu", op, shape, schedule),
                schedule.group_size(target));
  b.comment(comment_of("gate and up, ", op, schedule));
  if (schedule.matrix) b.use_matrix(*target.matrix);
  const uint32_t x = b.input(0, "x");
  TileProduct gate(b, op, 1, x, shape, target, schedule), up(b, op, 2, x, shape, target, schedule);
  const uint32_t y = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term weight_tile = tile_of_group(b, shape), first_row = b.group_id(1) * shape.tile;
  const auto multiply_tiles = [&] {
    std::vector<MatrixResult> values = gate.matrix().results(first_row, rows, b.group_id(0));
    const std::vector<MatrixResult> ups = up.matrix().results(first_row, rows, b.group_id(0));
    for (size_t i = 0; i < values.size(); ++i)
      values[i].value = activate(params.activation, values[i].value) * ups[i].value;
    if (params.quantize) return quantize_matrix(b, shape, y, values, rows, weight_tile, target);
    store_matrix(b, results_of(b, shape, y, rows, weight_tile), first_row, rows, values, itself);
  };
  b.when(first_row < rows, [&] {
    if (schedule.matrix) return multiply_tiles();
    const Terms x_rows = tile_rows(b, rows, shape.tile);
    const auto values_of = [&](Term item) {
      Terms values = gate.dot().sums(x_rows, b.group_id(0), item);
      const Terms ups = up.dot().sums(x_rows, b.group_id(0), item);
      for (size_t i = 0; i < values.size(); ++i) values[i] = activate(params.activation, values[i]) * ups[i];
      return values;
    };
    if (params.quantize) {
      const auto quantize = quantizes_vectors(tile) ? quantize_vectors : quantize_tile;
      return quantize(b, tile, shape, y, values_of, rows, weight_tile, target);
    }
    const TileResults results = results_of(b, shape, y, rows, weight_tile);
    tile.each_row_item(b, [&](Term item) { store_tile(b, tile, item, results, values_of(item), itself); });
  });
  return b.call({ceil_div(part.count, kRows), ceil_div(shape.rows, shape.tile), 1});
}

// The rows of the op's weights in parts, none of which is in two parts of a weight.
Result<std::vector<RowPart>> shared_parts(const OpDesc& op, size_t weights, const Target& target) {
  std::set<uint32_t> ends;
  for (size_t i = 1; i <= weights; ++i) {
    TRIREME_ASSIGN(const std::vector<RowPart> own, row_parts(op.inputs[i].desc, target));
    for (const RowPart& part : own) ends.insert(part.first + part.count);
  }
  std::vector<RowPart> parts;
  uint32_t first = 0;
  for (const uint32_t end : ends) {
    parts.push_back({first, end - first});
    first = end;
  }
  return parts;
}

}  // namespace

Result<OpCalls> write_matmul(const OpDesc& op, const Target& target, const MatmulSchedule& schedule) {
  const auto* const matmul = std::get_if<Matmul>(&op.params);
  TRIREME_ASSIGN(const std::vector<RowPart> parts, shared_parts(op, matmul ? 1 : 2, target));
  OpCalls calls;
  for (const RowPart& part : parts) {
    TRIREME_ASSIGN(KernelCall call, matmul ? write(*matmul, op, target, part, schedule)
                                           : write(std::get<MatmulGlu>(op.params), op, target, part, schedule));
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace trireme::compiler
