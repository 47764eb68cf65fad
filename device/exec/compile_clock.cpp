// SPDX-License-Identifier: MIT
#include "device/exec/compile_clock.hpp"

#include <chrono>
#include <mutex>

namespace kite::dev::exec {

namespace {

struct Clock {
    std::mutex mutex;
    uint64_t total = 0; // of finished spells
    uint64_t since = 0; // when the running spell began
    unsigned running = 0;
};

Clock& clock() {
    static Clock instance;
    return instance;
}

uint64_t now() {
    const auto t = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::nanoseconds(t).count());
}

} // namespace

uint64_t compile_clock_ns() {
    Clock& c = clock();
    const std::lock_guard lock(c.mutex);
    return c.total + (c.running != 0 ? now() - c.since : 0);
}

CompileScope::CompileScope() {
    Clock& c = clock();
    const std::lock_guard lock(c.mutex);
    if (c.running++ == 0) {
        c.since = now();
    }
}

CompileScope::~CompileScope() {
    Clock& c = clock();
    const std::lock_guard lock(c.mutex);
    if (--c.running == 0) {
        c.total += now() - c.since;
    }
}

} // namespace kite::dev::exec
