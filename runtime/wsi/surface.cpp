// SPDX-License-Identifier: MIT
// Surface queries. VkSurfaceKHR objects are made by the loader (VkIcdSurface*), one structure per
// platform.
#define VK_USE_PLATFORM_XCB_KHR 1
#define VK_USE_PLATFORM_XLIB_KHR 1
#define VK_USE_PLATFORM_WAYLAND_KHR 1
#include "runtime/wsi/target.hpp"

#include <vulkan/vulkan.h>
// After vulkan.h, whose platform headers define the types it needs.
#include <vulkan/vk_icd.h>

namespace kite::rt {
namespace {

const VkIcdSurfaceBase* base_of(VkSurfaceKHR s) {
    return reinterpret_cast<const VkIcdSurfaceBase*>(s);
}

/// Shows nothing: VK_EXT_headless_surface.
class HeadlessTarget final : public PresentTarget {
public:
    VkResult attach(const TargetImage&) override { return VK_SUCCESS; }
    VkResult show(uint32_t, bool) override { return VK_SUCCESS; }
};

void fill_caps(VkSurfaceKHR surface, VkSurfaceCapabilitiesKHR* out, const SurfaceFacts& f) {
    (void)surface;
    out->minImageCount = 2;
    out->maxImageCount = 0;
    out->currentExtent = f.current;
    bool fixed = f.current.width != 0xffffffffu;
    out->minImageExtent = fixed ? f.current : VkExtent2D{1, 1};
    out->maxImageExtent = fixed ? f.current : VkExtent2D{16384, 16384};
    out->maxImageArrayLayers = 1;
    out->supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    out->currentTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    out->supportedCompositeAlpha = f.alpha;
    out->supportedUsageFlags = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                               VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |
                               VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                               VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
}

} // namespace

SurfaceFacts surface_facts(VkSurfaceKHR surface) {
    switch (base_of(surface)->platform) {
    case VK_ICD_WSI_PLATFORM_XCB:
        return x11_facts(base_of(surface), false);
    case VK_ICD_WSI_PLATFORM_XLIB:
        return x11_facts(base_of(surface), true);
    case VK_ICD_WSI_PLATFORM_WAYLAND: {
        SurfaceFacts f;
        f.alpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR | VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR;
        return f;
    }
    case VK_ICD_WSI_PLATFORM_DISPLAY:
        return kms_facts(base_of(surface));
    case VK_ICD_WSI_PLATFORM_HEADLESS:
        return {};
    default:
        return {.current = {}, .presentable = false};
    }
}

std::unique_ptr<PresentTarget> make_target(VkSurfaceKHR surface, VkPresentModeKHR mode,
                                           VkResult* error) {
    switch (base_of(surface)->platform) {
    case VK_ICD_WSI_PLATFORM_XCB:
        return x11_target(base_of(surface), false, error);
    case VK_ICD_WSI_PLATFORM_XLIB:
        return x11_target(base_of(surface), true, error);
    case VK_ICD_WSI_PLATFORM_WAYLAND:
        return wayland_target(base_of(surface), error);
    case VK_ICD_WSI_PLATFORM_DISPLAY:
        return kms_target(base_of(surface), mode == VK_PRESENT_MODE_IMMEDIATE_KHR, error);
    case VK_ICD_WSI_PLATFORM_HEADLESS:
        return std::make_unique<HeadlessTarget>();
    default:
        *error = VK_ERROR_INITIALIZATION_FAILED;
        return nullptr;
    }
}

namespace vk {

VkResult GetPhysicalDeviceSurfaceSupportKHR(VkPhysicalDevice, uint32_t, VkSurfaceKHR surface,
                                            VkBool32* out) {
    *out = surface_facts(surface).presentable;
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceCapabilitiesKHR(VkPhysicalDevice, VkSurfaceKHR surface,
                                                 VkSurfaceCapabilitiesKHR* out) {
    SurfaceFacts f = surface_facts(surface);
    if (f.lost)
        return VK_ERROR_SURFACE_LOST_KHR;
    fill_caps(surface, out, f);
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceCapabilities2KHR(VkPhysicalDevice physical,
                                                  const VkPhysicalDeviceSurfaceInfo2KHR* info,
                                                  VkSurfaceCapabilities2KHR* out) {
    VkSurfaceCapabilitiesKHR& caps = out->surfaceCapabilities;
    if (VkResult r = GetPhysicalDeviceSurfaceCapabilitiesKHR(physical, info->surface, &caps);
        r != VK_SUCCESS)
        return r;
    auto* mode =
        find<VkSurfacePresentModeEXT>(info->pNext, VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT);
    if (mode && mode->presentMode == VK_PRESENT_MODE_MAILBOX_KHR)
        caps.minImageCount = 3; // one shown, one in the box, one to render to
    if (auto* s = find_mut<VkSurfacePresentScalingCapabilitiesEXT>(
            out->pNext, VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT)) {
        // Images have the surface's size.
        s->supportedPresentScaling = 0;
        s->supportedPresentGravityX = s->supportedPresentGravityY = 0;
        s->minScaledImageExtent = caps.minImageExtent;
        s->maxScaledImageExtent = caps.maxImageExtent;
    }
    if (auto* c = find_mut<VkSurfacePresentModeCompatibilityEXT>(
            out->pNext, VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT)) {
        // A swapchain's present thread keeps the mode it was made for.
        OutArray<VkPresentModeKHR> a(&c->presentModeCount, c->pPresentModes);
        a.push(mode ? mode->presentMode : VK_PRESENT_MODE_FIFO_KHR);
    }
    return VK_SUCCESS;
}

VkResult GetPhysicalDeviceSurfaceFormatsKHR(VkPhysicalDevice, VkSurfaceKHR, uint32_t* count,
                                            VkSurfaceFormatKHR* out) {
    OutArray<VkSurfaceFormatKHR> a(count, out);
    a.push({VK_FORMAT_B8G8R8A8_SRGB, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR});
    a.push({VK_FORMAT_B8G8R8A8_UNORM, VK_COLOR_SPACE_SRGB_NONLINEAR_KHR});
    return a.result();
}

VkResult GetPhysicalDeviceSurfaceFormats2KHR(VkPhysicalDevice physical,
                                             const VkPhysicalDeviceSurfaceInfo2KHR* info,
                                             uint32_t* count, VkSurfaceFormat2KHR* out) {
    VkSurfaceFormatKHR list[2];
    uint32_t n = 2;
    (void)GetPhysicalDeviceSurfaceFormatsKHR(physical, info->surface, &n, list);
    return write_extended(std::span<const VkSurfaceFormatKHR>(list, n), count, out,
                          &VkSurfaceFormat2KHR::surfaceFormat);
}

VkResult GetPhysicalDeviceSurfacePresentModesKHR(VkPhysicalDevice, VkSurfaceKHR, uint32_t* count,
                                                 VkPresentModeKHR* out) {
    OutArray<VkPresentModeKHR> a(count, out);
    a.push(VK_PRESENT_MODE_FIFO_KHR);
    a.push(VK_PRESENT_MODE_MAILBOX_KHR);
    a.push(VK_PRESENT_MODE_IMMEDIATE_KHR);
    return a.result();
}

VkResult GetPhysicalDevicePresentRectanglesKHR(VkPhysicalDevice, VkSurfaceKHR surface,
                                               uint32_t* count, VkRect2D* out) {
    OutArray<VkRect2D> a(count, out);
    a.push({{0, 0}, surface_facts(surface).current});
    return a.result();
}

} // namespace vk
} // namespace kite::rt
