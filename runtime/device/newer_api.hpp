// SPDX-License-Identifier: MIT
// Structures of extensions that are newer than the Vulkan headers the driver is built with
// (1.4.309).
//
// Copied from the specification, member for member, with their published numbers; an entry goes
// away when the headers bring it. Nothing here has a command, so the entry table needs no addition.
// Ownership: plain data. Threading: none. Failure: none.
#pragma once

#include <vulkan/vulkan_core.h>

#ifndef VK_KHR_maintenance9
/// sType of VkPhysicalDeviceMaintenance9FeaturesKHR.
inline constexpr VkStructureType VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_9_FEATURES_KHR =
    static_cast<VkStructureType>(1000584000);
/// sType of VkPhysicalDeviceMaintenance9PropertiesKHR.
inline constexpr VkStructureType VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_9_PROPERTIES_KHR =
    static_cast<VkStructureType>(1000584001);
/// sType of VkQueueFamilyOwnershipTransferPropertiesKHR.
inline constexpr VkStructureType VK_STRUCTURE_TYPE_QUEUE_FAMILY_OWNERSHIP_TRANSFER_PROPERTIES_KHR =
    static_cast<VkStructureType>(1000584002);
/// VkQueryPoolCreateFlags bit: slots start out reset.
inline constexpr VkQueryPoolCreateFlags VK_QUERY_POOL_CREATE_RESET_BIT_KHR = 1;

/// VK_KHR_maintenance9.
struct VkPhysicalDeviceMaintenance9FeaturesKHR {
    VkStructureType sType; ///< type
    void* pNext;           ///< chain
    VkBool32 maintenance9; ///< feature
};

/// VK_KHR_maintenance9.
struct VkPhysicalDeviceMaintenance9PropertiesKHR {
    VkStructureType sType;                ///< type
    void* pNext;                          ///< chain
    VkBool32 image2DViewOf3DSparse;       ///< 2D views of sparse 3D images
    uint32_t defaultVertexAttributeValue; ///< 0: (0,0,0,0), 1: (0,0,0,1)
};

/// VK_KHR_maintenance9.
struct VkQueueFamilyOwnershipTransferPropertiesKHR {
    VkStructureType sType;                        ///< type
    void* pNext;                                  ///< chain
    uint32_t optimalImageTransferToQueueFamilies; ///< families that need no transfer
};
#endif

#ifndef VK_KHR_unified_image_layouts
/// sType of VkPhysicalDeviceUnifiedImageLayoutsFeaturesKHR.
inline constexpr VkStructureType
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_UNIFIED_IMAGE_LAYOUTS_FEATURES_KHR =
        static_cast<VkStructureType>(1000527000);

/// VK_KHR_unified_image_layouts. VkAttachmentFeedbackLoopInfoEXT, which comes with it, says nothing
/// that the driver needs to know.
struct VkPhysicalDeviceUnifiedImageLayoutsFeaturesKHR {
    VkStructureType sType;             ///< type
    void* pNext;                       ///< chain
    VkBool32 unifiedImageLayouts;      ///< the general layout serves everything
    VkBool32 unifiedImageLayoutsVideo; ///< in video, too
};
#endif

#ifndef VK_EXT_zero_initialize_device_memory
/// sType of VkPhysicalDeviceZeroInitializeDeviceMemoryFeaturesEXT.
inline constexpr VkStructureType
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ZERO_INITIALIZE_DEVICE_MEMORY_FEATURES_EXT =
        static_cast<VkStructureType>(1000620000);

/// VK_EXT_zero_initialize_device_memory.
struct VkPhysicalDeviceZeroInitializeDeviceMemoryFeaturesEXT {
    VkStructureType sType;               ///< type
    void* pNext;                         ///< chain
    VkBool32 zeroInitializeDeviceMemory; ///< feature
};
#endif
