// SPDX-License-Identifier: MIT
// VkDevice and VkQueue: the opened GPU, its address space and the pools that other objects draw
// from.
//
// Creation order: kernel contract -> address allocator -> internal heap -> queue. Opening loads the
// device library; nothing before vkCreateDevice does. One queue family with one queue; submissions
// of it are points on `timeline`, which is what fences and binary semaphores refer to. Ownership:
// the application owns the device; it outlives its children. Threading: the members named "locked"
// are guarded by a mutex, the rest is immutable after creation. Failure:
// VK_ERROR_INITIALIZATION_FAILED when the device can't be opened.
#pragma once

#include "runtime/device/instance.hpp"
#include "runtime/memory/gpu_heap.hpp"

#include <atomic>
#include <condition_variable>
#include <unordered_map>

namespace kite::rt {

struct Device;
struct Program;

/// The one queue.
struct Queue : Dispatchable<Queue, VkQueue> {
    Device* device = nullptr;                ///< owner
    std::unique_ptr<kmd::Queue> kmd;         ///< in-order queue
    std::unique_ptr<kmd::Timeline> timeline; ///< one value per submission
    std::mutex mutex;                        ///< guards `submitted` and keeps order
    std::atomic<uint64_t> submitted{0};      ///< last value promised on `timeline`
    /// Submits and returns the timeline value that signals completion. Extra signals are raised
    /// with it.
    VkResult submit(std::span<const kmd::Ib> ibs, std::span<const kmd::SyncPoint> waits,
                    std::span<const kmd::SyncPoint> signals, uint64_t* value);
    /// Keeps timelines that a submission waits for until `value` is reached.
    void hold(std::vector<std::shared_ptr<kmd::Timeline>> waited, uint64_t value);
    /// Waits until everything submitted is done.
    VkResult wait_idle();

private:
    struct Held {
        uint64_t value;
        std::vector<std::shared_ptr<kmd::Timeline>> timelines;
    };
    std::vector<Held> held_; ///< guarded by `mutex`
};

/// The device.
struct Device : Dispatchable<Device, VkDevice> {
    HostAlloc alloc;                              ///< pAllocator of vkCreateDevice
    PhysicalDevice* physical = nullptr;           ///< its physical device
    ExtensionSet extensions;                      ///< enabled
    VkPhysicalDeviceFeatures features{};          ///< enabled core features
    std::unique_ptr<kmd::Device> kmd;             ///< the opened GPU
    std::unique_ptr<VaAllocator> va;              ///< addresses
    std::unique_ptr<GpuHeap> heap;                ///< internal GPU memory
    Queue queue;                                  ///< family 0, index 0
    std::unique_ptr<kmd::Queue> side_queue;       ///< prefetches, off the application's queue
    std::unique_ptr<kmd::Timeline> side_timeline; ///< completion of side_queue
    uint64_t side_submitted = 0;             ///< last value on side_timeline; locked by side_mutex
    std::mutex side_mutex;                   ///< see side_submitted
    std::mutex fence_mutex;                  ///< wakes waits on fences that are not submitted yet
    std::condition_variable fence_submitted; ///< see fence_mutex
    std::mutex programs_mutex;               ///< guards programs
    std::unordered_map<uint64_t, std::weak_ptr<Program>> programs; ///< by content hash
    std::atomic<uint32_t> memory_objects{0};                       ///< VkDeviceMemory objects alive

    /// True once the context died.
    std::atomic<bool> lost{false};
    /// Remembers loss and maps an error.
    VkResult report(const base::Error& e);
    /// report() of a result, or VK_SUCCESS.
    template <class T>
    VkResult check(const kmd::Result<T>& r) {
        return r ? VK_SUCCESS : report(r.error());
    }
    /// The allocation policy of an object: its own callbacks or the device's.
    HostAlloc pick(const VkAllocationCallbacks* callbacks) const {
        return HostAlloc::pick(callbacks, alloc);
    }
    /// Creates an object with its policy; null on exhaustion.
    template <class T, class... Args>
    T* make(const VkAllocationCallbacks* callbacks, Args&&... args) {
        return create<T>(pick(callbacks), VK_SYSTEM_ALLOCATION_SCOPE_OBJECT,
                         std::forward<Args>(args)...);
    }
    /// Destroys an object made by make().
    template <class T>
    void drop(const VkAllocationCallbacks* callbacks, T* object) {
        destroy(pick(callbacks), object);
    }
};

/// Absolute CLOCK_MONOTONIC deadline of a Vulkan timeout in ns (UINT64_MAX: never).
[[nodiscard]] uint64_t deadline_after(uint64_t timeout_ns);

} // namespace kite::rt
