// SPDX-License-Identifier: MIT
// VkInstance and VkPhysicalDevice: what is known without opening the device.
//
// Creating an instance starts no threads and loads no library: every Vulkan application opens every
// installed driver. There is exactly one physical device, part of the instance, described by
// kmd::probe(). Ownership: the application owns the instance; the physical device lives in it.
// Threading: immutable after creation.
#pragma once

#include "runtime/device/extensions.hpp"
#include "runtime/kmd/kmd.hpp"
#include "runtime/object/object.hpp"

namespace kite::rt {

/// Highest Vulkan version of the driver.
inline constexpr uint32_t kApiVersion = VK_MAKE_API_VERSION(0, 1, 1, VK_HEADER_VERSION);
/// VkPhysicalDeviceProperties::driverVersion.
inline constexpr uint32_t kDriverVersion = VK_MAKE_API_VERSION(0, 0, 1, 0);

struct Instance;

/// The one GPU.
struct PhysicalDevice : Dispatchable<PhysicalDevice, VkPhysicalDevice> {
    Instance* instance = nullptr; ///< owner
    kmd::DeviceFacts facts;       ///< from probe()
    std::string name;             ///< deviceName
    uint8_t device_uuid[16] = {}; ///< deviceUUID
    uint8_t driver_uuid[16] = {}; ///< driverUUID
    uint8_t cache_uuid[16] = {};  ///< pipelineCacheUUID
};

/// The instance.
struct Instance : Dispatchable<Instance, VkInstance> {
    HostAlloc alloc;          ///< pAllocator of vkCreateInstance
    uint32_t api_version = 0; ///< requested, VK_API_VERSION_1_0 when absent
    ExtensionSet extensions;  ///< enabled
    PhysicalDevice physical;  ///< valid if has_device
    bool has_device = false;  ///< probe() succeeded
};

} // namespace kite::rt
