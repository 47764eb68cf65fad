// SPDX-License-Identifier: MIT
#include "runtime/resource/image.hpp"

#include "runtime/resource/modifier.hpp"
#include "runtime/wsi/swapchain_images.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

hw::Swizzle swizzle_of(VkComponentSwizzle s, hw::Swizzle identity) {
    switch (s) {
    case VK_COMPONENT_SWIZZLE_ZERO:
        return hw::Swizzle::zero;
    case VK_COMPONENT_SWIZZLE_ONE:
        return hw::Swizzle::one;
    case VK_COMPONENT_SWIZZLE_R:
        return hw::Swizzle::r;
    case VK_COMPONENT_SWIZZLE_G:
        return hw::Swizzle::g;
    case VK_COMPONENT_SWIZZLE_B:
        return hw::Swizzle::b;
    case VK_COMPONENT_SWIZZLE_A:
        return hw::Swizzle::a;
    default:
        return identity;
    }
}

hw::ViewDim dim_of(VkImageViewType t) {
    switch (t) {
    case VK_IMAGE_VIEW_TYPE_1D:
    case VK_IMAGE_VIEW_TYPE_1D_ARRAY:
        return hw::ViewDim::d1;
    case VK_IMAGE_VIEW_TYPE_3D:
        return hw::ViewDim::d3;
    case VK_IMAGE_VIEW_TYPE_CUBE:
    case VK_IMAGE_VIEW_TYPE_CUBE_ARRAY:
        return hw::ViewDim::cube;
    default:
        return hw::ViewDim::d2;
    }
}

uint32_t log2_of(uint32_t v) {
    return static_cast<uint32_t>(__builtin_ctz(v));
}

void init_from(Image& im, const VkImageCreateInfo& info) {
    im.type = info.imageType;
    im.vk_format = info.format;
    im.multi = multi_planar(info.format);
    im.format = im.multi ? plane_format(*im.multi, 0) : format_of(info.format);
    im.extent = info.extent;
    im.levels = std::max(1u, info.mipLevels);
    im.layers = std::max(1u, info.arrayLayers);
    im.samples = static_cast<uint32_t>(info.samples);
    im.usage = info.usage;
    im.flags = info.flags;
    im.linear = info.tiling == VK_IMAGE_TILING_LINEAR || info.imageType == VK_IMAGE_TYPE_1D ||
                (im.format && im.format->compressed);
    if (im.format)
        im.compute_layout();
}

void fill_requirements(VkDevice device, const Image& im, VkMemoryRequirements2* out) {
    const PhysicalDevice& p = *Device::from(device)->physical;
    uint32_t types = p.memory_type_bits();
    for (uint32_t i = 0; i < p.memory_types.size(); ++i) // the host copies through its mapping
        if ((im.usage & VK_IMAGE_USAGE_HOST_TRANSFER_BIT) && !p.memory_types[i].host_visible)
            types &= ~(1u << i);
    out->memoryRequirements = {(im.size_bytes + 4095) / 4096 * 4096, 4096, types};
    if (auto* d = find_mut<VkMemoryDedicatedRequirements>(
            out->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS)) {
        d->prefersDedicatedAllocation = VK_FALSE;
        d->requiresDedicatedAllocation = VK_FALSE;
    }
}

} // namespace

void Image::compute_layout(uint32_t row_pitch) {
    size_bytes = 0;
    for (uint32_t i = 0; i < (multi ? multi->planes : plane_count(*format)); ++i) {
        const bool chroma = multi && i != 0;
        PlaneDesc d;
        d.format = multi
                       ? plane_format(*multi, i)
                       : plane_format(*format,
                                      i == 0 ? aspects_of(*format) &
                                                   ~VkImageAspectFlags{VK_IMAGE_ASPECT_STENCIL_BIT}
                                             : VkImageAspectFlags{VK_IMAGE_ASPECT_STENCIL_BIT});
        d.width = chroma ? (extent.width + multi->shift_x) >> multi->shift_x : extent.width;
        d.height = chroma ? (extent.height + multi->shift_y) >> multi->shift_y : extent.height;
        d.depth = extent.depth;
        d.levels = levels;
        d.layers = layers;
        d.samples = samples;
        d.linear = linear;
        d.row_pitch = row_pitch;
        planes[i] = lay_out(d);
        plane_offset[i] = (size_bytes + 4095) / 4096 * 4096;
        size_bytes = plane_offset[i] + planes[i].size_bytes;
    }
}

