#include "hal/tensor_desc.h"

#include <limits>

namespace trireme {

Shape::Shape(std::initializer_list<int64_t> sizes) {
  for (const int64_t size : sizes)
    if (rank_ < kMaxRank) sizes_[size_t(rank_++)] = size;
}

Result<Shape> Shape::from(std::span<const int64_t> sizes) {
  if (sizes.size() > size_t(kMaxRank))
    return fail(ErrorCode::kInvalidArgument, "shape",
                std::to_string(sizes.size()) + " dimensions, at most 4 are allowed");
  Shape shape;
  int64_t elements = 1;
  for (const int64_t size : sizes) {
    if (size < 0 || (size != 0 && elements > std::numeric_limits<int64_t>::max() / 16 / size))
      return fail(ErrorCode::kInvalidArgument, "shape",
                  "dimension " + std::to_string(size) + " is negative or too large");
    elements *= size;
    shape.sizes_[size_t(shape.rank_++)] = size;
  }
  return shape;
}

int64_t Shape::elements() const {
  int64_t product = 1;
  for (int i = 0; i < rank_; ++i)
    if (__builtin_mul_overflow(product, sizes_[size_t(i)], &product)) return std::numeric_limits<int64_t>::max() / 64;
  return product;
}

std::string Shape::text() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string(sizes_[size_t(i)]);
  return text + "]";
}

std::string TensorDesc::text() const {
  std::string sizes = shape.text();
  if (rows == RowDomain::kTokens) sizes.insert(1, "tokens<=");
  if (rows == RowDomain::kOutputs) sizes.insert(1, "outputs<=");
  return (format ? format->name : std::string("?")) + sizes;
}

}  // namespace trireme
