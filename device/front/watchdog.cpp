// SPDX-License-Identifier: MIT
#include "device/front/watchdog.hpp"

#include "base/log.hpp"
#include "base/worker_signals.hpp"
#include "device/front/processor.hpp"

#include <algorithm>
#include <chrono>
#include <pthread.h>
#include <system_error>

namespace kite::dev::front {

namespace {
constexpr auto kTick = std::chrono::milliseconds(25);
}

std::thread start_thread(const char* name, void (*entry)(void*), void* argument) {
    const sigset_t before = base::block_worker_signals();
    std::thread thread;
    try {
        thread = std::thread(entry, argument);
        pthread_setname_np(thread.native_handle(), name);
    } catch (const std::system_error& error) {
        KITE_LOG(error, "cannot start thread {}: {}", name, error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Watchdog::add(Watched* object) {
    const std::lock_guard lock(mutex_);
    objects_.push_back(object);
    if (!thread_.joinable()) {
        thread_ = start_thread(
            "kite-watchdog", [](void* self) { static_cast<Watchdog*>(self)->main(); }, this);
    }
}

void Watchdog::remove(Watched* object) {
    const std::lock_guard lock(mutex_);
    std::erase(objects_, object);
}

void Watchdog::notify() {
    if (!asleep_.load(std::memory_order_acquire)) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        busy_ = true;
        asleep_.store(false, std::memory_order_release);
    }
    wake_.notify_all();
}

void Watchdog::forget_thread() {
    if (thread_.joinable()) {
        thread_.detach();
    }
}

void Watchdog::main() {
    // After this many idle ticks the thread sleeps until notify(); until then a submission need not
    // wake it.
    constexpr unsigned kLinger = 40;
    unsigned idle = 0;
    std::unique_lock lock(mutex_);
    while (!stop_) {
        if (idle > kLinger) {
            busy_ = false;
            asleep_.store(true, std::memory_order_release);
            // A queue that became busy before it could see asleep_ is found by one more visit.
            const bool missed = std::ranges::count_if(
                                    objects_, [](Watched* o) { return o->inspect(now_ns()); }) != 0;
            if (!missed) {
                wake_.wait(lock, [this] { return stop_ || busy_; });
            }
            asleep_.store(false, std::memory_order_release);
            idle = 0;
        }
        wake_.wait_for(lock, kTick, [this] { return stop_; });
        const uint64_t now = now_ns();
        const bool busy =
            std::ranges::count_if(objects_, [now](Watched* o) { return o->inspect(now); }) != 0;
        idle = busy ? 0 : idle + 1;
    }
}

} // namespace kite::dev::front
