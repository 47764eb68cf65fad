// SPDX-License-Identifier: MIT
// Vulkan's view of the hardware formats: feature flags, aspects and the formats of depth/stencil
// planes.
//
// Everything derives from hw/formats.toml. Ownership: static tables. Threading: pure. Failure:
// unknown formats give null or 0.
#pragma once

#include "kite_hw/formats.hpp"

#include <vulkan/vulkan_core.h>

namespace kite::rt {

/// The hardware's entry of a VkFormat; null when not supported.
[[nodiscard]] const hw::FormatInfo* format_of(VkFormat f);
/// Aspects of a format.
[[nodiscard]] VkImageAspectFlags aspects_of(const hw::FormatInfo& f);
/// The format of the plane that holds an aspect (the format itself unless it has two planes).
[[nodiscard]] const hw::FormatInfo* plane_format(const hw::FormatInfo& f,
                                                 VkImageAspectFlags aspect);
/// Number of planes: 2 for combined depth/stencil.
[[nodiscard]] inline uint32_t plane_count(const hw::FormatInfo& f) {
    return f.two_planes() ? 2 : 1;
}
/// Index of the plane that holds an aspect.
[[nodiscard]] inline uint32_t plane_index(const hw::FormatInfo& f, VkImageAspectFlags aspect) {
    return f.two_planes() && aspect == VK_IMAGE_ASPECT_STENCIL_BIT ? 1 : 0;
}
/// Features of images with the given tiling.
[[nodiscard]] VkFormatFeatureFlags2 image_features(const hw::FormatInfo& f, VkImageTiling tiling);
/// Features of buffers.
[[nodiscard]] VkFormatFeatureFlags2 buffer_features(const hw::FormatInfo& f);

} // namespace kite::rt
