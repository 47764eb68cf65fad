// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/timeline.hpp"

#include <algorithm>
#include <chrono>

namespace kite::rt::kmd::embedded {
namespace {

TimelineImpl& impl(const SyncPoint& p) {
    return static_cast<TimelineImpl&>(*p.timeline);
}

} // namespace

Result<void> TimelineHub::wait(const WaitSet& set, uint64_t deadline_ns) {
    auto reached = [&] {
        size_t n = 0;
        for (const SyncPoint& p : set.points)
            n += impl(p).locked_reached(p.value) ? 1 : 0;
        return set.any ? n > 0 || set.points.empty() : n == set.points.size();
    };
    std::unique_lock lock(mutex);
    // std::chrono::steady_clock is CLOCK_MONOTONIC.
    const bool for_ever = deadline_ns > uint64_t{1} << 62;
    const std::chrono::steady_clock::time_point deadline(
        std::chrono::nanoseconds(for_ever ? 0 : deadline_ns));
    while (deadline_ns != 0 && !reached() && !lost &&
           (for_ever || std::chrono::steady_clock::now() < deadline))
        pause(lock, set.points, for_ever ? nullptr : &deadline);
    if (reached())
        return {};
    // Not fail(): time-outs and polls of an unfinished point are not worth a log line.
    if (lost)
        return std::unexpected(base::Error{base::ErrorCode::device_lost, "device lost", {}});
    return std::unexpected(base::Error{base::ErrorCode::timeout, "timeout", {}});
}

void TimelineHub::pause(std::unique_lock<std::mutex>& lock, std::span<const SyncPoint> points,
                        const std::chrono::steady_clock::time_point* deadline) {
    const bool shared =
        std::ranges::any_of(points, [](const SyncPoint& p) { return impl(p).locked_shared(); });
    if (!shared && !deadline) {
        changed.wait(lock);
        return;
    }
    auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    if (deadline && (!shared || *deadline < until))
        until = *deadline;
    changed.wait_until(lock, until);
}

Result<uint64_t> TimelineImpl::value() {
    std::lock_guard lock(hub_->mutex);
    return locked_value();
}

void TimelineImpl::locked_signal(uint64_t value) {
    if (binary_)
        shared_->exchange(true);
    else if (shared_)
        shared_->raise(value);
    else
        value_ = std::max(value_, value);
}

void TimelineImpl::locked_consume() {
    if (binary_)
        shared_->exchange(false);
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

Result<void> TimelineImpl::reset() {
    std::lock_guard lock(hub_->mutex);
    locked_consume();
    return {};
}

Result<int> TimelineImpl::export_fd() {
    std::lock_guard lock(hub_->mutex);
    if (!shared_) {
        auto made = SharedSync::create(false, value_);
        if (!made)
            return std::unexpected(made.error());
        shared_ = std::move(*made);
        // Who already waits for it sleeps without looking: make them start again.
        hub_->changed.notify_all();
    }
    return shared_->export_fd();
}

} // namespace kite::rt::kmd::embedded
