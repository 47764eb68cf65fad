// SPDX-License-Identifier: MIT
#include "runtime/memory/external.hpp"

#include "runtime/memory/device_memory.hpp"

namespace kite::rt {

VkExternalMemoryHandleTypeFlags memory_handle_types(const kmd::DeviceFacts& facts) {
    VkExternalMemoryHandleTypeFlags f = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    if (facts.dma_buf)
        f |= VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    return f;
}

VkExternalMemoryProperties memory_handle(const kmd::DeviceFacts& facts,
                                         VkExternalMemoryHandleTypeFlagBits type) {
    VkExternalMemoryHandleTypeFlags all = memory_handle_types(facts);
    if (!(all & static_cast<VkExternalMemoryHandleTypeFlags>(type)))
        return {};
    // With dma-bufs behind both, either can be handed on as the other.
    return {VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
            all, all};
}

namespace vk {

VkResult GetMemoryFdKHR(VkDevice device, const VkMemoryGetFdInfoKHR* info, int* fd) {
    auto r = DeviceMemory::from(info->memory)->bound.bo->export_fd();
    if (r)
        *fd = *r;
    return Device::from(device)->check(r);
}

VkResult GetMemoryFdPropertiesKHR(VkDevice device, VkExternalMemoryHandleTypeFlagBits type, int fd,
                                  VkMemoryFdPropertiesKHR* out) {
    auto* d = Device::from(device);
    if (type != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT || !d->physical->facts.dma_buf)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    // Whether it is a dma-buf, only importing it tells.
    if (auto bo = d->kmd->import_bo(fd, 1); !bo)
        return d->report(bo.error()) == VK_ERROR_DEVICE_LOST ? VK_ERROR_DEVICE_LOST
                                                             : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    out->memoryTypeBits = d->physical->memory_type_bits();
    return VK_SUCCESS;
}

void GetPhysicalDeviceExternalBufferProperties(VkPhysicalDevice physical,
                                               const VkPhysicalDeviceExternalBufferInfo* info,
                                               VkExternalBufferProperties* out) {
    out->externalMemoryProperties =
        memory_handle(PhysicalDevice::from(physical)->facts, info->handleType);
}

} // namespace vk
} // namespace kite::rt
