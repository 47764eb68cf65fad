// SPDX-License-Identifier: MIT
// VkImage and VkImageView, and the ImageDescriptors that name them to the device.
//
// An image is one plane, or two (depth, then stencil), or those of a multi-planar format.
// describe() makes the descriptor of any view of a plane; surface() the one level, some layers form
// that attachments and transfers use. Ownership: the application; a view refers to its image.
// Threading: immutable after binding. Failure: out of host memory.
#pragma once

#include "kite_hw/descriptors.hpp"
#include "runtime/memory/device_memory.hpp"
#include "runtime/resource/format.hpp"
#include "runtime/resource/image_layout.hpp"
#include "runtime/resource/multiplanar.hpp"

namespace kite::rt {

/// The image.
struct Image : Object<Image, VkImage> {
    VkImageType type = VK_IMAGE_TYPE_2D;      ///< dimensionality
    VkFormat vk_format = VK_FORMAT_UNDEFINED; ///< format
    const hw::FormatInfo* format = nullptr;   ///< its entry
    VkExtent3D extent{};                      ///< level 0
    uint32_t levels = 1;                      ///< mip levels
    uint32_t layers = 1;                      ///< array layers
    uint32_t samples = 1;                     ///< 1 or 4
    VkImageUsageFlags usage = 0;              ///< usage
    VkImageCreateFlags flags = 0;             ///< flags
    bool linear = false;                      ///< rows instead of blocks
    const MultiPlanar* multi = nullptr;       ///< of a multi-planar format; `format` is plane 0's
    PlaneLayout planes[3];                    ///< layouts
    uint64_t plane_offset[3] = {0, 0, 0};     ///< bytes from the image's start
    uint64_t size_bytes = 0;                  ///< all planes
    uint64_t address = 0;                     ///< GPU address once bound
    std::byte* host = nullptr;                ///< the same for the host
    uint64_t modifier = 0;                    ///< of images with DRM format modifier tiling

    /// Computes planes and size from the fields above.
    void compute_layout(uint32_t row_pitch = 0);
    /// Which plane holds an aspect.
    [[nodiscard]] uint32_t plane_of(VkImageAspectFlags aspect) const {
        return multi ? plane_index(aspect) : plane_index(*format, aspect);
    }
    /// Bytes between rows of level 0 as other users of the memory count them: blocks of a tiled
    /// image hold four rows.
    [[nodiscard]] uint32_t row_pitch() const;
    /// Resolves VK_REMAINING_*.
    [[nodiscard]] uint32_t level_count(const VkImageSubresourceRange& r) const {
        return r.levelCount == VK_REMAINING_MIP_LEVELS ? levels - r.baseMipLevel : r.levelCount;
    }
    /// Resolves VK_REMAINING_*.
    [[nodiscard]] uint32_t layer_count(const VkImageSubresourceRange& r) const {
        return r.layerCount == VK_REMAINING_ARRAY_LAYERS ? layers - r.baseArrayLayer : r.layerCount;
    }
};

/// What a descriptor should show.
struct ViewDesc {
    VkImageAspectFlags aspect = VK_IMAGE_ASPECT_COLOR_BIT; ///< exactly one aspect
    const hw::FormatInfo* format = nullptr;                ///< null: the plane's own
    VkImageViewType type = VK_IMAGE_VIEW_TYPE_2D;          ///< view type
    uint32_t base_level = 0;                               ///< first level
    uint32_t level_count = 1;                              ///< levels
    uint32_t base_layer = 0;                               ///< first layer or slice
    uint32_t layer_count = 1;                              ///< layers or slices
    VkComponentMapping swizzle{};                          ///< components
    float min_lod = 0;                                     ///< clamp
    bool sliced = false; ///< 3D view of base_layer .. + layer_count
};

/// Descriptor of a view.
[[nodiscard]] hw::ImageDescriptor describe(const Image& image, const ViewDesc& view);

/// Descriptor of one level and some layers for transfers and attachments. 3D images are shown as
/// volumes if `volume`, else as an array of slices.
[[nodiscard]] hw::ImageDescriptor surface(const Image& image, VkImageAspectFlags aspect,
                                          uint32_t level, uint32_t base_layer, uint32_t layer_count,
                                          bool volume, const hw::FormatInfo* format = nullptr);

/// The view.
struct ImageView : Object<ImageView, VkImageView> {
    Image* image = nullptr;                            ///< the image
    VkFormat vk_format = VK_FORMAT_UNDEFINED;          ///< view format
    const hw::FormatInfo* format = nullptr;            ///< view format
    VkImageViewType type{};                            ///< view type
    VkImageSubresourceRange range{};                   ///< counts resolved
    uint32_t words[hw::ImageDescriptor::kDwords] = {}; ///< packed descriptor of the (first) aspect
    /// The same as a storage image: a sliced 3D view shows its slices only there.
    uint32_t storage_words[hw::ImageDescriptor::kDwords] = {};
    uint32_t chroma_words[2][hw::ImageDescriptor::kDwords] =
        {}; ///< planes 1 and 2, if all are shown
    /// One level and all layers, as attachment, of the given aspect.
    [[nodiscard]] hw::ImageDescriptor attachment(VkImageAspectFlags aspect) const;
};

} // namespace kite::rt
