// SPDX-License-Identifier: MIT
// The scalar output slots of a vertex (hw::VertexOut) as array indices.
//
// Constants only, for the code of this folder and of device/raster that picks a shaded vertex
// apart.
#pragma once

#include "kite_hw/isa.hpp"

#include <cstdint>

namespace kite::dev::geometry {

inline constexpr auto kPosition = static_cast<uint32_t>(hw::VertexOut::position);    ///< x y z w
inline constexpr auto kPointSize = static_cast<uint32_t>(hw::VertexOut::point_size); ///< point size
inline constexpr auto kClip =
    static_cast<uint32_t>(hw::VertexOut::clip_distance); ///< clip distance 0
inline constexpr auto kCull =
    static_cast<uint32_t>(hw::VertexOut::cull_distance);                    ///< cull distance 0
inline constexpr auto kLayer = static_cast<uint32_t>(hw::VertexOut::layer); ///< layer
inline constexpr auto kViewport =
    static_cast<uint32_t>(hw::VertexOut::viewport); ///< viewport index
inline constexpr auto kPrimitiveId =
    static_cast<uint32_t>(hw::VertexOut::primitive_id); ///< gl_PrimitiveID

} // namespace kite::dev::geometry
