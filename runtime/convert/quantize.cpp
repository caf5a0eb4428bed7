#include "runtime/convert/quantize.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "runtime/convert/encode_tensor.h"
#include "runtime/convert/from_folder.h"
#include "runtime/files/check_scales.h"
#include "runtime/files/gguf_writer.h"
#include "runtime/files/model_file.h"
#include "runtime/model.h"

namespace trireme::runtime {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kQuantizationVersion = 2;

Status check_paths(const std::string& in, const std::string& out) {
  std::error_code ignored;
  const auto refuse = [&](std::string why) {
    return fail(ErrorCode::kInvalidArgument, out, std::move(why), "name another file to write");
  };
  if (fs::equivalent(in, out, ignored)) return refuse("it is the model that is read");
  if (fs::is_directory(out, ignored)) return refuse("it is a folder");
  // Other files of the same model, of which this one may be a part.
  const fs::path folder = fs::is_directory(in, ignored) ? fs::path(in) : fs::path();
  if (!folder.empty() && fs::exists(out, ignored) && fs::equivalent(folder, fs::absolute(out).parent_path(), ignored) &&
      fs::path(out).extension() != ".gguf")
    return refuse("it is a file of the model that is read");
  return {};
}

Result<Conversion> from_gguf(const ModelFile& file) {
  Conversion conversion;
  conversion.metadata = *file.gguf_metadata();
  for (const char* key : {"general.alignment", "split.no", "split.count", "split.tensors.count"})
    conversion.metadata.erase(key);
  for (const HostTensor& tensor : file.tensors()) conversion.tensors.push_back({.name = tensor.name, .source = tensor});
  return conversion;
}

// Another part of a split model must not be replaced while it is read.
Status check_split(const ModelFile& file, const std::string& in, const std::string& out) {
  std::error_code ignored;
  if (file.gguf_metadata()->integer("split.count").value_or(1) <= 1 || !fs::exists(out, ignored)) return {};
  if (fs::equivalent(fs::absolute(in).parent_path(), fs::absolute(out).parent_path(), ignored))
    return fail(ErrorCode::kInvalidArgument, out, "it is there already, and may be a part of the model that is read",
                "name another file to write");
  return {};
}

// An opened model, whichever way it is stored. Of a GGUF file the architecture need not be known.
class Input {
 public:
  Result<Conversion> convert(const std::string& in, const std::string& out) {
    std::error_code ignored;
    if (fs::is_directory(in, ignored)) {
      TRIREME_ASSIGN(folder_, Model::open(in));
      return convert_folder(*folder_);
    }
    TRIREME_ASSIGN(ModelFile file, ModelFile::open(in));
    TRIREME_TRY(check_split(file, in, out));
    gguf_.emplace(std::move(file));
    return from_gguf(*gguf_);
  }

  const ModelFile& file() const { return folder_ ? folder_->file() : *gguf_; }

 private:
  std::shared_ptr<const Model> folder_;
  std::optional<ModelFile> gguf_;
};

Status report(const QuantizeOptions& options, uint64_t done, uint64_t total) {
  return options.progress ? options.progress(done, total) : Status();
}

Status write_tensors(GgufWriter& writer, const ModelFile& file, const Conversion& conversion,
                     const std::vector<FormatChoice>& choices, const QuantizeOptions& options, uint64_t total) {
  uint64_t done = 0;
  for (size_t i = 0; i < conversion.tensors.size(); ++i) {
    const ConvertedTensor& tensor = conversion.tensors[i];
    const Format& format = *choices[i].format;
    TRIREME_TRY(check_scales(tensor.source));
    const auto whole = static_cast<double>(tensor.source.desc.shape.rows()) *
                       static_cast<double>(format.row_bytes(tensor.source.desc.shape.back()));
    uint64_t written = 0;
    const auto sink = [&](std::span<const std::byte> piece) -> Status {
      TRIREME_TRY(writer.write(piece));
      written += piece.size();
      const double part = static_cast<double>(written) / whole;
      return report(options, done + uint64_t(part * static_cast<double>(tensor.source.data.size())), total);
    };
    TRIREME_TRY(encode_tensor(tensor, format, options.threads, sink));
    done += tensor.source.data.size();
    file.drop_pages(tensor.source.data);
  }
  return {};
}

}  // namespace

Result<QuantizeSummary> quantize(const std::string& in, const std::string& out, const QuantizeOptions& options) {
  TRIREME_TRY(check_paths(in, out));
  Input input;
  TRIREME_ASSIGN(Conversion conversion, input.convert(in, out));
  conversion.metadata.set("general.file_type", gguf_file_type(*options.rules.type));
  conversion.metadata.set("general.quantization_version", kQuantizationVersion);

  std::vector<std::string> names;
  std::vector<TensorDesc> descs;
  for (const ConvertedTensor& tensor : conversion.tensors) {
    names.push_back(tensor.name);
    descs.push_back(tensor.source.desc);
  }
  TRIREME_ASSIGN(const std::vector<FormatChoice> choices, choose_formats(options.rules, names, descs));

  QuantizeSummary summary;
  summary.notes = conversion.notes;
  std::vector<GgufTensorPlan> plans;
  size_t packed = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    plans.push_back({names[i], {descs[i].shape, choices[i].format}});
    summary.bytes_in += conversion.tensors[i].source.data.size();
    if (choices[i].fallback) summary.fallbacks.push_back(*choices[i].fallback);
    packed += !descs[i].format->plain && choices[i].format != descs[i].format;
  }
  if (packed > 0)
    summary.notes.push_back(std::to_string(packed) +
                            " tensors were quantised before; from the original weights the file would be more exact");
  summary.tensors = static_cast<int64_t>(names.size());
  TRIREME_ASSIGN(GgufWriter writer, GgufWriter::create(out, conversion.metadata, std::move(plans)));
  TRIREME_TRY(write_tensors(writer, input.file(), conversion, choices, options, summary.bytes_in));
  TRIREME_TRY(writer.finish());
  std::error_code ignored;
  const auto size = fs::file_size(out, ignored);
  summary.bytes_out = ignored ? 0 : uint64_t(size);
  return summary;
}

}  // namespace trireme::runtime
