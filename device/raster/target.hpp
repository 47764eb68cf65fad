// SPDX-License-Identifier: MIT
// Attachments as the pixel code addresses them, and whole-rectangle operations on them: clears and
// resolves.
//
// make_*_target check a guest's descriptor (through format::make_surface) and that its format can
// be used so; a Target that was made is safe for any texel inside width x height x layers. The
// operations work on a caller-given rectangle that must lie inside, may run on several threads for
// disjoint rectangles, and never fail.
#pragma once

#include "base/result.hpp"
#include "device/raster/types.hpp"

#include <cstdint>

namespace kite::dev::raster {

/// Where the address space lies.
struct Window {
    std::byte* base;  ///< host address of GPU address 0
    uint64_t va_mask; ///< size - 1
};

/// A colour attachment or resolve destination.
[[nodiscard]] base::Result<Target> make_color_target(const Window& window,
                                                     const hw::ImageDescriptor& image);
/// A depth plane.
[[nodiscard]] base::Result<Target> make_depth_target(const Window& window,
                                                     const hw::ImageDescriptor& image);
/// A stencil plane.
[[nodiscard]] base::Result<Target> make_stencil_target(const Window& window,
                                                       const hw::ImageDescriptor& image);

/// Half-open pixel rectangle.
struct PixelRect {
    int x0, y0, x1, y1;
    /// No pixel inside.
    [[nodiscard]] bool empty() const { return x0 >= x1 || y0 >= y1; }
};

/// One texel of a target, encoded from a clear value (r g b a; depth as float bits in [0]; stencil
/// in [0]).
void encode_clear(const Target& target, const uint32_t (&value)[4], std::byte (&texel)[16]);
/// Sets all samples of a rectangle of a layer to one texel.
void fill_rect(const Target& target, uint32_t layer, const PixelRect& rect,
               const std::byte (&texel)[16]);
/// Resolves a rectangle of a layer of a multisampled target into the same pixels of a
/// single-sampled one of equal format.
void resolve_rect(const Target& source, const Target& destination, uint32_t layer,
                  const PixelRect& rect, hw::ResolveMode mode);

} // namespace kite::dev::raster
