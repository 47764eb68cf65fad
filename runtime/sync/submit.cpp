// SPDX-License-Identifier: MIT
// vkQueueSubmit and its relatives: Vulkan batches become submissions of the kernel contract.
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/sync/sync.hpp"

namespace kite::rt {
namespace {

/// One batch, in a form common to both versions of vkQueueSubmit.
struct Batch {
    std::vector<kmd::Ib> ibs;
    std::vector<kmd::SyncPoint> waits;
    std::vector<kmd::SyncPoint> signals;
    std::vector<Semaphore*> binary_signals;
    std::vector<std::shared_ptr<kmd::Timeline>> keep;

    void wait(Queue& q, VkSemaphore h, uint64_t value) {
        auto* s = Semaphore::from(h);
        if (s->is_timeline) {
            waits.push_back({s->timeline.get(), value});
            return;
        }
        Point p = s->take();
        // Points of the same queue are reached by its order.
        if (p.timeline && p.timeline != q.timeline.get()) {
            waits.push_back(p.sync());
            keep.push_back(p.keep);
        }
    }
    void signal(VkSemaphore h, uint64_t value) {
        auto* s = Semaphore::from(h);
        if (s->is_timeline)
            signals.push_back({s->timeline.get(), value});
        else if (s->own)
            signals.push_back({s->own.get(), 0});
        else
            binary_signals.push_back(s);
    }
    void add(VkCommandBuffer h) {
        for (const kmd::Ib& ib : buffer_of(h).out.ranges())
            ibs.push_back(ib);
    }
    VkResult submit(Queue& q, Fence* fence) {
        uint64_t value = 0;
        if (fence && fence->own)
            signals.push_back({fence->own.get(), 0});
        VkResult r = q.submit(ibs, waits, signals, &value);
        if (r != VK_SUCCESS)
            return r;
        q.hold(std::move(keep), value);
        for (Semaphore* s : binary_signals)
            s->point = {q.timeline.get(), value, nullptr};
        if (fence && !fence->own)
            fence->attach(*q.device, {q.timeline.get(), value, nullptr});
        return VK_SUCCESS;
    }
};

} // namespace

VkResult consume(Queue& q, std::span<const VkSemaphore> semaphores, Point* done) {
    Batch b;
    for (VkSemaphore s : semaphores)
        b.wait(q, s, 0);
    uint64_t value = 0;
    VkResult r = q.submit({}, b.waits, {}, &value);
    if (r == VK_SUCCESS)
        q.hold(std::move(b.keep), value);
    *done = {q.timeline.get(), value, nullptr};
    return r;
}

namespace {

VkResult submit_fence_only(Queue& q, Fence* fence) {
    Batch empty;
    return fence ? empty.submit(q, fence) : VK_SUCCESS;
}

} // namespace

namespace vk {

VkResult QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
    auto* q = Queue::from(queue);
    auto* f = Fence::from(fence);
    if (count == 0)
        return submit_fence_only(*q, f);
    for (uint32_t i = 0; i < count; ++i) {
        const VkSubmitInfo& s = infos[i];
        auto* t = find<VkTimelineSemaphoreSubmitInfo>(
            s.pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
        Batch b;
        for (uint32_t j = 0; j < s.waitSemaphoreCount; ++j)
            b.wait(*q, s.pWaitSemaphores[j],
                   t && j < t->waitSemaphoreValueCount ? t->pWaitSemaphoreValues[j] : 0);
        for (uint32_t j = 0; j < s.commandBufferCount; ++j)
            b.add(s.pCommandBuffers[j]);
        for (uint32_t j = 0; j < s.signalSemaphoreCount; ++j)
            b.signal(s.pSignalSemaphores[j],
                     t && j < t->signalSemaphoreValueCount ? t->pSignalSemaphoreValues[j] : 0);
        if (VkResult r = b.submit(*q, i + 1 == count ? f : nullptr); r != VK_SUCCESS)
            return r;
    }
    return VK_SUCCESS;
}

VkResult QueueSubmit2(VkQueue queue, uint32_t count, const VkSubmitInfo2* infos, VkFence fence) {
    auto* q = Queue::from(queue);
    auto* f = Fence::from(fence);
    if (count == 0)
        return submit_fence_only(*q, f);
    for (uint32_t i = 0; i < count; ++i) {
        const VkSubmitInfo2& s = infos[i];
        Batch b;
        for (uint32_t j = 0; j < s.waitSemaphoreInfoCount; ++j)
            b.wait(*q, s.pWaitSemaphoreInfos[j].semaphore, s.pWaitSemaphoreInfos[j].value);
        for (uint32_t j = 0; j < s.commandBufferInfoCount; ++j)
            b.add(s.pCommandBufferInfos[j].commandBuffer);
        for (uint32_t j = 0; j < s.signalSemaphoreInfoCount; ++j)
            b.signal(s.pSignalSemaphoreInfos[j].semaphore, s.pSignalSemaphoreInfos[j].value);
        if (VkResult r = b.submit(*q, i + 1 == count ? f : nullptr); r != VK_SUCCESS)
            return r;
    }
    return VK_SUCCESS;
}

VkResult QueueBindSparse(VkQueue queue, uint32_t count, const VkBindSparseInfo* infos,
                         VkFence fence) {
    // No sparse features: only the semaphores can matter.
    auto* q = Queue::from(queue);
    auto* f = Fence::from(fence);
    if (count == 0)
        return submit_fence_only(*q, f);
    for (uint32_t i = 0; i < count; ++i) {
        Batch b;
        for (uint32_t j = 0; j < infos[i].waitSemaphoreCount; ++j)
            b.wait(*q, infos[i].pWaitSemaphores[j], 0);
        for (uint32_t j = 0; j < infos[i].signalSemaphoreCount; ++j)
            b.signal(infos[i].pSignalSemaphores[j], 0);
        if (VkResult r = b.submit(*q, i + 1 == count ? f : nullptr); r != VK_SUCCESS)
            return r;
    }
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
