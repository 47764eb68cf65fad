// SPDX-License-Identifier: MIT
#include "runtime/device/instance.hpp"

#include "kite_cc/compiler.hpp"
#include "runtime/object/result.hpp"

#include <cstring>

namespace kite::rt {
namespace {

void mix(uint8_t* uuid, const void* data, size_t size) {
    uint64_t h[2];
    std::memcpy(h, uuid, 16);
    for (size_t i = 0; i < size; ++i) {
        h[0] = (h[0] ^ static_cast<const uint8_t*>(data)[i]) * 0x100000001b3u;
        h[1] = (h[1] + h[0]) * 0x9e3779b97f4a7c15u + 1;
    }
    std::memcpy(uuid, h, 16);
}

void describe(PhysicalDevice& p) {
    p.name = "Kite eGPU (embedded, " + p.facts.description + ")";
    if (p.name.size() >= VK_MAX_PHYSICAL_DEVICE_NAME_SIZE)
        p.name.resize(VK_MAX_PHYSICAL_DEVICE_NAME_SIZE - 1);
    mix(p.device_uuid, "kite-device", 11);
    mix(p.driver_uuid, "kite-driver", 11);
    mix(p.driver_uuid, p.facts.code_uuid, 16);
    std::memcpy(p.cache_uuid, p.driver_uuid, 16);
    const char* cc = cc::compiler_version();
    mix(p.cache_uuid, cc, std::strlen(cc));
}

} // namespace

namespace vk {

VkResult EnumerateInstanceVersion(uint32_t* version) {
    *version = kApiVersion;
    return VK_SUCCESS;
}

VkResult EnumerateInstanceExtensionProperties(const char* layer, uint32_t* count,
                                              VkExtensionProperties* out) {
    if (layer)
        return VK_ERROR_LAYER_NOT_PRESENT;
    return enumerate_extensions(instance_extensions(), count, out);
}

VkResult EnumerateInstanceLayerProperties(uint32_t* count, VkLayerProperties*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult CreateInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks* callbacks,
                        VkInstance* out) {
    HostAlloc alloc(callbacks);
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i)
        if (!has_extension(instance_extensions(), info->ppEnabledExtensionNames[i]))
            return VK_ERROR_EXTENSION_NOT_PRESENT;
    auto* inst = create<Instance>(alloc, VK_SYSTEM_ALLOCATION_SCOPE_INSTANCE);
    if (!inst)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    inst->alloc = alloc;
    uint32_t v = info->pApplicationInfo ? info->pApplicationInfo->apiVersion : 0;
    inst->api_version = v == 0 ? VK_API_VERSION_1_0 : v;
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i)
        inst->extensions.add(info->ppEnabledExtensionNames[i]);
    inst->physical.instance = inst;
    if (auto facts = kmd::probe()) {
        inst->physical.facts = *facts;
        inst->has_device = true;
        describe(inst->physical);
    }
    *out = inst->handle();
    return VK_SUCCESS;
}

void DestroyInstance(VkInstance instance, const VkAllocationCallbacks*) {
    if (auto* inst = Instance::from(instance)) {
        HostAlloc alloc = inst->alloc;
        destroy(alloc, inst);
    }
}

VkResult EnumeratePhysicalDevices(VkInstance instance, uint32_t* count, VkPhysicalDevice* out) {
    auto* inst = Instance::from(instance);
    OutArray<VkPhysicalDevice> a(count, out);
    if (inst->has_device)
        a.push(inst->physical.handle());
    return a.result();
}

VkResult EnumeratePhysicalDeviceGroups(VkInstance instance, uint32_t* count,
                                       VkPhysicalDeviceGroupProperties* out) {
    auto* inst = Instance::from(instance);
    OutArray<VkPhysicalDeviceGroupProperties> a(count, out);
    if (inst->has_device) {
        if (auto* g = a.next()) {
            g->physicalDeviceCount = 1;
            std::memset(g->physicalDevices, 0, sizeof(g->physicalDevices));
            g->physicalDevices[0] = inst->physical.handle();
            g->subsetAllocation = VK_FALSE;
        }
    }
    return a.result();
}

VkResult EnumerateDeviceExtensionProperties(VkPhysicalDevice, const char* layer, uint32_t* count,
                                            VkExtensionProperties* out) {
    if (layer)
        return VK_ERROR_LAYER_NOT_PRESENT;
    return enumerate_extensions(device_extensions(), count, out);
}

VkResult EnumerateDeviceLayerProperties(VkPhysicalDevice, uint32_t* count, VkLayerProperties*) {
    *count = 0;
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
