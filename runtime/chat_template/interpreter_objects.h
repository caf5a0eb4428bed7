// The values that refer back to the template: scopes, macros and loops.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/chat_template/ast.h"
#include "runtime/chat_template/value.h"

namespace trireme::runtime::jinja {

// The names of one frame. A frame sees those of its parents and writes only its own.
class Scope final : public Object {
 public:
  Scope(Budget& budget, std::shared_ptr<Scope> parent) : Object(budget, sizeof *this), parent_(std::move(parent)) {}

  const Value* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_.get()) {
      const auto found = scope->names_.find(name);
      if (found != scope->names_.end()) return &found->second;
    }
    return nullptr;
  }
  void set(const std::string& name, Value value) {
    const auto [place, inserted] = names_.insert_or_assign(name, std::move(value));
    if (inserted) grow(128 + name.size());
  }
  void clear() { names_.clear(); }

 private:
  std::shared_ptr<Scope> parent_;
  std::unordered_map<std::string, Value> names_;
};

struct MacroObject final : Object {
  MacroObject(Budget& budget, const MacroDefinition& of, std::shared_ptr<Scope> where)
      : Object(budget, sizeof *this), definition(of), name(of.name), scope(std::move(where)) {}
  const MacroDefinition& definition;
  std::string name;  // empty for a call block
  std::shared_ptr<Scope> scope;
};

// The variable `loop`. It looks one item ahead only when asked, so that lazy iterables are walked as Jinja walks them.
struct LoopObject final : Object {
  LoopObject(Budget& budget, const Statement& of, std::shared_ptr<Scope> where, Iterator items, Value source, int level)
      : Object(budget, sizeof *this),
        statement(of),
        scope(std::move(where)),
        iterator(std::move(items)),
        iterable(std::move(source)),
        depth0(level) {}

  // Drops all values, which may lead back to this loop.
  void finish() {
    iterator.reset();
    iterable = current = before = Value();
    after.reset();
    scope.reset();
  }

  const Statement& statement;
  std::shared_ptr<Scope> scope;  // in which the loop stands
  std::optional<Iterator> iterator;
  Value iterable;
  int depth0;
  std::int64_t index0 = -1;
  Value current;
  Value before;
  std::optional<Value> after;
  bool tested = false;  // what is left has passed the loop's test
  std::optional<std::int64_t> length;
  std::optional<std::string> last_changed;
};

}  // namespace trireme::runtime::jinja
