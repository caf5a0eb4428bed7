// Session::save and Session::restore: one sequence's KV cache in a safetensors file.
#include <vector>

#include "runtime/files/printable.h"
#include "runtime/files/safetensors_reader.h"
#include "runtime/files/safetensors_writer.h"
#include "runtime/session.h"

namespace trireme::runtime {
namespace {

constexpr const char* kFileKind = "trireme-kv-1";

// What two models must share for one to read the other's cache.
std::string fingerprint(const Model& model) {
  const graph::Hyperparameters& hyper = model.hyperparameters();
  return hyper.family + " " + std::to_string(hyper.layers) + "x" + std::to_string(hyper.width) + " heads " +
         std::to_string(hyper.heads) + "/" + std::to_string(hyper.kv_heads) + "x" + std::to_string(hyper.head_dim) +
         " vocab " + std::to_string(hyper.vocab) + " tensors " + std::to_string(model.file().tensor_bytes());
}

TensorDesc saved_desc(const KvState& state, int64_t blocks) {
  TensorDesc desc = state.desc;
  desc.shape[0] = blocks;
  return desc;
}

}  // namespace

Status Session::save(SequenceId sequence, const std::string& path) const {
  TRIREME_ASSIGN(const int64_t length, blocks_.length(sequence));
  const std::span<const int32_t> blocks = blocks_.blocks_of(sequence);
  std::vector<SafetensorsPlan> tensors;
  for (const Part& part : parts_)
    for (const KvState& state : part.kv.states())
      tensors.push_back({state.name, saved_desc(state, int64_t(blocks.size()))});
  TRIREME_ASSIGN(SafetensorsWriter writer,
                 SafetensorsWriter::create(path, std::move(tensors),
                                           {{"kind", kFileKind},
                                            {"model", fingerprint(*model_)},
                                            {"length", std::to_string(length)},
                                            {"block_size", std::to_string(blocks_.shape().block_size)}}));
  std::vector<std::byte> data;
  for (const Part& part : parts_) {
    for (const KvState& state : part.kv.states()) {
      data.resize(state.block_bytes());
      for (const int32_t block : blocks) {
        TRIREME_TRY(part.kv.read_block(state, block, data));
        TRIREME_TRY(writer.write(data));
      }
    }
  }
  return writer.finish();
}

Result<SequenceId> Session::restore(const std::string& path) {
  TRIREME_ASSIGN(const SafetensorsFile file, SafetensorsFile::open(path));
  const auto field = [&](const char* name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (field("kind") != kFileKind)
    return fail(ErrorCode::kCorruptData, path, "it is not a saved KV cache", "give a file that a session saved");
  if (field("model") != fingerprint(*model_))
    return fail(ErrorCode::kInvalidArgument, path, "it belongs to another model: " + printable(field("model")),
                "open that model, or process the text again");
  if (field("block_size") != std::to_string(blocks_.shape().block_size))
    return fail(ErrorCode::kInvalidArgument, path, "its blocks hold " + printable(field("block_size")) + " tokens",
                "process the text again");
  const std::string digits = field("length");
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
    return fail(ErrorCode::kCorruptData, path, "its length '" + printable(digits) + "' is not a number");
  const int64_t length = std::stol(digits);
  const int64_t block_count = (length + blocks_.shape().block_size - 1) / blocks_.shape().block_size;
  for (const Part& part : parts_) {
    for (const KvState& state : part.kv.states()) {
      const SafetensorsTensor* tensor = file.find(state.name);
      const TensorDesc wanted = saved_desc(state, block_count);
      if (!tensor) return fail(ErrorCode::kCorruptData, path, "it has no tensor " + state.name);
      if (tensor->format != wanted.format || tensor->shape != wanted.shape)
        return fail(
            ErrorCode::kInvalidArgument, path,
            state.name + " is " + tensor->dtype + tensor->shape.text() + " where " + wanted.text() + " is needed",
            "use the same cache format as when it was saved");
    }
  }
  TRIREME_ASSIGN(const SequenceId sequence, blocks_.create());
  std::vector<BlockCopy> none;
  Status status = blocks_.append(sequence, length, none);
  const std::span<const int32_t> blocks = status ? blocks_.blocks_of(sequence) : std::span<const int32_t>();
  for (Part& part : parts_) {
    for (const KvState& state : part.kv.states()) {
      const std::span<const std::byte> data = file.find(state.name)->data;
      for (size_t i = 0; i < blocks.size() && status; ++i)
        status = part.kv.write_block(state, blocks[i], data.subspan(i * state.block_bytes(), state.block_bytes()));
    }
  }
  if (!status) {
    (void)blocks_.remove(sequence);
    return fail(std::move(status).error(), "restoring " + path);
  }
  return sequence;
}

}  // namespace trireme::runtime
