// SPDX-License-Identifier: MIT
// GPU address allocator: hands out ranges of the context's address space.
//
// First fit over an ordered map of free ranges, coalescing on free. Addresses are the runtime's
// business (VM_BIND model); the kernel only maps what it is told. Large ranges (>= 2 MiB) are
// aligned to 2 MiB so that mappings stay large. Ownership: the Device owns one. Threading:
// internally locked. Failure: nullopt when the space is exhausted.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace kite::rt {

/// Allocates [start, end).
class VaAllocator {
public:
    VaAllocator(uint64_t start, uint64_t end);
    /// Reserves size bytes (rounded up to 64 KiB); at is a wish for a fixed address (0: anywhere).
    [[nodiscard]] std::optional<uint64_t> allocate(uint64_t size, uint64_t at = 0);
    /// Returns a range; address and size as allocated.
    void release(uint64_t address, uint64_t size);
    /// Bytes free (tests).
    [[nodiscard]] uint64_t free_bytes() const;

private:
    mutable std::mutex mutex_;
    std::map<uint64_t, uint64_t> free_; ///< start -> end
};

/// Granule of the allocator.
inline constexpr uint64_t kVaGranule = 64 * 1024;

} // namespace kite::rt
