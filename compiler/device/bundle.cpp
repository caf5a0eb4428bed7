#include "compiler/device/bundle.h"

#include <algorithm>

#include "compiler/kernel/merge.h"

namespace trireme::compiler {
namespace {

constexpr size_t kMostWords = 32;  // of push constants, which Vulkan promises

bool has_barrier(const kernel::Region& region) {
  return std::ranges::any_of(region.body, [](const kernel::Instruction& in) {
    return in.op == kernel::Op::kBarrier || std::ranges::any_of(in.regions, has_barrier);
  });
}

bool reads_only(const KernelCall& call, size_t buffer) {
  return call.function.buffers[buffer].access == kernel::Access::kRead;
}

bool same_range(const BufferRange& a, const BufferRange& b) {
  return a.buffer == b.buffer && a.offset == b.offset && a.bytes == b.bytes;
}

// Adds the call's buffers and words to the bundle.
void append(Bundle& bundle, const BoundCall& added) {
  std::vector<bool> shareable(bundle.buffers.size(), false);
  for (size_t c = 0; c < bundle.calls.size(); ++c)
    for (size_t i = 0; i < bundle.numbers[c].size(); ++i)
      if (reads_only(*bundle.calls[c], i)) shareable[bundle.numbers[c][i]] = true;
  std::vector<uint32_t> numbers;
  for (size_t i = 0; i < added.buffers.size(); ++i) {
    size_t at = 0;
    while (at < shareable.size() && !(shareable[at] && same_range(bundle.buffers[at], added.buffers[i]))) ++at;
    if (at == shareable.size() || !reads_only(*added.call, i)) {
      at = bundle.buffers.size();
      bundle.buffers.push_back(added.buffers[i]);
    }
    numbers.push_back(uint32_t(at));
  }
  bundle.calls.push_back(added.call);
  bundle.numbers.push_back(std::move(numbers));
  bundle.words.insert(bundle.words.end(), added.words.begin(), added.words.end());
  bundle.groups = {bundle.groups[0] + added.call->groups[0], added.call->groups[1], added.call->groups[2]};
}

bool fits(const Bundle& bundle, const BoundCall& added, const Target& target) {
  const KernelCall &first = *bundle.calls[0], &call = *added.call;
  if (first.function.group_size != call.function.group_size ||
      first.function.subgroup_size != call.function.subgroup_size || first.function.matrix != call.function.matrix ||
      first.groups[1] != call.groups[1] || first.groups[2] != call.groups[2])
    return false;
  uint32_t shared = call.function.shared_bytes();
  bool waits = false;
  for (const KernelCall* other : bundle.calls) {
    shared += other->function.shared_bytes();
    waits = waits || has_barrier(other->function.body);
  }
  // PoCL compiles a branch with barriers wrongly when it has a sibling: with barriers of its own, or with none when
  // LLVM merges the last stores of both, whose condition and place are then those of one item for all.
  if (target.language == TargetLanguage::kOpenClC && (waits || has_barrier(call.function.body))) return false;
  Bundle whole = bundle;
  append(whole, added);
  return shared <= target.shared_bytes && whole.groups[0] <= kMostGroups && whole.words.size() <= kMostWords &&
         whole.buffers.size() <= target.max_buffers;
}

}  // namespace

std::vector<Bundle> bundle(std::span<const BoundCall> calls, const Target& target) {
  std::vector<Bundle> bundles;
  for (const BoundCall& call : calls) {
    const auto found = std::ranges::find_if(bundles, [&](const Bundle& made) { return fits(made, call, target); });
    append(found == bundles.end() ? bundles.emplace_back() : *found, call);
  }
  return bundles;
}

Result<kernel::Function> kernel_of(const Bundle& bundle) {
  if (bundle.calls.size() == 1) return bundle.calls[0]->function;
  std::vector<kernel::MergedPart> parts;
  for (size_t i = 0; i < bundle.calls.size(); ++i)
    parts.push_back({&bundle.calls[i]->function, bundle.calls[i]->groups[0], bundle.numbers[i]});
  return kernel::merge(parts);
}

}  // namespace trireme::compiler
