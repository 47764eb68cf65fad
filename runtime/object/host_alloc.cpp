// SPDX-License-Identifier: MIT
#include "runtime/object/host_alloc.hpp"

#include <cstdlib>

namespace kite::rt {

HostAlloc::HostAlloc(const VkAllocationCallbacks* callbacks) {
    if (callbacks) {
        callbacks_ = *callbacks;
        custom_ = true;
    }
}

void* HostAlloc::allocate(size_t size, size_t align, VkSystemAllocationScope scope) const {
    if (custom_)
        return callbacks_.pfnAllocation(callbacks_.pUserData, size, align, scope);
    size_t a = align < 16 ? 16 : align;
    return std::aligned_alloc(a, (size + a - 1) / a * a);
}

void HostAlloc::release(void* p) const {
    if (!p)
        return;
    if (custom_)
        callbacks_.pfnFree(callbacks_.pUserData, p);
    else
        std::free(p);
}

} // namespace kite::rt
