// SPDX-License-Identifier: MIT
// VkInstance and VkPhysicalDevice: what is known without opening the device.
//
// Creating an instance starts no threads and loads no library: every Vulkan application opens every
// installed driver. The physical devices are those of kmd::enumerate(): every kite render node, or
// the embedded device. Ownership: the application owns the instance, which owns its physical
// devices. Threading: immutable after creation.
#pragma once

#include "runtime/device/extensions.hpp"
#include "runtime/kmd/kmd.hpp"
#include "runtime/object/object.hpp"

namespace kite::rt {

/// Highest Vulkan version of the driver.
inline constexpr uint32_t kApiVersion = VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION);
/// VkPhysicalDeviceProperties::driverVersion.
inline constexpr uint32_t kDriverVersion = VK_MAKE_API_VERSION(0, 0, 1, 0);

struct Instance;

/// What a memory type stands for.
struct MemoryType {
    kmd::Placement placement = kmd::Placement::vram; ///< where
    bool host_visible = true;                        ///< can be mapped
};

/// A GPU.
struct PhysicalDevice : Dispatchable<PhysicalDevice, VkPhysicalDevice> {
    Instance* instance = nullptr;              ///< owner
    kmd::DeviceFacts facts;                    ///< from enumerate()
    std::vector<MemoryType> memory_types;      ///< by memory type index
    VkPhysicalDeviceMemoryProperties memory{}; ///< the same as Vulkan shows it
    std::string name;                          ///< deviceName
    uint8_t device_uuid[16] = {};              ///< deviceUUID
    uint8_t driver_uuid[16] = {};              ///< driverUUID
    uint8_t cache_uuid[16] = {};               ///< pipelineCacheUUID
    /// memoryTypeBits with all types.
    [[nodiscard]] uint32_t memory_type_bits() const { return (1u << memory_types.size()) - 1; }
};

/// The instance.
struct Instance : Dispatchable<Instance, VkInstance> {
    HostAlloc alloc;          ///< pAllocator of vkCreateInstance
    uint32_t api_version = 0; ///< requested, VK_API_VERSION_1_0 when absent
    ExtensionSet extensions;  ///< enabled
    std::vector<std::unique_ptr<PhysicalDevice>> physical; ///< in the order of enumerate()
};

} // namespace kite::rt
