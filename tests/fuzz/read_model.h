// What happens to a model file's description after it was read: family, hyperparameters, graph.
#pragma once

#include <cstdlib>
#include <string>

#include "graph/models/family.h"

namespace trireme {

// Aborts when an error does not fit on one line, or when hyperparameters that passed every check make a graph that is
// refused for another reason than missing or misshapen tensors.
inline void read_model(const graph::Metadata& metadata, const graph::TensorTable& tensors) {
  const auto require_one_line = [](const Error& error) {
    if (error.message().find('\n') != std::string::npos) std::abort();
  };
  const auto family = graph::find_family(metadata);
  if (!family) return require_one_line(family.error());
  const auto hyperparameters = (*family)->read(metadata, tensors);
  if (!hyperparameters) return require_one_line(hyperparameters.error());
  const Status checked = graph::check(*hyperparameters);
  if (!checked) return require_one_line(checked.error());
  const graph::StepShape step = {.tokens = 8,
                                 .outputs = 2,
                                 .sequences = 2,
                                 .blocks_per_sequence = 4,
                                 .blocks = 8,
                                 .block_size = 32,
                                 .kv_format = &formats::f16()};
  const auto built = (*family)->build(*hyperparameters, tensors, step);
  if (built) return;
  require_one_line(built.error());
  if (built.error().code() == ErrorCode::kInternal) std::abort();
}

}  // namespace trireme
