// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/queue.hpp"

#include "base/worker_signals.hpp"
#include "drm-driver/uapi/kite_drm.h"

#include <algorithm>
#include <ctime>
#include <pthread.h>

namespace kite::rt::kmd::drm {
namespace {

constexpr uint64_t kStopSliceNs = 20'000'000; ///< how soon a stopped queue gives up its waits

TimelineImpl& impl(const SyncPoint& p) {
    return static_cast<TimelineImpl&>(*p.timeline);
}

drm_kite_queue_class class_of(QueueClass c) {
    switch (c) {
    case QueueClass::compute:
        return DRM_KITE_QUEUE_COMPUTE;
    case QueueClass::copy:
        return DRM_KITE_QUEUE_COPY;
    default:
        return DRM_KITE_QUEUE_GRAPHICS;
    }
}

drm_kite_sync sync_of(const SyncPoint& p, bool signal) {
    const TimelineImpl& t = impl(p);
    drm_kite_sync s{};
    s.flags = (t.binary() ? 0u : uint32_t{DRM_KITE_SYNC_TIMELINE}) |
              (signal ? uint32_t{DRM_KITE_SYNC_SIGNAL} : 0u);
    s.handle = t.handle();
    s.value = t.point(p.value);
    return s;
}

} // namespace

Result<void> QueueImpl::start(QueueClass engine) {
    drm_kite_queue_create c{};
    c.vm_id = vm_->id();
    c.queue_class = class_of(engine);
    c.priority = DRM_KITE_PRIORITY_NORMAL;
    if (int r = vm_->call(DRM_IOCTL_KITE_QUEUE_CREATE, &c); r < 0)
        return std::unexpected(vm_->error(r, "QUEUE_CREATE"));
    id_ = c.id;
    return {};
}

QueueImpl::~QueueImpl() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
    if (id_ != 0) {
        drm_kite_queue_destroy d{};
        d.id = id_;
        (void)vm_->call(DRM_IOCTL_KITE_QUEUE_DESTROY, &d);
    }
}

bool QueueImpl::ready(std::vector<SyncPoint>& waits) {
    std::erase_if(waits, [](const SyncPoint& p) { return impl(p).known_reached(p.value); });
    return wait_points(*vm_, {.points = waits, .any = false}, 0, WaitFor::submitted).has_value();
}

int QueueImpl::submit_part(std::span<const Ib> ibs, std::span<const SyncPoint> waits,
                           std::span<const SyncPoint> signals) {
    std::vector<drm_kite_ib> ranges;
    ranges.reserve(ibs.size());
    for (const Ib& ib : ibs)
        ranges.push_back({ib.address, ib.dwords * 4, 0});
    std::vector<drm_kite_sync> syncs;
    syncs.reserve(waits.size() + signals.size());
    for (const SyncPoint& p : waits)
        syncs.push_back(sync_of(p, false));
    for (const SyncPoint& p : signals)
        syncs.push_back(sync_of(p, true));
    drm_kite_queue_submit s{};
    s.queue_id = id_;
    s.ibs = {sizeof(drm_kite_ib), static_cast<uint32_t>(ranges.size()),
             reinterpret_cast<uintptr_t>(ranges.data())};
    s.syncs = {sizeof(drm_kite_sync), static_cast<uint32_t>(syncs.size()),
               reinterpret_cast<uintptr_t>(syncs.data())};
    return vm_->call(DRM_IOCTL_KITE_QUEUE_SUBMIT, &s);
}

void QueueImpl::signal_lost(const Pending& p) {
    for (const SyncPoint& s : p.signals)
        (void)s.timeline->signal(s.value);
}

Result<void> QueueImpl::hand_over(const Pending& p) {
    std::span<const Ib> ibs = p.ibs;
    std::span<const SyncPoint> waits = p.waits, signals = p.signals;
    // What does not fit one ioctl: surplus waits are waited for here, ranges and signals follow in
    // further submissions, which the queue executes in order.
    if (waits.size() > limits_.max_syncs / 2) {
        auto rest = waits.subspan(limits_.max_syncs / 2);
        waits = waits.first(limits_.max_syncs / 2);
        if (auto r = wait_points(*vm_, {.points = rest, .any = false}, UINT64_MAX); !r) {
            signal_lost(p);
            return r;
        }
    }
    int r = 0;
    bool first = true;
    while (r >= 0 && (first || !ibs.empty() || !signals.empty())) {
        auto now = ibs.first(std::min<size_t>(ibs.size(), limits_.max_ibs));
        ibs = ibs.subspan(now.size());
        auto raise = signals.first(
            ibs.empty() ? std::min<size_t>(signals.size(), limits_.max_syncs / 2) : 0);
        signals = signals.subspan(raise.size());
        r = submit_part(now, first ? waits : std::span<const SyncPoint>{}, raise);
        first = false;
        for (const SyncPoint& s : raise)
            if (r >= 0)
                impl(s).note_submitted(s.value);
    }
    if (r < 0) {
        base::Error e = vm_->error(r, "QUEUE_SUBMIT");
        if (vm_->lost())
            signal_lost(p);
        return std::unexpected(e);
    }
    for (const SyncPoint& w : p.waits)
        if (impl(w).binary())
            (void)w.timeline->reset();
    return {};
}

Result<void> QueueImpl::submit(const Submission& s) {
    if (vm_->lost())
        return std::unexpected(vm_->lost_error());
    std::lock_guard order(order_);
    Pending p;
    p.ibs.reserve(s.ibs.size());
    for (const Ib& ib : s.ibs) {
        if (ib.dwords >= uint32_t{1} << 30)
            return base::fail(base::ErrorCode::invalid_argument, "{} dwords in one range",
                              ib.dwords);
        if (ib.dwords != 0)
            p.ibs.push_back(ib);
    }
    p.waits.assign(s.waits.begin(), s.waits.end());
    p.signals.assign(s.signals.begin(), s.signals.end());
    {
        std::unique_lock lock(mutex_);
        bool idle = held_.empty() && !busy_;
        lock.unlock();
        if (idle && ready(p.waits))
            return hand_over(p);
    }
    if (vm_->lost())
        return std::unexpected(vm_->lost_error());
    {
        std::lock_guard lock(mutex_);
        held_.push_back(std::move(p));
        if (!thread_.joinable())
            thread_ = std::thread([this] { run(); });
    }
    changed_.notify_all();
    return {};
}

void QueueImpl::run() {
    base::block_worker_signals();
    pthread_setname_np(pthread_self(), "kite-submit");
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return stop_ || !held_.empty(); });
        if (stop_)
            return;
        Pending p = std::move(held_.front());
        held_.pop_front();
        busy_ = true;
        bool done = false;
        while (!done && !stop_) {
            lock.unlock();
            timespec ts{};
            clock_gettime(CLOCK_MONOTONIC, &ts);
            uint64_t until = static_cast<uint64_t>(ts.tv_sec) * 1000000000u +
                             static_cast<uint64_t>(ts.tv_nsec) + kStopSliceNs;
            auto r =
                wait_points(*vm_, {.points = p.waits, .any = false}, until, WaitFor::submitted);
            if (r) {
                // A failure that is not loss can't be told to anybody any more.
                if (auto h = hand_over(p); !h && !vm_->lost())
                    signal_lost(p);
                done = true;
            } else if (r.error().code != base::ErrorCode::timeout || !vm_->check()) {
                signal_lost(p);
                done = true;
            }
            lock.lock();
        }
        busy_ = false;
    }
}

} // namespace kite::rt::kmd::drm