uint32_t Image::row_pitch() const {
    if (linear)
        return planes[0].pitch[0];
    return (extent.width + 3) / 4 * 4 * format->bytes_per_block;
}

hw::ImageDescriptor describe(const Image& im, const ViewDesc& v) {
    uint32_t pi = im.plane_of(v.aspect);
    const PlaneLayout& p = im.planes[pi];
    const hw::FormatInfo& own = *p.desc.format;
    const hw::FormatInfo& f = v.format && !im.format->two_planes() ? *v.format : own;
    hw::ImageDescriptor d;
    d.address = im.address + im.plane_offset[pi];
    d.format = f.id;
    d.dim = dim_of(v.type);
    d.arrayed = v.type == VK_IMAGE_VIEW_TYPE_1D_ARRAY || v.type == VK_IMAGE_VIEW_TYPE_2D_ARRAY ||
                v.type == VK_IMAGE_VIEW_TYPE_CUBE_ARRAY;
    d.layout = im.linear ? hw::ImageLayout::linear : hw::ImageLayout::tiled;
    d.log2_samples = log2_of(im.samples);
    d.image_3d = im.type == VK_IMAGE_TYPE_3D;
    d.swz_r = swizzle_of(v.swizzle.r, hw::Swizzle::r);
    d.swz_g = swizzle_of(v.swizzle.g, hw::Swizzle::g);
    d.swz_b = swizzle_of(v.swizzle.b, hw::Swizzle::b);
    d.swz_a = swizzle_of(v.swizzle.a, hw::Swizzle::a);
    d.min_lod = v.min_lod;
    d.sliced = v.sliced;
    d.layer_stride_64 =
        im.type == VK_IMAGE_TYPE_3D ? 0 : static_cast<uint32_t>(p.layer_stride / 64);
    d.base_layer = v.base_layer;
    d.layer_count_minus_1 = std::max(1u, v.layer_count) - 1;
    uint32_t depth = im.type == VK_IMAGE_TYPE_3D ? im.extent.depth : im.layers;
    if (own.compressed && !f.compressed) {
        // A compressed image seen as its blocks: one level becomes a resource of its own, since
        // ceil and minify don't commute.
        uint32_t l = v.base_level;
        d.address += p.level_offset[l];
        d.width_minus_1 = (minify(im.extent.width, l) + own.block_w - 1) / own.block_w - 1;
        d.height_minus_1 = (minify(im.extent.height, l) + own.block_h - 1) / own.block_h - 1;
        d.depth_minus_1 = (im.type == VK_IMAGE_TYPE_3D ? minify(depth, l) : depth) - 1;
        d.row_pitch = p.pitch[l];
        return d;
    }
    d.width_minus_1 = p.desc.width - 1;
    d.height_minus_1 = p.desc.height - 1;
    d.depth_minus_1 = depth - 1;
    d.base_level = v.base_level;
    d.level_count_minus_1 = std::max(1u, v.level_count) - 1;
    d.resource_levels_minus_1 = im.levels - 1;
    d.row_pitch = im.linear ? p.pitch[0] : 0;
    for (uint32_t l = 0; l < im.levels; ++l)
        d.level_offset_64[l] = static_cast<uint32_t>(p.level_offset[l] / 64);
    return d;
}

hw::ImageDescriptor surface(const Image& im, VkImageAspectFlags aspect, uint32_t level,
                            uint32_t base_layer, uint32_t layer_count, bool volume,
                            const hw::FormatInfo* format) {
    ViewDesc v;
    v.aspect = aspect;
    v.format = format;
    v.type = im.type == VK_IMAGE_TYPE_3D && volume ? VK_IMAGE_VIEW_TYPE_3D
             : im.type == VK_IMAGE_TYPE_1D         ? VK_IMAGE_VIEW_TYPE_1D_ARRAY
                                                   : VK_IMAGE_VIEW_TYPE_2D_ARRAY;
    v.base_level = level;
    v.base_layer = base_layer;
    v.layer_count = layer_count;
    return describe(im, v);
}

hw::ImageDescriptor ImageView::attachment(VkImageAspectFlags aspect) const {
    return surface(*image, image->multi ? range.aspectMask : aspect, range.baseMipLevel,
                   range.baseArrayLayer, range.layerCount, false, format);
}

