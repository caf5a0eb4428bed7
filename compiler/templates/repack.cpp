#include "compiler/templates/repack.h"

#include <algorithm>

#include "compiler/kernel/simplify.h"
#include "compiler/templates/templates.h"
#include "hal/format_plan.h"

namespace trireme::compiler {

using kernel::Access;
using kernel::Builder;
using kernel::Term;
using kernel::Terms;

namespace {

constexpr uint64_t kMostStoredBytes = uint64_t{1} << 28;  // whose bits are counted in u32
constexpr uint64_t kBehindStored = 8;                     // up to a whole word, and the one that is read and ignored

// A kernel as the planes have it in common: an item for each word, or for each block of a row's codes.
struct RepackBuilder {
  RepackBuilder(const std::string& plane, const Format& stored_format, const FormatTables& stored_tables)
      : b("repack_" + plane, kGroupSize), format(stored_format), tables(stored_tables) {
    b.comment(plane + " of rows in " + format.name);
    source.stored = b.buffer("stored", Access::kRead);
    if (!tables.words.empty()) source.tables = b.buffer("tables", Access::kRead);
    target = b.buffer(plane, Access::kWrite);
    rows = b.launch("rows", kernel::kU32);
    first_tile = b.launch("first_tile", kernel::kU32);
    source.row_blocks = b.launch("row_blocks", kernel::kU32);
    entries = b.launch("entries", kernel::kU32);
    item = b.named(b.group_id(0) * kGroupSize + b.local_id(), "item");
    tile = b.named(b.group_id(1), "tile");
  }

  // What `read` gives for a row, and zeros behind the last.
  Terms of_row(Term row, size_t count, const std::function<Terms(FormatReader&)>& read) {
    return b.branch(
        row < rows,
        [&] {
          FormatReader::Source own = source;
          own.row = row;
          FormatReader reader(b, format, tables, own);
          return read(reader);
        },
        [&] { return Terms(count, b.u32(0)); });
  }

