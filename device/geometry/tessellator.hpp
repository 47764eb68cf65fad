// SPDX-License-Identifier: MIT
// The fixed-function tessellator: levels and a mode become points of the domain and the primitives
// between them (Vulkan specification, chapter "Tessellation").
//
// A Tessellation is scratch, refilled for every patch, one thread each. Coordinates are multiples
// of 2^-24, so that 1 - x is exact and edges that two patches share divide alike. Levels are a
// program's output and hostile: NaN and levels of zero or less discard the patch, larger ones are
// clamped to limits.max_tess_level.
#pragma once

#include "kite_hw/descriptors.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace kite::dev::geometry {

/// A point of the domain: gl_TessCoord.
struct DomainPoint {
    float u, v, w; ///< w is 0 but for triangles
};

/// One divided patch.
class Tessellation {
public:
    std::vector<DomainPoint> points; ///< in no particular order
    /// Indices of points: one, two or three per primitive.
    std::vector<uint16_t> primitives;
    uint32_t vertices = 3; ///< indices per primitive
    uint32_t id = 0;       ///< gl_PrimitiveID, for the owner's use

    /// Divides a patch; `mode.clockwise` is the winding with u to the right and v upwards.
    void divide(const hw::TessMode& mode, std::span<const float, 4> outer,
                std::span<const float, 2> inner);

private:
    using Edge = std::vector<uint16_t>; // points along an edge, ends included

    void triangles(const hw::TessMode& mode, std::span<const float, 4> outer, float inner);
    void quads(const hw::TessMode& mode, std::span<const float, 4> outer,
               std::span<const float, 2> inner);
    void isolines(const hw::TessMode& mode, std::span<const float, 4> outer);
    uint16_t add(float u, float v, float w);
    void triangle(uint16_t a, uint16_t b, uint16_t c);
    void zip(const Edge& outer, const Edge& inner);

    bool clockwise_ = false;
};

} // namespace kite::dev::geometry
