// Drivers are looked for once, when someone asks, in the library that was named last.
#include "hal/driver_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A test double: two devices, which refuse to open.
class TwoDevicesDouble final : public Drivers {
 public:
  std::vector<DeviceListing> listings() const override {
    return {{"", "a", "driver", true}, {"", "b", "driver", false}};
  }
  Result<std::shared_ptr<Device>> open(size_t index, const std::string& id, const DeviceOptions&) const override {
    return fail(ErrorCode::kInternal, id, "it is number " + std::to_string(index));
  }
};

// A test double: "two.so" has them.
class DriversDouble final : public DriverBackend {
 public:
  explicit DriversDouble(std::string library) : DriverBackend("double", std::move(library)) {}

  std::vector<std::string> looked_in() const { return looked_in_; }

 private:
  Result<std::unique_ptr<const Drivers>> load(const std::string& library) const override {
    looked_in_.push_back(library);
    if (library == "two.so") return std::make_unique<const TwoDevicesDouble>();
    if (library == "bare.so") return fail(ErrorCode::kNotFound, "drivers", "there is none");
    return fail(ErrorCode::kNotFound, "drivers", library + " was not found", "install it");
  }

  mutable std::vector<std::string> looked_in_;
};

TEST(DriverBackend, LooksOnceAndOnlyWhenAsked) {
  DriversDouble backend("two.so");
  EXPECT_EQ(backend.name(), "double");
  EXPECT_THAT(backend.looked_in(), ElementsAre());
  EXPECT_FALSE(backend.unavailable());
  ASSERT_EQ(backend.devices().size(), 2u);
  EXPECT_EQ(backend.devices()[1].id, "double:1");
  EXPECT_EQ(backend.devices()[1].name, "b");
  EXPECT_THAT(backend.open(1, {}).error().message(), HasSubstr("double:1: it is number 1"));
  EXPECT_THAT(backend.looked_in(), ElementsAre("two.so"));
}

TEST(DriverBackend, TakesAnotherLibraryBeforeItLooksAndNotAfter) {
  DriversDouble backend("missing.so");
  ASSERT_TRUE(backend.use_library("two.so"));
  EXPECT_EQ(backend.devices().size(), 2u);
  EXPECT_EQ(backend.use_library("other.so").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(backend.looked_in(), ElementsAre("two.so"));
}

TEST(DriverBackend, SaysWhyThereIsNoDevice) {
  DriversDouble missing("missing.so"), bare("bare.so");
  EXPECT_EQ(missing.unavailable(), "missing.so was not found; install it");
  EXPECT_EQ(bare.unavailable(), "there is none");
  EXPECT_TRUE(missing.devices().empty());
  EXPECT_EQ(missing.open(0, {}).error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.open(0, {}).error().message(), HasSubstr("missing.so was not found"));
}

TEST(DriverBackend, RefusesOtherIndicesAndBf16) {
  DriversDouble backend("two.so");
  for (const int index : {-1, 2}) EXPECT_EQ(backend.open(index, {}).error().code(), ErrorCode::kNotFound);
  DeviceOptions options;
  options.native_bf16 = true;
  EXPECT_EQ(backend.open(0, options).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace trireme