  Builder b;
  const Format& format;
  const FormatTables& tables;
  FormatReader::Source source;
  uint32_t target = 0;
  Term rows, first_tile, entries, item, tile;
};

// The words of a row's block, see pack_rows().
Terms code_words(Builder& b, FormatReader& reader, const WeightLayout& layout, Term block) {
  const int per_byte = 8 / layout.bits;
  Terms words;
  for (int word = 0; word < layout.bits; ++word) {
    Term packed = b.u32(0);
    for (int part = 0; part < per_byte; ++part) {
      const Term four = reader.four_codes({block, kBlockColumns, (word * per_byte + part) * 4}, layout.lowest);
      packed = packed | (part == 0 ? four : four << uint32_t(layout.bits * part));
    }
    words.push_back(packed);
  }
  return words;
}

Result<RepackKernel> write_codes(const Format& format, const FormatTables& tables, const WeightLayout& layout) {
  RepackBuilder writer("codes", format, tables);
  Builder& b = writer.b;
  const Term block = b.named(writer.item >> 5u, "block"), lane = b.named(writer.item & 31u, "lane");
  b.when(block < writer.entries, [&] {
    const Terms words = writer.of_row((writer.tile << 5u) + lane, size_t(layout.bits),
                                      [&](FormatReader& reader) { return code_words(b, reader, layout, block); });
    // In units of the words that lie together.
    const auto together = uint32_t(layout.together), count = uint32_t(layout.bits) / together;
    const Term first = ((writer.first_tile + writer.tile) * writer.entries + block) * (count << 5u) + lane;
    for (uint32_t i = 0; i < count; ++i) {
      const Terms own(words.begin() + i * together, words.begin() + (i + 1) * together);
      b.store(writer.target, first + (i << 5u), together == 1 ? own[0] : pack(own));
    }
  });
  TRIREME_ASSIGN(const kernel::Function written, b.finish());
  TRIREME_ASSIGN(kernel::Function function, kernel::simplify(written));
  return RepackKernel{std::move(function), kBlockColumns, 1};
}

// A number for each `columns` columns of a row, in 32 / `per_word` bits.
Result<RepackKernel> write_numbers(const std::string& plane, const Format& format, const FormatTables& tables,
                                   int64_t columns, uint32_t per_word,
                                   const std::function<Term(FormatReader&, const ColumnIndex&)>& read) {
  RepackBuilder writer(plane, format, tables);
  Builder& b = writer.b;
  const uint32_t words = uint32_t(kTileRows) / per_word;  // of an entry
  const Term entry = b.named(writer.item / words, "entry"), place = b.named(writer.item % words, "place");
  b.when(entry < writer.entries, [&] {
    Term word = b.u32(0);
    const Term tile_row = writer.tile << 5u;
    for (uint32_t i = 0; i < per_word; ++i) {
      const Term row = tile_row + place * per_word + i;
      const Term number = writer.of_row(row, 1, [&](FormatReader& reader) {
        return Terms{read(reader, {entry, columns, 0})};
      })[0];
      word = word | (i == 0 ? number : number << (i * (32 / per_word)));
    }
    b.store(writer.target, ((writer.first_tile + writer.tile) * writer.entries + entry) * words + place, word);
  });
  TRIREME_ASSIGN(const kernel::Function written, b.finish());
  TRIREME_ASSIGN(kernel::Function function, kernel::simplify(written));
  return RepackKernel{std::move(function), columns, int64_t(per_word)};
}

// Plane 1 of factors in two levels: a whole number less the lowest.
Term whole_number(FormatReader& reader, const Number& number, const ColumnIndex& column) {
  const Term bits = reader.number_bits(number, column);
  if (number.type != NumberType::kSigned) return bits;
  return bits ^ bits.builder->u32(1u << (field_bits(number.fields) - 1));
}

Result<std::vector<RepackKernel>> write_levels(const Format& format, const FormatTables& tables,
                                               const WeightLayout& layout) {
  std::vector<RepackKernel> kernels;
  const uint32_t numbers = layout.has_minimum ? 2 : 1;
  TRIREME_ASSIGN(RepackKernel wholes, write_numbers("factors", format, tables, layout.group, 4 / numbers,
                                                    [&](FormatReader& reader, const ColumnIndex& column) {
                                                      const Term scale = whole_number(reader, format.scale[1], column);
                                                      if (!layout.has_minimum) return scale;
                                                      return scale |
                                                             (whole_number(reader, format.minimum[1], column) << 8u);
                                                    }));
  kernels.push_back(std::move(wholes));
  TRIREME_ASSIGN(RepackKernel halves, write_numbers("block_factors", format, tables, layout.scale_levels->columns,
                                                    2 / numbers, [&](FormatReader& reader, const ColumnIndex& column) {
                                                      const Term scale = reader.number_bits(format.scale[0], column);
                                                      if (!layout.has_minimum) return scale;
                                                      return scale |
                                                             (reader.number_bits(format.minimum[0], column) << 16u);
                                                    }));
  kernels.push_back(std::move(halves));
  return kernels;
}

Result<std::vector<RepackKernel>> write_factors(const Format& format, const FormatTables& tables,
                                                const WeightLayout& layout) {
  std::vector<RepackKernel> kernels;
  TRIREME_ASSIGN(RepackKernel scales, write_numbers("scales", format, tables, layout.group, layout.half_scales ? 2 : 1,
                                                    [&](FormatReader& reader, const ColumnIndex& column) {
                                                      return layout.half_scales
                                                                 ? reader.number_bits(format.scale[0], column)
                                                                 : reader.factor(Factor::kScale, column);
                                                    }));
  kernels.push_back(std::move(scales));
  if (!layout.has_minimum) return kernels;
  TRIREME_ASSIGN(RepackKernel minima, write_numbers("minima", format, tables, layout.group, 1,
                                                    [](FormatReader& reader, const ColumnIndex& column) {
                                                      return reader.factor(Factor::kMinimum, column);
                                                    }));
  kernels.push_back(std::move(minima));
  return kernels;
}

}  // namespace

std::optional<std::string> why_packed_by_host(const TensorDesc& weight, const WeightLayout& layout,
                                              const Target& target) {
  const Format& format = *weight.format;
  if (!target.repacks_weights) return "its memory is the host's, or it is software";
  if (layout.kind != WeightKind::kInteger) return "its planes are not codes";
  if (auto why = why_unreadable(format)) return why;
  const uint64_t fewest = uint64_t(format.row_bytes(weight.shape.back())) * kTileRows,
                 tables = format_tables(format).words.size() * 4;
  if (fewest > kMostStoredBytes) return "a tile of rows is too large";
  if (target.max_buffer_bytes != 0 && std::max(fewest + kBehindStored, tables) > target.max_buffer_bytes)
    return "the device binds less than a tile of rows";
  return std::nullopt;
}

int64_t repack_chunk_rows(const Format& format, int64_t columns, const Target& target) {
  uint64_t bytes = kRepackChunkBytes;
  if (target.max_buffer_bytes != 0) bytes = std::min(bytes, target.max_buffer_bytes - kBehindStored);
  const uint64_t tiles = bytes / (uint64_t(format.row_bytes(columns)) * kTileRows);
  return int64_t(std::max<uint64_t>(1, tiles)) * kTileRows;
}

Result<std::vector<RepackKernel>> write_repack(const Format& format, const FormatTables& tables,
                                               const WeightLayout& layout) {
  std::vector<RepackKernel> kernels;
  TRIREME_ASSIGN(RepackKernel codes, write_codes(format, tables, layout));
  kernels.push_back(std::move(codes));
  TRIREME_ASSIGN(std::vector<RepackKernel> others,
                 layout.scale_levels ? write_levels(format, tables, layout) : write_factors(format, tables, layout));
  std::move(others.begin(), others.end(), std::back_inserter(kernels));
  return kernels;
}

RepackLaunch repack_launch(const RepackKernel& kernel, const Format& format, int64_t first, int64_t rows,
                           int64_t columns) {
  const auto entries = uint32_t(columns / kernel.columns), tiles = ceil_div(rows, kTileRows);
  RepackLaunch launch;
  launch.groups = {ceil_div(entries * (kTileRows / kernel.rows_word), kGroupSize), tiles, 1};
  launch.words = {uint32_t(rows), uint32_t(first / kTileRows), uint32_t(columns / format.block_elements), entries};
  return launch;
}

}  // namespace trireme::compiler
