// SPDX-License-Identifier: MIT
// In-order queue of the drm back end.
//
// The kernel refuses waits on points without a fence, so a submission with such a wait, and
// everything after it, is held on a thread (started on first need) until the points are submitted.
// Otherwise the submission goes to the kernel on the caller's thread. When the context is lost the
// signals of what could not be submitted are raised by the host, so that nobody waits for ever;
// waiters then find the loss. A waited-for binary object is reset once the kernel has its fence.
// Ownership: the Device outlives its queues. Threading: submit() from any thread; order is the
// order of the calls. Failure: Result; a held submission that fails later loses the context.
#pragma once

#include "runtime/kmd/drm/timeline.hpp"

#include <condition_variable>
#include <deque>
#include <thread>

namespace kite::rt::kmd::drm {

/// What one ioctl takes.
struct QueueLimits {
    uint32_t max_ibs = 1;   ///< ranges
    uint32_t max_syncs = 2; ///< waits and signals
};

/// The queue.
class QueueImpl final : public Queue {
public:
    QueueImpl(std::shared_ptr<Vm> vm, QueueLimits limits) : vm_(std::move(vm)), limits_(limits) {}
    ~QueueImpl() override;
    QueueImpl(const QueueImpl&) = delete;
    QueueImpl& operator=(const QueueImpl&) = delete;
    /// QUEUE_CREATE.
    Result<void> start(QueueClass engine);
    Result<void> submit(const Submission& s) override;
    std::string fault() override { return vm_->fault(); }

private:
    struct Pending {
        std::vector<Ib> ibs;
        std::vector<SyncPoint> waits;
        std::vector<SyncPoint> signals;
    };
    void run();
    /// Every wait has a fence; a wait that is over is removed.
    bool ready(std::vector<SyncPoint>& waits);
    Result<void> hand_over(const Pending& p);
    int submit_part(std::span<const Ib> ibs, std::span<const SyncPoint> waits,
                    std::span<const SyncPoint> signals);
    void signal_lost(const Pending& p);

    std::shared_ptr<Vm> vm_;
    QueueLimits limits_;
    uint32_t id_ = 0;
    std::mutex order_; ///< keeps submit order; taken before mutex_
    std::mutex mutex_; ///< guards the next three
    std::condition_variable changed_;
    std::deque<Pending> held_;
    bool stop_ = false;
    bool busy_ = false; ///< the thread is at work on the submission it took off held_
    std::thread thread_;
};

} // namespace kite::rt::kmd::drm
