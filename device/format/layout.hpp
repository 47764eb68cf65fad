// SPDX-License-Identifier: MIT
// A level of an image as host memory: the one place that turns an ImageDescriptor into texel
// addresses (docs/image-layout.md).
//
// Attachments, copies and clears build a SurfaceView from a descriptor that a guest wrote;
// make_surface() checks all of it against the window, so that every texel inside width x height x
// layers lies in the window. The view is a value without ownership: it is valid as long as the
// address space. Addresses count format blocks (a texel unless compressed). Thread-safe; failure is
// `false` with a reason.
#pragma once

#include "kite_hw/descriptors.hpp"
#include "kite_hw/formats.hpp"

#include <cstddef>
#include <cstdint>

namespace kite::dev::format {

/// Index of a texel inside its 4x4 block: quad-major order.
[[nodiscard]] constexpr uint32_t block_index(uint32_t x, uint32_t y) {
    return (x & 1) | (y & 1) << 1 | (x & 2) << 1 | (y & 2) << 2;
}

/// One level of an image; its layers (or the slices of a 3D image) are numbered from the view's
/// first one.
struct SurfaceView {
    std::byte* base =
        nullptr; ///< host address of block (0, 0) of the level in the view's first layer
    uint64_t layer_stride = 0; ///< bytes between layers or slices
    uint64_t row_stride =
        0; ///< tiled: bytes between rows of 4x4 blocks; linear: bytes between rows of format blocks
    uint64_t slice_bytes = 0;       ///< bytes of one layer or slice of the level
    uint32_t width = 0, height = 0; ///< size of the level in texels
    uint32_t blocks_w = 0,
             blocks_h = 0; ///< size in format blocks (equal to width, height unless compressed)
    uint32_t layers = 0;   ///< layers or slices of the view
    uint32_t bpb = 0;      ///< bytes of a format block (one sample)
    uint32_t samples = 1;  ///< samples per texel
    uint32_t format = 0;   ///< hardware format id
    const hw::FormatInfo* info = nullptr; ///< its entry
    bool tiled = false;                   ///< 4x4 blocks, else rows
    bool volume = false;                  ///< layers are slices of a 3D image

    /// Bytes of a tile block (4x4 format blocks, all samples).
    [[nodiscard]] uint64_t block_bytes() const { return uint64_t{16} * samples * bpb; }
    /// Host address of sample `s` of format block (x, y) in layer z. All must be inside.
    [[nodiscard]] std::byte* at(uint32_t x, uint32_t y, uint32_t z, uint32_t s = 0) const {
        std::byte* layer = base + z * layer_stride;
        if (!tiled) {
            return layer + y * row_stride + uint64_t{x} * bpb;
        }
        return layer + (y >> 2) * row_stride + (x >> 2) * block_bytes() +
               (uint64_t{16} * s + block_index(x, y)) * bpb;
    }
};

/// Builds the view of a descriptor's base level. `window` is the host address of GPU address 0,
/// `va_mask` the window's size - 1.
/// @return false for descriptors that are null, texel buffers, inconsistent or reach outside the
/// window; *why (if given) names the reason.
[[nodiscard]] bool make_surface(const hw::ImageDescriptor& image, std::byte* window,
                                uint64_t va_mask, SurfaceView& out, const char** why = nullptr);

} // namespace kite::dev::format
