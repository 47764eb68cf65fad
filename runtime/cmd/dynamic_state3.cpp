// SPDX-License-Identifier: MIT
// vkCmdSet* of VK_EXT_extended_dynamic_state3 and VK_EXT_shader_object.
#include "runtime/cmd/command_buffer.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

/// Calls f(attachment, i) for the attachments set, and marks them used.
template <class F>
void for_attachments(VkCommandBuffer buffer, uint32_t first, uint32_t count, F&& f) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count && first + i < c.state.blend_attachments.size(); ++i) {
        f(c.state.blend_attachments[first + i], i);
        c.state.blend_count = std::max(c.state.blend_count, first + i + 1);
    }
    c.dirty |= kGroupBlend;
}

/// Changes one group of the state.
template <class F>
void change(VkCommandBuffer buffer, uint32_t group, F&& f) {
    CommandBuffer& c = buffer_of(buffer);
    f(c.state);
    c.dirty |= group;
}

} // namespace

namespace vk {

void CmdSetDepthClampEnableEXT(VkCommandBuffer buffer, VkBool32 enable) {
    change(buffer, kGroupRaster,
           [&](GraphicsState& s) { s.raster.depth_clamp = enable != VK_FALSE; });
}

void CmdSetDepthClipEnableEXT(VkCommandBuffer buffer, VkBool32 enable) {
    change(buffer, kGroupRaster, [&](GraphicsState& s) {
        s.raster.depth_clip = enable != VK_FALSE;
        s.clip_follows_clamp = false;
    });
}

void CmdSetPolygonModeEXT(VkCommandBuffer buffer, VkPolygonMode mode) {
    change(buffer, kGroupRaster,
           [&](GraphicsState& s) { s.raster.polygon_mode = static_cast<hw::PolygonMode>(mode); });
}

void CmdSetLineRasterizationModeEXT(VkCommandBuffer buffer, VkLineRasterizationModeEXT mode) {
    change(buffer, kGroupRaster, [&](GraphicsState& s) {
        s.raster.line_bresenham = mode == VK_LINE_RASTERIZATION_MODE_BRESENHAM;
    });
}

// Stippled lines are not offered: only "off" can arrive.
void CmdSetLineStippleEnableEXT(VkCommandBuffer, VkBool32) {}

void CmdSetLineStipple(VkCommandBuffer, uint32_t, uint16_t) {}

void CmdSetRasterizationSamplesEXT(VkCommandBuffer buffer, VkSampleCountFlagBits samples) {
    change(buffer, kGroupMultisample,
           [&](GraphicsState& s) { s.multisample.samples = static_cast<uint32_t>(samples); });
}

void CmdSetSampleMaskEXT(VkCommandBuffer buffer, VkSampleCountFlagBits, const VkSampleMask* mask) {
    change(buffer, kGroupMultisample,
           [&](GraphicsState& s) { s.multisample.sample_mask = mask ? *mask : 0xffffffffu; });
}

void CmdSetAlphaToCoverageEnableEXT(VkCommandBuffer buffer, VkBool32 enable) {
    change(buffer, kGroupMultisample,
           [&](GraphicsState& s) { s.multisample.alpha_to_coverage = enable != VK_FALSE; });
}

void CmdSetAlphaToOneEnableEXT(VkCommandBuffer buffer, VkBool32 enable) {
    change(buffer, kGroupMultisample,
           [&](GraphicsState& s) { s.multisample.alpha_to_one = enable != VK_FALSE; });
}

void CmdSetLogicOpEnableEXT(VkCommandBuffer buffer, VkBool32 enable) {
    change(buffer, kGroupBlend,
           [&](GraphicsState& s) { s.blend.logic_op_enable = enable ? 1u : 0u; });
}

void CmdSetColorBlendEnableEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                               const VkBool32* enables) {
    for_attachments(buffer, first, count,
                    [&](hw::BlendAttachment& b, uint32_t i) { b.enable = enables[i] != VK_FALSE; });
}

void CmdSetColorBlendEquationEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                                 const VkColorBlendEquationEXT* equations) {
    for_attachments(buffer, first, count,
                    [&](hw::BlendAttachment& b, uint32_t i) { set_equation(b, equations[i]); });
}

void CmdSetColorBlendAdvancedEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                                 const VkColorBlendAdvancedEXT* equations) {
    for_attachments(buffer, first, count,
                    [&](hw::BlendAttachment& b, uint32_t i) { set_equation(b, equations[i]); });
}

void CmdSetColorWriteMaskEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                             const VkColorComponentFlags* masks) {
    for_attachments(buffer, first, count,
                    [&](hw::BlendAttachment& b, uint32_t i) { b.write_mask = masks[i] & 15u; });
}

void CmdSetProvokingVertexModeEXT(VkCommandBuffer buffer, VkProvokingVertexModeEXT mode) {
    change(buffer, kGroupAssembly, [&](GraphicsState& s) {
        s.assembly.provoking_last = mode == VK_PROVOKING_VERTEX_MODE_LAST_VERTEX_EXT ? 1u : 0u;
    });
}

void CmdSetDepthClipNegativeOneToOneEXT(VkCommandBuffer buffer, VkBool32 negative) {
    change(buffer, kGroupViewports,
           [&](GraphicsState& s) { s.negative_one_to_one = negative != VK_FALSE; });
}

// Locations are part of the pipeline, and input attachments are read through their descriptors.
void CmdSetRenderingAttachmentLocations(VkCommandBuffer, const VkRenderingAttachmentLocationInfo*) {
}

void CmdSetRenderingInputAttachmentIndices(VkCommandBuffer,
                                           const VkRenderingInputAttachmentIndexInfo*) {}

void CmdSetTessellationDomainOriginEXT(VkCommandBuffer buffer, VkTessellationDomainOrigin origin) {
    change(buffer, kGroupTessellation, [&](GraphicsState& s) {
        s.tessellation.lower_left = origin == VK_TESSELLATION_DOMAIN_ORIGIN_LOWER_LEFT ? 1u : 0u;
    });
}

} // namespace vk
} // namespace kite::rt
