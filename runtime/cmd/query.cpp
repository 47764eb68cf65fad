// SPDX-License-Identifier: MIT
#include "runtime/cmd/query.hpp"

#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <thread>

namespace kite::rt {
namespace {

constexpr uint32_t kStatisticsValues = 11;

/// Indices of the values a query reports.
std::vector<uint32_t> value_indices(const QueryPool& p) {
    std::vector<uint32_t> v;
    for (uint32_t i = 0; i < kStatisticsValues; ++i)
        if (p.values >> i & 1)
            v.push_back(i);
    return v;
}

void begin_query(VkCommandBuffer buffer, VkQueryPool pool, uint32_t query, uint32_t index) {
    auto* p = QueryPool::from(pool);
    buffer_of(buffer).out.emit(
        hw::QueryBeginPacket{.type = p->type, .address = p->address(query), .index = index});
}

uint32_t available_index(const QueryPool& p) {
    return p.slot_bytes / 8 - 1;
}

bool available(const QueryPool& p, uint32_t i) {
    return std::atomic_ref<uint64_t>(p.host(i)[available_index(p)])
               .load(std::memory_order_acquire) != 0;
}

void put(std::byte* out, uint64_t value, bool wide) {
    if (wide) {
        std::memcpy(out, &value, 8);
    } else {
        uint32_t v = static_cast<uint32_t>(value);
        std::memcpy(out, &v, 4);
    }
}

/// Slots a query uses: one per view with multiview.
uint32_t views_of(const CommandBuffer& c) {
    return c.scope.view_mask ? static_cast<uint32_t>(std::popcount(c.scope.view_mask)) : 1;
}

} // namespace

namespace vk {

VkResult CreateQueryPool(VkDevice device, const VkQueryPoolCreateInfo* info,
                         const VkAllocationCallbacks* callbacks, VkQueryPool* out) {
    auto* d = Device::from(device);
    auto* p = d->make<QueryPool>(callbacks);
    if (!p)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    p->count = info->queryCount;
    switch (info->queryType) {
    case VK_QUERY_TYPE_OCCLUSION:
        p->type = hw::QueryType::occlusion;
        break;
    case VK_QUERY_TYPE_TIMESTAMP:
        p->type = hw::QueryType::timestamp;
        break;
    case VK_QUERY_TYPE_PIPELINE_STATISTICS:
        p->type = hw::QueryType::pipeline_statistics;
        p->slot_bytes = (kStatisticsValues + 1) * 8;
        p->values = info->pipelineStatistics & ((1u << kStatisticsValues) - 1);
        break;
    case VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT:
        p->type = hw::QueryType::transform_feedback;
        p->slot_bytes = 24;
        p->values = 3;
        break;
    case VK_QUERY_TYPE_PRIMITIVES_GENERATED_EXT:
        p->type = hw::QueryType::primitives_generated;
        break;
    default:
        d->drop(callbacks, p);
        return VK_ERROR_FEATURE_NOT_PRESENT;
    }
    auto piece = d->heap->allocate(uint64_t{p->slot_bytes} * std::max(1u, p->count));
    if (!piece) {
        d->drop(callbacks, p);
        return d->report(piece.error());
    }
    p->memory = *piece;
    // Slots start out reset, whether VK_QUERY_POOL_CREATE_RESET_BIT_KHR asks for it or not.
    std::memset(piece->host, 0, uint64_t{p->slot_bytes} * p->count);
    *out = p->handle();
    return VK_SUCCESS;
}

void DestroyQueryPool(VkDevice device, VkQueryPool pool, const VkAllocationCallbacks* callbacks) {
    auto* d = Device::from(device);
    if (auto* p = QueryPool::from(pool)) {
        d->heap->release(p->memory);
        d->drop(callbacks, p);
    }
}

void ResetQueryPool(VkDevice, VkQueryPool pool, uint32_t first, uint32_t count) {
    auto* p = QueryPool::from(pool);
    std::memset(p->host(first), 0, uint64_t{p->slot_bytes} * count);
}

VkResult GetQueryPoolResults(VkDevice device, VkQueryPool pool, uint32_t first, uint32_t count,
                             size_t, void* data, VkDeviceSize stride, VkQueryResultFlags flags) {
    auto* d = Device::from(device);
    auto* p = QueryPool::from(pool);
    bool wide = (flags & VK_QUERY_RESULT_64_BIT) != 0;
    uint32_t unit = wide ? 8 : 4;
    VkResult result = VK_SUCCESS;
    auto indices = value_indices(*p);
    for (uint32_t i = 0; i < count; ++i) {
        bool ready = available(*p, first + i);
        while (!ready && (flags & VK_QUERY_RESULT_WAIT_BIT)) {
            if (!d->queue.timeline->value() || d->lost || !d->queue.kmd->fault().empty())
                return VK_ERROR_DEVICE_LOST;
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            ready = available(*p, first + i);
        }
        auto* out = static_cast<std::byte*>(data) + i * stride;
        if (ready || (flags & VK_QUERY_RESULT_PARTIAL_BIT)) {
            for (size_t k = 0; k < indices.size(); ++k)
                put(out + k * unit, ready ? p->host(first + i)[indices[k]] : 0, wide);
        }
        if (!ready)
            result = VK_NOT_READY;
        if (flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT)
            put(out + indices.size() * unit, ready ? 1 : 0, wide);
    }
    return result;
}

void CmdResetQueryPool(VkCommandBuffer buffer, VkQueryPool pool, uint32_t first, uint32_t count) {
    auto* p = QueryPool::from(pool);
    CommandBuffer& c = buffer_of(buffer);
    if (count == 0)
        return;
    // Earlier commands may still count into the slots, later ones must see them cleared; neither
    // needs a barrier in the API.
    c.out.barrier();
    c.out.emit(hw::FillBufferPacket{
        .dst = p->address(first), .size_bytes = uint64_t{p->slot_bytes} * count, .value = 0});
    c.out.barrier();
}

void CmdBeginQuery(VkCommandBuffer buffer, VkQueryPool pool, uint32_t query, VkQueryControlFlags) {
    begin_query(buffer, pool, query, 0);
}

void CmdBeginQueryIndexedEXT(VkCommandBuffer buffer, VkQueryPool pool, uint32_t query,
                             VkQueryControlFlags, uint32_t index) {
    begin_query(buffer, pool, query, index);
}

void CmdEndQueryIndexedEXT(VkCommandBuffer buffer, VkQueryPool pool, uint32_t query,
                           uint32_t index) {
    auto* p = QueryPool::from(pool);
    CommandBuffer& c = buffer_of(buffer);
    c.out.emit(hw::QueryEndPacket{.type = p->type, .address = p->address(query), .index = index});
    // With multiview the first slot holds the sum, the others are zero and available.
    for (uint32_t i = 1; i < views_of(c); ++i) {
        const uint64_t slot = p->address(query + i);
        c.out.emit(hw::QueryBeginPacket{.type = p->type, .address = slot, .index = index});
        c.out.emit(hw::QueryEndPacket{.type = p->type, .address = slot, .index = index});
    }
}

void CmdEndQuery(VkCommandBuffer buffer, VkQueryPool pool, uint32_t query) {
    CmdEndQueryIndexedEXT(buffer, pool, query, 0);
}

void CmdWriteTimestamp2(VkCommandBuffer buffer, VkPipelineStageFlags2, VkQueryPool pool,
                        uint32_t query) {
    auto* p = QueryPool::from(pool);
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < views_of(c); ++i)
        c.out.emit(hw::WriteTimestampPacket{.address = p->address(query + i)});
}

void CmdWriteTimestamp(VkCommandBuffer buffer, VkPipelineStageFlagBits, VkQueryPool pool,
                       uint32_t query) {
    CmdWriteTimestamp2(buffer, 0, pool, query);
}

void CmdCopyQueryPoolResults(VkCommandBuffer buffer, VkQueryPool pool, uint32_t first,
                             uint32_t count, VkBuffer dst, VkDeviceSize offset, VkDeviceSize stride,
                             VkQueryResultFlags flags) {
    auto* p = QueryPool::from(pool);
    CommandBuffer& c = buffer_of(buffer);
    if (count == 0)
        return;
    hw::CopyQueryResultsPacket k{};
    k.src = p->address(first);
    k.slot_bytes = p->slot_bytes;
    k.count = count;
    k.select = p->values;
    k.dst = Buffer::from(dst)->address + offset;
    k.dst_stride = stride;
    k.wide = (flags & VK_QUERY_RESULT_64_BIT) != 0;
    k.wait = (flags & VK_QUERY_RESULT_WAIT_BIT) != 0;
    k.availability = (flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT) != 0;
    k.partial = (flags & VK_QUERY_RESULT_PARTIAL_BIT) != 0;
    // Queries end in submission order without barriers.
    c.out.barrier();
    c.out.emit(k);
}

} // namespace vk
} // namespace kite::rt
