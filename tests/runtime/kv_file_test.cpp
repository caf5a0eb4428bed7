// A saved KV cache that is not this model's, or is no saved cache at all, is refused with one line, and the session
// goes on as if it had never seen it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "runtime/files/safetensors_reader.h"
#include "runtime/files/safetensors_writer.h"
#include "runtime/session.h"
#include "tests/support/golden_model.h"
#include "tests/support/test_devices.h"

namespace trireme::runtime {
namespace {

using testing::HasSubstr;

// What a saved file holds, to be changed and written again.
struct SavedCache {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsPlan> plans;
  std::vector<std::vector<std::byte>> data;
};

class KvFile : public testing::Test {
 protected:
  KvFile() {
    const auto golden = testing_support::load_golden_model("llama");
    const auto model = *Model::open(golden.folder);
    SessionOptions options;
    options.context = 64;
    options.max_rows = 8;
    const auto device = testing_support::open_device("reference:0");
    session_ = *Session::create(model, compiler::Placement::on(device, int(model->hyperparameters().layers)), options);
    const SequenceId sequence = *session_->create_sequence();
    for (int i = 0; i < 5; ++i) {
      const StepRow row = {golden.input_ids[size_t(i)], sequence, true};
      EXPECT_TRUE(session_->step({&row, 1}));
    }
    EXPECT_TRUE(session_->save(sequence, path_));
    EXPECT_TRUE(session_->remove_sequence(sequence));
    const auto file = SafetensorsFile::open(path_);
    saved_.metadata = {file->metadata().begin(), file->metadata().end()};
    for (const SafetensorsTensor& tensor : file->tensors()) {
      saved_.plans.push_back({tensor.name, {tensor.shape, tensor.format}});
      saved_.data.emplace_back(tensor.data.begin(), tensor.data.end());
    }
  }
  ~KvFile() override { std::filesystem::remove(path_); }

  // Restores what is left after the change; the error, or "accepted".
  template <typename Change>
  std::string refusal(Change change) {
    SavedCache changed = saved_;
    change(changed);
    auto writer = SafetensorsWriter::create(path_, changed.plans, changed.metadata);
    if (!writer) return "not written";
    for (const auto& bytes : changed.data) EXPECT_TRUE(writer->write(bytes));
    EXPECT_TRUE(writer->finish());
    const auto restored = session_->restore(path_);
    if (restored) {
      EXPECT_TRUE(session_->remove_sequence(*restored));
      return "accepted";
    }
    EXPECT_EQ(restored.error().message().find('\n'), std::string::npos);
    // There is room for one sequence: a refused file may not keep it.
    const auto free = session_->create_sequence();
    EXPECT_TRUE(free && session_->remove_sequence(*free));
    return restored.error().message();
  }
  std::string refusal_with(const char* key, const std::string& value) {
    return refusal([&](SavedCache& cache) { cache.metadata[key] = value; });
  }

  std::string path_ = testing::TempDir() + "/kv_file_test_" + std::to_string(::getpid());
  std::unique_ptr<Session> session_;
  SavedCache saved_;
};

TEST_F(KvFile, NamesWhatItRefuses) {
  EXPECT_EQ(refusal([](SavedCache&) {}), "accepted");
  EXPECT_THAT(refusal_with("kind", "other"), HasSubstr("it is not a saved KV cache"));
  EXPECT_THAT(refusal([](SavedCache& cache) { cache.metadata.clear(); }), HasSubstr("it is not a saved KV cache"));
  EXPECT_THAT(refusal_with("model", "a\nb"), HasSubstr("it belongs to another model: a\\x0ab"));
  EXPECT_THAT(refusal_with("block_size", "1099511627776"), HasSubstr("its blocks hold 1099511627776 tokens"));
  for (const char* length : {"", "-1", "5x", "1099511627776", "9999999999999999999999"})
    EXPECT_THAT(refusal_with("length", length), HasSubstr("its length '" + std::string(length) + "' is not a number"));
  EXPECT_THAT(refusal_with("length", "999999999"), HasSubstr("is needed"));
  const std::string name = saved_.plans.back().name;
  EXPECT_THAT(refusal([](SavedCache& cache) { cache.plans.pop_back(), cache.data.pop_back(); }),
              HasSubstr("it has no tensor " + name));
  EXPECT_THAT(refusal([](SavedCache& cache) {
                cache.plans.back().desc.format = &formats::bf16();
                cache.data.back().resize(cache.data.back().size() / 2);
              }),
              HasSubstr(name + " is BF16"));
  EXPECT_THAT(
      refusal([](SavedCache& cache) { std::swap(cache.plans.back().desc.shape[1], cache.plans.back().desc.shape[0]); }),
      HasSubstr(name + " is "));
}

TEST_F(KvFile, ASequenceLongerThanTheContextIsRefused) {
  const int64_t block_size = std::stol(saved_.metadata.at("block_size"));
  const int64_t blocks = (session_->context() + block_size) / block_size;
  const std::string text = refusal([&](SavedCache& cache) {
    cache.metadata["length"] = std::to_string(session_->context() + 1);
    for (size_t i = 0; i < cache.plans.size(); ++i) {
      cache.plans[i].desc.shape[0] = blocks;
      cache.data[i].resize(size_t(cache.plans[i].desc.bytes()));
    }
  });
  EXPECT_THAT(text, HasSubstr("while restoring " + path_));
}

}  // namespace
}  // namespace trireme::runtime
