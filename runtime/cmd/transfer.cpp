// SPDX-License-Identifier: MIT
// Copies, fills, clears, blits and resolves: one packet per region and aspect.
#include "runtime/cmd/command_buffer.hpp"
#include "runtime/resource/buffer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kite::rt {
namespace {

std::array<int32_t, 3> vec(const VkOffset3D& o) {
    return {o.x, o.y, o.z};
}
std::array<uint32_t, 3> vec(const VkExtent3D& e) {
    return {e.width, e.height, e.depth};
}

bool is_3d(const Image& i) {
    return i.type == VK_IMAGE_TYPE_3D;
}

uint32_t layers_of(const Image& im, const VkImageSubresourceLayers& s) {
    return s.layerCount == VK_REMAINING_ARRAY_LAYERS ? im.layers - s.baseArrayLayer : s.layerCount;
}

hw::Surface side(const Image& im, VkImageAspectFlags aspect, const VkImageSubresourceLayers& s) {
    hw::Surface o;
    if (is_3d(im))
        o.image = surface(im, aspect, s.mipLevel, 0, minify(im.extent.depth, s.mipLevel), true);
    else
        o.image = surface(im, aspect, s.mipLevel, s.baseArrayLayer, layers_of(im, s), false);
    return o;
}

template <class F>
void for_aspects(VkImageAspectFlags mask, F&& f) {
    for (VkImageAspectFlags a : {VkImageAspectFlags{VK_IMAGE_ASPECT_COLOR_BIT},
                                 VkImageAspectFlags{VK_IMAGE_ASPECT_DEPTH_BIT},
                                 VkImageAspectFlags{VK_IMAGE_ASPECT_STENCIL_BIT},
                                 VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_0_BIT},
                                 VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_1_BIT},
                                 VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_2_BIT}})
        if (mask & a)
            f(a);
}

uint32_t align_to(uint32_t v, uint32_t a) {
    return (v + a - 1) / a * a;
}

/// Shared by both directions.
template <class Packet>
void buffer_image(CommandBuffer& c, const Buffer& b, const Image& im, const VkBufferImageCopy2& r) {
    if (r.imageExtent.width == 0 || r.imageExtent.height == 0 || r.imageExtent.depth == 0)
        return;
    Packet p;
    const hw::FormatInfo& f = *im.planes[im.plane_of(r.imageSubresource.aspectMask)].desc.format;
    p.buffer = b.address + r.bufferOffset;
    p.row_length = align_to(r.bufferRowLength ? r.bufferRowLength : r.imageExtent.width, f.block_w);
    p.image_height =
        align_to(r.bufferImageHeight ? r.bufferImageHeight : r.imageExtent.height, f.block_h);
    p.offset = vec(r.imageOffset);
    p.extent = vec(r.imageExtent);
    p.layers = layers_of(im, r.imageSubresource);
    p.image = side(im, r.imageSubresource.aspectMask, r.imageSubresource);
    c.out.emit(p);
}

VkBufferImageCopy2 widen(const VkBufferImageCopy& r) {
    return {VK_STRUCTURE_TYPE_BUFFER_IMAGE_COPY_2,
            nullptr,
            r.bufferOffset,
            r.bufferRowLength,
            r.bufferImageHeight,
            r.imageSubresource,
            r.imageOffset,
            r.imageExtent};
}

void copy_aspect(CommandBuffer& c, const Image& src, VkImageAspectFlags src_aspect,
                 const Image& dst, VkImageAspectFlags dst_aspect, const VkImageCopy2& r) {
    hw::CopyImagePacket p;
    p.src_offset = vec(r.srcOffset);
    p.dst_offset = vec(r.dstOffset);
    p.extent = vec(r.extent);
    p.layers = is_3d(src) ? layers_of(dst, r.dstSubresource) : layers_of(src, r.srcSubresource);
    p.src = side(src, src_aspect, r.srcSubresource);
    p.dst = side(dst, dst_aspect, r.dstSubresource);
    c.out.emit(p);
}

void copy_image(CommandBuffer& c, const Image& src, const Image& dst, const VkImageCopy2& r) {
    VkImageAspectFlags from = r.srcSubresource.aspectMask, to = r.dstSubresource.aspectMask;
    if (from != to) // a colour and a depth or stencil aspect (maintenance8)
        copy_aspect(c, src, from, dst, to, r);
    else
        for_aspects(from, [&](VkImageAspectFlags a) { copy_aspect(c, src, a, dst, a, r); });
}

