#include "runtime/chat_template/value_text.h"

#include <algorithm>
#include <cmath>

#include "runtime/chat_template/interpreter_objects.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/text.h"

namespace trireme::runtime::jinja {
namespace {

std::string hex(std::uint32_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out.push_back(kDigits[(value >> shift) & 15u]);
  return out;
}

std::string string_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(start, at - start);
    } else {
      out += c < 0x100 ? "\\x" + hex(c, 2) : c < 0x10000 ? "\\u" + hex(c, 4) : "\\U" + hex(c, 8);
    }
  }
  out.push_back(quote);
  return out;
}

class ReprWriter {
 public:
  explicit ReprWriter(Budget& budget) : budget_(budget) {}
  std::string take() { return std::move(out_); }

  Status write(const Value& value) {
    // Namespaces can hold themselves; everything else is bounded by kMaxValueDepth.
    if (++depth_ > 2 * kMaxValueDepth) return template_error("maximum recursion depth exceeded while printing");
    TRIREME_TRY(write_one(value));
    --depth_;
    return {};
  }

 private:
  Status write_one(const Value& value) {
    TRIREME_TRY(budget_.work(1));
    TRIREME_TRY(admit(0));
    switch (value.kind()) {
      case Kind::kUndefined: out_ += "Undefined"; return {};
      case Kind::kNone: out_ += "None"; return {};
      case Kind::kBool: out_ += value.as_bool() ? "True" : "False"; return {};
      case Kind::kInt: out_ += std::to_string(value.as_int()); return {};
      case Kind::kFloat: out_ += float_repr(value.as_double()); return {};
      case Kind::kString:
        TRIREME_TRY(admit(value.text().size()));
        out_ += value.is_markup() ? "Markup(" + string_repr(value.text()) + ")" : string_repr(value.text());
        return {};
      case Kind::kList: return write_items("[", value.items(), "]");
      case Kind::kTuple: return write_items("(", value.items(), value.items().size() == 1 ? ",)" : ")");
      case Kind::kDict: return write_dict(value.dict());
      case Kind::kRange: write_range(value.range()); return {};
      case Kind::kView: return write_view(value.as<ViewObject>());
      case Kind::kNamespace:
        out_ += "<Namespace ";
        TRIREME_TRY(write_dict(*value.as<NamespaceObject>().attributes));
        out_ += ">";
        return {};
      case Kind::kMacro: {
        const std::string& name = value.as<MacroObject>().name;
        out_ += "<Macro " + (name.empty() ? std::string("anonymous") : string_repr(name)) + ">";
        return {};
      }
      default: return unsupported("printing a " + std::string(type_name(value)));
    }
  }

  Status admit(std::size_t more) {
    if (out_.size() + more > budget_.limits().live_bytes) return budget_.admit(SIZE_MAX);
    return budget_.work(more / 16);
  }

