// SPDX-License-Identifier: MIT
// A GPU address space as one window of host addresses: GPU address a is window byte a & mask, for
// every a.
//
// The window is 2^40 bytes (less if the process may not reserve that much) plus a guard of 4 GiB,
// so that `base + (va & mask) + 32-bit offset` never leaves it. Mapped ranges show files (VRAM,
// imported memory); holes are private anonymous memory: they read zero and swallow writes. Holes
// are never PROT_NONE here, because the embedded device lives in an application's process, where a
// SIGSEGV handler of ours would collide with the application's; a stray GPU access must not fault.
// What lands in holes is thrown away by discard_strays(). Read-only ranges are private copies: GPU
// writes to them vanish. The device process owns its signals, so there (Holes::fault) holes have no
// access, read-only ranges are really read-only, and a stray access raises SIGSEGV, whose handler
// may call drown(). Thread-safe: GPU work may run while ranges are mapped and unmapped. Failure is
// a negative errno. A file that another process truncates while mapped raises SIGBUS; map() only
// checks the size it has at that moment.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace kite::dev::mem {

/// What an access to an address without a mapping does.
enum class Holes : uint8_t {
    zero, ///< reads give 0, writes vanish
    fault ///< SIGSEGV
};

/// One GPU address space in host memory.
class Window {
public:
    /// Reserves a window of 2^bits bytes or the largest smaller one that fits (at least 2^32).
    [[nodiscard]] static base::Result<std::unique_ptr<Window>> create(unsigned bits,
                                                                      Holes holes = Holes::zero);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Host address of GPU address 0.
    [[nodiscard]] std::byte* base() const { return base_; }
    /// Window size - 1.
    [[nodiscard]] uint64_t mask() const { return mask_; }
    /// Host address of any GPU address; 4 GiB behind it are inside the window or its guard.
    [[nodiscard]] std::byte* at(uint64_t va) const { return base_ + (va & mask_); }
    /// True if [va, va + size) lies inside the window without wrapping.
    [[nodiscard]] bool contains(uint64_t va, uint64_t size) const {
        return va <= mask_ && size <= mask_ + 1 - va;
    }

    /// Shows `size` bytes of a file at va; replaces what was there. Page-aligned. @return 0 or
    /// -errno.
    int map(uint64_t va, uint64_t size, int fd, uint64_t offset, bool read_only);
    /// Makes [va, va + size) a hole. @return 0 or -errno.
    int unmap(uint64_t va, uint64_t size);
    /// Makes [va, va + size) read 0 and swallow writes, whatever holes do elsewhere. @return 0 or
    /// -errno.
    int map_zero(uint64_t va, uint64_t size);
    /// Frees memory that stray writes took in holes, or in what map_zero made: they read 0 again.
    /// Cheap when there is none; visits a bounded number of holes per call (with Holes::fault all).
    void discard_strays();
    /// Forgets every mapping for good: the whole window reads 0 and swallows writes from now on,
    /// and what was mapped is out of reach. Async-signal-safe. False if the system refuses.
    bool drown() noexcept;
    /// Bytes behind base() that belong to the window, guard included.
    [[nodiscard]] uint64_t span_bytes() const;
    /// Mapped ranges now (neighbours count separately).
    [[nodiscard]] size_t mapped_ranges();

private:
    using Ranges = std::map<uint64_t, uint64_t>; // start -> end, disjoint

    Window(std::byte* base, uint64_t size, Holes holes)
        : base_(base), mask_(size - 1), holes_(holes) {}
    [[nodiscard]] bool valid_range(uint64_t va, uint64_t size) const;
    [[nodiscard]] int make_hole(uint64_t va, uint64_t size, int protection);
    static void forget(Ranges& ranges, uint64_t va, uint64_t size);

    std::byte* base_;
    uint64_t mask_;
    Holes holes_;
    std::atomic<bool> drowned_{false};
    std::mutex mutex_;
    Ranges mapped_;
    Ranges zero_;         // Holes::fault: made by map_zero
    uint64_t cursor_ = 0; // where the next discard_strays goes on
};

/// The device's memory: an anonymous file whose pages appear when touched. Owned by the caller (a
/// file descriptor).
[[nodiscard]] base::Result<int> create_vram(uint64_t size_bytes);
/// Default size of VRAM: three quarters of the machine's memory, a multiple of 2 MiB.
[[nodiscard]] uint64_t default_vram_bytes();

} // namespace kite::dev::mem