void blit_image(CommandBuffer& c, const Image& src, const Image& dst, const VkImageBlit2& r,
                VkFilter filter) {
    for_aspects(r.srcSubresource.aspectMask, [&](VkImageAspectFlags aspect) {
        hw::BlitImagePacket p;
        p.src0 = vec(r.srcOffsets[0]);
        p.src1 = vec(r.srcOffsets[1]);
        p.dst0 = vec(r.dstOffsets[0]);
        p.dst1 = vec(r.dstOffsets[1]);
        p.layers = layers_of(src, r.srcSubresource);
        p.filter = filter == VK_FILTER_LINEAR ? hw::Filter::linear : hw::Filter::nearest;
        p.src = side(src, aspect, r.srcSubresource);
        p.dst = side(dst, aspect, r.dstSubresource);
        c.out.emit(p);
    });
}

void resolve_image(CommandBuffer& c, const Image& src, const Image& dst, const VkImageResolve2& r) {
    hw::ResolveImagePacket p;
    p.src_offset = vec(r.srcOffset);
    p.dst_offset = vec(r.dstOffset);
    p.extent = vec(r.extent);
    p.layers = layers_of(src, r.srcSubresource);
    p.mode = src.format->is_integer() ? hw::ResolveMode::sample_zero : hw::ResolveMode::average;
    p.src = side(src, VK_IMAGE_ASPECT_COLOR_BIT, r.srcSubresource);
    p.dst = side(dst, VK_IMAGE_ASPECT_COLOR_BIT, r.dstSubresource);
    c.out.emit(p);
}

void clear_plane(CommandBuffer& c, const Image& im, VkImageAspectFlags aspect,
                 const VkImageSubresourceRange& r, const std::array<uint32_t, 4>& value) {
    for (uint32_t l = 0; l < im.level_count(r); ++l) {
        uint32_t level = r.baseMipLevel + l;
        hw::ClearImagePacket p;
        p.value = value;
        if (is_3d(im)) {
            p.layers = minify(im.extent.depth, level);
            p.image.image = surface(im, aspect, level, 0, p.layers, true);
        } else {
            p.layers = im.layer_count(r);
            p.image.image = surface(im, aspect, level, r.baseArrayLayer, p.layers, false);
        }
        c.out.emit(p);
    }
}

} // namespace

namespace vk {

void CmdCopyBuffer2(VkCommandBuffer buffer, const VkCopyBufferInfo2* info) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < info->regionCount; ++i) {
        const auto& r = info->pRegions[i];
        c.out.emit(hw::CopyBufferPacket{.src = Buffer::from(info->srcBuffer)->address + r.srcOffset,
                                        .dst = Buffer::from(info->dstBuffer)->address + r.dstOffset,
                                        .size_bytes = r.size});
    }
}

void CmdCopyBuffer(VkCommandBuffer buffer, VkBuffer src, VkBuffer dst, uint32_t count,
                   const VkBufferCopy* regions) {
    CommandBuffer& c = buffer_of(buffer);
    for (uint32_t i = 0; i < count; ++i)
        c.out.emit(hw::CopyBufferPacket{.src = Buffer::from(src)->address + regions[i].srcOffset,
                                        .dst = Buffer::from(dst)->address + regions[i].dstOffset,
                                        .size_bytes = regions[i].size});
}

void CmdFillBuffer(VkCommandBuffer buffer, VkBuffer dst, VkDeviceSize offset, VkDeviceSize size,
                   uint32_t value) {
    auto* b = Buffer::from(dst);
    uint64_t n = b->range(offset, size) / 4 * 4;
    if (n)
        buffer_of(buffer).out.emit(
            hw::FillBufferPacket{.dst = b->address + offset, .size_bytes = n, .value = value});
}

void CmdUpdateBuffer(VkCommandBuffer buffer, VkBuffer dst, VkDeviceSize offset, VkDeviceSize size,
                     const void* data) {
    CommandBuffer& c = buffer_of(buffer);
    Upload u = c.out.upload(size);
    std::memcpy(u.host, data, size);
    c.out.emit(hw::CopyBufferPacket{
        .src = u.address, .dst = Buffer::from(dst)->address + offset, .size_bytes = size});
}

void CmdCopyBufferToImage2(VkCommandBuffer buffer, const VkCopyBufferToImageInfo2* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i)
        buffer_image<hw::CopyBufferToImagePacket>(buffer_of(buffer), *Buffer::from(info->srcBuffer),
                                                  *Image::from(info->dstImage), info->pRegions[i]);
}

void CmdCopyBufferToImage(VkCommandBuffer buffer, VkBuffer src, VkImage dst, VkImageLayout,
                          uint32_t count, const VkBufferImageCopy* regions) {
    for (uint32_t i = 0; i < count; ++i)
        buffer_image<hw::CopyBufferToImagePacket>(buffer_of(buffer), *Buffer::from(src),
                                                  *Image::from(dst), widen(regions[i]));
}

