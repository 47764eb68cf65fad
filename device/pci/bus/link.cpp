// SPDX-License-Identifier: MIT
#include "device/pci/bus/link.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace kite::dev::pci {

namespace {

constexpr uint64_t kSlice = 5'000'000;      // ns between looks at `stop`
constexpr uint64_t kWorthSleeping = 60'000; // shorter waits spin
constexpr uint64_t kBitsPerByte = 8;

uint64_t clock_ns() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

} // namespace

uint32_t link_megabits(unsigned generation, unsigned width) {
    // 8b/10b, then 128b/130b, then FLITs of which 242 of 256 bytes are payload.
    constexpr std::array<uint32_t, 7> kLane = {0, 2000, 4000, 7876, 15753, 31507, 60500};
    return kLane[std::min<size_t>(generation, kLane.size() - 1)] * width;
}

void Link::request() const {
    if (options_.latency_ns == 0) {
        return;
    }
    const uint64_t end = clock_ns() + options_.latency_ns;
    if (options_.latency_ns > kWorthSleeping) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(options_.latency_ns));
    }
    while (clock_ns() < end) {
    }
}

void Link::transfer(Direction direction, uint64_t bytes, const std::atomic<uint32_t>& stop) {
    uint64_t free = 0;
    {
        const std::lock_guard lock(mutex_);
        Way& way = ways_[static_cast<size_t>(direction)];
        way.bytes += bytes;
        if (options_.megabits == 0) {
            return;
        }
        // Bits per (megabits per second) are microseconds; rounded up, so that the cap holds.
        const uint64_t ns =
            (bytes * kBitsPerByte * 1000 + options_.megabits - 1) / options_.megabits;
        way.busy_ns += ns;
        way.free_ns = std::max(way.free_ns, clock_ns()) + ns;
        free = way.free_ns;
    }
    for (uint64_t now = clock_ns(); now + kCredit < free && stop.load() == 0; now = clock_ns()) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(free - now, kSlice)));
    }
}

uint64_t Link::bytes(Direction direction) const {
    const std::lock_guard lock(mutex_);
    return ways_[static_cast<size_t>(direction)].bytes;
}

uint64_t Link::busy_ns() const {
    const std::lock_guard lock(mutex_);
    return ways_[0].busy_ns + ways_[1].busy_ns;
}

} // namespace kite::dev::pci
