#include "runtime/tokenizer/json_document.h"

#include <optional>

#include "runtime/files/printable.h"

namespace trireme::runtime {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 64;

// Receives the parser's events. At any time they go to one of: the tree, one of the two tables, nowhere.
class Handler {
 public:
  explicit Handler(JsonDocument& document) : document_(document) {}

  const std::string& error() const { return error_; }

  bool null() { return value(nullptr); }
  bool boolean(bool flag) { return value(flag); }
  bool number_integer(int64_t number) { return value(number); }
  bool number_unsigned(uint64_t number) { return value(number); }
  bool number_float(double number, const std::string&) { return value(number); }
  bool binary(json::binary_t&) { return reject("binary data"); }
  bool string(std::string& text) {
    if (mode_ != Mode::kMerges) return value(std::move(text));
    return depth_ == table_depth_ ? merge_line(text) : merge_part(std::move(text));
  }

  bool key(std::string& name) {
    if (mode_ == Mode::kTree && open_.back()->contains(name)) {
      return reject("the key \"" + printable(name) + "\" is there twice");
    }
    key_ = std::move(name);
    return true;
  }
  bool start_object(size_t) { return open(json::object()); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool parse_error(size_t position, const std::string&, const json::exception& exception) {
    return reject("at byte " + std::to_string(position) + ": " + exception.what());
  }

 private:
  enum class Mode : uint8_t { kTree, kVocab, kMerges, kSkip };

  bool reject(std::string why) {
    error_ = std::move(why);
    return false;
  }

  bool open(json container) {
    if (++depth_ > kMaxDepth) return reject("it is nested deeper than 64 levels");
    if (mode_ == Mode::kTree && depth_ == 3 && section_ == "model" && (key_ == "vocab" || key_ == "merges")) {
      return open_table(container.is_object());
    }
    switch (mode_) {
      case Mode::kVocab: return reject("the vocabulary has a token whose id is not a whole number");
      case Mode::kMerges:
        if (!container.is_array() || depth_ != table_depth_ + 1) return reject("a merge is not two tokens");
        parts_.clear();
        return true;
      case Mode::kSkip: return true;
      case Mode::kTree: break;
    }
    if (depth_ == 2) section_ = key_;
    json* added = add(std::move(container));
    open_.push_back(added);
    return true;
  }

  bool open_table(bool is_object) {
    table_depth_ = depth_;
    const bool is_vocab = key_ == "vocab";
    if (is_object != is_vocab) {
      mode_ = Mode::kSkip;
    } else if (is_vocab ? document_.has_vocab : document_.has_merges) {
      return reject("model." + key_ + " is there twice");
    } else {
      mode_ = is_vocab ? Mode::kVocab : Mode::kMerges;
      (is_vocab ? document_.has_vocab : document_.has_merges) = true;
    }
    return true;
  }

  bool close() {
    const size_t closed = depth_--;
    if (mode_ == Mode::kTree) {
      open_.pop_back();
      return true;
    }
    if (closed == table_depth_) {
      mode_ = Mode::kTree;
      return true;
    }
    if (mode_ != Mode::kMerges) return true;
    if (parts_.size() != 2) return reject("a merge is not two tokens");
    document_.merges.emplace_back(std::move(parts_[0]), std::move(parts_[1]));
    return true;
  }

  template <typename T>
  bool value(T&& content) {
    switch (mode_) {
      case Mode::kTree: add(json(std::forward<T>(content))); return true;
      case Mode::kSkip: return true;
      case Mode::kMerges: return reject("a merge is not two tokens");
      case Mode::kVocab: break;
    }
    if constexpr (std::is_same_v<std::decay_t<T>, uint64_t>) {
      if (content <= static_cast<uint64_t>(INT32_MAX)) {
        document_.vocab.emplace_back(std::move(key_), static_cast<int64_t>(content));
        return true;
      }
    }
    return reject("the id of token \"" + printable(key_) + "\" is not a whole number below 2^31");
  }

  json* add(json content) {
    if (open_.empty()) {
      document_.rest = std::move(content);
      return &document_.rest;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(content));
      return &parent.back();
    }
    return &(parent[key_] = std::move(content));
  }

  bool merge_line(const std::string& line) {
    const size_t blank = line.find(' ');
    if (line.starts_with("#version")) return true;
    if (blank == std::string::npos || line.find(' ', blank + 1) != std::string::npos) {
      return reject("the merge \"" + printable(line) + "\" is not two tokens");
    }
    document_.merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
    return true;
  }
  bool merge_part(std::string text) {
    if (parts_.size() == 2) return reject("a merge has more than two tokens");
    parts_.push_back(std::move(text));
    return true;
  }

  JsonDocument& document_;
  Mode mode_ = Mode::kTree;
  size_t depth_ = 0;
  size_t table_depth_ = 0;
  std::string key_;      // the last one
  std::string section_;  // the key of the open member of the root
  std::vector<json*> open_;
  std::vector<std::string> parts_;
  std::string error_;
};

}  // namespace

Result<JsonDocument> parse_json_document(std::string_view text) {
  JsonDocument document;
  Handler handler(document);
  bool complete = false;
  try {
    complete = json::sax_parse(text, &handler);
  } catch (const std::exception& exception) {
    return fail(ErrorCode::kCorruptData, "tokenizer.json", printable(exception.what(), 200));
  }
  if (!complete) return fail(ErrorCode::kCorruptData, "tokenizer.json", printable(handler.error(), 200));
  return document;
}

}  // namespace trireme::runtime
