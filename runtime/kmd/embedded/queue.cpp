// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/queue.hpp"

#include "base/log.hpp"
#include "base/worker_signals.hpp"

#include <pthread.h>

namespace kite::rt::kmd::embedded {

Result<void> QueueImpl::start(dev::Device& device, dev::AddressSpace* space) {
    if (int r = device.create_queue(space, &QueueImpl::complete, this, &queue_); r != 0)
        return base::fail(base::ErrorCode::initialization_failed, "device queue: {}",
                          base::errno_text(-r));
    return {};
}

QueueImpl::~QueueImpl() {
    {
        std::lock_guard lock(hub_->mutex);
        stop_ = true;
    }
    hub_->changed.notify_all();
    if (thread_.joinable())
        thread_.join();
    if (queue_)
        queue_->destroy();
}

void QueueImpl::complete(void* user, uint64_t, dev::Status status) {
    static_cast<QueueImpl*>(user)->complete_oldest(status);
}

void QueueImpl::complete_oldest(dev::Status status) {
    {
        std::lock_guard lock(hub_->mutex);
        if (status != dev::Status::ok && !hub_->lost && !stop_) {
            hub_->lost = true;
            dev::Fault f{};
            if (queue_ && queue_->fault(&f))
                KITE_LOG(error, "device lost: {}", static_cast<const char*>(f.message));
            else
                KITE_LOG(error, "device lost");
        }
        // A lost context signals nothing: its waiters see device_lost.
        if (status == dev::Status::ok)
            for (const SyncPoint& p : signals_.front())
                static_cast<TimelineImpl*>(p.timeline)->locked_signal(p.value);
        signals_.pop_front();
    }
    hub_->changed.notify_all();
}

bool QueueImpl::reached(const std::vector<SyncPoint>& waits) const {
    for (const SyncPoint& p : waits)
        if (!static_cast<TimelineImpl*>(p.timeline)->locked_reached(p.value))
            return false;
    return true;
}

void QueueImpl::consume(const std::vector<SyncPoint>& waits) {
    for (const SyncPoint& p : waits)
        static_cast<TimelineImpl*>(p.timeline)->locked_consume();
}

Result<void> QueueImpl::hand_over(const std::vector<dev::IndirectBuffer>& ibs) {
    int r = queue_->submit(ibs.data(), static_cast<uint32_t>(ibs.size()), ++cookie_);
    if (r == 0)
        return {};
    complete_oldest(dev::Status::lost);
    return base::fail(base::ErrorCode::device_lost, "device refused a submission: {}",
                      base::errno_text(-r));
}

Result<void> QueueImpl::submit(const Submission& s) {
    std::lock_guard order(submit_mutex_);
    Pending p;
    p.ibs.reserve(s.ibs.size());
    for (const Ib& ib : s.ibs)
        if (ib.dwords != 0)
            p.ibs.push_back({ib.address, ib.dwords, 0});
    p.waits.assign(s.waits.begin(), s.waits.end());
    bool now = false;
    {
        std::lock_guard lock(hub_->mutex);
        if (hub_->lost)
            return std::unexpected(base::Error{base::ErrorCode::device_lost, "device lost", {}});
        bool idle = signals_.empty();
        now = held_.empty() && !handing_ && reached(p.waits);
        if (now)
            consume(p.waits);
        if (now && idle && p.ibs.empty()) {
            // Nothing to execute and nothing before it: signal without waking the device.
            for (const SyncPoint& sp : s.signals)
                static_cast<TimelineImpl*>(sp.timeline)->locked_signal(sp.value);
        } else {
            signals_.emplace_back(s.signals.begin(), s.signals.end());
            if (!now) {
                held_.push_back(std::move(p));
                if (!thread_.joinable())
                    thread_ = std::thread([this] { run(); });
            }
        }
        if (now && idle && p.ibs.empty())
            now = false;
    }
    if (now)
        return hand_over(p.ibs);
    hub_->changed.notify_all();
    return {};
}

void QueueImpl::run() {
    base::block_worker_signals();
    pthread_setname_np(pthread_self(), "kite-submit");
    std::unique_lock lock(hub_->mutex);
    for (;;) {
        if (stop_)
            return;
        if (held_.empty() || (!hub_->lost && !reached(held_.front().waits))) {
            hub_->pause(lock, held_.empty() ? std::span<const SyncPoint>() : held_.front().waits);
            continue;
        }
        Pending p = std::move(held_.front());
        held_.pop_front();
        if (hub_->lost) {
            signals_.pop_back();
            continue;
        }
        consume(p.waits);
        handing_ = true;
        lock.unlock();
        (void)hand_over(p.ibs);
        lock.lock();
        handing_ = false;
    }
}

std::string QueueImpl::fault() {
    dev::Fault f{};
    return queue_ && queue_->fault(&f) ? std::string(f.message) : std::string();
}

} // namespace kite::rt::kmd::embedded
