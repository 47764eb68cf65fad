// SPDX-License-Identifier: MIT
#include "runtime/resource/buffer.hpp"

#include "runtime/resource/format.hpp"

#include <algorithm>

namespace kite::rt {
namespace {
void fill_dedicated(void* chain) {
    if (auto* d = find_mut<VkMemoryDedicatedRequirements>(
            chain, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS)) {
        d->prefersDedicatedAllocation = VK_FALSE;
        d->requiresDedicatedAllocation = VK_FALSE;
    }
}
} // namespace

hw::BufferDescriptor describe_buffer(const Buffer* b, uint64_t offset, uint64_t range) {
    if (!b)
        return {};
    uint64_t n = std::min<uint64_t>(b->range(offset, range), 0x7fffffff);
    return {.address = b->address + offset, .size_bytes = static_cast<uint32_t>(n)};
}

VkMemoryRequirements buffer_requirements(const Device& d, uint64_t size) {
    // A multiple of the alignment, so that neighbours never share a cache line.
    return {(size + 63) / 64 * 64, 64, d.physical->memory_type_bits()};
}

namespace vk {

VkResult CreateBuffer(VkDevice device, const VkBufferCreateInfo* info,
                      const VkAllocationCallbacks* callbacks, VkBuffer* out) {
    auto* d = Device::from(device);
    if (info->size > (uint64_t{1} << 40))
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    auto* b = d->make<Buffer>(callbacks);
    if (!b)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    b->size_bytes = info->size;
    b->usage = info->usage;
    *out = b->handle();
    return VK_SUCCESS;
}

void DestroyBuffer(VkDevice device, VkBuffer buffer, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Buffer::from(buffer));
}

void GetBufferMemoryRequirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements* out) {
    *out = buffer_requirements(*Device::from(device), Buffer::from(buffer)->size_bytes);
}

void GetBufferMemoryRequirements2(VkDevice device, const VkBufferMemoryRequirementsInfo2* info,
                                  VkMemoryRequirements2* out) {
    out->memoryRequirements =
        buffer_requirements(*Device::from(device), Buffer::from(info->buffer)->size_bytes);
    fill_dedicated(out->pNext);
}

void GetDeviceBufferMemoryRequirements(VkDevice device,
                                       const VkDeviceBufferMemoryRequirements* info,
                                       VkMemoryRequirements2* out) {
    out->memoryRequirements = buffer_requirements(*Device::from(device), info->pCreateInfo->size);
    fill_dedicated(out->pNext);
}

VkResult BindBufferMemory(VkDevice, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset) {
    Buffer::from(buffer)->address = DeviceMemory::from(memory)->bound.address + offset;
    return VK_SUCCESS;
}

VkResult BindBufferMemory2(VkDevice device, uint32_t count, const VkBindBufferMemoryInfo* infos) {
    for (uint32_t i = 0; i < count; ++i) {
        if (auto* st =
                find<VkBindMemoryStatus>(infos[i].pNext, VK_STRUCTURE_TYPE_BIND_MEMORY_STATUS))
            *st->pResult = VK_SUCCESS;
        (void)BindBufferMemory(device, infos[i].buffer, infos[i].memory, infos[i].memoryOffset);
    }
    return VK_SUCCESS;
}

VkDeviceAddress GetBufferDeviceAddress(VkDevice, const VkBufferDeviceAddressInfo* info) {
    return Buffer::from(info->buffer)->address;
}

uint64_t GetBufferOpaqueCaptureAddress(VkDevice, const VkBufferDeviceAddressInfo*) {
    return 0;
}

VkResult CreateBufferView(VkDevice device, const VkBufferViewCreateInfo* info,
                          const VkAllocationCallbacks* callbacks, VkBufferView* out) {
    auto* d = Device::from(device);
    auto* v = d->make<BufferView>(callbacks);
    if (!v)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    auto* b = Buffer::from(info->buffer);
    const hw::FormatInfo* f = format_of(info->format);
    if (b && f) {
        uint64_t n = b->range(info->offset, info->range) / f->bytes_per_block;
        v->desc.address = b->address + info->offset;
        v->desc.format = f->id;
        v->desc.dim = hw::ViewDim::buffer;
        v->desc.swz_r = hw::Swizzle::r;
        v->desc.swz_g = hw::Swizzle::g;
        v->desc.swz_b = hw::Swizzle::b;
        v->desc.swz_a = hw::Swizzle::a;
        v->desc.elements = static_cast<uint32_t>(std::min<uint64_t>(n, 1u << 27));
    }
    *out = v->handle();
    return VK_SUCCESS;
}

void DestroyBufferView(VkDevice device, VkBufferView view, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, BufferView::from(view));
}

} // namespace vk
} // namespace kite::rt
