// SPDX-License-Identifier: MIT
// One thread per device that looks after its queues: kills submissions that run too long and takes
// back memory that stray writes use.
//
// Owned by the device; watched objects remove themselves before they die. notify() is cheap and
// called when a queue becomes busy; an idle device has the thread asleep. All functions are
// thread-safe. If the thread cannot be created there is no hang detection; that is logged, not
// fatal.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace kite::dev::front {

/// Something the watchdog visits.
class Watched {
public:
    /// Called every few ten milliseconds while anything is busy, and once after. @return true while
    /// busy.
    virtual bool inspect(uint64_t now_ns) = 0;

protected:
    ~Watched() = default;
};

/// The watchdog of a device.
class Watchdog {
public:
    Watchdog() = default;
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Starts visiting `object` (and the thread, if it is the first).
    void add(Watched* object);
    /// Stops visiting it; on return no visit is running.
    void remove(Watched* object);
    /// Says that something became busy.
    void notify();
    /// Ends the thread without joining it: the process was forked and the thread belongs to the
    /// parent.
    void forget_thread();

private:
    void main();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Watched*> objects_;
    bool stop_ = false;
    bool busy_ = false;
    std::atomic<bool> asleep_{false};
    std::thread thread_;
};

/// Starts a thread named `name` that blocks every signal except SIGSEGV and SIGSYS. Empty if the
/// system refuses.
[[nodiscard]] std::thread start_thread(const char* name, void (*entry)(void*), void* argument);

} // namespace kite::dev::front
