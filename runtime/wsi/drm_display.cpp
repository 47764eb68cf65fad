// SPDX-License-Identifier: MIT
// Displays that an application gets hold of by a descriptor of the card node that may set modes
// (VK_EXT_acquire_drm_display), how it gives them back (VK_EXT_direct_mode_display), and the
// extensible forms of the display queries (VK_KHR_get_display_properties2).
#include "runtime/wsi/display.hpp"

namespace kite::rt::vk {

VkResult GetPhysicalDeviceDisplayPropertiesKHR(VkPhysicalDevice, uint32_t*,
                                               VkDisplayPropertiesKHR*);
VkResult GetPhysicalDeviceDisplayPlanePropertiesKHR(VkPhysicalDevice, uint32_t*,
                                                    VkDisplayPlanePropertiesKHR*);
VkResult GetDisplayModePropertiesKHR(VkPhysicalDevice, VkDisplayKHR, uint32_t*,
                                     VkDisplayModePropertiesKHR*);
VkResult GetDisplayPlaneCapabilitiesKHR(VkPhysicalDevice, VkDisplayModeKHR, uint32_t,
                                        VkDisplayPlaneCapabilitiesKHR*);

VkResult GetDrmDisplayEXT(VkPhysicalDevice physical, int32_t fd, uint32_t connector,
                          VkDisplayKHR* out) {
    *out = VK_NULL_HANDLE;
    const PhysicalDevice& device = *PhysicalDevice::from(physical);
    if (!is_card_of(device, fd))
        return VK_ERROR_UNKNOWN;
    for (Display* d : displays_of(device)) {
        if (d->connector == connector) {
            *out = d->handle();
            return VK_SUCCESS;
        }
    }
    return VK_ERROR_UNKNOWN;
}

VkResult AcquireDrmDisplayEXT(VkPhysicalDevice physical, int32_t fd, VkDisplayKHR display) {
    if (!is_card_of(*PhysicalDevice::from(physical), fd))
        return VK_ERROR_UNKNOWN;
    return Display::from(display)->acquire(fd);
}

VkResult ReleaseDisplayEXT(VkPhysicalDevice, VkDisplayKHR display) {
    Display::from(display)->release();
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceDisplayProperties2KHR(VkPhysicalDevice physical, uint32_t* count,
                                                VkDisplayProperties2KHR* out) {
    uint32_t found = 0;
    (void)GetPhysicalDeviceDisplayPropertiesKHR(physical, &found, nullptr);
    std::vector<VkDisplayPropertiesKHR> list(found);
    (void)GetPhysicalDeviceDisplayPropertiesKHR(physical, &found, list.data());
    return write_extended(std::span<const VkDisplayPropertiesKHR>(list).first(found), count, out,
                          &VkDisplayProperties2KHR::displayProperties);
}

VkResult GetPhysicalDeviceDisplayPlaneProperties2KHR(VkPhysicalDevice physical, uint32_t* count,
                                                     VkDisplayPlaneProperties2KHR* out) {
    uint32_t found = 0;
    (void)GetPhysicalDeviceDisplayPlanePropertiesKHR(physical, &found, nullptr);
    std::vector<VkDisplayPlanePropertiesKHR> list(found);
    (void)GetPhysicalDeviceDisplayPlanePropertiesKHR(physical, &found, list.data());
    return write_extended(std::span<const VkDisplayPlanePropertiesKHR>(list).first(found), count,
                          out, &VkDisplayPlaneProperties2KHR::displayPlaneProperties);
}

VkResult GetDisplayModeProperties2KHR(VkPhysicalDevice physical, VkDisplayKHR display,
                                      uint32_t* count, VkDisplayModeProperties2KHR* out) {
    auto found = static_cast<uint32_t>(Display::from(display)->modes.size());
    std::vector<VkDisplayModePropertiesKHR> list(found);
    (void)GetDisplayModePropertiesKHR(physical, display, &found, list.data());
    return write_extended(std::span<const VkDisplayModePropertiesKHR>(list).first(found), count,
                          out, &VkDisplayModeProperties2KHR::displayModeProperties);
}

VkResult GetDisplayPlaneCapabilities2KHR(VkPhysicalDevice physical,
                                         const VkDisplayPlaneInfo2KHR* info,
                                         VkDisplayPlaneCapabilities2KHR* out) {
    return GetDisplayPlaneCapabilitiesKHR(physical, info->mode, info->planeIndex,
                                          &out->capabilities);
}

} // namespace kite::rt::vk
