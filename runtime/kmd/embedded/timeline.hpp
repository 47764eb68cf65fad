// SPDX-License-Identifier: MIT
// Timelines and binary objects of the embedded back end: a 64-bit value under one lock and
// condition variable per device.
//
// One lock for all timelines of a device keeps multi-object waits simple (a waiter re-checks its
// points when anything moves). Callbacks let the submit thread of a queue sleep on the same
// condition. An object whose descriptor was exported or that was imported keeps its value in memory
// that other processes map (shared_sync.hpp); who waits for such a point looks again every
// millisecond. `lost` is sticky: waits end with device_lost. Ownership: the hub is shared by the
// device and its timelines. Threading: all methods are thread-safe.
#pragma once

#include "runtime/kmd/embedded/shared_sync.hpp"
#include "runtime/kmd/kmd.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>

namespace kite::rt::kmd::embedded {

/// Lock and wake-up of all timelines of one device.
struct TimelineHub {
    std::mutex mutex;                ///< guards every timeline's value
    std::condition_variable changed; ///< notified when any value or `lost` changes
    bool lost = false;               ///< a context died: waits give up
    /// Waits for the points; see Device::wait.
    Result<void> wait(const WaitSet& set, uint64_t deadline_ns);
    /// Sleeps until anything changes, the deadline (steady_clock, null: none), or a millisecond if
    /// one of the points is shared. The caller looks again.
    void pause(std::unique_lock<std::mutex>& lock, std::span<const SyncPoint> points,
               const std::chrono::steady_clock::time_point* deadline = nullptr);
};

/// The timeline, or a binary object.
class TimelineImpl final : public Timeline {
public:
    TimelineImpl(std::shared_ptr<TimelineHub> hub, uint64_t initial)
        : hub_(std::move(hub)), value_(initial) {}
    /// One that lives in shared memory.
    TimelineImpl(std::shared_ptr<TimelineHub> hub, std::unique_ptr<SharedSync> shared, bool binary)
        : hub_(std::move(hub)), shared_(std::move(shared)), binary_(binary) {}
    Result<uint64_t> value() override;
    Result<void> signal(uint64_t value) override;
    Result<void> wait(uint64_t value, uint64_t deadline_ns) override;
    Result<void> reset() override;
    Result<int> export_fd() override;
    /// The point is reached; hub lock held.
    [[nodiscard]] bool locked_reached(uint64_t value) const {
        return binary_ ? locked_value() != 0 : locked_value() >= value;
    }
    /// Raises the value or sets the binary object; hub lock held, caller notifies.
    void locked_signal(uint64_t value);
    /// A queue waited for the object: binary ones are unsignalled again; hub lock held.
    void locked_consume();
    /// Others may change it unseen; hub lock held.
    [[nodiscard]] bool locked_shared() const { return shared_ != nullptr; }

private:
    [[nodiscard]] uint64_t locked_value() const { return shared_ ? shared_->value() : value_; }

    std::shared_ptr<TimelineHub> hub_;
    uint64_t value_ = 0;                 ///< unless shared
    std::unique_ptr<SharedSync> shared_; ///< once another process may see it
    bool binary_ = false;
};

} // namespace kite::rt::kmd::embedded
