#include "runtime/tokenizer/pieces.h"

#include <algorithm>

namespace trireme::runtime {
namespace {

void join_runs(std::vector<Part>& parts) {
  size_t kept = 0;
  for (const Part& part : parts) {
    if (kept > 0 && parts[kept - 1].match == part.match) {
      parts[kept - 1].end = part.end;
    } else {
      parts[kept++] = part;
    }
  }
  parts.resize(kept);
}

// A match joins the part before it, unless that is a match as well.
void join_with_previous(std::vector<Part>& parts) {
  size_t kept = 0;
  bool previous = false;
  for (const Part& part : parts) {
    if (part.match && !previous && kept > 0) {
      parts[kept - 1].end = part.end;
    } else {
      parts[kept++] = part;
    }
    previous = part.match;
  }
  parts.resize(kept);
}

void join_with_next(std::vector<Part>& parts) {
  std::vector<Part> joined;
  bool previous = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !previous && !joined.empty()) {
      joined.back().begin = part->begin;
    } else {
      joined.push_back(*part);
    }
    previous = part->match;
  }
  std::reverse(joined.begin(), joined.end());
  parts = std::move(joined);
}

}  // namespace

void apply_behavior(SplitBehavior behavior, std::vector<Part>& parts) {
  switch (behavior) {
    case SplitBehavior::kIsolated: return;
    case SplitBehavior::kRemoved: std::erase_if(parts, [](const Part& part) { return part.match; }); return;
    case SplitBehavior::kContiguous: join_runs(parts); return;
    case SplitBehavior::kMergedWithPrevious: join_with_previous(parts); return;
    case SplitBehavior::kMergedWithNext: join_with_next(parts); return;
  }
}

}  // namespace trireme::runtime
