// SPDX-License-Identifier: MIT
// The 3D pipeline behind the command processor: a rendering scope's draws become pixels in its
// attachments.
//
// One Renderer per queue, used by that queue's thread only; inside it spreads work over the thread
// pool and returns when the work that a call has to finish is finished. Draws of a scope are
// queued: vertex work, binning and rasterization run at flush() (a Barrier inside the scope), at
// end_rendering(), or when queued work exceeds the renderer's memory bound. API order holds per
// pixel. Guest misbehaviour is a Result error whose text the caller turns into a fault; nothing a
// guest passes can make it write outside the attachments and its shaders' windows.
//
//   renderer.begin_rendering(scope); renderer.draw(state, params); ... renderer.end_rendering();
#pragma once

#include "base/result.hpp"
#include "device/geometry/draw_state.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace kite::base {
class ThreadPool;
}

namespace kite::dev {

/// Totals since creation, for Device::counters. Relaxed atomics.
struct RenderCounters {
    std::atomic<uint64_t> draws{0};      ///< draws queued
    std::atomic<uint64_t> vertices{0};   ///< vertex shader lanes run
    std::atomic<uint64_t> primitives{0}; ///< primitives binned
    std::atomic<uint64_t> waves{0};      ///< fragment waves run
    std::atomic<uint64_t> tiles{0};      ///< tiles rasterized
    std::atomic<uint64_t> flushes{0};    ///< times queued draws were rasterized
};

/// What a renderer works with. All pointers outlive the renderer.
struct RenderEnvironment {
    std::byte* window = nullptr;                 ///< host address of GPU address 0
    uint64_t va_mask = 0;                        ///< window size - 1
    const std::atomic<uint32_t>* kill = nullptr; ///< non-zero: stop soon (hang, destroy)
    exec::Executor* executor = nullptr;          ///< makes routines
    base::ThreadPool* pool = nullptr;            ///< workers
    RenderCounters* counters = nullptr;          ///< may be null
};

/// A rendering scope: BeginRendering, unpacked.
struct RenderingScope {
    hw::Rect area{};          ///< render area
    uint32_t layers = 1;      ///< framebuffer layers
    uint32_t view_mask = 0;   ///< multiview mask, 0 = off
    uint32_t samples = 1;     ///< samples of the attachments
    hw::Attachment depth{};   ///< depth plane
    hw::Attachment stencil{}; ///< stencil plane
    std::array<hw::Attachment, hw::limits::kMaxRenderTargets>
        colors{};             ///< first color_count are valid
    uint32_t color_count = 0; ///< entries of colors
};

/// The renderer of one queue.
class Renderer {
public:
    explicit Renderer(const RenderEnvironment& environment);
    ~Renderer();
    Renderer(const Renderer&) = delete;
    Renderer& operator=(const Renderer&) = delete;

    /// Opens a scope: checks the attachments and performs the load operations. Fails on hostile
    /// attachments or if a scope is open.
    [[nodiscard]] base::Result<void> begin_rendering(const RenderingScope& scope);
    /// Queues one draw with a copy of the state. Fails outside a scope or on state that cannot be
    /// drawn.
    [[nodiscard]] base::Result<void> draw(const DrawState& state, const DrawParams& params);
    /// ClearAttachment inside a scope, in order with the draws.
    [[nodiscard]] base::Result<void> clear_attachment(const hw::ClearAttachmentPacket& clear);
    /// Finishes all queued draws: their memory effects, pixels and counters are complete on return.
    [[nodiscard]] base::Result<void> flush();
    /// flush(), then resolves; closes the scope. Fails if none is open.
    [[nodiscard]] base::Result<void> end_rendering();
    /// Drops queued work and closes the scope without storing (after a fault).
    void abandon();
    /// True between begin_rendering and end_rendering.
    [[nodiscard]] bool in_scope() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace kite::dev
