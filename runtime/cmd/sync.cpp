// SPDX-License-Identifier: MIT
// Barriers, events, conditional rendering and labels inside command buffers.
#include "runtime/sync/sync.hpp"
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

namespace kite::rt::vk {

void CmdPipelineBarrier(VkCommandBuffer buffer, VkPipelineStageFlags, VkPipelineStageFlags,
                        VkDependencyFlags, uint32_t, const VkMemoryBarrier*, uint32_t,
                        const VkBufferMemoryBarrier*, uint32_t, const VkImageMemoryBarrier*) {
    buffer_of(buffer).out.barrier();
}

void CmdPipelineBarrier2(VkCommandBuffer buffer, const VkDependencyInfo*) {
    buffer_of(buffer).out.barrier();
}

void CmdSetEvent2(VkCommandBuffer buffer, VkEvent event, const VkDependencyInfo*) {
    buffer_of(buffer).out.emit(
        hw::WriteEventPacket{.address = Event::from(event)->memory.address, .value = 1});
}

void CmdSetEvent(VkCommandBuffer buffer, VkEvent event, VkPipelineStageFlags) {
    CmdSetEvent2(buffer, event, nullptr);
}

void CmdResetEvent2(VkCommandBuffer buffer, VkEvent event, VkPipelineStageFlags2) {
    buffer_of(buffer).out.emit(
        hw::WriteEventPacket{.address = Event::from(event)->memory.address, .value = 0});
}

void CmdResetEvent(VkCommandBuffer buffer, VkEvent event, VkPipelineStageFlags) {
    CmdResetEvent2(buffer, event, 0);
}

void CmdWaitEvents2(VkCommandBuffer buffer, uint32_t count, const VkEvent* events,
                    const VkDependencyInfo*) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count; ++i)
        c.out.emit(
            hw::WaitEventPacket{.address = Event::from(events[i])->memory.address, .value = 1});
    c.out.barrier();
}

void CmdWaitEvents(VkCommandBuffer buffer, uint32_t count, const VkEvent* events,
                   VkPipelineStageFlags, VkPipelineStageFlags, uint32_t, const VkMemoryBarrier*,
                   uint32_t, const VkBufferMemoryBarrier*, uint32_t, const VkImageMemoryBarrier*) {
    CmdWaitEvents2(buffer, count, events, nullptr);
}

void CmdBeginConditionalRenderingEXT(VkCommandBuffer buffer,
                                     const VkConditionalRenderingBeginInfoEXT* info) {
    buffer_of(buffer).out.emit(hw::SetPredicatePacket{
        .address = Buffer::from(info->buffer)->address + info->offset,
        .inverted = info->flags & VK_CONDITIONAL_RENDERING_INVERTED_BIT_EXT ? 1u : 0u});
}

void CmdEndConditionalRenderingEXT(VkCommandBuffer buffer) {
    buffer_of(buffer).out.emit(hw::SetPredicatePacket{});
}

} // namespace kite::rt::vk
