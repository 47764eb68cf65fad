// SPDX-License-Identifier: MIT
// Suballocator for the runtime's own GPU memory: descriptor sets, command streams, programs,
// queries, events.
//
// Grabs host-visible buffers of 1 MiB (or one per large request), binds them, and hands out pieces
// by power-of-two size classes (256 bytes .. 256 KiB); a piece knows its GPU address and its host
// pointer. Freed pieces go to their class's free list. Ownership: the Device owns the heap; pieces
// are plain values returned with release(). Threading: internally locked. Failure: Result with
// out_of_device_memory. New pieces are not zeroed.
#pragma once

#include "runtime/kmd/kmd.hpp"
#include "runtime/memory/va_allocator.hpp"

#include <array>
#include <mutex>
#include <vector>

namespace kite::rt {

/// A piece of GPU memory.
struct GpuPiece {
    uint64_t address = 0;    ///< GPU address; 0 = empty
    void* host = nullptr;    ///< host pointer
    uint64_t size_bytes = 0; ///< usable bytes (the class size)
    uint32_t size_class = 0; ///< internal
    uint32_t block = 0;      ///< internal: block of a large piece
    /// True when it holds memory.
    explicit operator bool() const { return address != 0; }
};

/// A buffer with an address: create, bind and map in one; undone in reverse.
struct BoundBo {
    std::unique_ptr<kmd::Bo> bo; ///< memory
    uint64_t address = 0;        ///< GPU address
    uint64_t size_bytes = 0;     ///< bytes
    void* host = nullptr;        ///< mapping
};

/// The allocator.
class GpuHeap {
public:
    GpuHeap(kmd::Device& kmd, VaAllocator& va) : kmd_(kmd), va_(va) {}
    ~GpuHeap();
    GpuHeap(const GpuHeap&) = delete;
    GpuHeap& operator=(const GpuHeap&) = delete;
    /// Pieces are aligned to 256 bytes.
    [[nodiscard]] kmd::Result<GpuPiece> allocate(uint64_t size);
    /// Returns a piece; empty ones are ignored. The GPU must be done with it.
    void release(GpuPiece& piece);
    /// Creates a buffer with an address, for other users too.
    static kmd::Result<BoundBo> make_bound(kmd::Device& kmd, VaAllocator& va,
                                           const kmd::BoDesc& desc);
    /// The same with memory that an fd names (no ownership is taken).
    static kmd::Result<BoundBo> import_bound(kmd::Device& kmd, VaAllocator& va, int fd,
                                             uint64_t size, bool host_visible);
    /// Unbinds and frees the address.
    static void drop_bound(kmd::Device& kmd, VaAllocator& va, BoundBo& b);

private:
    static kmd::Result<BoundBo> bind(kmd::Device& kmd, VaAllocator& va,
                                     kmd::Result<std::unique_ptr<kmd::Bo>> bo, bool host_visible);
    static constexpr uint32_t kMinLog2 = 8, kMaxLog2 = 18, kClasses = kMaxLog2 - kMinLog2 + 1;
    static constexpr uint64_t kBlockBytes = 1024 * 1024;
    static constexpr uint32_t kLargeClass = 0xffff;

    kmd::Device& kmd_;
    VaAllocator& va_;
    std::mutex mutex_;
    std::vector<BoundBo> blocks_;
    std::vector<uint32_t> free_slots_;
    std::array<std::vector<GpuPiece>, kClasses> free_;
    uint64_t bump_address_ = 0, bump_end_ = 0;
    std::byte* bump_host_ = nullptr;
};

} // namespace kite::rt
