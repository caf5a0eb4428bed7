#include "compiler/kernel/shadow.h"

namespace trireme::kernel {

// Groups of one launch are never ordered; items of a group are by its barriers.
bool Shadow::conflicts(const Touch& touch, const Actor& actor) {
  if (!touch.any) return false;
  if (touch.several_groups || touch.actor.group != actor.group) return true;
  return touch.actor.epoch == actor.epoch && (touch.several_items || touch.actor.item != actor.item);
}

void Shadow::note(Touch& touch, const Actor& actor) {
  const bool same_group = touch.any && touch.actor.group == actor.group;
  touch.several_groups = touch.several_groups || (touch.any && !same_group);
  const bool same_epoch = same_group && touch.actor.epoch == actor.epoch;
  touch.several_items = same_epoch && (touch.several_items || touch.actor.item != actor.item);
  touch.actor = actor;
  touch.any = true;
}

const char* Shadow::read(size_t offset, size_t count, const Actor& actor) {
  for (size_t i = offset; i < offset + count; ++i) {
    Byte& byte = bytes_[i];
    if (!byte.initialized) return "nobody has written what it reads";
    if (conflicts(byte.written, actor)) return "a race: another work item writes what it reads";
    note(byte.read, actor);
  }
  return nullptr;
}

const char* Shadow::write(size_t offset, size_t count, const Actor& actor) {
  for (size_t i = offset; i < offset + count; ++i) {
    Byte& byte = bytes_[i];
    if (conflicts(byte.written, actor)) return "a race: another work item writes there, too";
    if (conflicts(byte.read, actor)) return "a race: another work item reads what it writes";
    note(byte.written, actor);
    byte.initialized = true;
  }
  return nullptr;
}

}  // namespace trireme::kernel
