// TensorDesc: shape, format and row domain of one tensor.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "hal/format.h"

namespace trireme {

constexpr int kMaxRank = 4;

// Sizes from the slowest to the fastest dimension. Rank 0 is a scalar.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);
  static Result<Shape> from(std::span<const int64_t> sizes);  // kInvalidArgument: rank, sign or overflow

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return sizes_[size_t(axis)]; }
  int64_t& operator[](int axis) { return sizes_[size_t(axis)]; }
  int64_t back() const { return rank_ == 0 ? 1 : sizes_[size_t(rank_ - 1)]; }  // the fastest dimension
  int64_t elements() const;  // 2^57 - 1 where the product of unchecked sizes does not fit
  int64_t rows() const {
    return rank_ == 0 ? 1 : elements() / (back() ? back() : 1);
  }  // product of all but the fastest
  bool operator==(const Shape&) const = default;
  std::string text() const;  // "[32, 576]"

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

// Which run-time count limits the first dimension. The dimension itself is the capacity that was compiled for;
// entries at or beyond the count are never computed and hold unspecified values.
enum class RowDomain : uint8_t {
  kFixed,    // every entry counts: weights, caches, tables
  kTokens,   // the rows of a step
  kOutputs,  // the rows of a step that ask for logits
};

struct TensorDesc {
  Shape shape;
  const Format* format = nullptr;
  RowDomain rows = RowDomain::kFixed;

  bool operator==(const TensorDesc&) const = default;
  int64_t bytes() const { return format->tensor_bytes(shape.rows(), shape.back()); }
  std::string text() const;  // "F32[tokens<=32, 576]"
};

}  // namespace trireme
