// SPDX-License-Identifier: MIT
// Binding commands: pipelines, descriptor sets, push constants, vertex and index buffers.
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

#include <algorithm>
#include <cstring>

namespace kite::rt {
namespace {

void bind_set(CommandBuffer& c, BindState& b, const PipelineLayout& layout, uint32_t index,
              DescriptorSet* set, const uint32_t*& offsets) {
    if (index >= b.sets.size())
        return;
    uint64_t address = set ? set->address : 0;
    if (b.sets[index] != address) {
        b.sets[index] = address;
        b.dirty_sets |= 1u << index;
    }
    if (!set || set->dynamic.empty())
        return;
    uint32_t base = index < layout.dynamic_base.size() ? layout.dynamic_base[index] : 0;
    for (uint32_t i = 0; i < set->dynamic.size() && base + i < b.dynamic.size(); ++i) {
        hw::BufferDescriptor d = set->dynamic[i];
        if (d.address)
            d.address += *offsets;
        ++offsets;
        b.dynamic[base + i] = d;
        b.dynamic_count = std::max(b.dynamic_count, base + i + 1);
    }
    b.dirty_dynamic = true;
    (void)c;
}

/// Starts a pushed set: the earlier contents, if of the same layout, then the caller's writes.
template <class Write>
void push_set(CommandBuffer& c, VkPipelineBindPoint point, const PipelineLayout& layout,
              uint32_t index, Write&& write) {
    BindState& b = c.bind[bind_index(point)];
    if (index >= b.sets.size() || index >= layout.sets.size() || !layout.sets[index])
        return;
    const auto& data = layout.sets[index];
    if (b.pushed_layout[index] != data) {
        b.pushed[index].assign(data->size_bytes, std::byte{0});
        b.pushed_layout[index] = data;
        write_immutable_samplers({data.get(), b.pushed[index].data(), nullptr});
    }
    write(SetStorage{data.get(), b.pushed[index].data(), nullptr});
    Upload u = c.out.upload(data->size_bytes);
    std::memcpy(u.host, b.pushed[index].data(), data->size_bytes);
    b.sets[index] = u.address;
    b.dirty_sets |= 1u << index;
}

void bind_vertex_buffers(CommandBuffer& c, uint32_t first, uint32_t count, const VkBuffer* buffers,
                         const VkDeviceSize* offsets, const VkDeviceSize* sizes,
                         const VkDeviceSize* strides) {
    for (uint32_t i = 0; i < count && first + i < c.vertex_buffers.size(); ++i) {
        VertexBuffer& v = c.vertex_buffers[first + i];
        auto* b = Buffer::from(buffers[i]);
        v = {};
        if (b) {
            v.address = b->address + offsets[i];
            v.size_bytes = b->range(offsets[i], sizes ? sizes[i] : VK_WHOLE_SIZE);
        }
        if (strides)
            c.state.strides[first + i] = static_cast<uint32_t>(strides[i]);
        c.vertex_buffer_count = std::max(c.vertex_buffer_count, first + i + 1);
    }
    c.dirty |= kGroupVertexBuffers;
}

/// Bind points that a stage mask touches.
std::vector<VkPipelineBindPoint> points_of(VkShaderStageFlags stages) {
    std::vector<VkPipelineBindPoint> v;
    if (stages & VK_SHADER_STAGE_ALL_GRAPHICS)
        v.push_back(VK_PIPELINE_BIND_POINT_GRAPHICS);
    if (stages & VK_SHADER_STAGE_COMPUTE_BIT)
        v.push_back(VK_PIPELINE_BIND_POINT_COMPUTE);
    return v;
}

} // namespace

namespace vk {

void CmdBindPipeline(VkCommandBuffer buffer, VkPipelineBindPoint point, VkPipeline pipeline) {
    CommandBuffer& c = buffer_of(buffer);
    auto* p = Pipeline::from(pipeline);
    BindState& b = c.bind[bind_index(point)];
    if (b.pipeline == p)
        return;
    b.pipeline = p;
    std::ranges::transform(p->programs, b.programs.begin(),
                           [](const std::shared_ptr<Program>& program) { return program.get(); });
    if (point == VK_PIPELINE_BIND_POINT_COMPUTE)
        c.dirty_compute = true;
    else
        c.dirty |= kGroupPrograms | apply_static(p->state, p->dynamic, c.state);
}

void CmdBindDescriptorSets(VkCommandBuffer buffer, VkPipelineBindPoint point,
                           VkPipelineLayout layout, uint32_t first, uint32_t count,
                           const VkDescriptorSet* sets, uint32_t, const uint32_t* offsets) {
    CommandBuffer& c = buffer_of(buffer);
    const uint32_t* next = offsets;
    for (uint32_t i = 0; i < count; ++i)
        bind_set(c, c.bind[bind_index(point)], *PipelineLayout::from(layout), first + i,
                 DescriptorSet::from(sets[i]), next);
}

void CmdPushDescriptorSet(VkCommandBuffer buffer, VkPipelineBindPoint point,
                          VkPipelineLayout layout, uint32_t set, uint32_t count,
                          const VkWriteDescriptorSet* writes) {
    push_set(buffer_of(buffer), point, *PipelineLayout::from(layout), set,
             [&](const SetStorage& s) {
                 for (uint32_t i = 0; i < count; ++i)
                     write_descriptors(s, writes[i]);
             });
}

void CmdPushDescriptorSetWithTemplate(VkCommandBuffer buffer, VkDescriptorUpdateTemplate t,
                                      VkPipelineLayout layout, uint32_t set, const void* data) {
    auto* tmpl = DescriptorUpdateTemplate::from(t);
    push_set(buffer_of(buffer), tmpl->bind_point, *PipelineLayout::from(layout), set,
             [&](const SetStorage& s) { write_template(s, *tmpl, data); });
}

void CmdPushConstants(VkCommandBuffer buffer, VkPipelineLayout, VkShaderStageFlags stages,
                      uint32_t offset, uint32_t size, const void* data) {
    CommandBuffer& c = buffer_of(buffer);
    if (offset > c.push.size() || size > c.push.size() - offset)
        return;
    std::memcpy(c.push.data() + offset, data, size);
    if (stages & VK_SHADER_STAGE_ALL_GRAPHICS)
        c.bind[0].dirty_push = true;
    if (stages & VK_SHADER_STAGE_COMPUTE_BIT)
        c.bind[1].dirty_push = true;
}

void CmdBindDescriptorSets2(VkCommandBuffer buffer, const VkBindDescriptorSetsInfo* info) {
    for (VkPipelineBindPoint p : points_of(info->stageFlags))
        CmdBindDescriptorSets(buffer, p, info->layout, info->firstSet, info->descriptorSetCount,
                              info->pDescriptorSets, info->dynamicOffsetCount,
                              info->pDynamicOffsets);
}

void CmdPushConstants2(VkCommandBuffer buffer, const VkPushConstantsInfo* info) {
    CmdPushConstants(buffer, info->layout, info->stageFlags, info->offset, info->size,
                     info->pValues);
}

void CmdPushDescriptorSet2(VkCommandBuffer buffer, const VkPushDescriptorSetInfo* info) {
    for (VkPipelineBindPoint p : points_of(info->stageFlags))
        CmdPushDescriptorSet(buffer, p, info->layout, info->set, info->descriptorWriteCount,
                             info->pDescriptorWrites);
}

void CmdPushDescriptorSetWithTemplate2(VkCommandBuffer buffer,
                                       const VkPushDescriptorSetWithTemplateInfo* info) {
    CmdPushDescriptorSetWithTemplate(buffer, info->descriptorUpdateTemplate, info->layout,
                                     info->set, info->pData);
}

void CmdBindVertexBuffers(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                          const VkBuffer* buffers, const VkDeviceSize* offsets) {
    bind_vertex_buffers(buffer_of(buffer), first, count, buffers, offsets, nullptr, nullptr);
}

void CmdBindVertexBuffers2(VkCommandBuffer buffer, uint32_t first, uint32_t count,
                           const VkBuffer* buffers, const VkDeviceSize* offsets,
                           const VkDeviceSize* sizes, const VkDeviceSize* strides) {
    bind_vertex_buffers(buffer_of(buffer), first, count, buffers, offsets, sizes, strides);
}

void CmdBindIndexBuffer2(VkCommandBuffer buffer, VkBuffer index, VkDeviceSize offset,
                         VkDeviceSize size, VkIndexType type) {
    CommandBuffer& c = buffer_of(buffer);
    auto* b = Buffer::from(index);
    c.index_buffer = {};
    if (b) {
        c.index_buffer.address = b->address + offset;
        c.index_buffer.size_bytes = b->range(offset, size);
    }
    c.index_buffer.type = type == VK_INDEX_TYPE_UINT32      ? hw::IndexType::uint32
                          : type == VK_INDEX_TYPE_UINT8_KHR ? hw::IndexType::uint8
                                                            : hw::IndexType::uint16;
    c.dirty |= kGroupIndexBuffer;
}

void CmdBindIndexBuffer(VkCommandBuffer buffer, VkBuffer index, VkDeviceSize offset,
                        VkIndexType type) {
    CmdBindIndexBuffer2(buffer, index, offset, VK_WHOLE_SIZE, type);
}

} // namespace vk
} // namespace kite::rt
