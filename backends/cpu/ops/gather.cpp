// EmbedRows, GatherRows, Reshape: rows are copied, decoded or left where they are.
#include <cstring>
#include <optional>

#include "backends/cpu/ops/make_kernel.h"
#include "backends/cpu/ops/row_chunks.h"
#include "backends/cpu/ops/row_reader.h"

namespace trireme::cpu {
namespace {

Status check_indices(const int32_t* indices, int64_t count, int64_t limit, const char* what) {
  for (int64_t i = 0; i < count; ++i)
    if (indices[i] < 0 || indices[i] >= limit)
      return fail(ErrorCode::kInvalidArgument, what,
                  "index " + std::to_string(indices[i]) + " is outside the " + std::to_string(limit) + " rows");
  return {};
}

class EmbedRowsKernel final : public Kernel {
 public:
  EmbedRowsKernel(const EmbedRows& op, const KernelContext& context)
      : map_(context.desc, context.constants), scale_(op.scale), table_(context.desc.inputs[0].desc) {
    if (context.desc.inputs[0].constant) reader_.emplace(*context.constant(0));
  }

  Status check(const KernelArgs& args) const override {
    return check_indices(map_.input<int32_t>(args, 1), args.rows, table_.shape[0], "embed_rows");
  }
  int64_t chunks(int, const KernelArgs& args) const override { return parts().count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const int32_t* ids = map_.input<int32_t>(args, 1);
    for (int64_t row = parts().begin(chunk); row < parts().end(chunk, args.rows); ++row)
      read(ids[row], args, std::span(map_.output<float>(args, 0) + row * columns(), size_t(columns())));
  }

 private:
  int64_t columns() const { return table_.shape[1]; }
  Parts parts() const { return Parts(columns()); }

  void read(int32_t id, const KernelArgs& args, std::span<float> values) const {
    if (reader_) {
      reader_->read(id, values);
    } else {
      const auto row_bytes = size_t(table_.format->row_bytes(columns()));
      (void)decode_row(*table_.format, {map_.input<std::byte>(args, 0) + size_t(id) * row_bytes, row_bytes}, values);
    }
    if (scale_ != 1.0f)
      for (float& value : values) value *= scale_;
  }

  OperandMap map_;
  float scale_;
  TensorDesc table_;
  std::optional<RowReader> reader_;  // empty when the table is bound
};

class GatherRowsKernel final : public Kernel {
 public:
  explicit GatherRowsKernel(const KernelContext& context)
      : map_(context.desc, context.constants), source_(context.desc.inputs[0].desc) {}

  Status check(const KernelArgs& args) const override {
    return check_indices(map_.input<int32_t>(args, 1), args.rows, source_.shape[0], "gather_rows");
  }
  int64_t chunks(int, const KernelArgs& args) const override { return Parts(source_.shape[1]).count(args.rows); }
  void run(int, int64_t chunk, int, const KernelArgs& args) const override {
    const int64_t columns = source_.shape[1];
    const Parts parts(columns);
    const int32_t* rows = map_.input<int32_t>(args, 1);
    for (int64_t row = parts.begin(chunk); row < parts.end(chunk, args.rows); ++row)
      std::memcpy(map_.output<float>(args, 0) + row * columns, map_.input<float>(args, 0) + rows[row] * columns,
                  size_t(columns) * sizeof(float));
  }

 private:
  OperandMap map_;
  TensorDesc source_;
};

// The output is the input's storage.
class ReshapeKernel final : public Kernel {
 public:
  int64_t chunks(int, const KernelArgs&) const override { return 0; }
  void run(int, int64_t, int, const KernelArgs&) const override {}
};

}  // namespace

KernelResult make_kernel(const EmbedRows& op, const KernelContext& context) {
  return std::make_unique<EmbedRowsKernel>(op, context);
}
KernelResult make_kernel(const GatherRows&, const KernelContext& context) {
  return std::make_unique<GatherRowsKernel>(context);
}
KernelResult make_kernel(const Reshape&, const KernelContext&) { return std::make_unique<ReshapeKernel>(); }

}  // namespace trireme::cpu
