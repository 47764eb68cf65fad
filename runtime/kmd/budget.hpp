// SPDX-License-Identifier: MIT
// What memory is left for this process now, for VK_EXT_memory_budget.
//
// Asks the kernel each time: other clients come and go, administrators change quotas. Threading:
// thread-safe. Failure: a device that cannot be asked leaves everything.
#pragma once

#include "runtime/kmd/kmd.hpp"

namespace kite::rt::kmd {

/// Bytes that may still be had; ~0 where nothing but the size of the heap limits it.
struct MemoryLeft {
    uint64_t vram = ~uint64_t{0};   ///< free VRAM, or what quotas leave of it
    uint64_t system = ~uint64_t{0}; ///< what quotas leave of system memory
};

/// What the back end of `facts` says.
[[nodiscard]] MemoryLeft memory_left(const DeviceFacts& facts);

} // namespace kite::rt::kmd
