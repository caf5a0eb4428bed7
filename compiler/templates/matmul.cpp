// Matmul and MatmulGlu: a group computes `kRows` neighbouring rows of the weight for a tile of activation rows.
#include "compiler/templates/templates.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Scalar;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint32_t kRows = kTileRows;  // of the weight, an item each; also a group of Q8_ACT
constexpr uint32_t kMostTile = 4;

// What a dot product of one weight row with several activation rows needs.
class DotProduct {
 public:
  DotProduct(CallBuilder& b, ActScheme act, const TensorDesc& weight, int input, uint32_t activations, bool software)
      : b_(b),
        act_(act),
        rows_(weight.shape.rows()),
        columns_(weight.shape.back()),
        layout_(weight_layout(weight)),
        x_(activations),
        software_(software),
        reader_(b, layout_, bind(b, layout_, input), columns_) {}

  // One sum for each of the activation rows, of this item's row in this group's tile. Rows past the last give any
  // number.
  Terms sums(const Terms& x_rows) {
    Terms zeros(x_rows.size(), b_.f32(0));
    if (act_ == ActScheme::kQ8) {
      Terms starts;
      for (const Term& x_row : x_rows) starts.push_back(x_row * uint32_t(q8_row_words(columns_)));
      return b_.loop(b_.u32(0), b_.u32(uint32_t(columns_ / 32)), b_.u32(1), zeros,
                     [&](Term block, const Terms& carried) {
                       // On a processor this makes the items the inner loop, which its compiler can turn into vectors.
                       if (software_) b_.barrier();
                       return add_block(block, starts, carried);
                     });
    }
    const Term row = minimum(b_.group_id(0) * kRows + b_.local_id(), b_.u32(uint32_t(rows_ - 1)));
    return b_.loop(b_.u32(0), b_.u32(uint32_t(columns_)), b_.u32(1), zeros, [&](Term column, const Terms& carried) {
      const Term weight = reader_.element(row, column);
      Terms next;
      for (size_t i = 0; i < x_rows.size(); ++i) {
        const Term x = b_.load(x_, x_rows[i] * uint32_t(columns_) + column, kernel::kF32);
        next.push_back(fused_multiply_add(x, weight, carried[i]));
      }
      return next;
    });
  }

 private:
  static std::vector<uint32_t> bind(CallBuilder& b, const WeightLayout& layout, int input) {
    std::vector<uint32_t> planes;
    for (int i = 0; i < layout.planes(); ++i)
      planes.push_back(b.plane(input, i,
                               "w" + std::to_string(input) +
                                   (i == 0   ? "_codes"
                                    : i == 1 ? "_scales"
                                             : "_minima")));
    return planes;
  }

  // Sums of products inside a group are exact integers: of unsigned codes, and `lowest` times the activations' own sum.
  Terms add_block(Term block, const Terms& starts, const Terms& carried) {
    const Term tile = b_.group_id(0), lane = b_.local_id();
    const std::vector<Term> words = reader_.code_words(tile, lane, block);
    const auto groups = uint32_t(32 / layout_.group);
    Terms scales, minima;
    for (uint32_t g = 0; g < groups; ++g) {
      scales.push_back(reader_.scale(tile, lane, block * groups + g));
      if (layout_.has_minimum) minima.push_back(reader_.minimum(tile, lane, block * groups + g));
    }
    Terms next;
    for (size_t i = 0; i < starts.size(); ++i) {
      std::vector<Term> codes;
      for (uint32_t word = 0; word < 8; ++word)
        codes.push_back(b_.load(x_, starts[i] + (block << 3u) + word, kernel::kU32));
      const Term act_scale = b_.load(x_, starts[i] + uint32_t(columns_ / 4) + block, kernel::kF32);
      Term total = b_.f32(0);
      for (uint32_t g = 0; g < groups; ++g) {
        const uint32_t first = g * 8 / groups, count = 8 / groups;
        const Term own = act_sum(starts[i], block, codes, first, count);
        Term products = own * b_.i32(layout_.lowest);
        for (uint32_t word = first; word < first + count; ++word)
          products = dot4_unsigned(words[word], codes[word], products);
        Term part = convert(products, Scalar::kF32) * scales[g];
        if (layout_.has_minimum) part = part + convert(own, Scalar::kF32) * minima[g];
        total = g == 0 ? part : total + part;
      }
      next.push_back(carried[i] + total * act_scale);
    }
    return next;
  }

  // The sum of the activations' codes in a group: stored for 32, added up for 16.
  Term act_sum(Term start, Term block, const std::vector<Term>& codes, uint32_t first, uint32_t count) {
    if (count == 8) {
      const Term at = start + uint32_t(columns_ / 4 + columns_ / 32) + block;
      return b_.load(x_, at, kernel::kI32);
    }
    Term sum = b_.i32(0);
    for (uint32_t word = first; word < first + count; ++word) sum = dot4_unsigned(b_.u32(0x01010101), codes[word], sum);
    return sum;
  }

  CallBuilder& b_;
  ActScheme act_;
  int64_t rows_;
  int64_t columns_;
  WeightLayout layout_;
  uint32_t x_;
  bool software_;
  WeightReader reader_;
};

