// SPDX-License-Identifier: MIT
// Address spaces and queues as the device's interface shows them.
//
// A space is a context: the first fault of any of its queues kills it, and later submissions of all
// its queues complete as lost. A queue has one thread that executes submissions in order. Both are
// made by the device, freed by destroy(); the device must outlive them.
#pragma once

#include "base/thread_pool.hpp"
#include "device/exec/executor.hpp"
#include "device/front/counters.hpp"
#include "device/front/processor.hpp"
#include "device/front/watchdog.hpp"
#include "device/mem/window.hpp"
#include "device/trace/recorder.hpp"
#include "kite_device/device.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace kite::dev::front {

/// Parts of the device that its contexts share.
struct Shared {
    std::shared_ptr<base::ThreadPool> pool;    ///< workers
    std::unique_ptr<exec::Executor> executor;  ///< makes routines
    std::unique_ptr<trace::Recorder> recorder; ///< KITE_CAPTURE; null: nothing is recorded
    Counters counters;                         ///< totals
    Watchdog watchdog;                         ///< hang detection
    bool print_packets = false;                ///< KITE_DEV_DEBUG=packets
    uint64_t hang_timeout_ns = 0;              ///< per submission
    std::atomic<int> live{0};                  ///< spaces and queues alive
};

/// A GPU address space and its context state.
class Space final : public AddressSpace, private Watched {
public:
    Space(Shared& shared, std::unique_ptr<mem::Window> window);
    int map(uint64_t va, uint64_t size, int fd, uint64_t offset, bool read_only) override;
    int unmap(uint64_t va, uint64_t size) override;
    void* host_pointer(uint64_t va) override;
    void destroy() override;

    /// Its memory.
    [[nodiscard]] mem::Window& window() { return *window_; }
    /// Its number in the recording.
    [[nodiscard]] uint32_t trace_number() const { return trace_number_; }
    /// Its programs.
    [[nodiscard]] ProgramCache& programs() { return programs_; }
    /// Records why the context died; the first call wins.
    void die(Status status, uint64_t address, const std::string& message);
    /// The first fault.
    [[nodiscard]] bool fault(Fault* out);
    /// True once dead.
    [[nodiscard]] bool dead() const { return dead_.load(std::memory_order_acquire); }
    /// Counts submissions that run in the space.
    void enter() { running_.fetch_add(1, std::memory_order_acq_rel); }
    /// The end of one.
    void leave() { running_.fetch_sub(1, std::memory_order_acq_rel); }

private:
    ~Space();
    bool inspect(uint64_t now) override;

    Shared& shared_;
    std::unique_ptr<mem::Window> window_;
    uint32_t trace_number_ = 0;
    ProgramCache programs_;
    std::atomic<bool> dead_{false};
    std::mutex mutex_;
    Fault first_{};
    std::atomic<unsigned> running_{0};
    uint64_t programs_counted_ = 0;
    bool dirty_ = false; // work ran since the last discard
};

/// An in-order queue.
class QueueImpl final : public Queue, private Watched {
public:
    QueueImpl(Shared& shared, Space& space, CompletionFn fn, void* user);
    /// Starts the thread. @return 0 or -errno.
    int start();
    int submit(const IndirectBuffer* ibs, uint32_t count, uint64_t cookie) override;
    bool fault(Fault* out) override;
    void destroy() override;

private:
    struct Submission {
        std::vector<IndirectBuffer> ibs;
        uint64_t cookie = 0;
    };
    ~QueueImpl();
    void main();
    [[nodiscard]] Status run(const Submission& submission);
    [[nodiscard]] Status execute(const Submission& submission);
    bool inspect(uint64_t now) override;

    static constexpr uint32_t kHang = 1, kDestroy = 2;
    Shared& shared_;
    Space& space_;
    const CompletionFn complete_;
    void* const user_;
    std::atomic<uint32_t> kill_{0};
    std::atomic<uint64_t> started_ns_{0};  // of the running submission, 0 = idle
    std::atomic<uint64_t> compiled_ns_{0}; // the compile clock when it began
    Processor processor_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Submission> pending_;
    bool stop_ = false;
    int owner_pid_;
    std::thread thread_;
};

} // namespace kite::dev::front
