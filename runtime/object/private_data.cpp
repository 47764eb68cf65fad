// SPDX-License-Identifier: MIT
// VkPrivateDataSlot: a map from object handle to value.
#include "runtime/device/device.hpp"

namespace kite::rt {
namespace {

struct PrivateDataSlot : Object<PrivateDataSlot, VkPrivateDataSlot> {
    std::mutex mutex;
    std::unordered_map<uint64_t, uint64_t> values;
};

} // namespace

namespace vk {

VkResult CreatePrivateDataSlot(VkDevice device, const VkPrivateDataSlotCreateInfo*,
                               const VkAllocationCallbacks* callbacks, VkPrivateDataSlot* out) {
    auto* s = Device::from(device)->make<PrivateDataSlot>(callbacks);
    if (!s)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    *out = s->handle();
    return VK_SUCCESS;
}

void DestroyPrivateDataSlot(VkDevice device, VkPrivateDataSlot slot,
                            const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, PrivateDataSlot::from(slot));
}

VkResult SetPrivateData(VkDevice, VkObjectType, uint64_t handle, VkPrivateDataSlot slot,
                        uint64_t data) {
    auto* s = PrivateDataSlot::from(slot);
    std::lock_guard lock(s->mutex);
    s->values[handle] = data;
    return VK_SUCCESS;
}

void GetPrivateData(VkDevice, VkObjectType, uint64_t handle, VkPrivateDataSlot slot,
                    uint64_t* data) {
    auto* s = PrivateDataSlot::from(slot);
    std::lock_guard lock(s->mutex);
    auto it = s->values.find(handle);
    *data = it == s->values.end() ? 0 : it->second;
}

} // namespace vk
} // namespace kite::rt
