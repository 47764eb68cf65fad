// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/timeline.hpp"

#include <chrono>

namespace kite::rt::kmd::embedded {

Result<void> TimelineHub::wait(const WaitSet& set, uint64_t deadline_ns) {
    auto reached = [&] {
        size_t n = 0;
        for (const SyncPoint& p : set.points)
            n += static_cast<TimelineImpl*>(p.timeline)->locked_value() >= p.value ? 1 : 0;
        return set.any ? n > 0 || set.points.empty() : n == set.points.size();
    };
    std::unique_lock lock(mutex);
    // std::chrono::steady_clock is CLOCK_MONOTONIC.
    auto done = [&] { return reached() || lost; };
    if (deadline_ns == UINT64_MAX || deadline_ns > uint64_t{1} << 62) {
        changed.wait(lock, done);
    } else if (deadline_ns != 0) {
        changed.wait_until(
            lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)),
            done);
    }
    if (reached())
        return {};
    // Not fail(): time-outs and polls of an unfinished point are not worth a log line.
    if (lost)
        return std::unexpected(base::Error{base::ErrorCode::device_lost, "device lost", {}});
    return std::unexpected(base::Error{base::ErrorCode::timeout, "timeout", {}});
}

Result<uint64_t> TimelineImpl::value() {
    std::lock_guard lock(hub_->mutex);
    return value_;
}

Result<void> TimelineImpl::signal(uint64_t value) {
    {
        std::lock_guard lock(hub_->mutex);
        locked_signal(value);
    }
    hub_->changed.notify_all();
    return {};
}

Result<void> TimelineImpl::wait(uint64_t value, uint64_t deadline_ns) {
    SyncPoint p{this, value};
    return hub_->wait({.points = {&p, 1}, .any = false}, deadline_ns);
}

} // namespace kite::rt::kmd::embedded
