// structure and chain: Vulkan's structures name their type, and point to those that say more.
#pragma once

#include <vulkan/vulkan_core.h>

namespace trireme::vulkan {

// All zeros but for its type.
template <typename Structure>
Structure structure(VkStructureType type) {
  Structure made{};
  made.sType = type;
  return made;
}

// `item` is what `head` points to, and points to what that was.
template <typename Head, typename Item>
void chain(Head& head, Item& item) {
  item.pNext = head.pNext;
  head.pNext = &item;
}

}  // namespace trireme::vulkan