namespace vk {

VkResult CreateImage(VkDevice device, const VkImageCreateInfo* info,
                     const VkAllocationCallbacks* callbacks, VkImage* out) {
    auto* d = Device::from(device);
    if (auto* s = find<VkImageSwapchainCreateInfoKHR>(
            info->pNext, VK_STRUCTURE_TYPE_IMAGE_SWAPCHAIN_CREATE_INFO_KHR);
        s && s->swapchain)
        return create_swapchain_alias(*d, *info, *s, callbacks, out);
    if (!format_of(info->format) && !multi_planar(info->format))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    auto* im = d->make<Image>(callbacks);
    if (!im)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    init_from(*im, *info);
    if (info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
        if (VkResult r = apply_modifier(*im, *info); r != VK_SUCCESS) {
            d->drop(callbacks, im);
            return r;
        }
    if (im->size_bytes > (uint64_t{1} << 40)) {
        d->drop(callbacks, im);
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    *out = im->handle();
    return VK_SUCCESS;
}

void DestroyImage(VkDevice device, VkImage image, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Image::from(image));
}

void GetImageMemoryRequirements2(VkDevice device, const VkImageMemoryRequirementsInfo2* info,
                                 VkMemoryRequirements2* out) {
    fill_requirements(device, *Image::from(info->image), out);
}

void GetImageMemoryRequirements(VkDevice device, VkImage image, VkMemoryRequirements* out) {
    VkMemoryRequirements2 r{VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, nullptr, {}};
    fill_requirements(device, *Image::from(image), &r);
    *out = r.memoryRequirements;
}

void GetDeviceImageMemoryRequirements(VkDevice device, const VkDeviceImageMemoryRequirements* info,
                                      VkMemoryRequirements2* out) {
    Image im;
    init_from(im, *info->pCreateInfo);
    if (info->pCreateInfo->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
        (void)apply_modifier(im, *info->pCreateInfo);
    fill_requirements(device, im, out);
}

void GetImageSparseMemoryRequirements(VkDevice, VkImage, uint32_t* count,
                                      VkSparseImageMemoryRequirements*) {
    *count = 0;
}

void GetImageSparseMemoryRequirements2(VkDevice, const VkImageSparseMemoryRequirementsInfo2*,
                                       uint32_t* count, VkSparseImageMemoryRequirements2*) {
    *count = 0;
}

void GetDeviceImageSparseMemoryRequirements(VkDevice, const VkDeviceImageMemoryRequirements*,
                                            uint32_t* count, VkSparseImageMemoryRequirements2*) {
    *count = 0;
}

VkResult BindImageMemory(VkDevice, VkImage image, VkDeviceMemory memory, VkDeviceSize offset) {
    Image::from(image)->address = DeviceMemory::from(memory)->bound.address + offset;
    auto* host = static_cast<std::byte*>(DeviceMemory::from(memory)->bound.host);
    Image::from(image)->host = host ? host + offset : nullptr;
    return VK_SUCCESS;
}

VkResult BindImageMemory2(VkDevice device, uint32_t count, const VkBindImageMemoryInfo* infos) {
    for (uint32_t i = 0; i < count; ++i) {
        if (auto* st =
                find<VkBindMemoryStatus>(infos[i].pNext, VK_STRUCTURE_TYPE_BIND_MEMORY_STATUS))
            *st->pResult = VK_SUCCESS;
        auto* sc = find<VkBindImageMemorySwapchainInfoKHR>(
            infos[i].pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_SWAPCHAIN_INFO_KHR);
        if (sc && sc->swapchain)
            bind_swapchain_alias(*Image::from(infos[i].image), sc->swapchain, sc->imageIndex);
        else
            (void)BindImageMemory(device, infos[i].image, infos[i].memory, infos[i].memoryOffset);
    }
    return VK_SUCCESS;
}

void GetImageSubresourceLayout(VkDevice, VkImage image, const VkImageSubresource* sub,
                               VkSubresourceLayout* out) {
    auto* im = Image::from(image);
    bool memory_plane = sub->aspectMask == VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT;
    uint32_t pi = memory_plane ? 0 : im->plane_of(sub->aspectMask);
    const PlaneLayout& p = im->planes[pi];
    uint32_t l = std::min(sub->mipLevel, kMaxLevels - 1);
    out->offset = im->plane_offset[pi] + p.layer_stride * sub->arrayLayer + p.level_offset[l];
    out->rowPitch = memory_plane ? im->row_pitch() : p.pitch[l];
    out->arrayPitch = p.layer_stride;
    out->depthPitch = p.slice_bytes[l];
    out->size = p.slice_bytes[l] * minify(im->extent.depth, l);
}

void GetImageSubresourceLayout2(VkDevice device, VkImage image, const VkImageSubresource2* sub,
                                VkSubresourceLayout2* out) {
    GetImageSubresourceLayout(device, image, &sub->imageSubresource, &out->subresourceLayout);
    if (auto* m = find_mut<VkSubresourceHostMemcpySize>(
            out->pNext, VK_STRUCTURE_TYPE_SUBRESOURCE_HOST_MEMCPY_SIZE))
        m->size = out->subresourceLayout.size;
}

void GetDeviceImageSubresourceLayout(VkDevice device, const VkDeviceImageSubresourceInfo* info,
                                     VkSubresourceLayout2* out) {
    Image im;
    init_from(im, *info->pCreateInfo);
    GetImageSubresourceLayout2(device, im.handle(), info->pSubresource, out);
}

VkResult CreateImageView(VkDevice device, const VkImageViewCreateInfo* info,
                         const VkAllocationCallbacks* callbacks, VkImageView* out) {
    auto* d = Device::from(device);
    const MultiPlanar* multi = multi_planar(info->format); // all planes are shown
    const hw::FormatInfo* f = multi ? plane_format(*multi, 0) : format_of(info->format);
    if (!f)
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    auto* v = d->make<ImageView>(callbacks);
    if (!v)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    auto* im = Image::from(info->image);
    v->image = im;
    v->vk_format = info->format;
    v->format = f;
    v->type = info->viewType;
    v->range = info->subresourceRange;
    v->range.levelCount = im->level_count(info->subresourceRange);
    bool slices = im->type == VK_IMAGE_TYPE_3D && info->viewType != VK_IMAGE_VIEW_TYPE_3D;
    if (slices && info->subresourceRange.layerCount == VK_REMAINING_ARRAY_LAYERS)
        v->range.layerCount =
            minify(im->extent.depth, v->range.baseMipLevel) - info->subresourceRange.baseArrayLayer;
    else
        v->range.layerCount = im->layer_count(info->subresourceRange);
    ViewDesc vd;
    vd.aspect = v->range.aspectMask & VK_IMAGE_ASPECT_DEPTH_BIT
                    ? VkImageAspectFlags{VK_IMAGE_ASPECT_DEPTH_BIT}
                    : v->range.aspectMask;
    vd.format = f;
    vd.type = info->viewType;
    vd.base_level = v->range.baseMipLevel;
    vd.level_count = v->range.levelCount;
    vd.base_layer = v->range.baseArrayLayer;
    vd.layer_count = v->range.layerCount;
    vd.swizzle = info->components;
    if (auto* lod = find<VkImageViewMinLodCreateInfoEXT>(
            info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_MIN_LOD_CREATE_INFO_EXT))
        vd.min_lod = lod->minLod;
    describe(*im, vd).pack(v->words);
    for (uint32_t k = 1; multi && k < multi->planes; ++k) {
        ViewDesc chroma = vd;
        chroma.aspect = k == 1 ? VK_IMAGE_ASPECT_PLANE_1_BIT : VK_IMAGE_ASPECT_PLANE_2_BIT;
        chroma.format = nullptr;
        describe(*im, chroma).pack(v->chroma_words[k - 1]);
    }
    if (auto* slices_of = find<VkImageViewSlicedCreateInfoEXT>(
            info->pNext, VK_STRUCTURE_TYPE_IMAGE_VIEW_SLICED_CREATE_INFO_EXT);
        slices_of && info->viewType == VK_IMAGE_VIEW_TYPE_3D) {
        vd.sliced = true;
        vd.base_layer = slices_of->sliceOffset;
        uint32_t depth = minify(im->extent.depth, vd.base_level);
        vd.layer_count = slices_of->sliceCount == VK_REMAINING_3D_SLICES_EXT
                             ? depth - std::min(depth, vd.base_layer)
                             : slices_of->sliceCount;
    }
    describe(*im, vd).pack(v->storage_words);
    *out = v->handle();
    return VK_SUCCESS;
}

void DestroyImageView(VkDevice device, VkImageView view, const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, ImageView::from(view));
}

} // namespace vk
} // namespace kite::rt
