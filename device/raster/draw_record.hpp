// SPDX-License-Identifier: MIT
// A queued draw: everything its vertex work, set-up and pixels need, copied out of the DrawState.
//
// Built by make_draw_record on the command processor's thread, read-only while a flush runs,
// dropped after it. Hostile state is clamped or refused here, so that the code behind it works with
// sane numbers only.
#pragma once

#include "base/result.hpp"
#include "device/geometry/batch.hpp"
#include "device/geometry/capture.hpp"
#include "device/geometry/stages.hpp"
#include "device/raster/renderer.hpp"
#include "device/raster/types.hpp"

#include <array>
#include <memory>
#include <vector>

namespace kite::dev::raster {

/// A viewport ready for use.
struct ViewportTransform {
    float sx, ox, sy, oy, sz, oz; ///< screen = ndc * s + o
    float gx0, gx1, gy0, gy1;     ///< guard band in ndc
    float min_depth, max_depth;   ///< range of the viewport
    int x0, y0, x1, y1;           ///< viewport and scissor and render area, inclusive
    int sx0, sy0, sx1, sy1;       ///< scissor and render area only (points, lines)
};

/// Primitive set-up state.
struct SetupState {
    geometry::PrimitiveClass kind{};     ///< points, lines, triangles
    hw::PolygonMode polygon_mode{};      ///< of triangles
    bool cull_front = false;             ///< culling
    bool cull_back = false;              ///< culling
    bool front_clockwise = false;        ///< winding
    bool depth_clip = false;             ///< clip near and far
    bool depth_clamp = false;            ///< clamp to the viewport's range
    bool negative_one = false;           ///< near plane is z = -w
    bool depth_bias = false;             ///< bias polygons
    float bias_constant = 0;             ///< in units of r for fixed point, else factor of 2^(e-23)
    float depth_low = 0;                 ///< least depth the format holds
    float depth_high = 1;                ///< greatest one
    bool bias_scaled = false;            ///< bias_constant is a factor of 2^(e-23)
    float bias_slope = 0;                ///< slope factor
    float bias_clamp = 0;                ///< clamp
    DepthClass depth = DepthClass::none; ///< decides r
    bool line_bresenham = false;         ///< diamond rule
    float line_width = 1;                ///< pixels
    unsigned samples = 1;                ///< rasterization samples
    uint32_t clip_count = 0;             ///< clip distances written
    uint32_t cull_count = 0;             ///< cull distances written
    bool writes_point_size = false;      ///< by the vertex program
    bool writes_layer = false;           ///< by the vertex program
    bool writes_viewport = false;        ///< by the vertex program
    bool multiview = false;              ///< layer = view
    uint32_t layers = 1;                 ///< layers that exist
    uint32_t varying_rows = 0;           ///< varyings per vertex
    uint32_t viewport_count = 1;         ///< entries of viewports
    std::array<ViewportTransform, hw::limits::kMaxViewports> viewports{}; ///< by index
};

/// A queued draw.
struct DrawRecord {
    std::shared_ptr<const exec::Routine> vertex;              ///< vertex routine
    std::shared_ptr<const exec::Routine> fragment;            ///< fragment routine or null
    std::array<std::shared_ptr<const exec::Routine>, 3> more; ///< routines of `stages`
    geometry::VertexInput input;                              ///< assembly
    geometry::BatchShader shader;                             ///< vertex work
    std::unique_ptr<geometry::StageShader> stages; ///< tessellation and geometry, or null
    std::vector<std::unique_ptr<exec::DrawContext>> contexts; ///< by view
    std::vector<PixelState> pixels;                           ///< by view
    SetupState setup;                                         ///< set-up
    std::unique_ptr<geometry::Capture> capture;               ///< transform feedback, or null
    uint32_t raster_stream = 0;                               ///< vertex stream to be set up
    bool discard = false;                                     ///< vertex work only
    PipelineStatistics* statistics = nullptr;                 ///< counters or null
};

/// Checks and copies a draw for the scope's targets.
[[nodiscard]] base::Result<std::unique_ptr<DrawRecord>>
make_draw_record(const RenderEnvironment& environment, const Targets& targets, uint32_t view_mask,
                 const DrawState& state, const DrawParams& params);

} // namespace kite::dev::raster
