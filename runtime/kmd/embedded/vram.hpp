// SPDX-License-Identifier: MIT
// VRAM of the embedded device: which bytes of the device's memfd belong to whom.
//
// First fit in 64 KiB granules over an ordered map of free ranges (the same allocator as GPU
// addresses), plus one host mapping of the whole memfd, so that mapping a buffer costs nothing.
// Freed ranges are punched out of the memfd: their memory returns to the system at once and reads
// as zero for the next owner, which keeps one context's data from another's. Ownership: shared by
// the device and its buffers. Threading: internally locked. Failure: out_of_device_memory.
#pragma once

#include "runtime/kmd/kmd.hpp"
#include "runtime/memory/va_allocator.hpp"

namespace kite::rt::kmd::embedded {

/// The memory pool behind non-exportable buffers.
class Vram {
public:
    /// Maps the memfd (not owned).
    static Result<std::shared_ptr<Vram>> open(int fd, uint64_t bytes);
    Vram(int fd, uint64_t bytes, void* host);
    ~Vram();
    Vram(const Vram&) = delete;
    Vram& operator=(const Vram&) = delete;
    /// Offset of size zeroed bytes.
    [[nodiscard]] Result<uint64_t> allocate(uint64_t size);
    /// Gives a range back.
    void release(uint64_t offset, uint64_t size);
    /// Host pointer of an offset.
    [[nodiscard]] void* host(uint64_t offset) const { return static_cast<char*>(host_) + offset; }
    /// The memfd.
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
    uint64_t bytes_;
    void* host_;
    VaAllocator ranges_; ///< offsets + one granule, so that 0 is never handed out
};

} // namespace kite::rt::kmd::embedded
