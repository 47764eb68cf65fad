// SPDX-License-Identifier: MIT
// VkDeviceMemory: one kernel buffer with one GPU address, bound for its whole life.
//
// Resources are placed inside it, so their GPU address is the memory's plus the bind offset. What a
// memory type means is the physical device's list; mapping is free. Freed memory returns to the
// system at once. Ownership: the application. Threading: immutable after creation. Failure: out of
// device memory, too many objects.
#pragma once

#include "runtime/device/device.hpp"

namespace kite::rt {

/// Bytes of a heap that all devices of this process have allocated for the application.
[[nodiscard]] uint64_t process_memory_used(uint32_t heap);

/// The allocation.
struct DeviceMemory : Object<DeviceMemory, VkDeviceMemory> {
    BoundBo bound;           ///< buffer, address, mapping
    uint64_t size_bytes = 0; ///< allocationSize
    uint32_t heap = 0;       ///< memory heap it counts against
};

} // namespace kite::rt
