// SPDX-License-Identifier: MIT
// The device's memory: one sealed memory file that the guest maps through BAR2 and contexts through
// their windows, and the device's own view of all of it.
//
// Owned by the Gpu, made once, read and written by any thread (with atomics where driver and device
// meet). Offsets come from the guest: callers check them with contains(). The file cannot be
// resized by whoever gets its descriptor, so the view never faults.
#pragma once

#include "base/bits.hpp"
#include "base/mapping.hpp"
#include "base/unique_fd.hpp"

#include <atomic>

namespace kite::dev::pci {

/// VRAM.
class Vram {
public:
    /// Makes `size_bytes` of zeros; pages appear when touched.
    [[nodiscard]] static base::Result<Vram> create(uint64_t size_bytes);

    /// Its size.
    [[nodiscard]] uint64_t size_bytes() const { return view_.size_bytes(); }
    /// The file.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// True if [offset, offset + size) lies inside.
    [[nodiscard]] bool contains(uint64_t offset, uint64_t size) const {
        return base::range_fits<uint64_t>(offset, size, size_bytes());
    }
    /// Host address of an offset that is inside.
    [[nodiscard]] std::byte* at(uint64_t offset) const { return view_.at<std::byte>(offset); }
    /// Stores a value that the guest may read at any time; release order.
    template <class T>
    void store(uint64_t offset, T value) const {
        std::atomic_ref(*view_.at<T>(offset)).store(value, std::memory_order_release);
    }
    /// Loads a value that the guest may write at any time.
    template <class T>
    [[nodiscard]] T load(uint64_t offset) const {
        return std::atomic_ref(*view_.at<T>(offset)).load(std::memory_order_acquire);
    }
    /// Gives all pages back: everything reads 0.
    void scrub() const;

private:
    base::UniqueFd fd_;
    base::Mapping view_;
};

} // namespace kite::dev::pci
