// SPDX-License-Identifier: MIT
#include "runtime/device/device.hpp"

#include "base/log.hpp"
#include "runtime/device/features.hpp"
#include "runtime/object/result.hpp"

#include <cstring>
#include <ctime>

namespace kite::rt {
namespace {

VkResult open_device(Device& d) {
    auto kmd = kmd::open(d.physical->facts);
    if (!kmd) {
        KITE_LOG(error, "cannot open the GPU: {}", kmd.error().message);
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    d.kmd = std::move(*kmd);
    d.va = std::make_unique<VaAllocator>(d.kmd->facts().va_start, d.kmd->facts().va_end);
    d.heap = std::make_unique<GpuHeap>(*d.kmd, *d.va);
    auto q = d.kmd->create_queue();
    auto t = d.kmd->create_timeline(0);
    auto q2 = d.kmd->create_queue(kmd::QueueClass::graphics);
    auto t2 = d.kmd->create_timeline(0);
    if (!q || !t || !q2 || !t2)
        return VK_ERROR_INITIALIZATION_FAILED;
    d.queue.device = &d;
    d.queue.kmd = std::move(*q);
    d.queue.timeline = std::move(*t);
    d.side_queue = std::move(*q2);
    d.side_timeline = std::move(*t2);
    return VK_SUCCESS;
}

uint64_t now_of(clockid_t clock) {
    timespec ts{};
    clock_gettime(clock, &ts);
    return static_cast<uint64_t>(ts.tv_sec) * 1000000000u + static_cast<uint64_t>(ts.tv_nsec);
}

void collect_features(const VkDeviceCreateInfo& info, VkPhysicalDeviceFeatures& out) {
    if (info.pEnabledFeatures)
        out = *info.pEnabledFeatures;
    else if (auto* f = find<VkPhysicalDeviceFeatures2>(
                 info.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2))
        out = f->features;
}

} // namespace

uint64_t deadline_after(uint64_t timeout_ns) {
    if (timeout_ns == 0)
        return 0;
    uint64_t now = now_of(CLOCK_MONOTONIC);
    return timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
}

VkResult Device::report(const base::Error& e) {
    VkResult r = to_vk(e);
    if (r == VK_ERROR_DEVICE_LOST)
        lost = true;
    else if (r != VK_TIMEOUT)
        KITE_LOG(info, "{}", e.message);
    return r;
}

VkResult Queue::submit(std::span<const kmd::Ib> ibs, std::span<const kmd::SyncPoint> waits,
                       std::span<const kmd::SyncPoint> signals, uint64_t* value) {
    std::lock_guard lock(mutex);
    std::vector<kmd::SyncPoint> all(signals.begin(), signals.end());
    uint64_t v = submitted + 1;
    all.push_back({timeline.get(), v});
    VkResult r = device->check(kmd->submit({.ibs = ibs, .waits = waits, .signals = all}));
    if (r == VK_SUCCESS) {
        submitted = v;
        if (value)
            *value = v;
    }
    return r;
}

void Queue::hold(std::vector<std::shared_ptr<kmd::Timeline>> waited, uint64_t value) {
    std::lock_guard lock(mutex);
    if (!held_.empty()) {
        const uint64_t done = timeline->value().value_or(0);
        std::erase_if(held_, [&](const Held& h) { return h.value <= done; });
    }
    std::erase(waited, nullptr);
    if (!waited.empty())
        held_.push_back({value, std::move(waited)});
}

VkResult Queue::wait_idle() {
    return device->check(timeline->wait(submitted, UINT64_MAX));
}

namespace vk {

VkResult CreateDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                      const VkAllocationCallbacks* callbacks, VkDevice* out) {
    auto* p = PhysicalDevice::from(physical);
    auto offered = device_extensions(p->facts);
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i)
        if (!has_extension(offered, info->ppEnabledExtensionNames[i]))
            return VK_ERROR_EXTENSION_NOT_PRESENT;
    if (VkResult r = check_features(*info); r != VK_SUCCESS)
        return r;
    for (uint32_t i = 0; i < info->queueCreateInfoCount; ++i) {
        auto* g = find<VkDeviceQueueGlobalPriorityCreateInfo>(
            info->pQueueCreateInfos[i].pNext,
            VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO);
        if (g && g->globalPriority > VK_QUEUE_GLOBAL_PRIORITY_MEDIUM)
            return VK_ERROR_NOT_PERMITTED;
    }
    HostAlloc alloc = HostAlloc::pick(callbacks, p->instance->alloc);
    auto* d = create<Device>(alloc, VK_SYSTEM_ALLOCATION_SCOPE_DEVICE);
    if (!d)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    d->alloc = alloc;
    d->physical = p;
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i)
        d->extensions.add(info->ppEnabledExtensionNames[i]);
    collect_features(*info, d->features);
    if (VkResult r = open_device(*d); r != VK_SUCCESS) {
        destroy(alloc, d);
        return r;
    }
    *out = d->handle();
    return VK_SUCCESS;
}

void DestroyDevice(VkDevice device, const VkAllocationCallbacks*) {
    auto* d = Device::from(device);
    if (!d)
        return;
    (void)d->queue.wait_idle();
    // Queues first: their threads use timelines and memory.
    d->side_queue.reset();
    d->queue.kmd.reset();
    d->queue.timeline.reset();
    d->side_timeline.reset();
    d->heap.reset();
    HostAlloc alloc = d->alloc;
    destroy(alloc, d);
}

void GetDeviceQueue(VkDevice device, uint32_t, uint32_t, VkQueue* out) {
    *out = Device::from(device)->queue.handle();
}

void GetDeviceQueue2(VkDevice device, const VkDeviceQueueInfo2* info, VkQueue* out) {
    *out = info->flags == 0 ? Device::from(device)->queue.handle() : VK_NULL_HANDLE;
}

VkResult QueueWaitIdle(VkQueue queue) {
    return Queue::from(queue)->wait_idle();
}

VkResult DeviceWaitIdle(VkDevice device) {
    return Device::from(device)->queue.wait_idle();
}

void GetDeviceGroupPeerMemoryFeatures(VkDevice, uint32_t, uint32_t, uint32_t,
                                      VkPeerMemoryFeatureFlags* out) {
    *out = VK_PEER_MEMORY_FEATURE_COPY_SRC_BIT | VK_PEER_MEMORY_FEATURE_COPY_DST_BIT |
           VK_PEER_MEMORY_FEATURE_GENERIC_SRC_BIT | VK_PEER_MEMORY_FEATURE_GENERIC_DST_BIT;
}

VkResult GetCalibratedTimestampsKHR(VkDevice device, uint32_t count,
                                    const VkCalibratedTimestampInfoKHR* infos, uint64_t* stamps,
                                    uint64_t* deviation) {
    auto* d = Device::from(device);
    auto pair = d->kmd->clocks();
    if (!pair)
        return d->report(pair.error());
    // The raw clock has no place in the pair: it is read after it, the time between is uncertain.
    uint64_t raw = now_of(CLOCK_MONOTONIC_RAW);
    uint64_t late = now_of(CLOCK_MONOTONIC) - pair->cpu_ns;
    *deviation = pair->deviation_ns;
    for (uint32_t i = 0; i < count; ++i) {
        switch (infos[i].timeDomain) {
        case VK_TIME_DOMAIN_DEVICE_KHR:
            stamps[i] = pair->device_ns;
            break;
        case VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_KHR:
            stamps[i] = raw;
            *deviation = pair->deviation_ns + late;
            break;
        default:
            stamps[i] = pair->cpu_ns;
            break;
        }
    }
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
