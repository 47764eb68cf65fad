// SPDX-License-Identifier: MIT
// The decoded state one draw consumes: what the packet front end tracks and the renderer reads.
//
// Owned by the command processor, one per graphics bind point; Set* packets are validated there and
// copied in almost verbatim, so that a field here means exactly what hw/packets.toml says.
// Renderer::draw copies what it needs, so the state may change as soon as draw returns. Plain data,
// no locking: one command processor thread owns it. Addresses are GPU addresses and hostile; enum
// fields are not trusted either (the renderer clamps or refuses them).
#pragma once

#include "device/exec/executor.hpp"
#include "kite_hw/descriptors.hpp"
#include "kite_hw/limits.hpp"
#include "kite_hw/packets.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace kite::dev {

/// Index buffer as set by SetIndexBuffer.
struct IndexBuffer {
    uint64_t address = 0;                       ///< GPU address of the first index, 0 = none
    uint64_t size_bytes = 0;                    ///< readable bytes; reads past it give index 0
    hw::IndexType type = hw::IndexType::uint16; ///< index size
};

/// Counters of VK_QUERY_TYPE_PIPELINE_STATISTICS that this device counts. Relaxed atomics.
struct PipelineStatistics {
    std::atomic<uint64_t> input_vertices{0};       ///< input assembly vertices
    std::atomic<uint64_t> input_primitives{0};     ///< input assembly primitives
    std::atomic<uint64_t> vertex_invocations{0};   ///< vertex shader invocations
    std::atomic<uint64_t> control_patches{0};      ///< patches that tessellation control ran for
    std::atomic<uint64_t> eval_invocations{0};     ///< tessellation evaluation invocations
    std::atomic<uint64_t> geometry_invocations{0}; ///< geometry shader invocations
    std::atomic<uint64_t> geometry_primitives{0};  ///< primitives it emitted
    std::atomic<uint64_t> clip_invocations{0};     ///< primitives that reach clipping
    std::atomic<uint64_t> clip_primitives{0};      ///< primitives that leave clipping
    std::atomic<uint64_t> fragment_invocations{0}; ///< fragment shader invocations
};

inline constexpr uint32_t kStreams = hw::limits::kMaxStreams;               ///< vertex streams
inline constexpr uint32_t kCaptureBuffers = hw::limits::kMaxCaptureBuffers; ///< capture buffers

/// SetTransformFeedback, checked: offsets lie below strides.
struct CaptureLayout {
    std::array<uint32_t, kCaptureBuffers> strides{}; ///< bytes per vertex
    std::vector<hw::CapturedWord> words;             ///< what is stored of a vertex
};

/// From BeginTransformFeedback to EndTransformFeedback: the buffers and how full they are.
struct CaptureTarget {
    /// One buffer.
    struct Buffer {
        std::byte* base = nullptr; ///< host address
        uint64_t size_bytes = 0;   ///< bytes that may be written
        uint64_t written = 0;      ///< bytes written; changes as draws are finished
    };
    std::array<Buffer, kCaptureBuffers> buffers{}; ///< by number
};

/// Counters of a VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT query. Relaxed atomics.
struct StreamCounters {
    std::atomic<uint64_t> written{0}; ///< primitives written
    std::atomic<uint64_t> needed{0};  ///< primitives that reached the stream
};

/// State of a graphics draw. Defaults are those after ResetState.
struct DrawState {
    std::shared_ptr<const exec::Program> vertex; ///< vertex program; a draw without one is refused
    std::shared_ptr<const exec::Program> tess_control; ///< with tess_eval, or null
    std::shared_ptr<const exec::Program> tess_eval;    ///< with tess_control, or null
    std::shared_ptr<const exec::Program> geometry;     ///< geometry program or null
    std::shared_ptr<const exec::Program> fragment;     ///< fragment program or null (depth only)

    std::array<uint64_t, hw::limits::kMaxSets> set_va{}; ///< SetDescriptorSets, graphics bind point
    uint64_t push_va = 0;                                ///< SetPushConstants
    uint64_t dynamic_va = 0;                             ///< SetDynamicBuffers

    std::array<hw::VertexAttribute, hw::limits::kMaxVertexAttributes>
        attributes{};             ///< first attribute_count are valid
    uint32_t attribute_count = 0; ///< entries of attributes
    std::array<hw::VertexBinding, hw::limits::kMaxVertexBindings> bindings{}; ///< by binding number
    IndexBuffer index;                                                        ///< for indexed draws

    hw::Topology topology = hw::Topology::triangle_list; ///< primitive topology
    bool primitive_restart = false; ///< all-ones index restarts strips, fans (and lists)
    bool provoking_last = false;    ///< flat inputs come from the last vertex
    uint32_t patch_vertices = 1;    ///< control points of an input patch
    bool tess_lower_left = false;   ///< the tessellation domain's origin is at the lower left

    std::array<hw::Viewport, hw::limits::kMaxViewports> viewports{}; ///< by index
    bool depth_clip_negative_one = false;                            ///< clip space z is -w..w
    std::array<hw::Rect, hw::limits::kMaxViewports> scissors{};      ///< by index

    hw::SetRasterStatePacket raster{};      ///< rasterization
    hw::SetMultisamplePacket multisample{}; ///< multisampling (ResetState: samples = 1, mask = ~0)
    hw::SetDepthStencilPacket depth_stencil{}; ///< depth and stencil
    bool logic_op_enable = false;              ///< SetBlend
    hw::LogicOp logic_op = hw::LogicOp::copy;  ///< SetBlend
    std::array<float, 4> blend_constants{};    ///< SetBlend
    std::array<hw::BlendAttachment, hw::limits::kMaxRenderTargets>
        blend{};              ///< first blend_count are valid; absent ones write nothing
    uint32_t blend_count = 0; ///< entries of blend

    uint32_t raster_stream = 0;                          ///< vertex stream that is rasterized
    std::shared_ptr<const CaptureLayout> capture_layout; ///< SetTransformFeedback or null
    std::shared_ptr<CaptureTarget> capture_target;       ///< not null while capturing
    /// Active queries by stream, or null; they live as long as samples_passed.
    std::array<StreamCounters*, kStreams> stream_counters{};
    /// The same for VK_QUERY_TYPE_PRIMITIVES_GENERATED_EXT.
    std::array<std::atomic<uint64_t>*, kStreams> primitives_generated{};

    /// Samples that pass are added here while not null (the active occlusion query). Must outlive
    /// the next Renderer::flush or end_rendering: read the counter only after one of them.
    std::atomic<uint64_t>* samples_passed = nullptr;
    /// The same for pipeline statistics.
    PipelineStatistics* statistics = nullptr;
};

/// One draw call.
struct DrawParams {
    bool indexed = false;        ///< DrawIndexed
    uint32_t count = 0;          ///< vertices or indices
    uint32_t instance_count = 0; ///< instances
    uint32_t first = 0;          ///< first vertex or first index
    int32_t vertex_offset = 0;   ///< indexed: added to the index
    uint32_t first_instance = 0; ///< first instance
    uint32_t draw_index = 0;     ///< gl_DrawID
};

} // namespace kite::dev
