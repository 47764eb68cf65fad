// SPDX-License-Identifier: MIT
#include "runtime/memory/device_memory.hpp"

#include <unistd.h>

namespace kite::rt {
namespace {
std::atomic<uint64_t> g_used[VK_MAX_MEMORY_HEAPS];
} // namespace

uint64_t process_memory_used(uint32_t heap) {
    return g_used[heap];
}

namespace vk {

VkResult AllocateMemory(VkDevice device, const VkMemoryAllocateInfo* info,
                        const VkAllocationCallbacks* callbacks, VkDeviceMemory* out) {
    auto* d = Device::from(device);
    const PhysicalDevice& p = *d->physical;
    if (info->memoryTypeIndex >= p.memory_types.size())
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    const MemoryType& type = p.memory_types[info->memoryTypeIndex];
    uint32_t heap = p.memory.memoryTypes[info->memoryTypeIndex].heapIndex;
    if (info->allocationSize > p.memory.memoryHeaps[heap].size)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (d->memory_objects >= 16384)
        return VK_ERROR_TOO_MANY_OBJECTS;
    auto* m = d->make<DeviceMemory>(callbacks);
    if (!m)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    uint64_t size = info->allocationSize ? info->allocationSize : 1;
    auto* out_types = find<VkExportMemoryAllocateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
    auto* in =
        find<VkImportMemoryFdInfoKHR>(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
    bool import = in && in->handleType != 0;
    kmd::BoDesc desc{.size_bytes = size,
                     .host_visible = type.host_visible,
                     .exportable = out_types && out_types->handleTypes != 0,
                     .placement = type.placement};
    auto bound = import ? GpuHeap::import_bound(*d->kmd, *d->va, in->fd, size, type.host_visible)
                        : GpuHeap::make_bound(*d->kmd, *d->va, desc);
    if (!bound) {
        d->drop(callbacks, m);
        VkResult r = d->report(bound.error());
        return import && bound.error().code == base::ErrorCode::invalid_argument
                   ? VK_ERROR_INVALID_EXTERNAL_HANDLE
                   : r;
    }
    if (import)
        close(in->fd); // taken over by success
    m->bound = std::move(*bound);
    m->size_bytes = size;
    m->heap = heap;
    g_used[heap] += m->bound.size_bytes;
    ++d->memory_objects;
    *out = m->handle();
    return VK_SUCCESS;
}

void FreeMemory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks* callbacks) {
    auto* d = Device::from(device);
    auto* m = DeviceMemory::from(memory);
    if (!m)
        return;
    g_used[m->heap] -= m->bound.size_bytes;
    --d->memory_objects;
    GpuHeap::drop_bound(*d->kmd, *d->va, m->bound);
    d->drop(callbacks, m);
}

VkResult MapMemory(VkDevice, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize,
                   VkMemoryMapFlags, void** out) {
    *out = static_cast<char*>(DeviceMemory::from(memory)->bound.host) + offset;
    return VK_SUCCESS;
}

void UnmapMemory(VkDevice, VkDeviceMemory) {}

VkResult MapMemory2(VkDevice device, const VkMemoryMapInfo* info, void** out) {
    return MapMemory(device, info->memory, info->offset, info->size, info->flags, out);
}

VkResult UnmapMemory2(VkDevice, const VkMemoryUnmapInfo*) {
    return VK_SUCCESS;
}

// Memory stays where it is: a priority changes nothing.
void SetDeviceMemoryPriorityEXT(VkDevice, VkDeviceMemory, float) {}

VkResult FlushMappedMemoryRanges(VkDevice, uint32_t, const VkMappedMemoryRange*) {
    return VK_SUCCESS;
}

VkResult InvalidateMappedMemoryRanges(VkDevice, uint32_t, const VkMappedMemoryRange*) {
    return VK_SUCCESS;
}

void GetDeviceMemoryCommitment(VkDevice, VkDeviceMemory, VkDeviceSize* out) {
    *out = 0;
}

uint64_t GetDeviceMemoryOpaqueCaptureAddress(VkDevice,
                                             const VkDeviceMemoryOpaqueCaptureAddressInfo* info) {
    return DeviceMemory::from(info->memory)->bound.address;
}

} // namespace vk
} // namespace kite::rt
