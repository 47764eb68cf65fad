// SPDX-License-Identifier: MIT
// Image and sampler descriptors as the texture unit sees them: read once from GPU memory, checked,
// unpacked.
//
// Values are copies, valid for one instruction. A descriptor that makes no sense (unknown format,
// level outside the resource) becomes a null view, which reads as zero. Every texel address is
// masked into the window, so hostile sizes read garbage, never the host.
#pragma once

#include "device/exec/executor.hpp"
#include "kite_hw/descriptors.hpp"
#include "kite_hw/formats.hpp"

#include <algorithm>
#include <cstdint>

namespace kite::dev::exec::tex {

/// Four components of a texel; which member counts depends on ImageView::integer.
union Texel {
    float f[4];    ///< normalised, float and depth formats
    uint32_t u[4]; ///< integer formats (signed ones sign-extended)
};

/// Size of one level in texels.
struct Extent {
    int32_t w, h, d;
};

/// An unpacked ImageDescriptor.
struct ImageView {
    hw::ImageDescriptor desc{};             ///< as read
    const hw::FormatInfo* format = nullptr; ///< nullptr = null view
    bool integer = false;                   ///< integer format
    std::byte* window = nullptr;            ///< for addressing
    uint64_t va_mask = 0;                   ///< for addressing
    int32_t levels = 1;                     ///< of the view
    int32_t layers = 1;                     ///< of the view (cube: faces); 3D views: 1

    /// True for a descriptor that reads as zero.
    [[nodiscard]] bool null() const { return format == nullptr; }
    /// Size of level `level` of the view.
    [[nodiscard]] Extent extent(int32_t level) const;
    /// Slices that a 3D view shows of resource level `l`.
    [[nodiscard]] int32_t depth(int32_t l) const;
    /// Host address of a texel (x, y already inside the level; z = slice of a 3D view or layer of
    /// the view).
    [[nodiscard]] std::byte* address(int32_t level, int32_t x, int32_t y, int32_t z,
                                     int32_t sample) const;
    /// Reads a texel without swizzle. Coordinates must be inside.
    [[nodiscard]] Texel load(int32_t level, int32_t x, int32_t y, int32_t z, int32_t sample) const;
    /// Applies the component swizzle.
    [[nodiscard]] Texel swizzle(const Texel& t) const;
};

/// Reads the descriptor at a GPU address.
[[nodiscard]] ImageView read_image(const DrawContext& draw, uint64_t va);
/// Reads the sampler at a GPU address.
[[nodiscard]] hw::SamplerDescriptor read_sampler(const DrawContext& draw, uint64_t va);

} // namespace kite::dev::exec::tex
