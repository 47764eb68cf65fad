// SPDX-License-Identifier: MIT
// Base of every Vulkan object: typed casts between handles and C++ objects, and creation through
// VkAllocationCallbacks.
//
// Non-dispatchable objects derive from Object<T, VkT>; dispatchable ones from Dispatchable<T, VkT>,
// whose first word is the loader's magic (no virtual functions in either, so that word stays at
// offset 0). Ownership: whoever created an object through create() destroys it with destroy() and
// compatible callbacks. Threading: as Vulkan's external synchronisation rules. Failure: create()
// returns null when host memory is exhausted.
//
// Example:
//   struct Buffer : Object<Buffer, VkBuffer> { ... };
//   Buffer* b = create<Buffer>(alloc, args...);  *out = b->handle();  Buffer::from(handle)->size;
#pragma once

#include "runtime/object/host_alloc.hpp"

#include <vulkan/vk_icd.h>
#include <vulkan/vulkan_core.h>

#include <new>
#include <span>
#include <utility>

namespace kite::rt {

/// Base of non-dispatchable objects.
template <class T, class VkT>
struct Object {
    using Handle = VkT; ///< Vulkan handle type
    /// The object behind a handle; null for VK_NULL_HANDLE.
    static T* from(VkT h) { return reinterpret_cast<T*>(h); }
    /// The handle of this object.
    VkT handle() { return reinterpret_cast<VkT>(static_cast<T*>(this)); }
};

/// Base of dispatchable objects.
template <class T, class VkT>
struct Dispatchable {
    VK_LOADER_DATA loader{.loaderMagic = ICD_LOADER_MAGIC}; ///< must stay first
    using Handle = VkT;                                     ///< Vulkan handle type
    /// The object behind a handle; null for VK_NULL_HANDLE.
    static T* from(VkT h) { return reinterpret_cast<T*>(h); }
    /// The handle of this object.
    VkT handle() { return reinterpret_cast<VkT>(static_cast<T*>(this)); }
};

/// Allocates and constructs T; null when the allocation failed.
template <class T, class... Args>
[[nodiscard]] T* create(const HostAlloc& alloc, VkSystemAllocationScope scope, Args&&... args) {
    void* p = alloc.allocate(sizeof(T), alignof(T), scope);
    return p ? new (p) T(std::forward<Args>(args)...) : nullptr;
}

/// Destroys and frees; null is ignored.
template <class T>
void destroy(const HostAlloc& alloc, T* object) {
    if (!object)
        return;
    object->~T();
    alloc.release(object);
}

/// Finds a structure in a pNext chain.
template <class T>
const T* find(const void* chain, VkStructureType type) {
    for (auto* s = static_cast<const VkBaseInStructure*>(chain); s; s = s->pNext)
        if (s->sType == type)
            return reinterpret_cast<const T*>(s);
    return nullptr;
}

/// Finds a writable structure in a pNext chain.
template <class T>
T* find_mut(void* chain, VkStructureType type) {
    for (auto* s = static_cast<VkBaseOutStructure*>(chain); s; s = s->pNext)
        if (s->sType == type)
            return reinterpret_cast<T*>(s);
    return nullptr;
}

/// The two-call idiom: counts first, then copies at most *count elements.
template <class T>
class OutArray {
public:
    OutArray(uint32_t* count, T* data) : count_(count), data_(data), room_(data ? *count : 0) {
        *count_ = 0;
    }
    /// The next slot to fill, or null when only counting or full.
    T* next() {
        if (!data_) {
            ++*count_;
            return nullptr;
        }
        if (*count_ >= room_) {
            incomplete_ = true;
            return nullptr;
        }
        return &data_[(*count_)++];
    }
    /// Appends a value.
    void push(const T& v) {
        if (T* slot = next())
            *slot = v;
    }
    /// VK_SUCCESS or VK_INCOMPLETE.
    [[nodiscard]] VkResult result() const { return incomplete_ ? VK_INCOMPLETE : VK_SUCCESS; }

private:
    uint32_t* count_;
    T* data_;
    uint32_t room_;
    bool incomplete_ = false;
};

/// Answers the extensible form of a query, whose elements embed those of the plain one.
template <class Plain, class Extended>
[[nodiscard]] VkResult write_extended(std::span<const Plain> list, uint32_t* count, Extended* out,
                                      Plain Extended::* plain) {
    OutArray<Extended> a(count, out);
    for (const Plain& p : list)
        if (Extended* e = a.next())
            e->*plain = p;
    return a.result();
}

} // namespace kite::rt
