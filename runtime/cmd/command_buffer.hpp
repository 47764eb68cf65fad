// SPDX-License-Identifier: MIT
// VkCommandPool and VkCommandBuffer: recording lifecycle and the state a draw or dispatch flushes.
//
// Commands write packets at once; state commands only change the members below and mark what must
// be packed before the next draw. A rendering scope (render pass subpass or dynamic rendering) is a
// BeginRendering/EndRendering pair. Ownership: the pool owns its buffers. Threading: the pool is
// externally synchronised. Failure: out of memory is remembered and returned by vkEndCommandBuffer.
#pragma once

#include "runtime/cmd/packet_writer.hpp"
#include "runtime/cmd/render_pass_object.hpp"
#include "runtime/descriptor/set.hpp"
#include "runtime/pipeline/pipeline.hpp"

namespace kite::rt {

struct CommandBuffer;

/// VkCommandPool.
struct CommandPool : Object<CommandPool, VkCommandPool> {
    Device* device = nullptr;            ///< owner
    HostAlloc alloc;                     ///< policy of the buffers
    std::vector<CommandBuffer*> buffers; ///< alive
    bool resettable = false;             ///< RESET_COMMAND_BUFFER_BIT
};

/// State of one bind point.
struct BindState {
    std::array<uint64_t, hw::limits::kMaxSets> sets{};                          ///< GPU addresses
    uint32_t dirty_sets = 0;                                                    ///< bit per set
    std::array<hw::BufferDescriptor, hw::limits::kMaxDynamicBuffers> dynamic{}; ///< offsets added
    uint32_t dynamic_count = 0;                     ///< highest used + 1
    bool dirty_dynamic = false;                     ///< must be uploaded
    bool dirty_push = false;                        ///< push constants must be uploaded
    Pipeline* pipeline = nullptr;                   ///< bound, null with shader objects
    std::array<const Program*, kStages> programs{}; ///< bound, by hw::Stage
    /// Last contents of pushed sets, per set number: push descriptors accumulate.
    std::array<std::vector<std::byte>, hw::limits::kMaxSets> pushed;
    std::array<std::shared_ptr<const SetLayoutData>, hw::limits::kMaxSets>
        pushed_layout; ///< layout of the above
};

/// A vertex buffer binding.
struct VertexBuffer {
    uint64_t address = 0;    ///< 0: none
    uint64_t size_bytes = 0; ///< readable
};

/// The open rendering scope, if any.
struct ScopeState {
    RenderPass* pass = nullptr;         ///< null: dynamic rendering
    uint32_t subpass = 0;               ///< current
    Framebuffer* framebuffer = nullptr; ///< size
    std::vector<ImageView*> views;      ///< attachments of the pass
    std::vector<VkClearValue> clears;   ///< clear values of the pass
    VkRect2D area{};                    ///< render area
    uint32_t view_mask = 0;             ///< of the current subpass
    bool open = false;                  ///< BeginRendering written
    bool deferred =
        false; ///< no attachments: begins at the first draw, whose pipeline knows the samples
    hw::BeginRenderingPacket begin; ///< if deferred
};

/// VkCommandBuffer.
struct CommandBuffer : Dispatchable<CommandBuffer, VkCommandBuffer> {
    explicit CommandBuffer(Device& d) : device(&d), out(*d.heap) {}
    Device* device;               ///< owner
    CommandPool* pool = nullptr;  ///< owner
    VkCommandBufferLevel level{}; ///< primary or secondary
    PacketWriter out;             ///< the stream

    BindState bind[2];                                    ///< graphics, compute
    std::array<std::byte, hw::limits::kPushBytes> push{}; ///< push constants
    GraphicsState state;                                  ///< draw state
    uint32_t dirty = 0;                                   ///< Group bits
    bool dirty_compute = false;                           ///< compute program must be bound
    std::array<VertexBuffer, hw::limits::kMaxVertexBindings> vertex_buffers; ///< bindings
    uint32_t vertex_buffer_count = 0;                                        ///< highest used + 1
    hw::SetIndexBufferPacket index_buffer;                                   ///< bound
    ScopeState scope;                                                        ///< rendering
    std::array<hw::CaptureBuffer, hw::limits::kMaxCaptureBuffers>
        capture_buffers{};    ///< transform feedback buffers, counters unset
    bool capture_set = false; ///< SetTransformFeedback is not at its default

    /// Starts recording from scratch.
    void begin();
    /// Frees the recording.
    void reset();
    /// Everything must be packed again (after a secondary buffer ran).
    void dirty_all();
    /// Packs what the next draw needs.
    void flush_graphics();
    /// Packs what the next dispatch needs.
    void flush_compute();
    /// Writes the BeginRendering of the current subpass.
    void begin_subpass();
    /// Writes a scope's start, or defers it.
    void open_scope(const hw::BeginRenderingPacket& p, const std::vector<hw::Attachment>& colors);
    /// Writes a deferred start.
    void begin_deferred(uint32_t samples);
    /// Writes the EndRendering.
    void end_scope();

private:
    void flush_bindings(BindState& b, hw::BindPoint point);
    void flush_programs();
    void flush_capture();
    /// Clears the views of a multiview subpass that use an attachment first, where others loaded
    /// it.
    void clear_fresh_views(hw::Aspect aspect, uint32_t number, uint32_t index,
                           const hw::Attachment& a);
};

/// Start of every command: the buffer behind the handle.
inline CommandBuffer& buffer_of(VkCommandBuffer h) {
    return *CommandBuffer::from(h);
}
/// Index of a bind point in CommandBuffer::bind.
inline uint32_t bind_index(VkPipelineBindPoint p) {
    return p == VK_PIPELINE_BIND_POINT_COMPUTE ? 1 : 0;
}

} // namespace kite::rt
