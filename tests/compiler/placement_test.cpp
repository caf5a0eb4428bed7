#include "compiler/placement.h"

#include <gtest/gtest.h>

namespace trireme::compiler {
namespace {

// Never computes: placement looks at the pointer alone.
std::shared_ptr<Device> some_device() {
  return {reinterpret_cast<Device*>(0x10), [](Device*) {}};
}

TEST(Placement, CoversEveryLayerOnce) {
  Placement placement = Placement::on(some_device(), 4);
  EXPECT_TRUE(check(placement, 4));
  EXPECT_FALSE(check(placement, 5));
  placement.ranges = {{-1, 1, 0}, {2, 4, 0}};
  EXPECT_TRUE(check(placement, 4));
  placement.ranges = {{-1, 1, 0}, {1, 4, 0}};
  EXPECT_FALSE(check(placement, 4));
  placement.ranges = {{-1, 1, 0}, {3, 4, 0}};
  EXPECT_FALSE(check(placement, 4));
  placement.ranges = {{0, 4, 0}};
  EXPECT_FALSE(check(placement, 4));
  placement.ranges = {{-1, 4, 1}};
  EXPECT_FALSE(check(placement, 4));
  placement.ranges = {{-1, 4, 0}};
  placement.fallback = 0;
  EXPECT_TRUE(check(placement, 4));
  placement.fallback = 1;
  EXPECT_FALSE(check(placement, 4));
}

}  // namespace
}  // namespace trireme::compiler
