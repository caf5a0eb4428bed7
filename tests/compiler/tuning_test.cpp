// Tuned schedules: each candidate computes the same, the best is kept and used, and a file can be shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backends/reference/backend.h"
#include "compiler/cache/tuning_store.h"
#include "compiler/device/compile_for.h"
#include "compiler/device/op_timer.h"
#include "compiler/device/tune.h"
#include "tests/compiler/interpreter_device.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/runner.h"
#include "tests/hal/sample_tiles.h"

namespace trireme::compiler::test {
namespace {

using conformance::CaseSource;
using testing::HasSubstr;

class Tuning : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Target target(uint32_t lanes) {
    Target target;
    target.build_key = "an interpreter";
    target.vector_lanes = lanes;
    target.software = lanes > 1;
    return target;
  }
  Result<std::shared_ptr<Device>> open(const Target& target) const {
    return compile_for(create_interpreter_device(target), folder_);
  }
  static Target matrix_target() {
    Target units = target(1);
    units.matrix = trireme::test::tile_of_32_items();
    units.subgroup_size = units.matrix->lanes;
    return units;
  }
  static CaseSource named(const std::string& name) {
    for (const CaseSource& source : conformance::all_cases(4))
      if (source.name == name) return source;
    ADD_FAILURE() << "there is no case " << name;
    return {};
  }
  static OpDesc op_of(const CaseSource& source) { return source.make(source.name)->op; }