struct Shape2 {
  uint32_t rows = 1;     // capacity
  uint32_t outputs = 1;  // rows of the weight
  uint32_t tile = 1;     // activation rows of an item
};

Shape2 shape_of(const OpDesc& op) {
  Shape2 shape;
  shape.rows = uint32_t(op.inputs[0].desc.shape.rows());
  shape.outputs = uint32_t(op.inputs[1].desc.shape.rows());
  shape.tile = std::min(shape.rows, kMostTile);
  return shape;
}

std::string name_of(const char* what, const OpDesc& op, const Shape2& shape) {
  return std::string(what) + "_" + std::to_string(shape.outputs) + "x" +
         std::to_string(op.inputs[1].desc.shape.back()) + "_tile" + std::to_string(shape.tile);
}

// The activation rows of this group's tile; those past the count are computed like the last one and not stored.
Terms tile_rows(CallBuilder& b, Term rows, uint32_t tile) {
  Terms tiled;
  for (uint32_t i = 0; i < tile; ++i) tiled.push_back(minimum(b.group_id(1) * tile + i, rows - 1u));
  return tiled;
}

Result<OpCalls> write(const Matmul& params, const OpDesc& op, const Target& target) {
  const Shape2 shape = shape_of(op);
  CallBuilder b(name_of("matmul", op, shape), kRows);
  b.comment("an item a row of the weight in " + op.inputs[1].desc.format->name);
  const uint32_t x = b.input(0, "x");
  DotProduct dot(b, params.act, op.inputs[1].desc, 1, x, target.software);
  const uint32_t bias = params.has_bias ? b.plane(2, 0, "bias") : 0;
  const uint32_t residual = params.has_residual ? b.input(params.has_bias ? 3 : 2, "residual") : 0;
  const uint32_t y = b.output(0, "y");
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term output = b.named(b.group_id(0) * kRows + b.local_id(), "output");
  b.when(b.group_id(1) * shape.tile < rows, [&] {
    const Terms sums = dot.sums(tile_rows(b, rows, shape.tile));
    for (uint32_t i = 0; i < shape.tile; ++i) {
      const Term row = b.group_id(1) * shape.tile + i;
      b.when((row < rows) & (output < shape.outputs), [&] {
        Term value = sums[i];
        if (params.has_bias) value = value + b.load(bias, output, kernel::kF32);
        const Term at = row * shape.outputs + output;
        if (params.has_residual) value = value + b.load(residual, at, kernel::kF32);
        b.store(y, at, value);
      });
    }
  });
  return b.calls({ceil_div(shape.outputs, kRows), ceil_div(shape.rows, shape.tile), 1});
}

Result<OpCalls> write(const MatmulGlu& params, const OpDesc& op, const Target& target) {
  const Shape2 shape = shape_of(op);
  CallBuilder b(name_of(params.quantize ? "matmul_glu_quantize" : "matmul_glu", op, shape), kRows);
  b.comment("gate and up, an item a row of each weight in " + op.inputs[1].desc.format->name);
  const uint32_t x = b.input(0, "x");
  DotProduct gate(b, params.act, op.inputs[1].desc, 1, x, target.software);
  DotProduct up(b, params.act, op.inputs[2].desc, 2, x, target.software);
  const uint32_t y = b.output(0, "y");
  const uint32_t values = params.quantize ? b.shared("values", kernel::kF32, kRows * shape.tile) : 0;
  const Term rows = b.row_count(op.inputs[0].desc);
  const Term item = b.local_id();
  const Term output = b.named(b.group_id(0) * kRows + item, "output");
  b.when(b.group_id(1) * shape.tile < rows, [&] {
    const Terms x_rows = tile_rows(b, rows, shape.tile);
    const Terms gates = gate.sums(x_rows), ups = up.sums(x_rows);
    for (uint32_t i = 0; i < shape.tile; ++i) {
      const Term value = activate(b, params.activation, gates[i]) * ups[i];
      const Term row = b.group_id(1) * shape.tile + i;
      if (params.quantize) {
        b.store_shared(values, item + i * kRows, value);
      } else {
        b.when((row < rows) & (output < shape.outputs), [&] { b.store(y, row * shape.outputs + output, value); });
      }
    }
    if (!params.quantize) return;
    b.barrier();
    b.when((item < shape.tile) & (b.group_id(1) * shape.tile + item < rows), [&] {
      const Term row = b.group_id(1) * shape.tile + item;
      store_q8_group(b, y, row * uint32_t(q8_row_words(shape.outputs)), b.group_id(0), shape.outputs,
                     [&](Term e) { return b.load_shared(values, item * kRows + e); });
    });
  });
  return b.calls({ceil_div(shape.outputs, kRows), ceil_div(shape.rows, shape.tile), 1});
}

}  // namespace

Result<OpCalls> write_matmul(const OpDesc& op, const Target& target) {
  if (const auto* matmul = std::get_if<Matmul>(&op.params)) return write(*matmul, op, target);
  return write(std::get<MatmulGlu>(op.params), op, target);
}

}  // namespace trireme::compiler
