// SPDX-License-Identifier: MIT
// In-order queue of the embedded back end.
//
// A submission whose waits are reached, with nothing older still waiting, goes to the device at
// once on the caller's thread; otherwise a submit thread (started on first need) holds it back
// until its points are reached, so waits may precede their signals. Completion raises the signal
// points on a device thread. A dead context marks the hub lost. Ownership: the Device outlives its
// queues. Threading: submit() from any thread; order is the order of the calls.
#pragma once

#include "kite_device/device.hpp"
#include "runtime/kmd/embedded/timeline.hpp"

#include <deque>
#include <thread>
#include <vector>

namespace kite::rt::kmd::embedded {

/// The queue.
class QueueImpl final : public Queue {
public:
    explicit QueueImpl(std::shared_ptr<TimelineHub> hub) : hub_(std::move(hub)) {}
    ~QueueImpl() override;
    QueueImpl(const QueueImpl&) = delete;
    QueueImpl& operator=(const QueueImpl&) = delete;
    /// Creates the device queue.
    Result<void> start(dev::Device& device, dev::AddressSpace* space);
    Result<void> submit(const Submission& s) override;
    std::string fault() override;

private:
    struct Pending {
        std::vector<dev::IndirectBuffer> ibs;
        std::vector<SyncPoint> waits;
    };
    static void complete(void* user, uint64_t cookie, dev::Status status);
    void run();
    Result<void> hand_over(const std::vector<dev::IndirectBuffer>& ibs);
    bool reached(const std::vector<SyncPoint>& waits) const;
    static void consume(const std::vector<SyncPoint>& waits);
    void complete_oldest(dev::Status status);

    std::shared_ptr<TimelineHub> hub_;
    dev::Queue* queue_ = nullptr;
    std::mutex submit_mutex_;  ///< keeps submit order; taken before the hub's lock
    std::deque<Pending> held_; ///< under hub lock
    std::deque<std::vector<SyncPoint>>
        signals_;          ///< of submissions not completed, oldest first; under hub lock
    bool stop_ = false;    ///< under hub lock
    bool handing_ = false; ///< the thread is submitting the front; under hub lock
    std::thread thread_;
    uint64_t cookie_ = 0;
};

} // namespace kite::rt::kmd::embedded
