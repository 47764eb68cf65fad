// SPDX-License-Identifier: MIT
// VK_EXT_host_image_copy: the host reads and writes images directly, in the layout of
// docs/image-layout.md. Layout transitions mean nothing to this device.
#include "runtime/resource/image.hpp"

#include <algorithm>
#include <cstring>

namespace kite::rt {
namespace {

constexpr uint32_t div_up(uint32_t v, uint32_t d) {
    return (v + d - 1) / d;
}

/// One level of one plane of an image, by slice: a layer, or a z of a 3D image.
struct Side {
    Side(const Image& im, const VkImageSubresourceLayers& s, const VkOffset3D& at)
        : image(im), plane(im.planes[plane_index(*im.format, s.aspectMask)]), level(s.mipLevel),
          layer(s.baseArrayLayer), offset(at),
          base(im.host + im.plane_offset[plane_index(*im.format, s.aspectMask)]) {}
    [[nodiscard]] std::byte* block(uint32_t x, uint32_t y, uint32_t slice) const {
        const hw::FormatInfo& f = *plane.desc.format;
        bool volume = image.type == VK_IMAGE_TYPE_3D;
        return base + texel_offset(plane, level, volume ? 0 : layer + slice,
                                   static_cast<uint32_t>(offset.x) + x * f.block_w,
                                   static_cast<uint32_t>(offset.y) + y * f.block_h,
                                   volume ? static_cast<uint32_t>(offset.z) + slice : 0, 0);
    }
    /// Everything of the level in one layer.
    [[nodiscard]] std::span<std::byte> whole(uint32_t l) const {
        uint64_t size = plane.slice_bytes[level] * minify(image.extent.depth, level);
        return {base + plane.layer_stride * l + plane.level_offset[level], size};
    }
    const Image& image;
    const PlaneLayout& plane;
    uint32_t level;
    uint32_t layer;
    VkOffset3D offset;
    std::byte* base;
};

uint32_t layers_of(const Image& im, const VkImageSubresourceLayers& s) {
    return s.layerCount == VK_REMAINING_ARRAY_LAYERS ? im.layers - s.baseArrayLayer : s.layerCount;
}

/// Slices of a region: layers, or the depth of a 3D one.
uint32_t slices_of(const Image& im, const VkImageSubresourceLayers& s, const VkExtent3D& e) {
    return im.type == VK_IMAGE_TYPE_3D ? e.depth : layers_of(im, s);
}

/// Moves a region between an image and memory; `move(image, memory, bytes)` says which way.
template <class Region, class Pointer, class Move>
void with_memory(const Image& im, const Region& r, Pointer memory, bool raw, Move&& move) {
    Side side(im, r.imageSubresource, r.imageOffset);
    if (raw) { // whole subresources, in the image's own layout
        for (uint32_t l = 0; l < layers_of(im, r.imageSubresource); ++l) {
            auto bytes = side.whole(r.imageSubresource.baseArrayLayer + l);
            move(bytes.data(), memory, bytes.size());
            memory += bytes.size();
        }
        return;
    }
    const hw::FormatInfo& f = *side.plane.desc.format;
    size_t bytes = f.bytes_per_block;
    uint32_t columns = div_up(r.imageExtent.width, f.block_w);
    uint32_t rows = div_up(r.imageExtent.height, f.block_h);
    size_t pitch = bytes * (r.memoryRowLength ? div_up(r.memoryRowLength, f.block_w) : columns);
    size_t slice = pitch * (r.memoryImageHeight ? div_up(r.memoryImageHeight, f.block_h) : rows);
    for (uint32_t z = 0; z < slices_of(im, r.imageSubresource, r.imageExtent); ++z)
        for (uint32_t y = 0; y < rows; ++y)
            for (uint32_t x = 0; x < columns; ++x)
                move(side.block(x, y, z), memory + z * slice + y * pitch + x * bytes, bytes);
}

void between_images(const Image& src, const Image& dst, const VkImageCopy2& r, bool raw) {
    Side from(src, r.srcSubresource, r.srcOffset);
    Side to(dst, r.dstSubresource, r.dstOffset);
    if (raw) {
        for (uint32_t l = 0; l < layers_of(src, r.srcSubresource); ++l) {
            auto in = from.whole(r.srcSubresource.baseArrayLayer + l);
            auto out = to.whole(r.dstSubresource.baseArrayLayer + l);
            std::memcpy(out.data(), in.data(), std::min(in.size(), out.size()));
        }
        return;
    }
    const hw::FormatInfo& f = *from.plane.desc.format;
    bool volume = src.type == VK_IMAGE_TYPE_3D || dst.type == VK_IMAGE_TYPE_3D;
    uint32_t slices = volume ? std::max(r.extent.depth, layers_of(src, r.srcSubresource))
                             : layers_of(src, r.srcSubresource);
    for (uint32_t z = 0; z < slices; ++z)
        for (uint32_t y = 0; y < div_up(r.extent.height, f.block_h); ++y)
            for (uint32_t x = 0; x < div_up(r.extent.width, f.block_w); ++x)
                std::memcpy(to.block(x, y, z), from.block(x, y, z), f.bytes_per_block);
}

/// The aspects of a copy, one at a time.
template <class F>
void for_aspects(VkImageAspectFlags mask, F&& f) {
    for (uint32_t bit = 1; bit <= VK_IMAGE_ASPECT_STENCIL_BIT; bit <<= 1)
        if (mask & bit)
            f(VkImageAspectFlags{bit});
}

} // namespace

namespace vk {

VkResult CopyMemoryToImage(VkDevice, const VkCopyMemoryToImageInfo* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i) {
        const auto& r = info->pRegions[i];
        with_memory(*Image::from(info->dstImage), r, static_cast<const std::byte*>(r.pHostPointer),
                    (info->flags & VK_HOST_IMAGE_COPY_MEMCPY) != 0,
                    [](std::byte* image, const std::byte* memory, size_t n) {
                        std::memcpy(image, memory, n);
                    });
    }
    return VK_SUCCESS;
}

VkResult CopyImageToMemory(VkDevice, const VkCopyImageToMemoryInfo* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i) {
        const auto& r = info->pRegions[i];
        with_memory(*Image::from(info->srcImage), r, static_cast<std::byte*>(r.pHostPointer),
                    (info->flags & VK_HOST_IMAGE_COPY_MEMCPY) != 0,
                    [](const std::byte* image, std::byte* memory, size_t n) {
                        std::memcpy(memory, image, n);
                    });
    }
    return VK_SUCCESS;
}

VkResult CopyImageToImage(VkDevice, const VkCopyImageToImageInfo* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i) {
        for_aspects(info->pRegions[i].srcSubresource.aspectMask, [&](VkImageAspectFlags aspect) {
            VkImageCopy2 r = info->pRegions[i];
            r.srcSubresource.aspectMask = r.dstSubresource.aspectMask = aspect;
            between_images(*Image::from(info->srcImage), *Image::from(info->dstImage), r,
                           (info->flags & VK_HOST_IMAGE_COPY_MEMCPY) != 0);
        });
    }
    return VK_SUCCESS;
}

VkResult TransitionImageLayout(VkDevice, uint32_t, const VkHostImageLayoutTransitionInfo*) {
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
