#include "runtime/convert/encode_tensor.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "hal/format_decoder.h"
#include "runtime/quantize/encoder.h"

namespace trireme::runtime {
namespace {

using graph::TensorTransform;

constexpr int64_t kSlabElements = int64_t{1} << 22;
constexpr int64_t kChunkElements = int64_t{1} << 15;
constexpr size_t kCopyBytes = size_t{1} << 24;

// The place in the source of entry `index` of a dimension that holds whole heads: pairs side by side come from the two
// halves of a head.
int64_t interleaved_source(int64_t index, int64_t head_dim) {
  const int64_t head = index / head_dim * head_dim;
  const int64_t within = index % head_dim;
  return head + within % 2 * (head_dim / 2) + within / 2;
}

class TensorEncoder {
 public:
  TensorEncoder(const ConvertedTensor& tensor, const Format& format, FormatDecoder decoder, Encoder encoder)
      : tensor_(tensor),
        decoder_(std::move(decoder)),
        encoder_(std::move(encoder)),
        rows_(tensor.source.desc.shape.rows()),
        columns_(tensor.source.desc.shape.back()),
        row_bytes_(size_t(format.row_bytes(columns_))),
        chunk_rows_(std::max<int64_t>(1, kChunkElements / columns_)) {}

  Status run(int threads, const std::function<Status(std::span<const std::byte>)>& sink) {
    const int64_t slab_rows = std::max<int64_t>(chunk_rows_, kSlabElements / columns_ / chunk_rows_ * chunk_rows_);
    slab_.resize(size_t(std::min(slab_rows, rows_)) * row_bytes_);
    for (int64_t first = 0; first < rows_; first += slab_rows) {
      const int64_t count = std::min(slab_rows, rows_ - first);
      TRIREME_TRY(encode_slab(first, count, threads));
      TRIREME_TRY(sink(std::span(slab_).first(size_t(count) * row_bytes_)));
    }
    return {};
  }

 private:
  Status encode_slab(int64_t first, int64_t count, int threads) {
    const int64_t chunks = (count + chunk_rows_ - 1) / chunk_rows_;
    std::atomic<int64_t> next = 0;
    std::mutex mutex;
    int64_t failed_chunk = chunks;
    std::optional<Error> error;
    const auto work = [&] {
      std::vector<float> values(size_t(chunk_rows_ * columns_));
      for (int64_t chunk = next++; chunk < chunks; chunk = next++) {
        const int64_t begin = chunk * chunk_rows_;
        Status status = encode_rows(first, begin, std::min(chunk_rows_, count - begin), values);
        if (status) continue;
        // The first row that fails is the one that is told, however the threads ran.
        const std::lock_guard lock(mutex);
        if (chunk < failed_chunk) {
          failed_chunk = chunk;
          error = std::move(status).error();
        }
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (int64_t i = 1; i < std::min<int64_t>(threads, chunks); ++i) helpers.emplace_back(work);
      work();
    }
    if (error) return fail(std::move(*error));
    return {};
  }

  Status encode_rows(int64_t slab_first, int64_t begin, int64_t count, std::vector<float>& values) {
    const std::span<float> all(values.data(), size_t(count * columns_));
    TRIREME_TRY(decode(slab_first + begin, count, all));
    for (int64_t row = 0; row < count; ++row) {
      TRIREME_TRY(encoder_.encode_row(all.subspan(size_t(row * columns_), size_t(columns_)),
                                      std::span(slab_).subspan(size_t(begin + row) * row_bytes_, row_bytes_)));
    }
    return {};
  }

  Status decode(int64_t first, int64_t count, std::span<float> values) const {
    if (tensor_.transform == TensorTransform::kInterleaveHeads) return decode_interleaved(first, count, values);
    TRIREME_TRY(decoder_.decode_rows(tensor_.source, first, count, values));
    if (tensor_.transform == TensorTransform::kAddOne) {
      for (float& value : values) value += 1.0f;
    }
    return {};
  }

  Status decode_interleaved(int64_t first, int64_t count, std::span<float> values) const {
    if (tensor_.source.desc.shape.rank() == 1) {
      std::vector<float> plain(values.size());
      TRIREME_TRY(decoder_.decode_rows(tensor_.source, first, count, plain));
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = plain[size_t(interleaved_source(int64_t(i), tensor_.head_dim))];
      return {};
    }
    for (int64_t row = 0; row < count; ++row) {
      const int64_t source = interleaved_source(first + row, tensor_.head_dim);
      TRIREME_TRY(
          decoder_.decode_rows(tensor_.source, source, 1, values.subspan(size_t(row * columns_), size_t(columns_))));
    }
    return {};
  }

  const ConvertedTensor& tensor_;
  const FormatDecoder decoder_;
  const Encoder encoder_;
  const int64_t rows_;
  const int64_t columns_;
  const size_t row_bytes_;
  const int64_t chunk_rows_;
  std::vector<std::byte> slab_;
};

Status check_transform(const ConvertedTensor& tensor) {
  if (tensor.transform != TensorTransform::kInterleaveHeads) return {};
  const Shape& shape = tensor.source.desc.shape;
  const bool fits = (shape.rank() == 1 || shape.rank() == 2) && tensor.head_dim > 0 && tensor.head_dim % 2 == 0 &&
                    shape[0] % tensor.head_dim == 0;
  if (fits) return {};
  return fail(ErrorCode::kUnsupported, "tensor " + tensor.name,
              "its shape " + shape.text() + " is not made of heads of " + std::to_string(tensor.head_dim));
}

}  // namespace

Status encode_tensor(const ConvertedTensor& tensor, const Format& format, int threads,
                     const std::function<Status(std::span<const std::byte>)>& sink) {
  const HostTensor& source = tensor.source;
  if (&format == source.desc.format && tensor.transform == TensorTransform::kNone) {
    for (size_t done = 0; done < source.data.size(); done += kCopyBytes)
      TRIREME_TRY(sink(source.data.subspan(done, std::min(kCopyBytes, source.data.size() - done))));
    return {};
  }
  TRIREME_TRY(check_transform(tensor));
  TRIREME_ASSIGN(FormatDecoder decoder, find_decoder(*source.desc.format));
  TRIREME_ASSIGN(Encoder encoder, Encoder::create(format));
  auto status = TensorEncoder(tensor, format, std::move(decoder), std::move(encoder)).run(std::max(1, threads), sink);
  if (!status) return fail(std::move(status).error(), "encoding tensor " + tensor.name + " as " + format.name);
  return {};
}

}  // namespace trireme::runtime
