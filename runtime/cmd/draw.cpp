// SPDX-License-Identifier: MIT
// Draws and dispatches.
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

namespace kite::rt::vk {
namespace {

void draw_indirect(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset, VkBuffer count,
                   VkDeviceSize count_offset, uint32_t max, uint32_t stride, bool indexed) {
    CommandBuffer& c = buffer_of(buffer);
    c.flush_graphics();
    auto* n = Buffer::from(count);
    c.out.emit(hw::DrawIndirectPacket{.address = Buffer::from(args)->address + offset,
                                      .count_address = n ? n->address + count_offset : 0,
                                      .max_count = max,
                                      .stride = stride,
                                      .indexed = indexed ? 1u : 0u});
}

} // namespace

void CmdDraw(VkCommandBuffer buffer, uint32_t vertices, uint32_t instances, uint32_t first_vertex,
             uint32_t first_instance) {
    CommandBuffer& c = buffer_of(buffer);
    if (vertices == 0 || instances == 0)
        return;
    c.flush_graphics();
    c.out.emit(hw::DrawPacket{.vertex_count = vertices,
                              .instance_count = instances,
                              .first_vertex = first_vertex,
                              .first_instance = first_instance,
                              .draw_index = 0});
}

void CmdDrawIndexed(VkCommandBuffer buffer, uint32_t indices, uint32_t instances,
                    uint32_t first_index, int32_t vertex_offset, uint32_t first_instance) {
    CommandBuffer& c = buffer_of(buffer);
    if (indices == 0 || instances == 0)
        return;
    c.flush_graphics();
    c.out.emit(hw::DrawIndexedPacket{.index_count = indices,
                                     .instance_count = instances,
                                     .first_index = first_index,
                                     .vertex_offset = vertex_offset,
                                     .first_instance = first_instance,
                                     .draw_index = 0});
}

void CmdDrawMultiEXT(VkCommandBuffer buffer, uint32_t count, const VkMultiDrawInfoEXT* draws,
                     uint32_t instances, uint32_t first_instance, uint32_t stride) {
    CommandBuffer& c = buffer_of(buffer);
    if (instances == 0)
        return;
    c.flush_graphics();
    for (uint32_t i = 0; i < count; ++i) {
        const auto& d = *reinterpret_cast<const VkMultiDrawInfoEXT*>(
            reinterpret_cast<const char*>(draws) + size_t{i} * stride);
        if (d.vertexCount)
            c.out.emit(hw::DrawPacket{.vertex_count = d.vertexCount,
                                      .instance_count = instances,
                                      .first_vertex = d.firstVertex,
                                      .first_instance = first_instance,
                                      .draw_index = i});
    }
}

void CmdDrawMultiIndexedEXT(VkCommandBuffer buffer, uint32_t count,
                            const VkMultiDrawIndexedInfoEXT* draws, uint32_t instances,
                            uint32_t first_instance, uint32_t stride,
                            const int32_t* vertex_offset) {
    CommandBuffer& c = buffer_of(buffer);
    if (instances == 0)
        return;
    c.flush_graphics();
    for (uint32_t i = 0; i < count; ++i) {
        const auto& d = *reinterpret_cast<const VkMultiDrawIndexedInfoEXT*>(
            reinterpret_cast<const char*>(draws) + size_t{i} * stride);
        if (d.indexCount)
            c.out.emit(hw::DrawIndexedPacket{.index_count = d.indexCount,
                                             .instance_count = instances,
                                             .first_index = d.firstIndex,
                                             .vertex_offset =
                                                 vertex_offset ? *vertex_offset : d.vertexOffset,
                                             .first_instance = first_instance,
                                             .draw_index = i});
    }
}

void CmdDrawIndirect(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset, uint32_t count,
                     uint32_t stride) {
    draw_indirect(buffer, args, offset, VK_NULL_HANDLE, 0, count, stride, false);
}

void CmdDrawIndexedIndirect(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset,
                            uint32_t count, uint32_t stride) {
    draw_indirect(buffer, args, offset, VK_NULL_HANDLE, 0, count, stride, true);
}

void CmdDrawIndirectCount(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset,
                          VkBuffer count, VkDeviceSize count_offset, uint32_t max,
                          uint32_t stride) {
    draw_indirect(buffer, args, offset, count, count_offset, max, stride, false);
}

void CmdDrawIndexedIndirectCount(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset,
                                 VkBuffer count, VkDeviceSize count_offset, uint32_t max,
                                 uint32_t stride) {
    draw_indirect(buffer, args, offset, count, count_offset, max, stride, true);
}

void CmdDispatchBase(VkCommandBuffer buffer, uint32_t bx, uint32_t by, uint32_t bz, uint32_t x,
                     uint32_t y, uint32_t z) {
    CommandBuffer& c = buffer_of(buffer);
    if (x == 0 || y == 0 || z == 0)
        return;
    c.flush_compute();
    c.out.emit(hw::DispatchPacket{.groups = {x, y, z}, .base = {bx, by, bz}});
}

void CmdDispatch(VkCommandBuffer buffer, uint32_t x, uint32_t y, uint32_t z) {
    CmdDispatchBase(buffer, 0, 0, 0, x, y, z);
}

void CmdDispatchIndirect(VkCommandBuffer buffer, VkBuffer args, VkDeviceSize offset) {
    CommandBuffer& c = buffer_of(buffer);
    c.flush_compute();
    c.out.emit(hw::DispatchIndirectPacket{.address = Buffer::from(args)->address + offset});
}

} // namespace kite::rt::vk
