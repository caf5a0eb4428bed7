#include "hal/timeline_points.h"

#include <algorithm>

namespace trireme {

Status check_points(std::span<const TimelinePoint> waits, std::span<const TimelinePoint> signals) {
  const auto is_null = [](const TimelinePoint& point) { return point.timeline == nullptr; };
  if (std::ranges::any_of(waits, is_null) || std::ranges::any_of(signals, is_null))
    return fail(ErrorCode::kInvalidArgument, "submit", "a timeline is null");
  return {};
}

bool reached(const TimelinePoint& point) { return point.timeline->value() >= point.value; }

bool all_reached(std::span<const TimelinePoint> points) { return std::ranges::all_of(points, reached); }

namespace {

Status wait_for_one(const TimelinePoint& point, const std::function<bool()>& stopping) {
  constexpr std::chrono::milliseconds kSlice{50};
  while (true) {
    Status status = point.timeline->wait(point.value, kSlice);
    if (status || status.error().code() != ErrorCode::kTimeout) return status;
    if (stopping())
      return fail(ErrorCode::kCancelled, "submission",
                  "its device was closed before the value that it waits for was reached");
  }
}

}  // namespace

Status wait_unless(std::span<const TimelinePoint> points, const std::function<bool()>& stopping) {
  for (const TimelinePoint& point : points) TRIREME_TRY(wait_for_one(point, stopping));
  return {};
}

Status wait_to_end(const TimelinePoint& point, std::chrono::nanoseconds patience) {
  Status first = point.timeline->wait(point.value, patience);
  if (first || first.error().code() != ErrorCode::kTimeout) return first;
  const Status over = wait_for_one(point, [] { return false; });
  return over ? first : over;
}

void settle(const Status& status, std::span<const TimelinePoint> signals) {
  for (const TimelinePoint& point : signals) {
    if (!status) {
      point.timeline->fail_with(status.error());
    } else if (Status signalled = point.timeline->signal(point.value); !signalled) {
      point.timeline->fail_with(std::move(signalled).error());
    }
  }
}

}  // namespace trireme
