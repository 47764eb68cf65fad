// SPDX-License-Identifier: MIT
#include "runtime/resource/multiplanar.hpp"

#include "runtime/resource/format.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

constexpr VkFormat kR8 = VK_FORMAT_R8_UNORM, kRg8 = VK_FORMAT_R8G8_UNORM,
                   kR16 = VK_FORMAT_R16_UNORM, kRg16 = VK_FORMAT_R16G16_UNORM;

constexpr MultiPlanar kTable[] = {
    {VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM, 3, 1, 1, 8, {kR8, kR8}},
    {VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, 2, 1, 1, 8, {kR8, kRg8}},
    {VK_FORMAT_G8_B8_R8_3PLANE_422_UNORM, 3, 1, 0, 8, {kR8, kR8}},
    {VK_FORMAT_G8_B8R8_2PLANE_422_UNORM, 2, 1, 0, 8, {kR8, kRg8}},
    {VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM, 3, 0, 0, 8, {kR8, kR8}},
    {VK_FORMAT_G8_B8R8_2PLANE_444_UNORM, 2, 0, 0, 8, {kR8, kRg8}},
    {VK_FORMAT_G16_B16_R16_3PLANE_420_UNORM, 3, 1, 1, 16, {kR16, kR16}},
    {VK_FORMAT_G16_B16R16_2PLANE_420_UNORM, 2, 1, 1, 16, {kR16, kRg16}},
    {VK_FORMAT_G16_B16_R16_3PLANE_422_UNORM, 3, 1, 0, 16, {kR16, kR16}},
    {VK_FORMAT_G16_B16R16_2PLANE_422_UNORM, 2, 1, 0, 16, {kR16, kRg16}},
    {VK_FORMAT_G16_B16_R16_3PLANE_444_UNORM, 3, 0, 0, 16, {kR16, kR16}},
    {VK_FORMAT_G16_B16R16_2PLANE_444_UNORM, 2, 0, 0, 16, {kR16, kRg16}},
};

} // namespace

const MultiPlanar* multi_planar(VkFormat format) {
    const auto* it = std::ranges::find(kTable, format, &MultiPlanar::format);
    return it == std::end(kTable) ? nullptr : it;
}

const hw::FormatInfo* plane_format(const MultiPlanar& m, uint32_t plane) {
    return format_of(m.plane_format[plane ? 1 : 0]);
}

uint32_t plane_index(VkImageAspectFlags aspect) {
    return aspect & VK_IMAGE_ASPECT_PLANE_2_BIT ? 2 : aspect & VK_IMAGE_ASPECT_PLANE_1_BIT ? 1 : 0;
}

VkFormatFeatureFlags2 image_features(const MultiPlanar& m) {
    VkFormatFeatureFlags2 r = VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_BIT |
                              VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_FILTER_LINEAR_BIT |
                              VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_YCBCR_CONVERSION_LINEAR_FILTER_BIT |
                              VK_FORMAT_FEATURE_2_TRANSFER_SRC_BIT |
                              VK_FORMAT_FEATURE_2_TRANSFER_DST_BIT |
                              VK_FORMAT_FEATURE_2_MIDPOINT_CHROMA_SAMPLES_BIT;
    if (m.shift_x)
        r |= VK_FORMAT_FEATURE_2_COSITED_CHROMA_SAMPLES_BIT;
    return r;
}

} // namespace kite::rt
