// SPDX-License-Identifier: MIT
// Everything a draw depends on besides programs and resources, as one value made of packet
// structures.
//
// A pipeline holds one with its static state and a mask of what is dynamic; a command buffer holds
// another, into which binding a pipeline copies what is static and the vkCmdSet* commands write the
// rest. Flushing packs the structures that changed. Ownership: plain value. Threading: none needed.
// Failure: none.
#pragma once

#include "kite_hw/limits.hpp"
#include "kite_hw/packets.hpp"

#include <vulkan/vulkan_core.h>

#include <bitset>
#include <span>

namespace kite::rt {

/// Pieces of state that may be dynamic.
enum class Dyn : uint32_t {
    viewport,
    viewport_count,
    scissor,
    scissor_count,
    line_width,
    depth_bias,
    blend_constants,
    depth_bounds,
    stencil_compare_mask,
    stencil_write_mask,
    stencil_reference,
    cull_mode,
    front_face,
    topology,
    vertex_stride,
    depth_test,
    depth_write,
    depth_compare,
    depth_bounds_test,
    stencil_test,
    stencil_op,
    discard,
    depth_bias_enable,
    primitive_restart,
    logic_op,
    vertex_input,
    color_write,
    depth_clamp,
    depth_clip,
    polygon_mode,
    samples,
    sample_mask,
    alpha_to_coverage,
    alpha_to_one,
    logic_op_enable,
    blend_enable,
    blend_equation,
    write_mask,
    provoking,
    negative_one,
    line_mode,
    patch_vertices,
    tess_origin,
    raster_stream,
    count_,
};

/// A set of dynamic pieces.
using DynMask = std::bitset<static_cast<size_t>(Dyn::count_)>;

/// Groups that are packed together.
enum Group : uint32_t {
    kGroupViewports = 1u << 0,
    kGroupScissors = 1u << 1,
    kGroupRaster = 1u << 2,
    kGroupMultisample = 1u << 3,
    kGroupDepthStencil = 1u << 4,
    kGroupBlend = 1u << 5,
    kGroupAssembly = 1u << 6,
    kGroupAttributes = 1u << 7,
    kGroupVertexBuffers = 1u << 8,
    kGroupIndexBuffer = 1u << 9,
    kGroupPrograms = 1u << 10,
    kGroupTessellation = 1u << 11,
    kGroupAll = (1u << 12) - 1,
};

/// The state.
struct GraphicsState {
    hw::SetRasterStatePacket raster;      ///< rasterization
    uint32_t raster_stream = 0;           ///< vertex stream that is rasterized; with the programs
    bool clip_follows_clamp = true;       ///< depth clipping is the opposite of depth clamping
    hw::SetMultisamplePacket multisample; ///< multisampling
    hw::SetDepthStencilPacket depth;      ///< depth and stencil
    hw::SetBlendPacket blend;             ///< logic op and constants
    std::array<hw::BlendAttachment, hw::limits::kMaxRenderTargets>
        blend_attachments{};                ///< equations
    uint32_t color_write_off = 0;           ///< bit per attachment: its colour writes are disabled
    uint32_t blend_count = 0;               ///< attachments
    hw::SetInputAssemblyPacket assembly;    ///< primitives
    hw::SetTessellationPacket tessellation; ///< patches; patch_vertices 0 = not set
    std::array<hw::VertexAttribute, hw::limits::kMaxVertexAttributes> attributes{}; ///< attributes
    uint32_t attribute_count = 0;                                   ///< attributes used
    std::array<uint32_t, hw::limits::kMaxVertexBindings> strides{}; ///< bytes between elements
    std::array<uint32_t, hw::limits::kMaxVertexBindings>
        divisors{}; ///< as hw::VertexBinding::divisor
    std::array<hw::Viewport, hw::limits::kMaxViewports> viewports{}; ///< viewports
    bool negative_one_to_one = false;                                ///< clip space z is -w..w
    uint32_t viewport_count = 0;                                     ///< used
    std::array<hw::Rect, hw::limits::kMaxViewports> scissors{};      ///< scissors
    uint32_t scissor_count = 0;                                      ///< used
};

/// Copies what is not dynamic from a pipeline's state; returns the groups that may have changed.
uint32_t apply_static(const GraphicsState& from, const DynMask& dynamic, GraphicsState& to);

/// Gathers a create info; `dynamic` receives the dynamic pieces.
void gather(const VkGraphicsPipelineCreateInfo& info, GraphicsState& state, DynMask& dynamic);

/// Sets the unit and factors of a depth bias.
void set_depth_bias(hw::SetRasterStatePacket& raster, float constant, float clamp, float slope,
                    const void* chain);
/// Sets attributes, strides and divisors.
struct VertexInput {
    std::span<const VkVertexInputBindingDescription2EXT> bindings;     ///< bindings
    std::span<const VkVertexInputAttributeDescription2EXT> attributes; ///< attributes
};
/// The same for vkCmdSetVertexInputEXT.
void set_vertex_input(const VertexInput& in, GraphicsState& state);
/// Factors and operations of a blend equation.
void set_equation(hw::BlendAttachment& out, const VkColorBlendEquationEXT& e);
/// An advanced equation.
void set_equation(hw::BlendAttachment& out, const VkColorBlendAdvancedEXT& e);
/// The state's equation of an attachment as it is packed: colour write enables applied.
[[nodiscard]] hw::BlendAttachment blend_of(const GraphicsState& state, uint32_t attachment);

/// Conversions shared with the dynamic-state commands.
hw::Viewport to_hw(const VkViewport& v);
/// Clamps negative offsets the way Vulkan's unsigned extents allow.
hw::Rect to_hw(const VkRect2D& r);

} // namespace kite::rt
