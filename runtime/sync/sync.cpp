// SPDX-License-Identifier: MIT
#include "runtime/sync/sync.hpp"

#include <atomic>
#include <chrono>
#include <utility>

namespace kite::rt {

void Fence::attach(Device& d, Point p) {
    {
        std::lock_guard lock(mutex);
        point = std::move(p);
    }
    {
        std::lock_guard lock(d.fence_mutex);
    }
    d.fence_submitted.notify_all();
}

Point Semaphore::take() {
    Point p = std::exchange(point, {});
    bool instead = std::exchange(temporary, false);
    if (!p.timeline && !instead && own)
        p = {own.get(), 0, own};
    return p;
}

void Fence::signal(Device& d) {
    {
        std::lock_guard lock(mutex);
        signalled = !own;
        point = {};
        if (own)
            (void)own->signal(0);
    }
    {
        std::lock_guard lock(d.fence_mutex);
    }
    d.fence_submitted.notify_all();
}

namespace {

enum class State { done, pending, unsubmitted };

State state_of(Fence& f, kmd::SyncPoint& point) {
    std::lock_guard lock(f.mutex);
    if (f.signalled)
        return State::done;
    if (f.point.timeline)
        point = f.point.sync();
    else if (f.own) // perhaps another process submits it: the kernel waits for that, too
        point = {f.own.get(), 0};
    else
        return State::unsubmitted;
    return State::pending;
}

VkResult wait_fences(Device& d, uint32_t count, const VkFence* fences, bool all,
                     uint64_t deadline) {
    for (;;) {
        std::vector<kmd::SyncPoint> points;
        uint32_t unsubmitted = 0, done = 0;
        std::unique_lock lock(d.fence_mutex);
        for (uint32_t i = 0; i < count; ++i) {
            kmd::SyncPoint p;
            switch (state_of(*Fence::from(fences[i]), p)) {
            case State::done:
                ++done;
                break;
            case State::pending:
                points.push_back(p);
                break;
            case State::unsubmitted:
                ++unsubmitted;
                break;
            }
        }
        if (all ? done == count : done > 0)
            return VK_SUCCESS;
        if (unsubmitted == 0 || (!all && !points.empty() && deadline == 0)) {
            lock.unlock();
            return d.check(d.kmd->wait({.points = points, .any = !all}, deadline));
        }
        if (d.lost)
            return VK_ERROR_DEVICE_LOST;
        if (deadline == 0)
            return VK_TIMEOUT;
        // Some fence has no submission yet: another thread may submit it. Look again at every
        // submission, and for "any" also poll those that are pending.
        auto now = std::chrono::steady_clock::now();
        auto until = now + std::chrono::milliseconds(all || points.empty() ? 100 : 1);
        auto end = std::chrono::steady_clock::time_point(
            std::chrono::nanoseconds(std::min<uint64_t>(deadline, uint64_t{1} << 62)));
        d.fence_submitted.wait_until(lock, std::min(until, end));
        lock.unlock();
        if (!all && !points.empty() && d.kmd->wait({.points = points, .any = true}, 0))
            return VK_SUCCESS;
        if (std::chrono::steady_clock::now() >= end)
            return VK_TIMEOUT;
    }
}

} // namespace

namespace vk {

VkResult CreateFence(VkDevice device, const VkFenceCreateInfo* info,
                     const VkAllocationCallbacks* callbacks, VkFence* out) {
    auto* d = Device::from(device);
    auto* f = d->make<Fence>(callbacks);
    if (!f)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    f->signalled = (info->flags & VK_FENCE_CREATE_SIGNALED_BIT) != 0;
    auto* e =
        find<VkExportFenceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO);
    if (e && (e->handleTypes & VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT)) {
        auto own = d->kmd->create_binary(f->signalled);
        if (!own) {
            d->drop(callbacks, f);
            return d->report(own.error());
        }
        f->own = std::move(*own);
        f->signalled = false;
    }
    *out = f->handle();
    return VK_SUCCESS;
}

void DestroyFence(VkDevice device, VkFence fence, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Fence::from(fence));
}

VkResult ResetFences(VkDevice, uint32_t count, const VkFence* fences) {
    for (uint32_t i = 0; i < count; ++i) {
        auto* f = Fence::from(fences[i]);
        std::lock_guard lock(f->mutex);
        f->signalled = false;
        // A temporary payload goes, the permanent one is reset.
        if (f->own && !f->point.timeline)
            (void)f->own->reset();
        f->point = {};
    }
    return VK_SUCCESS;
}

