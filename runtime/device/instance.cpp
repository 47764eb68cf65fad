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
    bool drm = p.facts.backend == "drm";
    p.name = "Kite eGPU (" + std::string(drm ? "" : "embedded, ") + p.facts.description + ")";
    if (p.name.size() >= VK_MAX_PHYSICAL_DEVICE_NAME_SIZE)
        p.name.resize(VK_MAX_PHYSICAL_DEVICE_NAME_SIZE - 1);
    mix(p.device_uuid, "kite-device", 11);
    if (p.facts.pci) {
        const kmd::PciAddress& a = *p.facts.pci;
        const uint32_t address[4] = {a.domain, a.bus, a.device, a.function};
        mix(p.device_uuid, address, sizeof(address));
    }
    mix(p.driver_uuid, "kite-driver", 11);
    mix(p.driver_uuid, p.facts.code_uuid, 16);
    std::memcpy(p.cache_uuid, p.driver_uuid, 16);
    const char* cc = cc::compiler_version();
    mix(p.cache_uuid, cc, std::strlen(cc));
}

void add_memory_type(PhysicalDevice& p, MemoryType type, VkMemoryPropertyFlags flags,
                     uint32_t heap) {
    p.memory_types.push_back(type);
    p.memory.memoryTypes[p.memory.memoryTypeCount++] = {flags, heap};
}

/// VRAM, with its part that the host can't map apart, then system memory where the back end has it.
void list_memory(PhysicalDevice& p) {
    constexpr VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    constexpr VkMemoryPropertyFlags visible =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    constexpr VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    const kmd::DeviceFacts& f = p.facts;
    p.memory.memoryHeaps[p.memory.memoryHeapCount++] = {f.vram_bytes,
                                                        VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    if (f.vram_visible_bytes < f.vram_bytes)
        add_memory_type(p, {kmd::Placement::vram, false}, local, 0);
    add_memory_type(p, {kmd::Placement::vram, true}, local | visible | (f.vram_cached ? cached : 0),
                    0);
    if (f.system_bytes == 0)
        return;
    p.memory.memoryHeaps[p.memory.memoryHeapCount++] = {f.system_bytes, 0};
    add_memory_type(p, {kmd::Placement::system, true}, visible | cached, 1);
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
    if (auto all = kmd::enumerate()) {
        for (kmd::DeviceFacts& facts : *all) {
            auto p = std::make_unique<PhysicalDevice>();
            p->instance = inst;
            p->facts = std::move(facts);
            describe(*p);
            list_memory(*p);
            inst->physical.push_back(std::move(p));
        }
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
    for (auto& p : inst->physical)
        a.push(p->handle());
    return a.result();
}

VkResult EnumeratePhysicalDeviceGroups(VkInstance instance, uint32_t* count,
                                       VkPhysicalDeviceGroupProperties* out) {
    auto* inst = Instance::from(instance);
    OutArray<VkPhysicalDeviceGroupProperties> a(count, out);
    for (auto& p : inst->physical) {
        if (auto* g = a.next()) {
            g->physicalDeviceCount = 1;
            std::memset(g->physicalDevices, 0, sizeof(g->physicalDevices));
            g->physicalDevices[0] = p->handle();
            g->subsetAllocation = VK_FALSE;
        }
    }
    return a.result();
}

VkResult EnumerateDeviceExtensionProperties(VkPhysicalDevice physical, const char* layer,
                                            uint32_t* count, VkExtensionProperties* out) {
    if (layer)
        return VK_ERROR_LAYER_NOT_PRESENT;
    return enumerate_extensions(device_extensions(PhysicalDevice::from(physical)->facts), count,
                                out);
}

VkResult EnumerateDeviceLayerProperties(VkPhysicalDevice, uint32_t* count, VkLayerProperties*) {
    *count = 0;
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
