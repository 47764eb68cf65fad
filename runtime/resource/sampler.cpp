// SPDX-License-Identifier: MIT
#include "runtime/resource/sampler.hpp"

#include "runtime/resource/ycbcr.hpp"

#include <algorithm>
#include <bit>

namespace kite::rt::vk {
namespace {

void set_border(hw::SamplerDescriptor& s, VkBorderColor c) {
    uint32_t one_f = std::bit_cast<uint32_t>(1.0f);
    switch (c) {
    case VK_BORDER_COLOR_FLOAT_OPAQUE_BLACK:
        s.border = {0, 0, 0, one_f};
        break;
    case VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE:
        s.border = {one_f, one_f, one_f, one_f};
        break;
    case VK_BORDER_COLOR_INT_TRANSPARENT_BLACK:
        s.border_int = true;
        break;
    case VK_BORDER_COLOR_INT_OPAQUE_BLACK:
        s.border_int = true;
        s.border = {0, 0, 0, 1};
        break;
    case VK_BORDER_COLOR_INT_OPAQUE_WHITE:
        s.border_int = true;
        s.border = {1, 1, 1, 1};
        break;
    default:
        break;
    }
}

} // namespace

VkResult CreateSampler(VkDevice device, const VkSamplerCreateInfo* info,
                       const VkAllocationCallbacks* callbacks, VkSampler* out) {
    auto* d = Device::from(device);
    auto* sampler = d->make<Sampler>(callbacks);
    if (!sampler)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    hw::SamplerDescriptor s;
    s.mag_filter = info->magFilter == VK_FILTER_LINEAR ? hw::Filter::linear : hw::Filter::nearest;
    s.min_filter = info->minFilter == VK_FILTER_LINEAR ? hw::Filter::linear : hw::Filter::nearest;
    s.mip_filter = info->mipmapMode == VK_SAMPLER_MIPMAP_MODE_LINEAR ? hw::Filter::linear
                                                                     : hw::Filter::nearest;
    s.wrap_u = static_cast<hw::Wrap>(info->addressModeU);
    s.wrap_v = static_cast<hw::Wrap>(info->addressModeV);
    s.wrap_w = static_cast<hw::Wrap>(info->addressModeW);
    s.compare_enable = info->compareEnable != VK_FALSE;
    s.compare_op =
        info->compareEnable ? static_cast<hw::CompareOp>(info->compareOp) : hw::CompareOp::never;
    s.nonseamless = (info->flags & VK_SAMPLER_CREATE_NON_SEAMLESS_CUBE_MAP_BIT_EXT) != 0;
    s.unnormalized = info->unnormalizedCoordinates != VK_FALSE;
    if (info->anisotropyEnable) {
        auto n = static_cast<uint32_t>(std::clamp(info->maxAnisotropy, 1.0f, 16.0f));
        s.aniso_log2 = static_cast<uint32_t>(std::bit_width(n)) - 1;
    }
    if (auto* m = find<VkSamplerReductionModeCreateInfo>(
            info->pNext, VK_STRUCTURE_TYPE_SAMPLER_REDUCTION_MODE_CREATE_INFO))
        s.reduction = static_cast<hw::ReductionMode>(m->reductionMode);
    s.lod_bias = info->mipLodBias;
    s.min_lod = info->minLod;
    s.max_lod = info->maxLod;
    set_border(s, info->borderColor);
    if (auto* c = find<VkSamplerCustomBorderColorCreateInfoEXT>(
            info->pNext, VK_STRUCTURE_TYPE_SAMPLER_CUSTOM_BORDER_COLOR_CREATE_INFO_EXT)) {
        s.border_int = info->borderColor == VK_BORDER_COLOR_INT_CUSTOM_EXT;
        std::copy_n(c->customBorderColor.uint32, 4, s.border.begin());
    }
    if (auto* y = find<VkSamplerYcbcrConversionInfo>(
            info->pNext, VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO))
        sampler->ycbcr = SamplerYcbcrConversion::from(y->conversion)->how;
    s.pack(sampler->words);
    *out = sampler->handle();
    return VK_SUCCESS;
}

void DestroySampler(VkDevice device, VkSampler sampler, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Sampler::from(sampler));
}

} // namespace kite::rt::vk
