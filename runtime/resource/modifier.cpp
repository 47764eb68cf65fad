// SPDX-License-Identifier: MIT
#include "runtime/resource/modifier.hpp"

#include "base/env.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

constexpr uint64_t kModifiers[] = {kModifierTiled, kModifierLinear};

uint32_t features_of(const hw::FormatInfo& f, uint64_t modifier) {
    return static_cast<uint32_t>(image_features(f, *tiling_of(f, modifier)) & 0x01ffffffu);
}

} // namespace

std::span<const uint64_t> modifiers_of(const hw::FormatInfo& f) {
    if (f.depth || f.stencil || f.compressed)
        return {};
    // For programs that make framebuffers of such images and do not name the modifier.
    static const bool linear =
        std::ranges::contains(base::env_list(base::env::kRtDebug), "linear-modifiers");
    return linear ? std::span<const uint64_t>(kModifiers).last(1)
                  : std::span<const uint64_t>(kModifiers);
}

std::optional<VkImageTiling> tiling_of(const hw::FormatInfo& f, uint64_t modifier) {
    if (!std::ranges::contains(modifiers_of(f), modifier))
        return std::nullopt;
    return modifier == kModifierLinear ? VK_IMAGE_TILING_LINEAR : VK_IMAGE_TILING_OPTIMAL;
}

void fill_modifier_list(const hw::FormatInfo& f, void* chain) {
    if (auto* l = find_mut<VkDrmFormatModifierPropertiesListEXT>(
            chain, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT)) {
        OutArray<VkDrmFormatModifierPropertiesEXT> a(&l->drmFormatModifierCount,
                                                     l->pDrmFormatModifierProperties);
        for (uint64_t m : modifiers_of(f))
            if (uint32_t have = features_of(f, m))
                a.push({m, 1, have});
    }
    if (auto* l = find_mut<VkDrmFormatModifierPropertiesList2EXT>(
            chain, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_2_EXT)) {
        OutArray<VkDrmFormatModifierProperties2EXT> a(&l->drmFormatModifierCount,
                                                      l->pDrmFormatModifierProperties);
        for (uint64_t m : modifiers_of(f))
            if (VkFormatFeatureFlags2 have = image_features(f, *tiling_of(f, m)))
                a.push({m, 1, have});
    }
}

VkResult apply_modifier(Image& im, const VkImageCreateInfo& info) {
    const VkSubresourceLayout* plane = nullptr;
    auto* list = find<VkImageDrmFormatModifierListCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT);
    auto* given = find<VkImageDrmFormatModifierExplicitCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT);
    std::optional<uint64_t> chosen;
    if (given) {
        if (given->drmFormatModifierPlaneCount != 1)
            return VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
        chosen = given->drmFormatModifier;
        plane = given->pPlaneLayouts;
    } else if (list) {
        std::span<const uint64_t> wanted(list->pDrmFormatModifiers, list->drmFormatModifierCount);
        for (uint64_t m : modifiers_of(*im.format))
            if (!chosen && std::ranges::contains(wanted, m))
                chosen = m;
    }
    if (!chosen || !tiling_of(*im.format, *chosen))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    im.modifier = *chosen;
    im.linear = *chosen == kModifierLinear;
    im.compute_layout();
    if (!plane)
        return VK_SUCCESS;
    // The layout that somebody else chose: only row pitch (linear) and offset are free.
    uint32_t least = im.planes[0].pitch[0];
    if (im.linear) {
        if (plane->rowPitch > UINT32_MAX || plane->rowPitch % 64 != 0 || plane->rowPitch < least)
            return VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
        im.compute_layout(static_cast<uint32_t>(plane->rowPitch));
    } else if (plane->rowPitch != im.row_pitch()) {
        return VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
    }
    if (plane->offset % 64 != 0 || plane->offset > (uint64_t{1} << 40))
        return VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
    im.plane_offset[0] += plane->offset;
    im.size_bytes += plane->offset;
    return VK_SUCCESS;
}

namespace vk {

VkResult GetImageDrmFormatModifierPropertiesEXT(VkDevice, VkImage image,
                                                VkImageDrmFormatModifierPropertiesEXT* out) {
    out->drmFormatModifier = Image::from(image)->modifier;
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
