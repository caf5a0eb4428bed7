// FormatReader: how kernels read a Format's numbers from the bytes that a file holds, from the record alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/kernel/builder.h"
#include "hal/format.h"

namespace trireme::compiler {

// Why no kernel reads the format's integer codes and factors as the decoder does, bit for bit; empty where one does.
// The format must verify.
std::optional<std::string> why_unreadable(const Format& format);

// What kernels look up instead of computing it: codebooks, four int8 a word, and the f32 of numbers of at most a byte.
struct FormatTables {
  std::vector<uint32_t> words;           // all of them; the codebook first
  std::vector<uint32_t> scale, minimum;  // where each factor's table begins; of those without one: unspecified
};
FormatTables format_tables(const Format& format);

// variable * scale + constant, with 0 <= constant < scale where there is a variable.
struct ColumnIndex {
  std::optional<kernel::Term> variable = {};
  int64_t scale = 1;
  int64_t constant = 0;
};

// Reads one row. `stored` is a buffer of packed rows with a word behind them that is read and ignored, `tables` one of
// FormatTables::words; both are counted in u32. Made in the region where it is used. The format must be readable, and
// outlive the reader.
class FormatReader {
 public:
  struct Source {
    uint32_t stored = 0, tables = 0;
    kernel::Term row;         // of the packed rows
    kernel::Term row_blocks;  // the format's blocks in a row
  };

  FormatReader(kernel::Builder& b, const Format& format, const FormatTables& tables, const Source& source);

  // Codes of the columns from `first`, a multiple of four, with signs and zero points, less `lowest`: u32, a byte each.
  kernel::Term four_codes(const ColumnIndex& first, int lowest);
  // The bits of the f32 that the factor is at a column: u32. One, or zero, where the format has none.
  kernel::Term factor(Factor factor, const ColumnIndex& column);
  // The bits of a number at a column: u32.
  kernel::Term number_bits(const Number& number, const ColumnIndex& column);

 private:
  // Of a bit: dynamic + constant, where `dynamic` is a multiple of `alignment`, a power of two up to 32.
  struct BitAddress {
    kernel::Term dynamic;
    int64_t constant = 0;
    int64_t alignment = 32;
  };
  // An entry of a region that begins there.
  struct Entry {
    BitAddress base;
    ColumnIndex number;
  };

  // The same terms for the same operands, so that addresses can be compared.
  kernel::Term once(kernel::Op op, kernel::Term a, uint32_t b);
  kernel::Term sum(kernel::Term a, kernel::Term b);
  kernel::Term word(uint32_t buffer, kernel::Term index);

  ColumnIndex quotient(const ColumnIndex& index, int64_t divisor);
  ColumnIndex remainder(const ColumnIndex& index, int64_t divisor);
  kernel::Term term(const ColumnIndex& index);
  void advance(BitAddress& address, const ColumnIndex& index, int64_t stride);

  BitAddress row_start() const;
  Entry entry_of(const ColumnIndex& column, int64_t section, int64_t group);
  BitAddress address_of(const BitField& field, const BitAddress& base, const ColumnIndex& number);
  // 32 bits from 32 * `index` bits behind the address's dynamic part on.
  kernel::Term word_at(const BitAddress& address, int64_t index);
  kernel::Term bits_at(const BitAddress& address, int width);
  kernel::Term bits_alone(const BitAddress& address, int width);
  kernel::Term digit_of(const RadixDigit& radix, kernel::Term byte, const ColumnIndex& number);
  kernel::Term field_of(const BitField& field, const Entry& entry, bool alone);
  kernel::Term entry_bits(const std::vector<BitField>& fields, const Entry& entry, bool alone);

  std::optional<kernel::Term> side_by_side(const BitField& field, const std::vector<Entry>& entries);
  kernel::Term four_bits(const ColumnIndex& first);
  kernel::Term four_of_codebook(const ColumnIndex& first);
  kernel::Term negated(kernel::Term codes, const ColumnIndex& first);
  kernel::Term less_zero(kernel::Term codes, const ColumnIndex& first);
  kernel::Term value_bits(const Number& number, uint32_t table, const ColumnIndex& column);

  kernel::Builder& b_;
  const Format& format_;
  const FormatTables& tables_;
  Source source_;
  kernel::Term row_start_;
  std::map<std::tuple<kernel::Op, kernel::ValueId, uint64_t>, kernel::Term> terms_;
};

}  // namespace trireme::compiler
