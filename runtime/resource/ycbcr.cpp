// SPDX-License-Identifier: MIT
#include "runtime/resource/ycbcr.hpp"

#include "runtime/resource/multiplanar.hpp"

namespace kite::rt::vk {
namespace {

/// As cc::YcbcrConversion counts: 0-3 a channel, 4 zero, 5 one.
uint8_t swizzle_of(VkComponentSwizzle s, uint8_t identity) {
    switch (s) {
    case VK_COMPONENT_SWIZZLE_ZERO:
        return 4;
    case VK_COMPONENT_SWIZZLE_ONE:
        return 5;
    case VK_COMPONENT_SWIZZLE_IDENTITY:
        return identity;
    default:
        return static_cast<uint8_t>(s - VK_COMPONENT_SWIZZLE_R);
    }
}

} // namespace

VkResult CreateSamplerYcbcrConversion(VkDevice device,
                                      const VkSamplerYcbcrConversionCreateInfo* info,
                                      const VkAllocationCallbacks* callbacks,
                                      VkSamplerYcbcrConversion* out) {
    const MultiPlanar* m = multi_planar(info->format);
    if (!m) {
        *out = VK_NULL_HANDLE;
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    }
    auto* y = Device::from(device)->make<SamplerYcbcrConversion>(callbacks);
    if (!y)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    y->how.model = static_cast<uint8_t>(info->ycbcrModel);
    y->how.narrow = info->ycbcrRange == VK_SAMPLER_YCBCR_RANGE_ITU_NARROW;
    y->how.cosited_x = info->xChromaOffset == VK_CHROMA_LOCATION_COSITED_EVEN;
    y->how.cosited_y = info->yChromaOffset == VK_CHROMA_LOCATION_COSITED_EVEN;
    y->how.half_x = m->shift_x != 0;
    y->how.half_y = m->shift_y != 0;
    y->how.planes = static_cast<uint8_t>(m->planes);
    y->how.bits = static_cast<uint8_t>(m->bits);
    const VkComponentSwizzle of[4] = {info->components.r, info->components.g, info->components.b,
                                      info->components.a};
    for (uint8_t k = 0; k < 4; ++k)
        y->how.swizzle[k] = swizzle_of(of[k], k);
    *out = y->handle();
    return VK_SUCCESS;
}

void DestroySamplerYcbcrConversion(VkDevice device, VkSamplerYcbcrConversion conversion,
                                   const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, SamplerYcbcrConversion::from(conversion));
}

} // namespace kite::rt::vk
