// What kernels compute on a device is what the interpreter says, whatever the language.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "compiler/kernel/function.h"
#include "hal/kernel_device.h"

namespace trireme::testing_support {

class KernelNumbers {
 public:
  // `emit` writes a kernel in the device's language. The device outlives this.
  KernelNumbers(KernelDevice& device, std::function<Result<KernelSource>(const kernel::Function&)> emit)
      : device_(device), emit_(std::move(emit)) {}

  // Every half, and floats around every place where their rounding changes.
  void expect_exact_halves(int lanes);
  // Integer and exact float ops, conversions, loops and ifs, on random words.
  void expect_exact_ops(int lanes);
  void expect_exact_dot_products(int lanes);
  // Vectors of bool, made and taken apart in every way.
  void expect_exact_masks(int lanes);
  // Sums, differences, products and negations of i32 that do not fit, where an optimiser might say that they do.
  void expect_wrapped_integers();
  // Bytes that are stored as one type, and loaded or stored again as another.
  void expect_punned_memory();

 private:
  // Runs groups of a kernel with the buffers "in" and "out", of as many bytes.
  std::vector<uint32_t> computed(const kernel::Function& function, const std::vector<uint32_t>& in, uint32_t groups);

  KernelDevice& device_;
  std::function<Result<KernelSource>(const kernel::Function&)> emit_;
};

}  // namespace trireme::testing_support