VkResult GetFenceStatus(VkDevice device, VkFence fence) {
    VkResult r = wait_fences(*Device::from(device), 1, &fence, true, 0);
    return r == VK_TIMEOUT ? VK_NOT_READY : r;
}

VkResult WaitForFences(VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                       uint64_t timeout) {
    return wait_fences(*Device::from(device), count, fences, all != VK_FALSE,
                       deadline_after(timeout));
}

VkResult CreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo* info,
                         const VkAllocationCallbacks* callbacks, VkSemaphore* out) {
    auto* d = Device::from(device);
    auto* s = d->make<Semaphore>(callbacks);
    if (!s)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    auto* t =
        find<VkSemaphoreTypeCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    if (t && t->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE) {
        auto timeline = d->kmd->create_timeline(t->initialValue);
        if (!timeline) {
            d->drop(callbacks, s);
            return d->report(timeline.error());
        }
        s->is_timeline = true;
        s->timeline = std::move(*timeline);
    }
    auto* e = find<VkExportSemaphoreCreateInfo>(info->pNext,
                                                VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
    if (e && !s->is_timeline &&
        (e->handleTypes & VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT)) {
        auto own = d->kmd->create_binary(false);
        if (!own) {
            d->drop(callbacks, s);
            return d->report(own.error());
        }
        s->own = std::move(*own);
    }
    *out = s->handle();
    return VK_SUCCESS;
}

void DestroySemaphore(VkDevice device, VkSemaphore semaphore,
                      const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Semaphore::from(semaphore));
}

VkResult GetSemaphoreCounterValue(VkDevice device, VkSemaphore semaphore, uint64_t* value) {
    auto v = Semaphore::from(semaphore)->timeline->value();
    if (v)
        *value = *v;
    return Device::from(device)->check(v);
}

VkResult SignalSemaphore(VkDevice device, const VkSemaphoreSignalInfo* info) {
    return Device::from(device)->check(
        Semaphore::from(info->semaphore)->timeline->signal(info->value));
}

VkResult WaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo* info, uint64_t timeout) {
    auto* d = Device::from(device);
    std::vector<kmd::SyncPoint> points;
    for (uint32_t i = 0; i < info->semaphoreCount; ++i)
        points.push_back({Semaphore::from(info->pSemaphores[i])->timeline.get(), info->pValues[i]});
    bool any = (info->flags & VK_SEMAPHORE_WAIT_ANY_BIT) != 0;
    return d->check(d->kmd->wait({.points = points, .any = any}, deadline_after(timeout)));
}

VkResult CreateEvent(VkDevice device, const VkEventCreateInfo*,
                     const VkAllocationCallbacks* callbacks, VkEvent* out) {
    auto* d = Device::from(device);
    auto* e = d->make<Event>(callbacks);
    if (!e)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    auto piece = d->heap->allocate(4);
    if (!piece) {
        d->drop(callbacks, e);
        return d->report(piece.error());
    }
    e->memory = *piece;
    *e->word() = 0;
    *out = e->handle();
    return VK_SUCCESS;
}

void DestroyEvent(VkDevice device, VkEvent event, const VkAllocationCallbacks* callbacks) {
    auto* d = Device::from(device);
    if (auto* e = Event::from(event)) {
        d->heap->release(e->memory);
        d->drop(callbacks, e);
    }
}

VkResult GetEventStatus(VkDevice device, VkEvent event) {
    if (Device::from(device)->lost)
        return VK_ERROR_DEVICE_LOST;
    uint32_t v =
        std::atomic_ref<uint32_t>(*Event::from(event)->word()).load(std::memory_order_acquire);
    return v ? VK_EVENT_SET : VK_EVENT_RESET;
}

VkResult SetEvent(VkDevice, VkEvent event) {
    std::atomic_ref<uint32_t>(*Event::from(event)->word()).store(1, std::memory_order_release);
    return VK_SUCCESS;
}

VkResult ResetEvent(VkDevice, VkEvent event) {
    std::atomic_ref<uint32_t>(*Event::from(event)->word()).store(0, std::memory_order_release);
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
