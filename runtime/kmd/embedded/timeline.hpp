// SPDX-License-Identifier: MIT
// Timelines of the embedded back end: a 64-bit value under one lock and condition variable per
// device.
//
// One lock for all timelines of a device keeps multi-object waits simple (a waiter re-checks its
// points when anything moves). Callbacks let the submit thread of a queue sleep on the same
// condition. `lost` is sticky: waits end with device_lost. Ownership: the hub is shared by the
// device and its timelines. Threading: all methods are thread-safe.
#pragma once

#include "runtime/kmd/kmd.hpp"

#include <condition_variable>
#include <mutex>

namespace kite::rt::kmd::embedded {

/// Lock and wake-up of all timelines of one device.
struct TimelineHub {
    std::mutex mutex;                ///< guards every timeline's value
    std::condition_variable changed; ///< notified when any value or `lost` changes
    bool lost = false;               ///< a context died: waits give up
    /// Waits for the points; see Device::wait.
    Result<void> wait(const WaitSet& set, uint64_t deadline_ns);
};

/// The timeline.
class TimelineImpl final : public Timeline {
public:
    TimelineImpl(std::shared_ptr<TimelineHub> hub, uint64_t initial)
        : hub_(std::move(hub)), value_(initial) {}
    Result<uint64_t> value() override;
    Result<void> signal(uint64_t value) override;
    Result<void> wait(uint64_t value, uint64_t deadline_ns) override;
    /// Current value; hub lock held.
    [[nodiscard]] uint64_t locked_value() const { return value_; }
    /// Raises the value; hub lock held, caller notifies.
    void locked_signal(uint64_t value) { value_ = value > value_ ? value : value_; }

private:
    std::shared_ptr<TimelineHub> hub_;
    uint64_t value_;
};

} // namespace kite::rt::kmd::embedded
