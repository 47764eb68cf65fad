// SPDX-License-Identifier: MIT
#include "runtime/cmd/command_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace kite::rt {

void CommandBuffer::reset() {
    out.reset();
    bind[0] = {};
    bind[1] = {};
    push = {};
    state = {};
    dirty = kGroupAll;
    vertex_buffers = {};
    vertex_buffer_count = 0;
    index_buffer = {};
    scope = {};
    capture_buffers = {};
    // What a secondary buffer finds is not known.
    capture_set = level == VK_COMMAND_BUFFER_LEVEL_SECONDARY;
}

void CommandBuffer::begin() {
    reset();
    if (level == VK_COMMAND_BUFFER_LEVEL_PRIMARY)
        out.emit(hw::ResetStatePacket{});
}

void CommandBuffer::dirty_all() {
    dirty_compute = true;
    capture_set = true;
    dirty = kGroupAll;
    for (BindState& b : bind) {
        b.dirty_sets = (1u << hw::limits::kMaxSets) - 1;
        b.dirty_dynamic = b.dynamic_count != 0;
        b.dirty_push = true;
    }
}

void CommandBuffer::flush_bindings(BindState& b, hw::BindPoint point) {
    if (b.dirty_sets != 0) {
        uint32_t first = static_cast<uint32_t>(std::countr_zero(b.dirty_sets));
        uint32_t count = static_cast<uint32_t>(std::bit_width(b.dirty_sets)) - first;
        uint32_t* p =
            out.emit_array(hw::SetDescriptorSetsPacket{.bind_point = point, .first = first}, count);
        for (uint32_t i = 0; i < count; ++i)
            hw::SetDescriptorSetsPacket::pack_element(p, i, b.sets[first + i]);
        b.dirty_sets = 0;
    }
    if (b.dirty_dynamic) {
        Upload u = out.upload(hw::limits::kMaxDynamicBuffers * hw::BufferDescriptor::kBytes);
        auto* words = static_cast<uint32_t*>(u.host);
        for (uint32_t i = 0; i < hw::limits::kMaxDynamicBuffers; ++i)
            (i < b.dynamic_count ? b.dynamic[i] : hw::BufferDescriptor{})
                .pack(words + i * hw::BufferDescriptor::kDwords);
        out.emit(hw::SetDynamicBuffersPacket{.bind_point = point, .address = u.address});
        b.dirty_dynamic = false;
    }
    if (b.dirty_push) {
        Upload u = out.upload(push.size());
        std::memcpy(u.host, push.data(), push.size());
        out.emit(hw::SetPushConstantsPacket{.bind_point = point, .address = u.address});
        b.dirty_push = false;
    }
}

namespace {
void bind_program(PacketWriter& out, hw::Stage stage, const Program* p) {
    hw::BindProgramPacket k{};
    k.stage = stage;
    if (p) {
        k.address = p->memory.address;
        k.size_bytes = p->size_bytes;
        k.hash = p->hash;
    }
    out.emit(k);
}
} // namespace

void CommandBuffer::flush_programs() {
    for (hw::Stage stage : {hw::Stage::vertex, hw::Stage::fragment, hw::Stage::tess_control,
                            hw::Stage::tess_eval, hw::Stage::geometry})
        bind_program(out, stage, bind[0].programs[static_cast<size_t>(stage)]);
    flush_capture();
}

void CommandBuffer::flush_graphics() {
    begin_deferred(state.multisample.samples);
    flush_bindings(bind[0], hw::BindPoint::graphics);
    if (dirty == 0)
        return;
    if (dirty & kGroupPrograms)
        flush_programs();
    if ((dirty & kGroupViewports) && state.viewport_count) {
        uint32_t* p = out.emit_array(
            hw::SetViewportsPacket{.first = 0,
                                   .depth_clip_negative_one = state.negative_one_to_one ? 1u : 0u},
            state.viewport_count);
        for (uint32_t i = 0; i < state.viewport_count; ++i)
            hw::SetViewportsPacket::pack_element(p, i, state.viewports[i]);
    }
    if ((dirty & kGroupScissors) && state.scissor_count) {
        uint32_t* p = out.emit_array(hw::SetScissorsPacket{}, state.scissor_count);
        for (uint32_t i = 0; i < state.scissor_count; ++i)
            hw::SetScissorsPacket::pack_element(p, i, state.scissors[i]);
    }
    if (dirty & kGroupRaster) {
        if (state.clip_follows_clamp)
            state.raster.depth_clip = !state.raster.depth_clamp;
        out.emit(state.raster);
    }
    if (dirty & kGroupMultisample)
        out.emit(state.multisample);
    if (dirty & kGroupDepthStencil)
        out.emit(state.depth);
    if (dirty & kGroupBlend) {
        uint32_t* p = out.emit_array(state.blend, state.blend_count);
        for (uint32_t i = 0; i < state.blend_count; ++i)
            hw::SetBlendPacket::pack_element(p, i, blend_of(state, i));
    }
    if (dirty & kGroupAssembly)
        out.emit(state.assembly);
    if ((dirty & kGroupTessellation) && state.tessellation.patch_vertices)
        out.emit(state.tessellation);
    if (dirty & kGroupAttributes) {
        uint32_t* p = out.emit_array(hw::SetVertexAttributesPacket{}, state.attribute_count);
        for (uint32_t i = 0; i < state.attribute_count; ++i)
            hw::SetVertexAttributesPacket::pack_element(p, i, state.attributes[i]);
    }
    if ((dirty & kGroupVertexBuffers) && vertex_buffer_count) {
        uint32_t* p = out.emit_array(hw::SetVertexBuffersPacket{}, vertex_buffer_count);
        for (uint32_t i = 0; i < vertex_buffer_count; ++i)
            hw::SetVertexBuffersPacket::pack_element(p, i,
                                                     {.address = vertex_buffers[i].address,
                                                      .size_bytes = vertex_buffers[i].size_bytes,
                                                      .stride = state.strides[i],
                                                      .divisor = state.divisors[i]});
    }
    if (dirty & kGroupIndexBuffer)
        out.emit(index_buffer);
    dirty = 0;
}

