#include "tests/support/greedy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace trireme::testing_support {

Result<std::vector<int32_t>> greedy(runtime::Session& session, std::span<const int32_t> ids, size_t count,
                                    size_t chunk) {
  TRIREME_ASSIGN(const runtime::SequenceId sequence, session.create_sequence());
  std::vector<int32_t> all(ids.begin(), ids.end()), found;
  for (size_t done = 0; found.size() < count;) {
    std::vector<runtime::StepRow> rows;
    while (rows.size() < chunk && done < all.size()) rows.push_back({all[done++], sequence, false});
    rows.back().output = done == all.size();
    TRIREME_ASSIGN(const runtime::Logits logits, session.step(rows));
    if (logits.rows == 0) continue;
    const auto row = logits.row(0);
    found.push_back(int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
    all.push_back(found.back());
  }
  TRIREME_TRY(session.remove_sequence(sequence));
  return found;
}

std::shared_ptr<const runtime::Model> open_model(const std::string& path) {
  auto model = runtime::Model::open(path);
  EXPECT_TRUE(model) << model.error().message();
  return model ? *model : nullptr;
}

runtime::SessionOptions small_session() {
  runtime::SessionOptions options;
  options.context = 128;
  options.max_rows = 32;
  return options;
}

Result<std::vector<int32_t>> greedy_on(const std::shared_ptr<const runtime::Model>& model,
                                       compiler::Placement placement, std::span<const int32_t> ids, size_t count) {
  TRIREME_ASSIGN(const auto session, runtime::Session::create(model, std::move(placement), small_session()));
  return greedy(*session, ids, count, 8);
}

void expect_recorded_ids(const std::shared_ptr<const runtime::Model>& model, compiler::Placement placement,
                         const RecordedPrompt& prompt, size_t count) {
  constexpr float kInt8Margin = 0.3F;
  runtime::SessionOptions options = small_session();
  options.max_outputs = int64_t(count);
  const auto session = runtime::Session::create(model, std::move(placement), options);
  ASSERT_TRUE(session) << session.error().message();
  const auto sequence = (*session)->create_sequence();
  ASSERT_TRUE(sequence) << sequence.error().message();
  std::vector<int32_t> ids = prompt.ids;
  ids.insert(ids.end(), prompt.greedy_ids.begin(), prompt.greedy_ids.begin() + std::ptrdiff_t(count - 1));
  std::vector<runtime::StepRow> rows;
  for (size_t i = 0; i < ids.size(); ++i) rows.push_back({ids[i], *sequence, i + count >= ids.size()});
  const auto logits = (*session)->step(rows);
  ASSERT_TRUE(logits) << logits.error().message();
  ASSERT_EQ(size_t(logits->rows), count);
  size_t compared = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!(prompt.margins[i] > kInt8Margin)) continue;
    const auto row = logits->row(int64_t(i));
    EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), prompt.greedy_ids[i]) << "id " << i;
    ++compared;
  }
  EXPECT_GE(compared, count * 3 / 4);
}

}  // namespace trireme::testing_support
