// SPDX-License-Identifier: MIT
// Host memory through VkAllocationCallbacks, or the C heap when the application gives none.
//
// A HostAlloc is a value: it copies the callbacks. Objects created with pAllocator use that, all
// others their device's or instance's. Only the objects themselves go through the callbacks;
// containers inside them use the C++ heap. Threading: as the application's callbacks. Failure:
// null.
#pragma once

#include <vulkan/vulkan_core.h>

#include <cstddef>

namespace kite::rt {

/// Copyable allocation policy.
class HostAlloc {
public:
    HostAlloc() = default;
    explicit HostAlloc(const VkAllocationCallbacks* callbacks);
    /// pAllocator if given, else the fallback.
    static HostAlloc pick(const VkAllocationCallbacks* callbacks, const HostAlloc& fallback) {
        return callbacks ? HostAlloc(callbacks) : fallback;
    }
    /// Allocates; null on failure.
    [[nodiscard]] void* allocate(size_t size, size_t align, VkSystemAllocationScope scope) const;
    /// Frees; null is ignored.
    void release(void* p) const;

private:
    VkAllocationCallbacks callbacks_{};
    bool custom_ = false;
};

} // namespace kite::rt
