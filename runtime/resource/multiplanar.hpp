// SPDX-License-Identifier: MIT
// Multi-planar formats: one image of two or three planes, each with a format of its own.
//
// The hardware knows none of them: a plane is an image to it, and the compiler puts samples
// together (cc::YcbcrConversion). Luma (G) is plane 0; chroma planes may have half the width and
// height. Ownership: static tables. Threading: pure. Failure: unknown formats give null.
#pragma once

#include "kite_hw/formats.hpp"

#include <vulkan/vulkan_core.h>

namespace kite::rt {

/// Aspects of all planes.
inline constexpr VkImageAspectFlags kPlaneAspects =
    VK_IMAGE_ASPECT_PLANE_0_BIT | VK_IMAGE_ASPECT_PLANE_1_BIT | VK_IMAGE_ASPECT_PLANE_2_BIT;

/// One of the formats.
struct MultiPlanar {
    VkFormat format;          ///< its name
    uint32_t planes;          ///< 2 (G, BR) or 3 (G, B, R)
    uint32_t shift_x;         ///< 1: chroma planes have half the width
    uint32_t shift_y;         ///< 1: chroma planes have half the height
    uint32_t bits;            ///< of a channel
    VkFormat plane_format[2]; ///< of plane 0, of the chroma planes
};

/// The entry of a format; null for all others.
[[nodiscard]] const MultiPlanar* multi_planar(VkFormat format);
/// The hardware format of a plane.
[[nodiscard]] const hw::FormatInfo* plane_format(const MultiPlanar& m, uint32_t plane);
/// Which plane an aspect names; 0 for the colour aspect, which stands for all of them.
[[nodiscard]] uint32_t plane_index(VkImageAspectFlags aspect);
/// Features of images of these formats.
[[nodiscard]] VkFormatFeatureFlags2 image_features(const MultiPlanar& m);

} // namespace kite::rt