  std::filesystem::path folder_ = testing::TempDir() + "trireme_tuning_" + std::to_string(::getpid());
};

TEST_F(Tuning, EachCandidateComputesWhatTheReferenceDoes) {
  const auto reference = *reference::create_backend()->open(0, {});
  for (const uint32_t lanes : {1u, 8u})
    for (const char* name : {"matmul Q4_0 q8 1x1x32", "matmul Q4_0 q8 2x35x512", "matmul F32 float 81x19x41",
                             "matmul_glu Q8_0 q8 5x64x256 activation 1 quantised of which 4"}) {
      const CaseSource source = named(name);
      const OpDesc op = op_of(source);
      const Target limits = create_interpreter_device(target(lanes))->target();
      const auto candidates = candidate_schedules(op, limits);
      ASSERT_GT(candidates.size(), 1u) << name;
      EXPECT_LE(candidates.size(), 100u);
      const uint32_t weights = std::holds_alternative<MatmulGlu>(op.params) ? 2 : 1;
      for (const MatmulSchedule& candidate : candidates)
        EXPECT_LE(weights * candidate.rows.strips * candidate.tile, 32u)
            << candidate.text() << ": more sums than an item can keep";
      for (size_t i = 0; i < candidates.size(); i += lanes == 1 ? 5 : 1) {
        const TuningTable table{limits.build_key, {{tuning_key(op), candidates[i]}}};
        EXPECT_EQ(schedule_of(op, limits, &table), candidates[i]);
        ASSERT_TRUE(add_tuning(folder_, table));
        const auto device = open(target(lanes));
        ASSERT_TRUE(device) << device.error().message();
        const auto result = run_case(**device, *reference, source);
        EXPECT_EQ(result.outcome, conformance::Outcome::kPassed)
            << name << " with " << candidates[i].text() << ": " << result.message;
      }
    }
}

TEST_F(Tuning, MatrixTilesAreTheDefaultOfManyRowsWhereTheDeviceHasThem) {
  const auto reference = *reference::create_backend()->open(0, {});
  const Target limits = create_interpreter_device(matrix_target())->target();
  const CaseSource source = named("matmul Q4_0 q8 81x19x64");
  const OpDesc op = op_of(source);
  EXPECT_EQ(default_schedule(op, limits).text(), "matrix, tile 32");
  EXPECT_EQ(default_schedule(op_of(named("matmul_glu Q4_0 q8 37x40x256 activation 0 of which 34")), limits).text(),
            "matrix, tile 32");
  for (const char* name :
       {"matmul Q4_0 q8 8x20x256 of which 5", "matmul Q4_0 float 81x19x64", "grouped_matmul Q4_0 q8 81x19x64 1 of 4"})
    EXPECT_FALSE(default_schedule(op_of(named(name)), limits).matrix) << name;
  int tiles = 0;
  for (const MatmulSchedule& schedule : candidate_schedules(op, limits)) {
    if (!schedule.matrix) continue;
    ++tiles;
    const TuningTable table{limits.build_key, {{tuning_key(op), schedule}}};
    const auto read = TuningTable::parse(table.text());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(schedule_of(op, limits, &*read), schedule);
    ASSERT_TRUE(add_tuning(folder_, table));
    const auto result = run_case(**open(matrix_target()), *reference, source);
    EXPECT_EQ(result.outcome, conformance::Outcome::kPassed) << schedule.text() << ": " << result.message;
  }
  EXPECT_EQ(tiles, 3);  // 16, 32 and 64 rows
  EXPECT_TRUE(objection({{}, 32, true}, op, target(1)));
  EXPECT_TRUE(objection({{}, 24, true}, op, limits));
}

TEST_F(Tuning, FindsAScheduleForEachKeyAndKeepsIt) {
  const auto device = open(target(1));
  ASSERT_TRUE(device) << device.error().message();
  const OpDesc op = op_of(named("matmul Q4_0 q8 1x1x32"));
  int heard = 0;
  const auto tuned = tune(**device, std::vector<OpDesc>{op, op}, [&](int done, int all) {
    EXPECT_EQ(done, heard++);
    EXPECT_EQ(all, int(candidate_schedules(op, create_interpreter_device(target(1))->target()).size()));
    return true;
  });
  ASSERT_TRUE(tuned) << tuned.error().message();
  ASSERT_EQ(tuned->size(), 1u);
  EXPECT_EQ((*tuned)[0].candidates, heard);
  EXPECT_GT((*tuned)[0].best_s, 0);
  EXPECT_LE((*tuned)[0].best_s, (*tuned)[0].default_s);
  const auto kept = tuning_of(**device);
  ASSERT_TRUE(kept) << kept.error().message();
  ASSERT_TRUE(kept->schedules.contains(tuning_key(op)));
  EXPECT_EQ(kept->schedules.at(tuning_key(op)), (*tuned)[0].schedule);
  EXPECT_EQ((*tuned)[0].schedule.has_value(), (*tuned)[0].best_s < (*tuned)[0].default_s);
}

TEST_F(Tuning, GoesOnWhereItEndedUnlessAskedToMeasureAgain) {
  const auto device = open(target(1));
  const std::vector<OpDesc> ops = {op_of(named("matmul Q4_0 q8 1x1x32")), op_of(named("matmul Q4_0 q8 2x35x512"))};
  int left = int(candidate_schedules(ops[0], create_interpreter_device(target(1))->target()).size());
  const auto begun = tune(**device, ops, [&](int, int) { return left-- > 0; });
  ASSERT_TRUE(begun) << begun.error().message();
  ASSERT_EQ(begun->size(), 1u);
  EXPECT_EQ((*begun)[0].key, tuning_key(ops[0]));
  const auto all = [](int, int) { return true; };
  const auto rest = tune(**open(target(1)), ops, all);
  ASSERT_TRUE(rest) << rest.error().message();
  ASSERT_EQ(rest->size(), 1u);
  EXPECT_EQ((*rest)[0].key, tuning_key(ops[1]));
  EXPECT_TRUE(tune(**device, ops, all)->empty());
  EXPECT_EQ(tune(**device, ops, all, true)->size(), 2u);
}

TEST_F(Tuning, MeasuresOpsWhoseRowsTheStepCounts) {
  const auto device = open(target(1));
  for (const RowDomain domain : {RowDomain::kTokens, RowDomain::kOutputs}) {
    OpDesc op = op_of(named("matmul Q4_0 q8 2x35x512"));
    op.inputs[0].desc.rows = op.outputs[0].rows = domain;
    const auto timer = OpTimer::create(**device, op);
    ASSERT_TRUE(timer) << timer.error().message();
    EXPECT_EQ(timer->op().outputs, op.outputs);
    const auto seconds = timer->seconds(**device);
    ASSERT_TRUE(seconds) << seconds.error().message();
    EXPECT_GT(*seconds, 0);
  }
}

TEST_F(Tuning, EndsWhenItIsToldTo) {
  const auto device = open(target(1));
  const auto tuned = tune(**device, std::vector<OpDesc>{op_of(named("matmul Q4_0 q8 1x1x32"))},
                          [](int done, int) { return done < 2; });
  ASSERT_TRUE(tuned) << tuned.error().message();
  EXPECT_TRUE(tuned->empty());
}

TEST_F(Tuning, AFileCanBeSharedByDevicesOfOneKindAlone) {
  const auto device = open(target(1));
  TuningTable table{"an interpreter",
                    {{"matmul F32 float, 1 row", MatmulSchedule{{8, 1, 4, 2}, 1}}, {"matmul Q4_0 q8", std::nullopt}}};
  const auto read = TuningTable::parse(table.text());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->schedules, table.schedules);
  ASSERT_TRUE(adopt_tuning(**device, *read));
  EXPECT_EQ(load_tuning(folder_, "an interpreter").schedules, table.schedules);
  ASSERT_TRUE(adopt_tuning(**device, {"an interpreter", {{"matmul Q4_0 q8", MatmulSchedule{}}}}));
  const auto both = load_tuning(folder_, "an interpreter").schedules;
  EXPECT_EQ(both.size(), 2u) << "what was there stays";
  EXPECT_EQ(both.at("matmul Q4_0 q8"), MatmulSchedule{});
  EXPECT_TRUE(load_tuning(folder_, "another").schedules.empty());
  table.build_key = "another";
  const Status refused = adopt_tuning(**device, table);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("it was measured on 'another'"));
}

