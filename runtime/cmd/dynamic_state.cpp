// SPDX-License-Identifier: MIT
// vkCmdSet*: dynamic state goes into the command buffer's GraphicsState; the next draw packs it.
#include "runtime/cmd/command_buffer.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

template <class F>
void for_faces(CommandBuffer& c, VkStencilFaceFlags faces, F&& f) {
    if (faces & VK_STENCIL_FACE_FRONT_BIT)
        f(c.state.depth.front);
    if (faces & VK_STENCIL_FACE_BACK_BIT)
        f(c.state.depth.back);
    c.dirty |= kGroupDepthStencil;
}

void set_viewports(CommandBuffer& c, uint32_t first, uint32_t count, const VkViewport* v) {
    for (uint32_t i = 0; i < count && first + i < c.state.viewports.size(); ++i)
        c.state.viewports[first + i] = to_hw(v[i]);
    c.dirty |= kGroupViewports;
}

void set_scissors(CommandBuffer& c, uint32_t first, uint32_t count, const VkRect2D* r) {
    for (uint32_t i = 0; i < count && first + i < c.state.scissors.size(); ++i)
        c.state.scissors[first + i] = to_hw(r[i]);
    c.dirty |= kGroupScissors;
}

} // namespace

namespace vk {

void CmdSetViewport(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                    const VkViewport* viewports) {
    set_viewports(buffer_of(buffer), first, count, viewports);
}

void CmdSetViewportWithCount(VkCommandBuffer buffer, uint32_t count, const VkViewport* viewports) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.viewport_count = std::min<uint32_t>(count, hw::limits::kMaxViewports);
    set_viewports(c, 0, count, viewports);
}

void CmdSetScissor(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                   const VkRect2D* scissors) {
    set_scissors(buffer_of(buffer), first, count, scissors);
}

void CmdSetScissorWithCount(VkCommandBuffer buffer, uint32_t count, const VkRect2D* scissors) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.scissor_count = std::min<uint32_t>(count, hw::limits::kMaxViewports);
    set_scissors(c, 0, count, scissors);
}

void CmdSetLineWidth(VkCommandBuffer buffer, float width) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster.line_width = width;
    c.dirty |= kGroupRaster;
}

void CmdSetDepthBias(VkCommandBuffer buffer, float constant, float clamp, float slope) {
    CommandBuffer& c = buffer_of(buffer);
    set_depth_bias(c.state.raster, constant, clamp, slope, nullptr);
    c.dirty |= kGroupRaster;
}

void CmdSetDepthBias2EXT(VkCommandBuffer buffer, const VkDepthBiasInfoEXT* info) {
    CommandBuffer& c = buffer_of(buffer);
    set_depth_bias(c.state.raster, info->depthBiasConstantFactor, info->depthBiasClamp,
                   info->depthBiasSlopeFactor, info->pNext);
    c.dirty |= kGroupRaster;
}

void CmdSetVertexInputEXT(VkCommandBuffer buffer, uint32_t binding_count,
                          const VkVertexInputBindingDescription2EXT* bindings,
                          uint32_t attribute_count,
                          const VkVertexInputAttributeDescription2EXT* attributes) {
    CommandBuffer& c = buffer_of(buffer);
    set_vertex_input({{bindings, binding_count}, {attributes, attribute_count}}, c.state);
    c.dirty |= kGroupAttributes | kGroupVertexBuffers;
}

void CmdSetColorWriteEnableEXT(VkCommandBuffer buffer, uint32_t count, const VkBool32* enables) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count && i < hw::limits::kMaxRenderTargets; ++i) {
        c.state.color_write_off &= ~(1u << i);
        c.state.color_write_off |= enables[i] ? 0 : 1u << i;
    }
    c.dirty |= kGroupBlend;
}

void CmdSetAttachmentFeedbackLoopEnableEXT(VkCommandBuffer, VkImageAspectFlags) {}

void CmdSetBlendConstants(VkCommandBuffer buffer, const float constants[4]) {
    CommandBuffer& c = buffer_of(buffer);
    std::copy_n(constants, 4, c.state.blend.constants.begin());
    c.dirty |= kGroupBlend;
}

