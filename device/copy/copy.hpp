// SPDX-License-Identifier: MIT
// The copy engine: transfer packets executed on the worker pool, without shaders.
//
// Every function checks its packet against the window and the surfaces first and touches nothing if
// it fails; the error text becomes the fault. On return the whole operation is done (unless the
// kill flag was raised: then it stops early). Overlapping source and destination give unspecified
// bytes, never a stray access. Called by a queue's thread; several queues may copy at once.
#pragma once

#include "base/result.hpp"
#include "kite_hw/packets.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kite::base {
class ThreadPool;
}

namespace kite::dev::copy {

/// Hears of the bytes that copies moved through buffers, for those that lie behind a slow link.
class Traffic {
public:
    virtual ~Traffic() = default;
    /// [va, va + size) was read or written, all of it at most; may wait until `kill` is raised.
    virtual void moved(uint64_t va, uint64_t size, bool write,
                       const std::atomic<uint32_t>& kill) = 0;
};

/// What a copy works with; all pointers outlive the call.
struct Engine {
    std::byte* window = nullptr;                 ///< host address of GPU address 0
    uint64_t va_mask = 0;                        ///< window size - 1
    base::ThreadPool* pool = nullptr;            ///< workers
    const std::atomic<uint32_t>* kill = nullptr; ///< non-zero: stop soon
    Traffic* traffic = nullptr;                  ///< null: nobody wants to know

    /// True if [va, va + size) lies in the window.
    [[nodiscard]] bool contains(uint64_t va, uint64_t size) const {
        return va <= va_mask && size <= va_mask + 1 - va;
    }
    /// Tells the traffic, if somebody wants to know.
    void moved(uint64_t va, uint64_t size, bool write) const {
        if (traffic != nullptr) {
            traffic->moved(va, size, write, *kill);
        }
    }
    /// True once the work should stop.
    [[nodiscard]] bool killed() const { return kill->load(std::memory_order_relaxed) != 0; }
};

/// CopyBuffer.
[[nodiscard]] base::Result<void> copy_buffer(const Engine& engine,
                                             const hw::CopyBufferPacket& packet);
/// FillBuffer.
[[nodiscard]] base::Result<void> fill_buffer(const Engine& engine,
                                             const hw::FillBufferPacket& packet);
/// CopyBufferToImage.
[[nodiscard]] base::Result<void> copy_buffer_to_image(const Engine& engine,
                                                      const hw::CopyBufferToImagePacket& packet);
/// CopyImageToBuffer.
[[nodiscard]] base::Result<void> copy_image_to_buffer(const Engine& engine,
                                                      const hw::CopyImageToBufferPacket& packet);
/// CopyImage.
[[nodiscard]] base::Result<void> copy_image(const Engine& engine,
                                            const hw::CopyImagePacket& packet);
/// BlitImage.
[[nodiscard]] base::Result<void> blit_image(const Engine& engine,
                                            const hw::BlitImagePacket& packet);
/// ResolveImage.
[[nodiscard]] base::Result<void> resolve_image(const Engine& engine,
                                               const hw::ResolveImagePacket& packet);
/// ClearImage.
[[nodiscard]] base::Result<void> clear_image(const Engine& engine,
                                             const hw::ClearImagePacket& packet);

} // namespace kite::dev::copy
