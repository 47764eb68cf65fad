// SPDX-License-Identifier: MIT
// Texel addressing maths of the Vulkan spec ("Image Operations Steps"): wrap modes, cube face
// selection, level of detail. Pure functions without state; unit-tested beside.
#pragma once

#include "kite_hw/descriptors.hpp"

#include <cstdint>

namespace kite::dev::exec::tex {

/// Result of wrap(): an index inside [0, size) or "take the border colour".
struct Wrapped {
    int32_t index;
    bool border;
};
/// Applies an address mode to an unbounded texel index. size >= 1.
[[nodiscard]] Wrapped wrap(hw::Wrap mode, int64_t index, int32_t size);

/// Position on a cube face, s and t in [0, 1].
struct CubeCoord {
    int32_t face;     ///< Vulkan face order +x -x +y -y +z -z
    float s, t;       ///< on the face
    float sc, tc, ma; ///< before division (ma > 0), for derivatives
};
/// Projects a direction.
[[nodiscard]] CubeCoord project_cube(float x, float y, float z);
/// Derivatives of (s, t) on `c`'s face when the direction changes by (dx, dy, dz).
void cube_derivative(const CubeCoord& c, float dx, float dy, float dz, float* ds, float* dt);
/// A texel that may lie outside its face in one direction, moved to the neighbouring face. False at
/// a corner (both outside).
[[nodiscard]] bool wrap_cube_texel(int32_t face, int32_t i, int32_t j, int32_t size,
                                   int32_t* out_face, int32_t* out_i, int32_t* out_j);

/// Footprint of a sample in texels of level 0 of the view.
struct Footprint {
    float rho_max = 0;   ///< larger axis length
    float rho_min = 0;   ///< smaller one
    bool x_major = true; ///< the larger axis is the x derivative
};
/// From derivatives scaled to texels (unused dimensions 0).
[[nodiscard]] Footprint footprint(const float ddx[3], const float ddy[3]);
/// floor for texel indices: saturates, NaN gives 0.
[[nodiscard]] int64_t floor_index(float v);

} // namespace kite::dev::exec::tex
