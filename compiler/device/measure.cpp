#include "compiler/device/measure.h"

#include "compiler/device/op_timer.h"

namespace trireme::compiler {
namespace {

TensorDesc floats(const Shape& shape) { return {shape, &formats::f32()}; }

Result<double> seconds_of(Device& device, const OpDesc& op) {
  TRIREME_ASSIGN(const OpTimer timer, OpTimer::create(device, op));
  return timer.seconds(device);
}

}  // namespace

MeasuredSpeed measure(Device& device) {
  MeasuredSpeed speed;
  constexpr int64_t kElements = 4 << 20;
  const TensorDesc large = floats({kElements});
  if (const auto seconds = seconds_of(device, {Scale{2.0f}, {{large, false}}, {large}, "measure"}))
    speed.read_bytes_per_s = double(2 * kElements * int64_t(sizeof(float))) / *seconds;
  const TensorDesc small = floats({64});
  if (const auto seconds = seconds_of(device, {Scale{2.0f}, {{small, false}}, {small}, "measure"}))
    speed.launch_s = *seconds;
  constexpr int64_t kRows = 32, kSize = 512;
  const OpDesc matmul{
      Matmul{}, {{floats({kRows, kSize}), false}, {floats({kSize, kSize}), true}}, {floats({kRows, kSize})}, "measure"};
  if (const auto seconds = seconds_of(device, matmul))
    speed.multiply_adds_per_s = double(kRows * kSize * kSize) / *seconds;
  return speed;
}

}  // namespace trireme::compiler
