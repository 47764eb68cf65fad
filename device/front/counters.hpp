// SPDX-License-Identifier: MIT
// Totals of one device since its creation, for Device::counters and tools. Relaxed atomics: any
// thread adds, any thread reads.
#pragma once

#include "device/raster/renderer.hpp"

#include <atomic>
#include <cstdint>

namespace kite::dev::front {

/// What a device has done.
struct Counters {
    std::atomic<uint64_t> submissions{0}; ///< submissions finished
    std::atomic<uint64_t> packets{0};     ///< packets executed
    std::atomic<uint64_t> dispatches{0};  ///< Dispatch and DispatchIndirect
    std::atomic<uint64_t> workgroups{0};  ///< workgroups run
    std::atomic<uint64_t> copies{0};      ///< transfer packets
    std::atomic<uint64_t> programs{0};    ///< programs loaded and verified
    std::atomic<uint64_t> faults{0};      ///< contexts killed
    std::atomic<uint64_t> busy_ns{0};     ///< time queues spent executing
    RenderCounters render;                ///< the renderers' totals
};

} // namespace kite::dev::front
