// SPDX-License-Identifier: MIT
// VkQueryPool: slots in GPU memory that the device writes.
//
// A slot is hw::QuerySlot (value, available); pipeline statistics have 11 values and transform
// feedback streams two, then availability. Ownership: the application. Threading: slots are read
// with acquire loads. Failure: out of device memory.
#pragma once

#include "kite_hw/packets.hpp"
#include "runtime/device/device.hpp"

namespace kite::rt {

/// The pool.
struct QueryPool : Object<QueryPool, VkQueryPool> {
    GpuPiece memory;          ///< slots
    hw::QueryType type{};     ///< type
    uint32_t count = 0;       ///< queries
    uint32_t slot_bytes = 16; ///< bytes of a slot
    uint32_t values = 1;      ///< which of the slot's values are reported
    /// GPU address of a slot.
    [[nodiscard]] uint64_t address(uint32_t i) const {
        return memory.address + uint64_t{i} * slot_bytes;
    }
    /// Host pointer of a slot.
    [[nodiscard]] uint64_t* host(uint32_t i) const {
        return reinterpret_cast<uint64_t*>(static_cast<std::byte*>(memory.host) +
                                           uint64_t{i} * slot_bytes);
    }
};

} // namespace kite::rt
