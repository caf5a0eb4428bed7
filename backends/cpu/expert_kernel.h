// ExpertKernel: a kernel whose rows each use some of many experts. Rows are brought together by expert first, so that
// an expert's weights are read once for all rows that use it.
#pragma once

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernel.h"

namespace trireme::cpu {

struct ExpertSizes {
  int64_t experts = 0;
  int64_t rows = 0;     // capacity
  int64_t slots = 0;    // of a row, each with the id of an expert
  int64_t outputs = 0;  // of a slot
};

// The slots that use one expert.
struct ExpertRows {
  int64_t expert = 0;
  int64_t count = 0;
  const int32_t* rows = nullptr;    // of each: the row of x
  const int32_t* places = nullptr;  // of each: its number among all slots
};

// Scratch for the order of the slots.
inline uint64_t expert_order_bytes(const ExpertSizes& sizes) {
  const int64_t numbers = 2 * (sizes.experts + 2) + 2 * sizes.rows * sizes.slots;
  return (uint64_t(numbers) * sizeof(int32_t) + 63) / 64 * 64;
}

class ExpertKernel : public Kernel {
 public:
  int phases() const override { return 2; }
  int64_t chunks(int phase, const KernelArgs& args) const override {
    return phase == 0 ? 1 : order(args).first_chunks[sizes_.experts];
  }
  void run(int phase, int64_t chunk, int worker, const KernelArgs& args) const override {
    if (phase == 0) return bring_together(args);
    const Order all = order(args);
    const int64_t expert =
        std::upper_bound(all.first_chunks, all.first_chunks + sizes_.experts, int32_t(chunk)) - all.first_chunks - 1;
    run_expert(args, rows_of(all, expert), chunk - all.first_chunks[expert], worker);
  }

 protected:
  // `ids` is the number of that operand; the result is the one behind it.
  ExpertKernel(const ExpertSizes& sizes, size_t ids) : sizes_(sizes), ids_(ids) {}

  const ExpertSizes& sizes() const { return sizes_; }
  float* output(const KernelArgs& args, int64_t place) const {
    return args.operand<float>(ids_ + 1) + place * sizes_.outputs;
  }
  // What the workspace holds behind the order.
  std::byte* scratch(const KernelArgs& args) const { return args.workspace + expert_order_bytes(sizes_); }

  // Chunks of an expert that so many slots use, at least one of them.
  virtual int64_t expert_chunks(int64_t count) const = 0;
  virtual void run_expert(const KernelArgs& args, const ExpertRows& used, int64_t chunk, int worker) const = 0;

 private:
  // Of each expert and one more, to which ids that name none belong: where its slots and chunks begin.
  struct Order {
    int32_t* starts;
    int32_t* first_chunks;
    int32_t* rows;
    int32_t* places;
  };
  Order order(const KernelArgs& args) const {
    auto* starts = reinterpret_cast<int32_t*>(args.workspace);
    int32_t* first_chunks = starts + sizes_.experts + 2;
    int32_t* rows = first_chunks + sizes_.experts + 2;
    return {starts, first_chunks, rows, rows + sizes_.rows * sizes_.slots};
  }
  static ExpertRows rows_of(const Order& all, int64_t expert) {
    const int32_t start = all.starts[expert];
    return {expert, all.starts[expert + 1] - start, all.rows + start, all.places + start};
  }

  void bring_together(const KernelArgs& args) const {
    const Order all = order(args);
    const auto* ids = args.operand<const int32_t>(ids_);
    const auto expert_of = [&](int64_t place) {
      return ids[place] < 0 ? sizes_.experts : std::min<int64_t>(ids[place], sizes_.experts);
    };
    const int64_t places = args.rows * sizes_.slots;
    std::fill_n(all.starts, sizes_.experts + 2, 0);
    for (int64_t place = 0; place < places; ++place) ++all.starts[expert_of(place) + 1];
    int32_t next_chunk = 0;
    for (int64_t expert = 0; expert <= sizes_.experts; ++expert) {
      all.first_chunks[expert] = next_chunk;
      const int32_t count = all.starts[expert + 1];
      if (count > 0 && expert < sizes_.experts) next_chunk += int32_t(expert_chunks(count));
      all.starts[expert + 1] += all.starts[expert];
    }
    for (int64_t place = 0; place < places; ++place) {
      const int32_t at = all.starts[expert_of(place)]++;
      all.rows[at] = int32_t(place / sizes_.slots);
      all.places[at] = int32_t(place);
    }
    // Each now ends where the next began.
    std::memmove(all.starts + 1, all.starts, size_t(sizes_.experts + 1) * sizeof(int32_t));
    all.starts[0] = 0;
    const ExpertRows none = rows_of(all, sizes_.experts);
    for (int64_t i = 0; i < none.count; ++i) std::fill_n(output(args, none.places[i]), sizes_.outputs, 0.0f);
  }

  ExpertSizes sizes_;
  size_t ids_;
};

}  // namespace trireme::cpu
