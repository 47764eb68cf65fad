// SPDX-License-Identifier: MIT
#include "device/format/layout.hpp"

#include "kite_hw/limits.hpp"

#include <algorithm>

namespace kite::dev::format {

namespace {

constexpr uint64_t div_up(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}
constexpr uint32_t minify(uint32_t size, uint32_t level) {
    return std::max(1u, size >> level);
}

/// The reason why a descriptor is refused, or nullptr.
const char* build(const hw::ImageDescriptor& d, std::byte* window, uint64_t va_mask,
                  SurfaceView& v) {
    v.info = d.format == 0 ? nullptr : hw::format_info(d.format);
    if (v.info == nullptr || v.info->bytes_per_block == 0 || v.info->two_planes()) {
        return "format is null, unknown or has two planes";
    }
    if (d.dim == hw::ViewDim::buffer ||
        static_cast<uint32_t>(d.dim) > static_cast<uint32_t>(hw::ViewDim::buffer)) {
        return "dimension is not that of an image";
    }
    if (static_cast<uint32_t>(d.layout) > static_cast<uint32_t>(hw::ImageLayout::tiled)) {
        return "unknown layout";
    }
    const uint32_t level = d.base_level;
    if (d.resource_levels_minus_1 >= hw::limits::kMaxImageLevels ||
        level > d.resource_levels_minus_1) {
        return "level outside the resource";
    }
    if (d.address > va_mask || d.address % 64 != 0) {
        return "address outside the window or not 64-byte aligned";
    }
    v.tiled = d.layout == hw::ImageLayout::tiled;
    v.volume = d.image_3d;
    v.samples = 1u << d.log2_samples;
    if (v.samples != 1 && (!v.tiled || v.volume || d.log2_samples > 3)) {
        return "multisampled images are tiled 2D images";
    }
    v.format = d.format;
    v.bpb = v.info->bytes_per_block;
    v.width = minify(d.width_minus_1 + 1, level);
    v.height = minify(d.height_minus_1 + 1, level);
    v.blocks_w = static_cast<uint32_t>(div_up(v.width, v.info->block_w));
    v.blocks_h = static_cast<uint32_t>(div_up(v.height, v.info->block_h));

    // 65536 x 65536 texels of 8 samples and 32 bytes stay below 2^41, so nothing here overflows.
    uint64_t pitch = 0;
    if (v.tiled) {
        v.row_stride = div_up(v.blocks_w, 4) * v.block_bytes();
        v.slice_bytes = div_up(v.blocks_h, 4) * v.row_stride;
        v.layer_stride = v.slice_bytes;
    } else {
        const uint64_t row = uint64_t{v.blocks_w} * v.bpb;
        pitch = level == 0 ? d.row_pitch : (row + 63) & ~uint64_t{63};
        if (pitch < row && v.blocks_h > 1) {
            return "row pitch smaller than a row";
        }
        v.row_stride = pitch;
        v.slice_bytes = (v.blocks_h - 1) * pitch + row;
        v.layer_stride =
            level == 0 && d.slice_pitch != 0 ? uint64_t{d.slice_pitch} * 64 : v.blocks_h * pitch;
    }
    const uint32_t resource_layers =
        d.image_3d ? minify(d.depth_minus_1 + 1, level) : d.depth_minus_1 + 1;
    uint64_t first = d.base_layer;
    v.layers = d.layer_count_minus_1 + 1;
    if (d.image_3d) {
        if (d.dim == hw::ViewDim::d3) { // all slices of the level
            first = 0;
            v.layers = resource_layers;
        }
    } else {
        v.layer_stride = uint64_t{d.layer_stride_64} * 64;
    }
    if (first + v.layers > resource_layers) {
        return "layers outside the resource";
    }
    constexpr uint64_t kLimit = uint64_t{1} << hw::limits::kVaBits;
    if (v.slice_bytes > kLimit || v.layer_stride > kLimit) {
        return "level larger than the address space";
    }
    const uint64_t start =
        d.address + uint64_t{d.level_offset_64[level]} * 64 + first * v.layer_stride;
    const uint64_t end = start + (v.layers - 1) * v.layer_stride + v.slice_bytes;
    if (end > va_mask + 1) {
        return "image reaches outside the window";
    }
    v.base = window + start;
    return nullptr;
}

} // namespace

bool make_surface(const hw::ImageDescriptor& image, std::byte* window, uint64_t va_mask,
                  SurfaceView& out, const char** why) {
    SurfaceView view;
    const char* reason = build(image, window, va_mask, view);
    if (why != nullptr) {
        *why = reason;
    }
    if (reason == nullptr) {
        out = view;
    }
    return reason == nullptr;
}

} // namespace kite::dev::format
