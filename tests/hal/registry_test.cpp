// A device is opened by its id, and only its own backend looks for drivers.
#include "hal/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trireme {
namespace {

using testing::HasSubstr;

// A test double: a backend of one device, which counts how often it is asked for drivers.
class CountingBackend final : public Backend {
 public:
  CountingBackend(std::string name, std::optional<std::string> reason, int* asked)
      : name_(std::move(name)), reason_(std::move(reason)), asked_(asked) {}
  std::string_view name() const override { return name_; }
  std::optional<std::string> unavailable() const override {
    ++*asked_;
    return reason_;
  }
  std::vector<DeviceListing> devices() const override {
    return reason_ ? std::vector<DeviceListing>() : std::vector<DeviceListing>{{name_ + ":0", "double", "", true}};
  }
  Result<std::shared_ptr<Device>> open(int index, const DeviceOptions&) override {
    return fail(ErrorCode::kInternal, name_ + ":" + std::to_string(index), "it was asked to open");
  }

 private:
  std::string name_;
  std::optional<std::string> reason_;
  int* asked_;
};

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() {
    registry_.add(std::make_unique<CountingBackend>("first", std::nullopt, &first_));
    registry_.add(std::make_unique<CountingBackend>("missing", "libmissing.so was not found", &missing_));
    registry_.add(std::make_unique<CountingBackend>("last", std::nullopt, &last_));
  }
  Error error_of(std::string_view id) const { return registry_.open(id).error(); }

  int first_ = 0, missing_ = 0, last_ = 0;
  Registry registry_;
};

TEST_F(RegistryTest, AsksTheBackendOfTheIdAlone) {
  EXPECT_THAT(error_of("last:0").message(), HasSubstr("last:0"));
  EXPECT_THAT(error_of("last:0").message(), HasSubstr("it was asked to open"));
  EXPECT_EQ(first_, 0);
  EXPECT_EQ(missing_, 0);
  EXPECT_GT(last_, 0);
}

TEST_F(RegistryTest, SaysWhyABackendCannotBeUsed) {
  EXPECT_EQ(error_of("missing:0").code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error_of("missing:0").message(), HasSubstr("libmissing.so was not found"));
}

TEST_F(RegistryTest, NamesTheDevicesThatThereAre) {
  for (const char* id : {"other:0", "first:1", "first", "first:x", "first:0x", "first:-1", ":0", ""}) {
    EXPECT_EQ(error_of(id).code(), ErrorCode::kNotFound) << id;
    EXPECT_THAT(error_of(id).message(), HasSubstr("choose one of: first:0, last:0")) << id;
  }
}

}  // namespace
}  // namespace trireme
