// SPDX-License-Identifier: MIT
// Clipping in homogeneous coordinates, without touching varyings.
//
// A clipped vertex carries its weights on the original primitive's vertices, so set-up builds
// interpolation planes of the original primitive over the clipped shape. Pure functions on caller's
// memory; safe for any input including NaN and w <= 0 (nothing survives).
#pragma once

#include "device/geometry/batch.hpp"

#include <cstdint>
#include <span>

namespace kite::dev::geometry {

/// A vertex of a primitive being clipped.
struct ClipVertex {
    float x, y, z, w; ///< clip coordinates
    float b1, b2;     ///< weights of the primitive's vertices 1 and 2 (b0 = 1 - b1 - b2)
    float l1, l2;     ///< the same, linear in screen space
};

/// A half space a * x + b * y + c * z + d * w >= 0, or a user clip distance given at the three
/// original vertices.
struct ClipPlane {
    float a, b, c, d;  ///< coefficients
    bool user;         ///< distances below instead
    float distance[3]; ///< clip distance at the primitive's vertices
};

inline constexpr unsigned kMaxClipPlanes =
    7 + 4 + kMaxDistances; ///< near, far, w, guard band, frustum sides, user
inline constexpr unsigned kMaxClipVertices =
    3 + kMaxClipPlanes + 1; ///< vertices of a clipped triangle at most

/// Clips a convex polygon of `count` vertices in place (capacity kMaxClipVertices). @return
/// vertices left, 0 if nothing
[[nodiscard]] unsigned clip_polygon(std::span<const ClipPlane> planes, ClipVertex* vertices,
                                    unsigned count);
/// Clips a line. @return false if nothing is left
[[nodiscard]] bool clip_line(std::span<const ClipPlane> planes, ClipVertex* vertices);

} // namespace kite::dev::geometry