void CmdCopyImageToBuffer2(VkCommandBuffer buffer, const VkCopyImageToBufferInfo2* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i)
        buffer_image<hw::CopyImageToBufferPacket>(buffer_of(buffer), *Buffer::from(info->dstBuffer),
                                                  *Image::from(info->srcImage), info->pRegions[i]);
}

void CmdCopyImageToBuffer(VkCommandBuffer buffer, VkImage src, VkImageLayout, VkBuffer dst,
                          uint32_t count, const VkBufferImageCopy* regions) {
    for (uint32_t i = 0; i < count; ++i)
        buffer_image<hw::CopyImageToBufferPacket>(buffer_of(buffer), *Buffer::from(dst),
                                                  *Image::from(src), widen(regions[i]));
}

void CmdCopyImage2(VkCommandBuffer buffer, const VkCopyImageInfo2* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i)
        copy_image(buffer_of(buffer), *Image::from(info->srcImage), *Image::from(info->dstImage),
                   info->pRegions[i]);
}

void CmdCopyImage(VkCommandBuffer buffer, VkImage src, VkImageLayout, VkImage dst, VkImageLayout,
                  uint32_t count, const VkImageCopy* regions) {
    for (uint32_t i = 0; i < count; ++i) {
        const auto& r = regions[i];
        copy_image(buffer_of(buffer), *Image::from(src), *Image::from(dst),
                   {VK_STRUCTURE_TYPE_IMAGE_COPY_2, nullptr, r.srcSubresource, r.srcOffset,
                    r.dstSubresource, r.dstOffset, r.extent});
    }
}

void CmdBlitImage2(VkCommandBuffer buffer, const VkBlitImageInfo2* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i)
        blit_image(buffer_of(buffer), *Image::from(info->srcImage), *Image::from(info->dstImage),
                   info->pRegions[i], info->filter);
}

void CmdBlitImage(VkCommandBuffer buffer, VkImage src, VkImageLayout, VkImage dst, VkImageLayout,
                  uint32_t count, const VkImageBlit* regions, VkFilter filter) {
    for (uint32_t i = 0; i < count; ++i) {
        const auto& r = regions[i];
        blit_image(buffer_of(buffer), *Image::from(src), *Image::from(dst),
                   {VK_STRUCTURE_TYPE_IMAGE_BLIT_2,
                    nullptr,
                    r.srcSubresource,
                    {r.srcOffsets[0], r.srcOffsets[1]},
                    r.dstSubresource,
                    {r.dstOffsets[0], r.dstOffsets[1]}},
                   filter);
    }
}

void CmdResolveImage2(VkCommandBuffer buffer, const VkResolveImageInfo2* info) {
    for (uint32_t i = 0; i < info->regionCount; ++i)
        resolve_image(buffer_of(buffer), *Image::from(info->srcImage), *Image::from(info->dstImage),
                      info->pRegions[i]);
}

void CmdResolveImage(VkCommandBuffer buffer, VkImage src, VkImageLayout, VkImage dst, VkImageLayout,
                     uint32_t count, const VkImageResolve* regions) {
    for (uint32_t i = 0; i < count; ++i) {
        const auto& r = regions[i];
        resolve_image(buffer_of(buffer), *Image::from(src), *Image::from(dst),
                      {VK_STRUCTURE_TYPE_IMAGE_RESOLVE_2, nullptr, r.srcSubresource, r.srcOffset,
                       r.dstSubresource, r.dstOffset, r.extent});
    }
}

void CmdClearColorImage(VkCommandBuffer buffer, VkImage image, VkImageLayout,
                        const VkClearColorValue* color, uint32_t count,
                        const VkImageSubresourceRange* ranges) {
    for (uint32_t i = 0; i < count; ++i)
        clear_plane(buffer_of(buffer), *Image::from(image), VK_IMAGE_ASPECT_COLOR_BIT, ranges[i],
                    {color->uint32[0], color->uint32[1], color->uint32[2], color->uint32[3]});
}

void CmdClearDepthStencilImage(VkCommandBuffer buffer, VkImage image, VkImageLayout,
                               const VkClearDepthStencilValue* value, uint32_t count,
                               const VkImageSubresourceRange* ranges) {
    for (uint32_t i = 0; i < count; ++i)
        for_aspects(ranges[i].aspectMask, [&](VkImageAspectFlags a) {
            uint32_t v = a == VK_IMAGE_ASPECT_DEPTH_BIT ? std::bit_cast<uint32_t>(value->depth)
                                                        : value->stencil;
            clear_plane(buffer_of(buffer), *Image::from(image), a, ranges[i], {v});
        });
}

} // namespace vk
} // namespace kite::rt
