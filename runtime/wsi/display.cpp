// SPDX-License-Identifier: MIT
// VK_KHR_display without displays: programs that look for a display directly find none and go on to
// a window system.
#include "runtime/object/object.hpp"

#include <vulkan/vulkan_core.h>

namespace kite::rt::vk {

VkResult GetPhysicalDeviceDisplayPropertiesKHR(VkPhysicalDevice, uint32_t* count,
                                               VkDisplayPropertiesKHR*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceDisplayPlanePropertiesKHR(VkPhysicalDevice, uint32_t* count,
                                                    VkDisplayPlanePropertiesKHR*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult GetDisplayPlaneSupportedDisplaysKHR(VkPhysicalDevice, uint32_t, uint32_t* count,
                                             VkDisplayKHR*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult GetDisplayModePropertiesKHR(VkPhysicalDevice, VkDisplayKHR, uint32_t* count,
                                     VkDisplayModePropertiesKHR*) {
    *count = 0;
    return VK_SUCCESS;
}

VkResult CreateDisplayModeKHR(VkPhysicalDevice, VkDisplayKHR, const VkDisplayModeCreateInfoKHR*,
                              const VkAllocationCallbacks*, VkDisplayModeKHR*) {
    return VK_ERROR_INITIALIZATION_FAILED;
}

VkResult GetDisplayPlaneCapabilitiesKHR(VkPhysicalDevice, VkDisplayModeKHR, uint32_t,
                                        VkDisplayPlaneCapabilitiesKHR* out) {
    *out = {};
    return VK_SUCCESS;
}

} // namespace kite::rt::vk