TEST_F(Tuning, WhatIsNoTuningIsRefusedAndNotUsed) {
  for (
      const char* text :
      {"", "[]", "{", R"({"trireme_tuning": 2})", R"({"trireme_tuning": 3, "device": 3, "schedules": {}})",
       R"({"trireme_tuning": 3, "device": "d", "schedules": []})",
       R"({"trireme_tuning": 3, "device": "d", "schedules": {"k": {"items": -1}}})",
       R"({"trireme_tuning": 3, "device": "d", "schedules": {"k": {"items": 1, "lanes": 1, "strips": 1, "splits": 1}}})",
       R"({"trireme_tuning": 3, "device": "d", "schedules": {"k": 7}})"})
    EXPECT_FALSE(TuningTable::parse(text)) << text;
  const OpDesc op = op_of(named("matmul Q4_0 q8 2x35x512"));
  const Target limits = create_interpreter_device(target(1))->target();
  for (const MatmulSchedule& wrong : {MatmulSchedule{{0, 1, 1, 1}, 1}, MatmulSchedule{{32, 1, 2, 1}, 1},
                                      MatmulSchedule{{32, 1, 1, 1024}, 1}, MatmulSchedule{{8, 4, 1, 1}, 1}}) {
    const TuningTable table{"", {{tuning_key(op), wrong}}};
    EXPECT_EQ(schedule_of(op, limits, &table), default_schedule(op, limits)) << wrong.text();
  }
  ASSERT_TRUE(add_tuning(folder_, {"an interpreter", {}}));
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) std::ofstream(entry.path()) << "spoilt";
  EXPECT_TRUE(load_tuning(folder_, "an interpreter").schedules.empty());
}

}  // namespace
}  // namespace trireme::compiler::test
