// SPDX-License-Identifier: MIT
// Where the texels of an image lie: the pure maths of docs/image-layout.md.
//
// One PlaneLayout describes all levels and layers of one plane. Depth/stencil formats with both
// aspects are two planes. Ownership: values. Threading: pure functions. Failure: none; the caller
// checks limits first (sizes fit 64 bits by far).
//
// Example: PlaneLayout p = lay_out({.format = hw::format_info(id), .width = 64, .height = 64});
// texel_offset(p, ...)
#pragma once

#include "kite_hw/formats.hpp"

#include <array>
#include <cstdint>

namespace kite::rt {

/// Levels a descriptor can name.
inline constexpr uint32_t kMaxLevels = 16;

/// What to lay out.
struct PlaneDesc {
    const hw::FormatInfo* format = nullptr; ///< the plane's format
    uint32_t width = 1;                     ///< texels of level 0
    uint32_t height = 1;                    ///< texels of level 0
    uint32_t depth = 1;                     ///< slices of level 0 (3D images)
    uint32_t levels = 1;                    ///< mip levels
    uint32_t layers = 1;                    ///< array layers
    uint32_t samples = 1;                   ///< samples per texel
    bool linear = false;                    ///< rows instead of 4x4 blocks
    uint32_t row_pitch = 0;                 ///< linear: bytes between rows of level 0; 0 chooses
};

/// The answer.
struct PlaneLayout {
    PlaneDesc desc;                                  ///< the question
    std::array<uint64_t, kMaxLevels> level_offset{}; ///< bytes from the layer's start
    std::array<uint64_t, kMaxLevels> slice_bytes{};  ///< bytes of one slice of a level
    std::array<uint32_t, kMaxLevels> pitch{};        ///< linear: bytes between rows of blocks
    uint64_t layer_stride = 0;                       ///< bytes between layers, multiple of 64
    uint64_t size_bytes = 0;                         ///< all layers
};

/// Lays a plane out.
[[nodiscard]] PlaneLayout lay_out(const PlaneDesc& desc);

/// Byte offset of a texel (or of the block holding it, for compressed formats) from the plane's
/// start.
[[nodiscard]] uint64_t texel_offset(const PlaneLayout& p, uint32_t level, uint32_t layer,
                                    uint32_t x, uint32_t y, uint32_t z, uint32_t sample);

/// Size of a level: max(1, size >> level).
[[nodiscard]] constexpr uint32_t minify(uint32_t size, uint32_t level) {
    return (size >> level) > 0 ? size >> level : 1;
}

} // namespace kite::rt
