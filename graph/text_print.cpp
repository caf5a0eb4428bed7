#include <fmt/format.h>

#include <iterator>

#include "graph/names.h"
#include "graph/text.h"
#include "hal/op_fields.h"

namespace trireme::graph {
namespace {

bool is_plain_name(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") ==
             std::string_view::npos;
}

std::string name_text(std::string_view name) { return "@" + (is_plain_name(name) ? std::string(name) : quoted(name)); }

// The shortest text that reads back as the same float.
std::string number_text(float value) { return fmt::format("{}", value); }

template <typename Field>
std::string field_text(const Field& field) {
  if constexpr (std::is_same_v<Field, bool>) {
    return field ? "true" : "false";
  } else if constexpr (std::is_enum_v<Field>) {
    for (const auto& [value, name] : EnumNames<Field>::kAll)
      if (value == field) return std::string(name);
    return "?";
  } else if constexpr (std::is_same_v<Field, float>) {
    return number_text(field);
  } else {
    return std::to_string(field);
  }
}

// The fields that differ from those of a default op of the same name.
std::string fields_text(const OpParams& params) {
  std::string text;
  std::visit(
      [&](const auto& op) {
        using Op = std::remove_cvref_t<decltype(op)>;
        const Op plain = std::get<Op>(op_from_name(op_name(params)).value_or(Op{}));
        std::vector<std::string> defaults;
        visit_fields(plain, [&](std::string_view, const auto& field) { defaults.push_back(field_text(field)); });
        size_t index = 0;
        visit_fields(op, [&](std::string_view name, const auto& field) {
          const std::string value = field_text(field);
          if (value != defaults[index++]) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
        });
      },
      params);
  return text.empty() ? text : " {" + text + "}";
}

class Printer {
 public:
  explicit Printer(const Graph& graph) : graph_(graph), numbers_(graph.value_count(), 0) {}

  std::string run() {
    for (ValueId id = 0; id < graph_.value_count(); ++id) print_named(graph_.value(id));
    for (const NodeId id : graph_.node_order()) print_node(graph_.node(id));
    for (const Output& output : graph_.outputs())
      text_ += fmt::format("output {} = {}\n", name_text(output.name), reference(output.value));
    return std::move(text_);
  }

 private:
  std::string reference(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kComputed ? fmt::format("%{}", numbers_[id]) : name_text(value.name);
  }

  void print_named(const Value& value) {
    if (value.erased || value.kind == ValueKind::kComputed) return;
    const std::string_view kind = value.kind == ValueKind::kInput      ? "input"
                                  : value.kind == ValueKind::kWeight   ? "weight"
                                  : value.kind == ValueKind::kConstant ? "constant"
                                                                       : "state";
    text_ += fmt::format("{} {} : {}", kind, name_text(value.name), value.desc.text());
    if (value.kind == ValueKind::kConstant) {
      text_ += " =";
      for (const float number : value.data) text_ += " " + number_text(number);
    }
    text_ += "\n";
  }

  void print_node(const Node& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      numbers_[node.outputs[i]] = next_++;
      text_ += fmt::format("{}%{}", i ? ", " : "", numbers_[node.outputs[i]]);
    }
    text_ += fmt::format(" = {}(", op_name(node.params));
    for (size_t i = 0; i < node.inputs.size(); ++i) text_ += (i ? ", " : "") + reference(node.inputs[i]);
    text_ += fmt::format("){} :", fields_text(node.params));
    for (size_t i = 0; i < node.outputs.size(); ++i)
      text_ += fmt::format("{} {}", i ? "," : "", graph_.value(node.outputs[i]).desc.text());
    text_ += fmt::format(" ; layer {}", node.layer);
    if (!node.label.empty()) text_ += " " + quoted(node.label);
    text_ += "\n";
  }

  const Graph& graph_;
  std::vector<size_t> numbers_;
  size_t next_ = 0;
  std::string text_;
};

}  // namespace

std::string print(const Graph& graph) { return Printer(graph).run(); }

}  // namespace trireme::graph
