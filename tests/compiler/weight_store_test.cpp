#include "compiler/weight_store.h"

#include <gtest/gtest.h>

#include "tests/hal/forwarding_device.h"

namespace trireme::compiler {
namespace {

class FakeWeight final : public Weight {
 public:
  FakeWeight(TensorDesc desc, bool copied) : desc_(std::move(desc)), copied_(copied) {}
  const TensorDesc& desc() const override { return desc_; }
  uint64_t device_bytes() const override { return copied_ ? 1000 : 0; }
  bool keeps_source() const override { return !copied_; }

 private:
  TensorDesc desc_;
  bool copied_;
};

// Copies the weights of matmuls and reads embeddings in place.
class FakeDevice final : public ForwardingDevice {
 public:
  FakeDevice() : ForwardingDevice(nullptr) {}
  Result<std::shared_ptr<const Weight>> prepare_weight(const HostTensor& tensor, WeightUse use) override {
    ++prepared;
    return std::make_shared<FakeWeight>(tensor.desc, use != WeightUse::kEmbedding);
  }
  int prepared = 0;
};

struct WeightStoreTest : testing::Test {
  const TensorDesc desc{{64, 32}, &formats::f32()};
  graph::Graph graph;
  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  std::vector<std::string> released;
  WeightStore store{[this](const std::string& name) {
    HostTensor tensor{desc, {}, {}, name};
    tensor.release = [this, name](std::span<const std::byte>) { released.push_back(name); };
    return Result<HostTensor>(tensor);
  }};
};

TEST_F(WeightStoreTest, PreparesAConstantOnceForEachUse) {
  const auto table = graph.add_weight("table", desc);
  const auto first = store.get(device, graph, table, WeightUse::kMatmul);
  ASSERT_TRUE(first);
  EXPECT_EQ(*store.get(device, graph, table, WeightUse::kMatmul), *first);
  EXPECT_NE(*store.get(device, graph, table, WeightUse::kEmbedding), *first);
  EXPECT_EQ(device->prepared, 2);
  EXPECT_EQ(released, (std::vector<std::string>{"table", "table"}));
}

// Where a device reads an embedding in place and has a copy for the head, it holds the copy; the few rows that tokens
// ask for come and go with the file's pages.
TEST_F(WeightStoreTest, CountsAConstantOfTwoUsesOnce) {
  ASSERT_TRUE(store.get(device, graph, graph.add_weight("table", desc), WeightUse::kEmbedding));
  EXPECT_EQ(store.bytes(*device).mapped, 64u * 32 * 4);
  EXPECT_EQ(store.bytes(*device).copied, 0u);
  ASSERT_TRUE(store.get(device, graph, 0, WeightUse::kMatmul));
  EXPECT_EQ(store.bytes(*device).mapped, 0u);
  EXPECT_EQ(store.bytes(*device).copied, 1000u);
  ASSERT_TRUE(store.get(device, graph, graph.add_weight("other", desc), WeightUse::kEmbedding));
  EXPECT_EQ(store.bytes(*device).mapped, 64u * 32 * 4);
}

}  // namespace
}  // namespace trireme::compiler
