// What every queue does with the points that a submission waits for and signals.
#pragma once

#include <functional>
#include <span>

#include "hal/timeline.h"

namespace trireme {

// Errors: kInvalidArgument when a timeline is null.
Status check_points(std::span<const TimelinePoint> waits, std::span<const TimelinePoint> signals);

bool reached(const TimelinePoint& point);
bool all_reached(std::span<const TimelinePoint> points);

// Returns when all are reached. A timeline knows nothing of a queue's end, so the wait looks up from time to time.
// Errors: the timeline's of the first that fails, or kCancelled once `stopping` says so while one is not reached.
Status wait_unless(std::span<const TimelinePoint> points, const std::function<bool()>& stopping);

// Waits until the point is reached or its timeline has failed, so that what a submission uses may be freed; when that
// took longer than `patience`, the answer is kTimeout. Other errors: the timeline's.
Status wait_to_end(const TimelinePoint& point, std::chrono::nanoseconds patience);

// Signals the points, or fails their timelines with `status`; one that does not grow fails alone.
void settle(const Status& status, std::span<const TimelinePoint> signals);

}  // namespace trireme
