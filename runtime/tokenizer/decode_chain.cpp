#include "runtime/tokenizer/decode_chain.h"

#include <algorithm>
#include <utility>

#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/byte_tokens.h"
#include "runtime/tokenizer/utf8.h"

namespace trireme::runtime {
namespace {

class OutputStage final : public DecodeStage {
 public:
  explicit OutputStage(std::string& text) : text_(text) {}
  void push(std::string_view text, bool, bool) override { text_ += text; }
  void finish() override {}

 private:
  std::string& text_;
};

// Makes one piece of everything that it is given.
class Fusion {
 public:
  explicit Fusion(DecodeStage& next) : next_(next) {}
  void push(std::string_view text) {
    if (text.empty()) return;
    next_.push(text, !open_, false);
    open_ = true;
  }
  void finish() {
    next_.push({}, !open_, true);
    open_ = false;
    next_.finish();
  }

 private:
  DecodeStage& next_;
  bool open_ = false;
};

// A stage that looks at whole pieces.
class WholePieceStage : public DecodeStage {
 public:
  void push(std::string_view text, bool opens, bool closes) final {
    if (opens && closes) return piece(text);
    if (opens) pending_.clear();
    pending_ += text;
    if (closes) piece(pending_);
  }

 private:
  virtual void piece(std::string_view text) = 0;
  std::string pending_;
};

class ByteLevelStage final : public WholePieceStage {
 public:
  ByteLevelStage(const ByteLevelDecoder&, DecodeStage& next) : out_(next) {}
  void finish() override {
    out_.push(replace_invalid_utf8(bytes_));
    bytes_.clear();
    out_.finish();
  }

 private:
  // A token with a character that stands for no byte is text as it is.
  void piece(std::string_view text) override {
    const auto bytes = read_byte_alphabet(text);
    bytes_ += bytes ? std::string_view(*bytes) : text;
    const size_t settled = settled_utf8(bytes_);
    out_.push(replace_invalid_utf8(std::string_view(bytes_).substr(0, settled)));
    bytes_.erase(0, settled);
  }

  Fusion out_;
  std::string bytes_;  // the beginning of a character
};

class ReplaceStage final : public WholePieceStage {
 public:
  ReplaceStage(const ReplaceDecoder& decoder, DecodeStage& next) : decoder_(decoder), next_(next) {}
  void finish() override { next_.finish(); }

 private:
  void piece(std::string_view text) override {
    std::string result;
    size_t done = 0;
    for (size_t at = text.find(decoder_.pattern); at != std::string_view::npos;
         at = text.find(decoder_.pattern, done)) {
      result += text.substr(done, at - done);
      result += decoder_.content;
      done = at + decoder_.pattern.size();
    }
    result += text.substr(done);
    next_.push(result, true, true);
  }

  const ReplaceDecoder& decoder_;
  DecodeStage& next_;
};

// The official library gives one U+FFFD for each byte of a run that is not UTF-8 as a whole, so a run is kept until it
// ends.
class ByteFallbackStage final : public WholePieceStage {
 public:
  ByteFallbackStage(const ByteFallbackDecoder&, DecodeStage& next) : next_(next) {}
  void finish() override {
    flush();
    next_.finish();
  }

 private:
  void piece(std::string_view text) override {
    if (const auto byte = read_byte_token(text)) {
      bytes_ += static_cast<char>(*byte);
      return;
    }
    flush();
    next_.push(text, true, true);
  }
  void flush() {
    if (bytes_.empty()) return;
    const std::string bytes = std::exchange(bytes_, {});
    if (is_utf8(bytes)) return next_.push(bytes, true, true);
    for (size_t i = 0; i < bytes.size(); ++i) next_.push(kReplacementCharacter, true, true);
  }

  DecodeStage& next_;
  std::string bytes_;
};

class FuseStage final : public DecodeStage {
 public:
  FuseStage(const FuseDecoder&, DecodeStage& next) : out_(next) {}
  void push(std::string_view text, bool, bool) override { out_.push(text); }
  void finish() override { out_.finish(); }

 private:
  Fusion out_;
};

class StripStage final : public DecodeStage {
 public:
  StripStage(const StripDecoder& decoder, DecodeStage& next) : decoder_(decoder), next_(next) {}

