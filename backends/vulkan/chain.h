// chain: Vulkan's structures point to those that say more.
#pragma once

namespace trireme::vulkan {

// `item` is what `head` points to, and points to what that was.
template <typename Head, typename Item>
void chain(Head& head, Item& item) {
  item.pNext = head.pNext;
  head.pNext = &item;
}

}  // namespace trireme::vulkan