  Status write_items(std::string_view open, const std::vector<Value>& items, std::string_view close) {
    out_ += open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_ += ", ";
      TRIREME_TRY(write(items[i]));
    }
    out_ += close;
    return {};
  }

  Status write_dict(const DictObject& dict) {
    out_ += "{";
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      if (i != 0) out_ += ", ";
      TRIREME_TRY(write(dict.entries[i].first));
      out_ += ": ";
      TRIREME_TRY(write(dict.entries[i].second));
    }
    out_ += "}";
    return {};
  }

  void write_range(const RangeObject& range) {
    out_ += "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop);
    if (range.step != 1) out_ += ", " + std::to_string(range.step);
    out_ += ")";
  }

  Status write_view(const ViewObject& view) {
    constexpr std::string_view kNames[] = {"dict_keys(", "dict_values(", "dict_items("};
    out_ += kNames[static_cast<std::size_t>(view.part)];
    auto shared = std::make_shared<ViewObject>(budget_, view.dict, view.part);
    TRIREME_ASSIGN(std::vector<Value> items, to_vector(budget_, Value(Kind::kView, std::move(shared))));
    TRIREME_TRY(write_items("[", items, "]"));
    out_ += ")";
    return {};
  }

  Budget& budget_;
  std::string out_;
  int depth_ = 0;
};

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style) {}
  std::string take() { return std::move(out_); }

  Status write(const Value& value) {
    TRIREME_TRY(budget_.work(1 + style_.item_separator.size() / 16));
    TRIREME_TRY(admit(0));
    switch (value.kind()) {
      case Kind::kNone: out_ += "null"; return {};
      case Kind::kBool: out_ += value.as_bool() ? "true" : "false"; return {};
      case Kind::kInt: out_ += std::to_string(value.as_int()); return {};
      case Kind::kFloat: out_ += float_text(value.as_double()); return {};
      case Kind::kString: return write_string(value.text());
      case Kind::kList:
      case Kind::kTuple: return write_list(value.items());
      case Kind::kDict: return write_dict(value.dict());
      default: return template_error("Object of type " + std::string(type_name(value)) + " is not JSON serializable");
    }
  }

 private:
  Status admit(std::size_t more) {
    if (out_.size() + more > budget_.limits().live_bytes) return budget_.admit(SIZE_MAX);
    return budget_.work(more / 16);
  }

  static std::string float_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_repr(value);
  }

  void write_unicode(char32_t c) {
    if (c >= 0x10000) {
      const char32_t rest = c - 0x10000;
      out_ += "\\u" + hex(0xD800u + (rest >> 10), 4) + "\\u" + hex(0xDC00u + (rest & 0x3FFu), 4);
    } else {
      out_ += "\\u" + hex(c, 4);
    }
  }

  Status write_string(std::string_view text) {
    TRIREME_TRY(admit(text.size()));
    out_.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t start = at;
      const char32_t c = next_code_point(text, at);
      switch (c) {
        case '"': out_ += "\\\""; break;
        case '\\': out_ += "\\\\"; break;
        case '\n': out_ += "\\n"; break;
        case '\r': out_ += "\\r"; break;
        case '\t': out_ += "\\t"; break;
        case '\f': out_ += "\\f"; break;
        case '\b': out_ += "\\b"; break;
        default:
          if (c < 0x20 || (style_.ensure_ascii && c >= 0x7F)) {
            if (c == 0x7F)
              out_.push_back('\x7f');
            else
              write_unicode(c);
          } else {
            out_ += text.substr(start, at - start);
          }
      }
    }
    out_.push_back('"');
    return {};
  }

  Status new_line() {
    if (!style_.indent) return {};
    TRIREME_TRY(admit(style_.indent->size() * level_));
    out_.push_back('\n');
    for (std::size_t i = 0; i < level_; ++i) out_ += *style_.indent;
    return {};
  }

  Status write_list(const std::vector<Value>& items) {
    if (items.empty()) {
      out_ += "[]";
      return {};
    }
    out_ += "[";
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_ += style_.item_separator;
      TRIREME_TRY(new_line());
      TRIREME_TRY(write(items[i]));
    }
    --level_;
    TRIREME_TRY(new_line());
    out_ += "]";
    return {};
  }

  Status write_key(const Value& key) {
    switch (key.kind()) {
      case Kind::kString: return write_string(key.text());
      case Kind::kBool: return write_string(key.as_bool() ? "true" : "false");
      case Kind::kNone: return write_string("null");
      case Kind::kInt: return write_string(std::to_string(key.as_int()));
      case Kind::kFloat: return write_string(float_text(key.as_double()));
      default: return template_error("keys must be str, int, float, bool or None, not " + std::string(type_name(key)));
    }
  }

  Status write_dict(const DictObject& dict) {
    if (dict.entries.empty()) {
      out_ += "{}";
      return {};
    }
    std::vector<std::size_t> order(dict.entries.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (style_.sort_keys) {
      TRIREME_TRY(stable_sort_by(budget_, order, [&](std::size_t a, std::size_t b) {
        return less_than(budget_, dict.entries[a].first, dict.entries[b].first);
      }));
    }
    out_ += "{";
    ++level_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i != 0) out_ += style_.item_separator;
      TRIREME_TRY(new_line());
      TRIREME_TRY(write_key(dict.entries[order[i]].first));
      out_ += style_.key_separator;
      TRIREME_TRY(write(dict.entries[order[i]].second));
    }
    --level_;
    TRIREME_TRY(new_line());
    out_ += "}";
    return {};
  }

  Budget& budget_;
  const JsonStyle& style_;
  std::string out_;
  std::size_t level_ = 0;
};

}  // namespace

Result<std::string> to_repr(Budget& budget, const Value& value) {
  ReprWriter writer(budget);
  TRIREME_TRY(writer.write(value));
  return writer.take();
}

Result<std::string> to_text(Budget& budget, const Value& value) {
  if (value.is_undefined()) return std::string();
  if (value.is_string()) {
    TRIREME_TRY(budget.admit(value.text().size()));
    return value.text();
  }
  return to_repr(budget, value);
}

Result<std::string> to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  JsonWriter writer(budget, style);
  TRIREME_TRY(writer.write(value));
  return writer.take();
}

Status admit_growth(Budget& budget, std::size_t size, std::size_t more) {
  if (more > budget.limits().live_bytes || size > budget.limits().live_bytes - more) return budget.admit(SIZE_MAX);
  return budget.work(1 + more / 16);
}

Status admit_search(Budget& budget, std::string_view text, std::string_view wanted) {
  return budget.work((1 + text.size() / 16) * (1 + wanted.size() / 16));
}

Result<std::string> replace_text(Budget& budget, std::string_view text, std::string_view old_text,
                                 std::string_view new_text, std::int64_t limit) {
  TRIREME_TRY(admit_search(budget, text, old_text));
  std::string out;
  std::size_t at = 0;
  while (limit != 0) {
    const std::size_t found = text.find(old_text, at);
    if (found == std::string_view::npos) break;
    TRIREME_TRY(admit_growth(budget, out.size(), found - at + new_text.size()));
    out += text.substr(at, found - at);
    out += new_text;
    at = found + old_text.size();
    if (limit > 0) --limit;
    if (!old_text.empty()) continue;
    // An empty text is found before each code point and at the end.
    if (at >= text.size()) return out;
    const std::size_t start = at;
    next_code_point(text, at);
    out += text.substr(start, at - start);
  }
  TRIREME_TRY(admit_growth(budget, out.size(), text.size() - at));
  out += text.substr(at);
  return out;
}

Result<std::string> justified(Budget& budget, const std::string& text, std::string_view how, std::int64_t width,
                              std::string_view fill) {
  const auto length = static_cast<std::int64_t>(count_code_points(text));
  if (width <= length) return text;
  const std::int64_t missing = width - length;
  if (missing > static_cast<std::int64_t>(budget.limits().live_bytes / 4))
    return budget.admit(SIZE_MAX).map([] { return std::string(); });
  TRIREME_TRY(admit_growth(budget, text.size(), static_cast<std::size_t>(missing) * fill.size()));
  const std::int64_t left = how == "ljust" ? 0 : how == "rjust" ? missing : missing / 2 + (missing & width & 1);
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\'': out += "&#39;"; break;
      case '"': out += "&#34;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

}  // namespace trireme::runtime::jinja