  void push(std::string_view text, bool opens, bool closes) override {
    if (opens) {
      to_drop_ = decoder_.start;
      unsent_open_ = true;
      held_.clear();
    }
    while (to_drop_ > 0 && text.starts_with(decoder_.content)) {
      text.remove_prefix(decoder_.content.size());
      --to_drop_;
    }
    if (!text.empty()) to_drop_ = 0;
    held_ += text;
    if (closes) {
      held_.resize(held_.size() - trailing(held_));
      send(held_, true);
      held_.clear();
    } else {
      const size_t kept = trailing(held_);
      send(std::string_view(held_).substr(0, held_.size() - kept), false);
      held_.erase(0, held_.size() - kept);
    }
  }
  void finish() override { next_.finish(); }

 private:
  void send(std::string_view text, bool closes) {
    if (text.empty() && !closes) return;
    next_.push(text, std::exchange(unsent_open_, false), closes);
  }
  // Bytes at the end of the text that may go when the piece closes here.
  size_t trailing(std::string_view text) const {
    size_t bytes = 0;
    for (size_t i = 0; i < decoder_.stop && text.ends_with(decoder_.content); ++i) {
      text.remove_suffix(decoder_.content.size());
      bytes += decoder_.content.size();
    }
    return bytes;
  }

  const StripDecoder& decoder_;
  DecodeStage& next_;
  size_t to_drop_ = 0;
  bool unsent_open_ = false;
  std::string held_;  // of the open piece, not yet sent
};

class MetaspaceStage final : public DecodeStage {
 public:
  MetaspaceStage(const MetaspaceDecoder& decoder, DecodeStage& next) : decoder_(decoder), next_(next) {}
  void push(std::string_view text, bool opens, bool closes) override {
    std::string result;
    for (size_t at = 0; at < text.size();) {
      if (text.substr(at).starts_with(decoder_.replacement)) {
        if (!first_ || !decoder_.drops_first) result += ' ';
        at += decoder_.replacement.size();
      } else {
        result += text[at++];
      }
    }
    if (closes) first_ = false;
    next_.push(result, opens, closes);
  }
  void finish() override {
    first_ = true;
    next_.finish();
  }

 private:
  const MetaspaceDecoder& decoder_;
  DecodeStage& next_;
  bool first_ = true;
};

class JoinStage final : public DecodeStage {
 public:
  JoinStage(const JoinDecoder&, DecodeStage& next) : next_(next) {}
  void push(std::string_view text, bool opens, bool closes) override {
    if (opens && !first_) next_.push(" ", true, true);
    first_ = false;
    next_.push(text, opens, closes);
  }
  void finish() override {
    first_ = true;
    next_.finish();
  }

 private:
  DecodeStage& next_;
  bool first_ = true;
};

using StagePtr = std::unique_ptr<DecodeStage>;
StagePtr make_stage(const ByteLevelDecoder& d, DecodeStage& next) { return std::make_unique<ByteLevelStage>(d, next); }
StagePtr make_stage(const ReplaceDecoder& d, DecodeStage& next) { return std::make_unique<ReplaceStage>(d, next); }
StagePtr make_stage(const ByteFallbackDecoder& d, DecodeStage& next) {
  return std::make_unique<ByteFallbackStage>(d, next);
}
StagePtr make_stage(const FuseDecoder& d, DecodeStage& next) { return std::make_unique<FuseStage>(d, next); }
StagePtr make_stage(const StripDecoder& d, DecodeStage& next) { return std::make_unique<StripStage>(d, next); }
StagePtr make_stage(const MetaspaceDecoder& d, DecodeStage& next) { return std::make_unique<MetaspaceStage>(d, next); }
StagePtr make_stage(const JoinDecoder& d, DecodeStage& next) { return std::make_unique<JoinStage>(d, next); }

}  // namespace

DecodeChain::DecodeChain(std::span<const Decoder> decoders) {
  stages_.push_back(std::make_unique<OutputStage>(text_));
  for (auto decoder = decoders.rbegin(); decoder != decoders.rend(); ++decoder) {
    DecodeStage& next = *stages_.back();
    stages_.push_back(std::visit([&](const auto& one) { return make_stage(one, next); }, *decoder));
  }
}

DecodeChain::~DecodeChain() = default;

}  // namespace trireme::runtime
