// SPDX-License-Identifier: MIT
// VK_EXT_transform_feedback: buffers, begin and end, draws of what was captured.
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

#include <algorithm>

namespace kite::rt {

void CommandBuffer::flush_capture() {
    const Program* last = nullptr;
    for (hw::Stage stage : {hw::Stage::vertex, hw::Stage::tess_eval, hw::Stage::geometry})
        if (const Program* p = bind[0].programs[static_cast<size_t>(stage)])
            last = p;
    const uint32_t count = last ? last->facts.captured_count : 0;
    const bool wanted = count != 0 || state.raster_stream != 0;
    if (!wanted && !capture_set)
        return;
    capture_set = wanted;
    hw::SetTransformFeedbackPacket k{.raster_stream = state.raster_stream};
    if (last)
        k.strides = last->facts.capture_strides;
    uint32_t* p = out.emit_array(k, count);
    for (uint32_t i = 0; i < count; ++i)
        hw::SetTransformFeedbackPacket::pack_element(
            p, i, hw::CapturedWord::unpack(&last->facts.captured[i]));
}

namespace {

/// Address of a counter, 0 if the application has none for this buffer.
uint64_t counter_of(uint32_t buffer, uint32_t first, uint32_t count, const VkBuffer* counters,
                    const VkDeviceSize* offsets) {
    if (buffer < first || buffer - first >= count || !counters)
        return 0;
    auto* b = Buffer::from(counters[buffer - first]);
    return b ? b->address + (offsets ? offsets[buffer - first] : 0) : 0;
}

} // namespace

namespace vk {

void CmdBindTransformFeedbackBuffersEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                                        const VkBuffer* buffers, const VkDeviceSize* offsets,
                                        const VkDeviceSize* sizes) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count && first + i < c.capture_buffers.size(); ++i) {
        auto* b = Buffer::from(buffers[i]);
        hw::CaptureBuffer& slot = c.capture_buffers[first + i];
        slot = {};
        if (b) {
            slot.address = b->address + offsets[i];
            slot.size_bytes = b->range(offsets[i], sizes ? sizes[i] : VK_WHOLE_SIZE);
        }
    }
}

void CmdBeginTransformFeedbackEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                                  const VkBuffer* counters, const VkDeviceSize* offsets) {
    CommandBuffer& c = buffer_of(buffer);
    c.begin_deferred(c.state.multisample.samples);
    const auto buffers = static_cast<uint32_t>(c.capture_buffers.size());
    uint32_t* p = c.out.emit_array(hw::BeginTransformFeedbackPacket{}, buffers);
    for (uint32_t i = 0; i < buffers; ++i) {
        hw::CaptureBuffer b = c.capture_buffers[i];
        b.counter = counter_of(i, first, count, counters, offsets);
        hw::BeginTransformFeedbackPacket::pack_element(p, i, b);
    }
}

void CmdEndTransformFeedbackEXT(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                                const VkBuffer* counters, const VkDeviceSize* offsets) {
    CommandBuffer& c = buffer_of(buffer);
    const auto buffers = static_cast<uint32_t>(c.capture_buffers.size());
    uint32_t* p = c.out.emit_array(hw::EndTransformFeedbackPacket{}, buffers);
    for (uint32_t i = 0; i < buffers; ++i)
        hw::EndTransformFeedbackPacket::pack_element(
            p, i, counter_of(i, first, count, counters, offsets));
}

void CmdDrawIndirectByteCountEXT(VkCommandBuffer buffer, uint32_t instances,
                                 uint32_t first_instance, VkBuffer counter, VkDeviceSize offset,
                                 uint32_t counter_offset, uint32_t stride) {
    CommandBuffer& c = buffer_of(buffer);
    c.flush_graphics();
    c.out.emit(hw::DrawByteCountPacket{.counter = Buffer::from(counter)->address + offset,
                                       .counter_offset = counter_offset,
                                       .vertex_stride = std::max(1u, stride),
                                       .instance_count = instances,
                                       .first_instance = first_instance});
}

void CmdSetRasterizationStreamEXT(VkCommandBuffer buffer, uint32_t stream) {
    CommandBuffer& c = buffer_of(buffer);
    c.state.raster_stream = std::min(stream, hw::limits::kMaxStreams - 1);
    c.dirty |= kGroupPrograms;
}

} // namespace vk
} // namespace kite::rt
