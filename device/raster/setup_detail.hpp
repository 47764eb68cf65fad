// SPDX-License-Identifier: MIT
// Small pieces shared by the set-up of triangles, lines and points: outcodes, edge functions, pixel
// bounds.
//
// Pure functions; see setup.hpp for the contract. Positions are sub-pixel integers inside the guard
// band, so all products fit.
#pragma once

#include "device/raster/setup.hpp"

#include <algorithm>
#include <cstdint>

namespace kite::dev::raster {

// Outcode bits.
inline constexpr uint32_t kLeft = 1u << 0, kRight = 1u << 1, kTop = 1u << 2, kBottom = 1u << 3,
                          kNear = 1u << 4, kFar = 1u << 5;
inline constexpr uint32_t kBehind = 1u << 6; ///< w is not positive
inline constexpr uint32_t kGuardLeft = 1u << 7, kGuardRight = 1u << 8, kGuardTop = 1u << 9,
                          kGuardBottom = 1u << 10;
inline constexpr uint32_t kClip0 = 1u << 11, kCull0 = 1u << 19;
inline constexpr uint32_t kSides = kLeft | kRight | kTop | kBottom;
inline constexpr uint32_t kGuard = kGuardLeft | kGuardRight | kGuardTop | kGuardBottom;
inline constexpr uint32_t kAllClip = 0xffu * kClip0, kAllCull = 0xffu * kCull0;
inline constexpr uint32_t kNeedsClip = kNear | kFar | kBehind | kGuard | kAllClip;

/// Inclusive pixel rectangle.
struct Bounds {
    int x0, y0, x1, y1;
};

/// Twice the signed area in sub-pixels squared; positive = clockwise on the screen.
inline int64_t area_of(const ScreenVertex& a, const ScreenVertex& b, const ScreenVertex& c) {
    return int64_t{b.fx - a.fx} * (c.fy - a.fy) - int64_t{c.fx - a.fx} * (b.fy - a.fy);
}

/// Edge from a to b with the inside to its right (clockwise order), by the top-left rule.
inline void set_edge(Edges& edges, unsigned i, int32_t ax, int32_t ay, int32_t bx, int32_t by) {
    const int32_t a = ay - by;
    const int32_t b = bx - ax;
    const bool inclusive = a > 0 || (a == 0 && b > 0); // a left or a top edge
    edges.a[i] = a;
    edges.b[i] = b;
    edges.c[i] =
        int64_t{a} * (kSubPixel / 2 - ax) + int64_t{b} * (kSubPixel / 2 - ay) - (inclusive ? 0 : 1);
}

/// Pixels whose centre (or, multisampled, any part) lies in the sub-pixel rectangle, clipped.
inline Bounds pixel_bounds(int32_t fx0, int32_t fy0, int32_t fx1, int32_t fy1, const Bounds& clip,
                           unsigned samples) {
    constexpr int kShift = hw::limits::kSubPixelBits;
    const int32_t half = samples > 1 ? 0 : kSubPixel / 2;
    const int32_t up = samples > 1 ? 0 : kSubPixel - 1;
    return {std::max((fx0 - half + up) >> kShift, clip.x0),
            std::max((fy0 - half + up) >> kShift, clip.y0),
            std::min((fx1 - half) >> kShift, clip.x1), std::min((fy1 - half) >> kShift, clip.y1)};
}

/// Stores non-empty bounds.
inline void store_bounds(BinnedPrim& prim, const Bounds& b) {
    prim.x0 = static_cast<int16_t>(b.x0);
    prim.y0 = static_cast<int16_t>(b.y0);
    prim.x1 = static_cast<int16_t>(b.x1);
    prim.y1 = static_cast<int16_t>(b.y1);
}

} // namespace kite::dev::raster