void CommandBuffer::flush_compute() {
    flush_bindings(bind[1], hw::BindPoint::compute);
    const Program* p = bind[1].programs[static_cast<size_t>(hw::Stage::compute)];
    if (dirty_compute && p) {
        bind_program(out, hw::Stage::compute, p);
        dirty_compute = false;
    }
}

namespace vk {

VkResult CreateCommandPool(VkDevice device, const VkCommandPoolCreateInfo* info,
                           const VkAllocationCallbacks* callbacks, VkCommandPool* out) {
    auto* d = Device::from(device);
    auto* p = d->make<CommandPool>(callbacks);
    if (!p)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    p->device = d;
    p->alloc = d->pick(callbacks);
    p->resettable = (info->flags & VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT) != 0;
    *out = p->handle();
    return VK_SUCCESS;
}

void DestroyCommandPool(VkDevice device, VkCommandPool pool,
                        const VkAllocationCallbacks* callbacks) {
    auto* p = CommandPool::from(pool);
    if (!p)
        return;
    for (CommandBuffer* b : p->buffers)
        destroy(p->alloc, b);
    Device::from(device)->drop(callbacks, p);
}

VkResult ResetCommandPool(VkDevice, VkCommandPool pool, VkCommandPoolResetFlags) {
    for (CommandBuffer* b : CommandPool::from(pool)->buffers)
        b->reset();
    return VK_SUCCESS;
}

void TrimCommandPool(VkDevice, VkCommandPool, VkCommandPoolTrimFlags) {}

void FreeCommandBuffers(VkDevice, VkCommandPool pool, uint32_t count,
                        const VkCommandBuffer* buffers) {
    auto* p = CommandPool::from(pool);
    for (uint32_t i = 0; i < count; ++i) {
        auto* b = CommandBuffer::from(buffers[i]);
        if (!b)
            continue;
        std::erase(p->buffers, b);
        destroy(p->alloc, b);
    }
}

VkResult AllocateCommandBuffers(VkDevice device, const VkCommandBufferAllocateInfo* info,
                                VkCommandBuffer* out) {
    auto* p = CommandPool::from(info->commandPool);
    for (uint32_t i = 0; i < info->commandBufferCount; ++i) {
        auto* b = create<CommandBuffer>(p->alloc, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT, *p->device);
        if (!b) {
            FreeCommandBuffers(device, info->commandPool, i, out);
            for (uint32_t j = 0; j < info->commandBufferCount; ++j)
                out[j] = VK_NULL_HANDLE;
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        }
        b->pool = p;
        b->level = info->level;
        p->buffers.push_back(b);
        out[i] = b->handle();
    }
    return VK_SUCCESS;
}

VkResult ResetCommandBuffer(VkCommandBuffer buffer, VkCommandBufferResetFlags) {
    buffer_of(buffer).reset();
    return VK_SUCCESS;
}

VkResult BeginCommandBuffer(VkCommandBuffer buffer, const VkCommandBufferBeginInfo* info) {
    CommandBuffer& c = buffer_of(buffer);
    c.begin();
    if (c.level == VK_COMMAND_BUFFER_LEVEL_SECONDARY && info->pInheritanceInfo &&
        (info->flags & VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT)) {
        const auto& in = *info->pInheritanceInfo;
        if (auto* rp = RenderPass::from(in.renderPass)) {
            c.scope.pass = rp;
            c.scope.subpass = in.subpass;
            c.scope.view_mask = rp->subpasses[in.subpass].view_mask;
        } else if (auto* dyn = find<VkCommandBufferInheritanceRenderingInfo>(
                       in.pNext, VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_RENDERING_INFO)) {
            c.scope.view_mask = dyn->viewMask;
        }
    }
    return VK_SUCCESS;
}

VkResult EndCommandBuffer(VkCommandBuffer buffer) {
    CommandBuffer& c = buffer_of(buffer);
    c.out.finish();
    return c.out.failed() ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_SUCCESS;
}

void CmdExecuteCommands(VkCommandBuffer buffer, uint32_t count, const VkCommandBuffer* buffers) {
    CommandBuffer& c = buffer_of(buffer);
    if (count != 0)
        c.begin_deferred(buffer_of(buffers[0]).state.multisample.samples);
    for (uint32_t i = 0; i < count; ++i)
        for (const kmd::Ib& ib : buffer_of(buffers[i]).out.ranges())
            c.out.emit(hw::CallPacket{.address = ib.address, .dwords = ib.dwords});
    c.dirty_all();
}

} // namespace vk
} // namespace kite::rt
