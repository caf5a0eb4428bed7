// Shadow: who has touched each byte of a memory, to find races and reads of what nobody wrote. Private to the
// interpreter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trireme::kernel {

// One work item between two barriers of its group.
struct Actor {
  uint32_t group = 0;
  uint32_t item = 0;
  uint32_t epoch = 0;  // barriers that the group has passed
};

class Shadow {
 public:
  Shadow(size_t bytes, bool initialized) : bytes_(bytes, Byte{{}, {}, initialized}) {}

  // Null when all is well, else what is wrong.
  const char* read(size_t offset, size_t count, const Actor& actor);
  const char* write(size_t offset, size_t count, const Actor& actor);

 private:
  struct Touch {
    Actor actor;
    bool any = false;
    bool several_items = false;  // of the group, in the epoch
    bool several_groups = false;
  };
  struct Byte {
    Touch written;
    Touch read;
    bool initialized = false;
  };

  static bool conflicts(const Touch& touch, const Actor& actor);
  static void note(Touch& touch, const Actor& actor);

  std::vector<Byte> bytes_;
};

}  // namespace trireme::kernel
