// SPDX-License-Identifier: MIT
#include "runtime/resource/format.hpp"

#include "kite_hw/limits.hpp"
#include "runtime/device/instance.hpp"
#include "runtime/memory/external.hpp"
#include "runtime/resource/modifier.hpp"
#include "runtime/resource/multiplanar.hpp"

namespace kite::rt {

using hw::FormatCap;

const hw::FormatInfo* format_of(VkFormat f) {
    return hw::format_info(hw::format_from_vk(static_cast<uint32_t>(f)));
}

VkImageAspectFlags aspects_of(const hw::FormatInfo& f) {
    VkImageAspectFlags a = 0;
    if (f.depth)
        a |= VK_IMAGE_ASPECT_DEPTH_BIT;
    if (f.stencil)
        a |= VK_IMAGE_ASPECT_STENCIL_BIT;
    return a ? a : VkImageAspectFlags{VK_IMAGE_ASPECT_COLOR_BIT};
}

const hw::FormatInfo* plane_format(const hw::FormatInfo& f, VkImageAspectFlags aspect) {
    return f.two_planes() ? hw::format_info(f.plane[plane_index(f, aspect)]) : &f;
}

VkFormatFeatureFlags2 image_features(const hw::FormatInfo& f, VkImageTiling tiling) {
    VkFormatFeatureFlags2 r = 0;
    bool linear = tiling == VK_IMAGE_TILING_LINEAR;
    // Linear depth and compressed images bring nothing and would need their own paths.
    if (linear && (f.depth || f.stencil || f.compressed))
        return 0;
    auto add = [&](FormatCap cap, VkFormatFeatureFlags2 bits) { r |= f.has(cap) ? bits : 0; };
    add(FormatCap::sampled, VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_BIT);
    add(FormatCap::filter_linear, VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_FILTER_LINEAR_BIT);
    add(FormatCap::storage, VK_FORMAT_FEATURE_2_STORAGE_IMAGE_BIT |
                                VK_FORMAT_FEATURE_2_STORAGE_READ_WITHOUT_FORMAT_BIT |
                                VK_FORMAT_FEATURE_2_STORAGE_WRITE_WITHOUT_FORMAT_BIT);
    add(FormatCap::storage_atomic, VK_FORMAT_FEATURE_2_STORAGE_IMAGE_ATOMIC_BIT);
    add(FormatCap::color, VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BIT);
    add(FormatCap::blend, VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BLEND_BIT);
    if (!linear)
        add(FormatCap::depth_stencil, VK_FORMAT_FEATURE_2_DEPTH_STENCIL_ATTACHMENT_BIT);
    add(FormatCap::blit_src, VK_FORMAT_FEATURE_2_BLIT_SRC_BIT);
    add(FormatCap::blit_dst, VK_FORMAT_FEATURE_2_BLIT_DST_BIT);
    add(FormatCap::transfer, VK_FORMAT_FEATURE_2_TRANSFER_SRC_BIT |
                                 VK_FORMAT_FEATURE_2_TRANSFER_DST_BIT |
                                 VK_FORMAT_FEATURE_2_HOST_IMAGE_TRANSFER_BIT);
    if (f.depth && f.has(FormatCap::sampled))
        r |= VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_DEPTH_COMPARISON_BIT;
    return r;
}

VkFormatFeatureFlags2 buffer_features(const hw::FormatInfo& f) {
    VkFormatFeatureFlags2 r = 0;
    if (f.has(FormatCap::vertex))
        r |= VK_FORMAT_FEATURE_2_VERTEX_BUFFER_BIT;
    if (f.has(FormatCap::uniform_texel))
        r |= VK_FORMAT_FEATURE_2_UNIFORM_TEXEL_BUFFER_BIT;
    if (f.has(FormatCap::storage_texel))
        r |= VK_FORMAT_FEATURE_2_STORAGE_TEXEL_BUFFER_BIT |
             VK_FORMAT_FEATURE_2_STORAGE_READ_WITHOUT_FORMAT_BIT |
             VK_FORMAT_FEATURE_2_STORAGE_WRITE_WITHOUT_FORMAT_BIT;
    if (f.has(FormatCap::storage_texel_atomic))
        r |= VK_FORMAT_FEATURE_2_STORAGE_TEXEL_BUFFER_ATOMIC_BIT;
    return r;
}

namespace {

/// Bits that exist in the 32-bit flags.
VkFormatFeatureFlags narrow(VkFormatFeatureFlags2 f) {
    return static_cast<VkFormatFeatureFlags>(f & 0x01ffffffu);
}

VkFormatFeatureFlags2 usage_needs(VkImageUsageFlags usage) {
    VkFormatFeatureFlags2 r = 0;
    if (usage & VK_IMAGE_USAGE_SAMPLED_BIT)
        r |= VK_FORMAT_FEATURE_2_SAMPLED_IMAGE_BIT;
    if (usage & VK_IMAGE_USAGE_STORAGE_BIT)
        r |= VK_FORMAT_FEATURE_2_STORAGE_IMAGE_BIT;
    if (usage & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT)
        r |= VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BIT;
    if (usage & VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT)
        r |= VK_FORMAT_FEATURE_2_DEPTH_STENCIL_ATTACHMENT_BIT;
    if (usage & VK_IMAGE_USAGE_HOST_TRANSFER_BIT)
        r |= VK_FORMAT_FEATURE_2_HOST_IMAGE_TRANSFER_BIT;
    if (usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT)
        r |= VK_FORMAT_FEATURE_2_TRANSFER_SRC_BIT;
    if (usage & VK_IMAGE_USAGE_TRANSFER_DST_BIT)
        r |= VK_FORMAT_FEATURE_2_TRANSFER_DST_BIT;
    return r;
}

/// An image with a DRM format modifier: as one of the tiling it stands for, but plainer.
VkResult describe_modified(VkPhysicalDeviceImageFormatInfo2 info, VkImageFormatProperties& out);

VkResult describe_multi_planar(const MultiPlanar& m, const VkPhysicalDeviceImageFormatInfo2& info,
                               VkImageFormatProperties& out) {
    constexpr VkImageCreateFlags known = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT |
                                         VK_IMAGE_CREATE_EXTENDED_USAGE_BIT |
                                         VK_IMAGE_CREATE_ALIAS_BIT;
    VkFormatFeatureFlags2 need = usage_needs(info.usage);
    if (info.type != VK_IMAGE_TYPE_2D || info.usage == 0 || (info.flags & ~known) ||
        (need & VK_FORMAT_FEATURE_2_HOST_IMAGE_TRANSFER_BIT))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    if ((need & ~image_features(m)) && !(info.flags & VK_IMAGE_CREATE_EXTENDED_USAGE_BIT))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    out.maxExtent = {hw::limits::kMaxImageDim2d, hw::limits::kMaxImageDim2d, 1};
    out.maxMipLevels = out.maxArrayLayers = 1;
    out.sampleCounts = VK_SAMPLE_COUNT_1_BIT;
    out.maxResourceSize = uint64_t{1} << 34;
    return VK_SUCCESS;
}

VkResult describe_image(const VkPhysicalDeviceImageFormatInfo2& info,
                        VkImageFormatProperties& out) {
    namespace L = hw::limits;
    if (info.tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
        return describe_modified(info, out);
    out = {};
    if (const MultiPlanar* m = multi_planar(info.format);
        m && (info.tiling == VK_IMAGE_TILING_LINEAR || info.tiling == VK_IMAGE_TILING_OPTIMAL))
        return describe_multi_planar(*m, info, out);
    const hw::FormatInfo* f = format_of(info.format);
    if (!f || info.usage == 0 ||
        (info.tiling != VK_IMAGE_TILING_LINEAR && info.tiling != VK_IMAGE_TILING_OPTIMAL))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    constexpr VkImageCreateFlags sparse =
        VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT |
        VK_IMAGE_CREATE_SPARSE_ALIASED_BIT | VK_IMAGE_CREATE_PROTECTED_BIT |
        VK_IMAGE_CREATE_DISJOINT_BIT;
    if (info.flags & sparse)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    VkFormatFeatureFlags2 have = image_features(*f, info.tiling);
    VkFormatFeatureFlags2 need = usage_needs(info.usage);
    if (have == 0)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    // With extended usage another view format provides the missing features.
    if ((need & ~have) != 0 && !(info.flags & VK_IMAGE_CREATE_EXTENDED_USAGE_BIT))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    if ((info.usage & VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT) &&
        !(info.flags & VK_IMAGE_CREATE_EXTENDED_USAGE_BIT) &&
        !(have & (VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BIT |
                  VK_FORMAT_FEATURE_2_DEPTH_STENCIL_ATTACHMENT_BIT)))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    bool depth = f->depth || f->stencil;
    if (info.type == VK_IMAGE_TYPE_3D && depth)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    // Rows of depth can be sampled, but not rendered to.
    if (info.type == VK_IMAGE_TYPE_1D &&
        (f->compressed || (depth && (info.usage & (VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT |
                                                   VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT)))))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    if ((info.flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) && info.type != VK_IMAGE_TYPE_2D)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    if (info.type == VK_IMAGE_TYPE_3D) {
        out.maxExtent = {L::kMaxImageDim3d, L::kMaxImageDim3d, L::kMaxImageDim3d};
        out.maxMipLevels = 12;
        out.maxArrayLayers = 1;
    } else {
        out.maxExtent = {L::kMaxImageDim2d, info.type == VK_IMAGE_TYPE_1D ? 1 : L::kMaxImageDim2d,
                         1};
        out.maxMipLevels = L::kMaxImageLevels;
        out.maxArrayLayers = L::kMaxImageLayers;
    }
    if (info.tiling == VK_IMAGE_TILING_LINEAR && info.type != VK_IMAGE_TYPE_1D) {
        out.maxMipLevels = info.type == VK_IMAGE_TYPE_2D ? out.maxMipLevels : 1;
    }
    out.sampleCounts = VK_SAMPLE_COUNT_1_BIT;
    if (info.type == VK_IMAGE_TYPE_2D && info.tiling == VK_IMAGE_TILING_OPTIMAL &&
        !(info.flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) && !f->compressed &&
        !(info.usage & (VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_HOST_TRANSFER_BIT)) &&
        (have & (VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BIT |
                 VK_FORMAT_FEATURE_2_DEPTH_STENCIL_ATTACHMENT_BIT)))
        out.sampleCounts = 2 * L::kMaxSamples - 1; // the flag of n samples is n
    out.maxResourceSize = uint64_t{1} << 34;
    return VK_SUCCESS;
}

VkResult describe_modified(VkPhysicalDeviceImageFormatInfo2 info, VkImageFormatProperties& out) {
    out = {};
    auto* m = find<VkPhysicalDeviceImageDrmFormatModifierInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT);
    const hw::FormatInfo* f = format_of(info.format);
    auto tiling = m && f ? tiling_of(*f, m->drmFormatModifier) : std::nullopt;
    if (!tiling || info.type != VK_IMAGE_TYPE_2D)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    info.tiling = *tiling;
    VkResult r = describe_image(info, out);
    if (r != VK_SUCCESS)
        return r;
    out.maxMipLevels = out.maxArrayLayers = 1;
    out.sampleCounts = VK_SAMPLE_COUNT_1_BIT;
    return VK_SUCCESS;
}

} // namespace

namespace vk {

void GetPhysicalDeviceFormatProperties2(VkPhysicalDevice, VkFormat format,
                                        VkFormatProperties2* out) {
    const hw::FormatInfo* f = format_of(format);
    VkFormatFeatureFlags2 lin = f ? image_features(*f, VK_IMAGE_TILING_LINEAR) : 0;
    VkFormatFeatureFlags2 opt = f ? image_features(*f, VK_IMAGE_TILING_OPTIMAL) : 0;
    VkFormatFeatureFlags2 buf = f ? buffer_features(*f) : 0;
    if (const MultiPlanar* m = multi_planar(format))
        lin = opt = image_features(*m);
    out->formatProperties = {narrow(lin), narrow(opt), narrow(buf)};
    if (auto* p3 =
            find_mut<VkFormatProperties3>(out->pNext, VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_3)) {
        p3->linearTilingFeatures = lin;
        p3->optimalTilingFeatures = opt;
        p3->bufferFeatures = buf;
    }
    if (f)
        fill_modifier_list(*f, out->pNext);
}

void GetPhysicalDeviceFormatProperties(VkPhysicalDevice physical, VkFormat format,
                                       VkFormatProperties* out) {
    VkFormatProperties2 p{VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, nullptr, {}};
    GetPhysicalDeviceFormatProperties2(physical, format, &p);
    *out = p.formatProperties;
}

VkResult GetPhysicalDeviceImageFormatProperties2(VkPhysicalDevice physical,
                                                 const VkPhysicalDeviceImageFormatInfo2* info,
                                                 VkImageFormatProperties2* out) {
    VkResult r = describe_image(*info, out->imageFormatProperties);
    auto* ext = find<VkPhysicalDeviceExternalImageFormatInfo>(
        info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
    VkExternalMemoryProperties handle{};
    if (ext && ext->handleType != 0) {
        handle = memory_handle(PhysicalDevice::from(physical)->facts, ext->handleType);
        if (handle.externalMemoryFeatures == 0)
            return VK_ERROR_FORMAT_NOT_SUPPORTED;
    }
    if (auto* y = find_mut<VkSamplerYcbcrConversionImageFormatProperties>(
            out->pNext, VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_IMAGE_FORMAT_PROPERTIES))
        y->combinedImageSamplerDescriptorCount = 1;
    if (auto* q = find_mut<VkHostImageCopyDevicePerformanceQuery>(
            out->pNext, VK_STRUCTURE_TYPE_HOST_IMAGE_COPY_DEVICE_PERFORMANCE_QUERY))
        q->optimalDeviceAccess = q->identicalMemoryLayout = VK_TRUE;
    if (auto* e = find_mut<VkExternalImageFormatProperties>(
            out->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES))
        e->externalMemoryProperties = handle;
    return r;
}

VkResult GetPhysicalDeviceImageFormatProperties(VkPhysicalDevice, VkFormat format, VkImageType type,
                                                VkImageTiling tiling, VkImageUsageFlags usage,
                                                VkImageCreateFlags flags,
                                                VkImageFormatProperties* out) {
    VkPhysicalDeviceImageFormatInfo2 info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
                                          nullptr,
                                          format,
                                          type,
                                          tiling,
                                          usage,
                                          flags};
    return describe_image(info, *out);
}

void GetPhysicalDeviceSparseImageFormatProperties(VkPhysicalDevice, VkFormat, VkImageType,
                                                  VkSampleCountFlagBits, VkImageUsageFlags,
                                                  VkImageTiling, uint32_t* count,
                                                  VkSparseImageFormatProperties*) {
    *count = 0;
}

void GetPhysicalDeviceSparseImageFormatProperties2(VkPhysicalDevice,
                                                   const VkPhysicalDeviceSparseImageFormatInfo2*,
                                                   uint32_t* count,
                                                   VkSparseImageFormatProperties2*) {
    *count = 0;
}

} // namespace vk
} // namespace kite::rt