void CmdSetDepthBounds(VkCommandBuffer buffer, float lo, float hi) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.min_bounds = lo;
    c.state.depth.max_bounds = hi;
    c.dirty |= kGroupDepthStencil;
}

void CmdSetStencilCompareMask(VkCommandBuffer buffer, VkStencilFaceFlags faces, uint32_t mask) {
    for_faces(buffer_of(buffer), faces, [&](hw::StencilFace& f) { f.compare_mask = mask; });
}

void CmdSetStencilWriteMask(VkCommandBuffer buffer, VkStencilFaceFlags faces, uint32_t mask) {
    for_faces(buffer_of(buffer), faces, [&](hw::StencilFace& f) { f.write_mask = mask; });
}

void CmdSetStencilReference(VkCommandBuffer buffer, VkStencilFaceFlags faces, uint32_t reference) {
    for_faces(buffer_of(buffer), faces, [&](hw::StencilFace& f) { f.reference = reference; });
}

void CmdSetStencilOp(VkCommandBuffer buffer, VkStencilFaceFlags faces, VkStencilOp fail,
                     VkStencilOp pass, VkStencilOp depth_fail, VkCompareOp compare) {
    for_faces(buffer_of(buffer), faces, [&](hw::StencilFace& f) {
        f.fail_op = static_cast<hw::StencilOp>(fail);
        f.pass_op = static_cast<hw::StencilOp>(pass);
        f.depth_fail_op = static_cast<hw::StencilOp>(depth_fail);
        f.compare_op = static_cast<hw::CompareOp>(compare);
    });
}

void CmdSetCullMode(VkCommandBuffer buffer, VkCullModeFlags mode) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster.cull_front = (mode & VK_CULL_MODE_FRONT_BIT) != 0;
    c.state.raster.cull_back = (mode & VK_CULL_MODE_BACK_BIT) != 0;
    c.dirty |= kGroupRaster;
}

void CmdSetFrontFace(VkCommandBuffer buffer, VkFrontFace face) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster.front_clockwise = face == VK_FRONT_FACE_CLOCKWISE;
    c.dirty |= kGroupRaster;
}

void CmdSetPrimitiveTopology(VkCommandBuffer buffer, VkPrimitiveTopology topology) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.assembly.topology = static_cast<hw::Topology>(topology);
    c.dirty |= kGroupAssembly;
}

void CmdSetPrimitiveRestartEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.assembly.primitive_restart = enable ? 1 : 0;
    c.dirty |= kGroupAssembly;
}

void CmdSetDepthTestEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.depth_test = enable != VK_FALSE;
    c.dirty |= kGroupDepthStencil;
}

void CmdSetDepthWriteEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.depth_write = enable != VK_FALSE;
    c.dirty |= kGroupDepthStencil;
}

void CmdSetDepthCompareOp(VkCommandBuffer buffer, VkCompareOp op) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.depth_compare = static_cast<hw::CompareOp>(op);
    c.dirty |= kGroupDepthStencil;
}

void CmdSetDepthBoundsTestEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.depth_bounds_test = enable != VK_FALSE;
    c.dirty |= kGroupDepthStencil;
}

void CmdSetStencilTestEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.depth.stencil_test = enable != VK_FALSE;
    c.dirty |= kGroupDepthStencil;
}

void CmdSetRasterizerDiscardEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster.rasterizer_discard = enable != VK_FALSE;
    c.dirty |= kGroupRaster;
}

void CmdSetDepthBiasEnable(VkCommandBuffer buffer, VkBool32 enable) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster.depth_bias = enable != VK_FALSE;
    c.dirty |= kGroupRaster;
}

void CmdSetLogicOpEXT(VkCommandBuffer buffer, VkLogicOp op) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.blend.logic_op = static_cast<hw::LogicOp>(op);
    c.dirty |= kGroupBlend;
}

void CmdSetPatchControlPointsEXT(VkCommandBuffer buffer, uint32_t points) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.tessellation.patch_vertices = points;
    c.dirty |= kGroupTessellation;
}

void CmdSetDeviceMask(VkCommandBuffer, uint32_t) {}

} // namespace vk
} // namespace kite::rt
