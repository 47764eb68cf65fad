// SPDX-License-Identifier: MIT
// Set-up of lines, points and polygon outlines.
#include "device/raster/setup.hpp"

#include "device/raster/setup_detail.hpp"

#include <algorithm>
#include <cmath>

namespace kite::dev::raster {

using geometry::ClipPlane;
using geometry::ClipVertex;

namespace {

constexpr float kUnit = 1.0f / static_cast<float>(kSubPixel);

int32_t to_fixed(float pixels) {
    return static_cast<int32_t>(std::lrintf(pixels * static_cast<float>(kSubPixel)));
}

} // namespace

void SetupWorker::polygon_outline(const Source& source, bool front, float bias) {
    for (unsigned i = 0; i < 3; ++i) {
        if (state_->polygon_mode == hw::PolygonMode::line) {
            line(source, i, (i + 1) % 3, bias, front);
        } else {
            point(source, i, bias, front);
        }
    }
}

void SetupWorker::line(const Source& source, uint32_t va, uint32_t vb, float bias, bool front) {
    const ViewportTransform& vp = state_->viewports[source.viewport];
    const auto& v = source.primitive->v;
    const uint32_t code_a = outcode(vp, v[va]);
    const uint32_t code_b = outcode(vp, v[vb]);
    if ((code_a & code_b) != 0) {
        return;
    }
    ClipVertex ends[2] = {clip_vertex(v[va], va), clip_vertex(v[vb], vb)};
    if (((code_a | code_b) & (kNeedsClip | kSides)) != 0) {
        ClipPlane planes[geometry::kMaxClipPlanes];
        const unsigned count = clip_planes(source, code_a | code_b, true, planes);
        if (!clip_line({planes, count}, ends)) {
            return;
        }
    }
    const ScreenVertex a = to_screen(vp, ends[0]);
    const ScreenVertex b = to_screen(vp, ends[1]);
    const float dx = static_cast<float>(b.fx - a.fx) * kUnit;
    const float dy = static_cast<float>(b.fy - a.fy) * kUnit;
    const float length2 = dx * dx + dy * dy;
    if (length2 == 0.0f) {
        return;
    }
    const float half = state_->line_width * 0.5f;
    const bool x_major = std::fabs(dx) >= std::fabs(dy);
    float nx = 0.0f;
    float ny = 0.0f;
    if (state_->line_bresenham) { // ends along the minor axis: one pixel per step of the major axis
        nx = x_major ? 0.0f : (dy > 0 ? -half : half);
        ny = x_major ? (dx > 0 ? half : -half) : 0.0f;
    } else {
        const float scale = half / std::sqrt(length2);
        nx = -dy * scale;
        ny = dx * scale;
    }
    const int32_t ox = to_fixed(nx);
    const int32_t oy = to_fixed(ny);
    // Clockwise: a - n, b - n, b + n, a + n.
    const int32_t px[4] = {a.fx - ox, b.fx - ox, b.fx + ox, a.fx + ox};
    const int32_t py[4] = {a.fy - oy, b.fy - oy, b.fy + oy, a.fy + oy};
    const Bounds box = pixel_bounds(*std::min_element(px, px + 4), *std::min_element(py, py + 4),
                                    *std::max_element(px, px + 4), *std::max_element(py, py + 4),
                                    {vp.sx0, vp.sy0, vp.sx1, vp.sy1}, state_->samples);
    if (box.x0 > box.x1 || box.y0 > box.y1) {
        ++clip_primitives; // clipping left it, it just covers nothing
        return;
    }
    BinnedPrim* prim = new_prim(source, front);
    store_bounds(*prim, box);
    prim->edges.count = 4;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned next = (i + 1) % 4;
        set_edge(prim->edges, i, px[i], py[i], px[next], py[next]);
    }
    // Values vary along the line only: t = dot(p - a, d) / length^2, for Bresenham lines along the
    // major axis.
    const float tx = state_->line_bresenham ? (x_major ? 1.0f / dx : 0.0f) : dx / length2;
    const float ty = state_->line_bresenham ? (x_major ? 0.0f : 1.0f / dy) : dy / length2;
    const auto plane = [&](float qa, float qb, float& c0, float& cx, float& cy) {
        c0 = qa;
        cx = (qb - qa) * tx;
        cy = (qb - qa) * ty;
    };
    exec::Primitive& p = prim->attributes;
    p.origin_x = static_cast<float>(a.fx) * kUnit;
    p.origin_y = static_cast<float>(a.fy) * kUnit;
    plane(a.rcpw, b.rcpw, p.w0, p.wx, p.wy);
    plane(a.b1 * a.rcpw, b.b1 * b.rcpw, p.i0, p.ix, p.iy);
    plane(a.b2 * a.rcpw, b.b2 * b.rcpw, p.j0, p.jx, p.jy);
    plane(a.l1, b.l1, p.li0, p.lix, p.liy);
    plane(a.l2, b.l2, p.lj0, p.ljx, p.ljy);
    plane(a.z + bias, b.z + bias, p.z0, p.zx, p.zy);
    bin(prim);
}

void SetupWorker::point(const Source& source, uint32_t corner, float bias, bool front) {
    const ViewportTransform& vp = state_->viewports[source.viewport];
    const uint32_t vertex = source.primitive->v[corner];
    if (outcode(vp, vertex) != 0) { // a point is clipped by its centre
        return;
    }
    const ScreenVertex c = to_screen(vp, clip_vertex(vertex, corner));
    // Corners of polygons in point mode have the shader's size too.
    float size = state_->writes_point_size ? batch_->point_size[vertex] : 1.0f;
    size = std::min(std::max(size, 1.0f), static_cast<float>(hw::limits::kMaxPointSize));
    const int32_t half = to_fixed(size * 0.5f);
    const int32_t fx0 = c.fx - half;
    const int32_t fy0 = c.fy - half;
    const int32_t fx1 = c.fx + half;
    const int32_t fy1 = c.fy + half;
    // The right and bottom sides are exclusive.
    const Bounds box =
        pixel_bounds(fx0, fy0, fx1 - 1, fy1 - 1, {vp.sx0, vp.sy0, vp.sx1, vp.sy1}, state_->samples);
    if (box.x0 > box.x1 || box.y0 > box.y1) {
        ++clip_primitives; // clipping left it, it just covers nothing
        return;
    }
    BinnedPrim* prim = new_prim(source, front);
    store_bounds(*prim, box);
    prim->edges.count = 0;
    if (state_->samples > 1) {
        Edges& e = prim->edges;
        constexpr int32_t kCentre = kSubPixel / 2;
        e.count = 4;
        const int32_t a[4] = {1, -1, 0, 0};
        const int32_t b[4] = {0, 0, 1, -1};
        const int32_t c0[4] = {kCentre - fx0, fx1 - 1 - kCentre, kCentre - fy0, fy1 - 1 - kCentre};
        for (unsigned i = 0; i < 4; ++i) {
            e.a[i] = a[i];
            e.b[i] = b[i];
            e.c[i] = c0[i];
        }
    }
    exec::Primitive& p = prim->attributes;
    p.origin_x = static_cast<float>(c.fx) * kUnit;
    p.origin_y = static_cast<float>(c.fy) * kUnit;
    p.w0 = c.rcpw;
    p.i0 = c.b1 * c.rcpw;
    p.j0 = c.b2 * c.rcpw;
    p.li0 = c.l1;
    p.lj0 = c.l2;
    p.z0 = c.z + bias;
    p.wx = p.wy = p.ix = p.iy = p.jx = p.jy = p.lix = p.liy = p.ljx = p.ljy = p.zx = p.zy = 0;
    p.point_x0 = p.point_y0 = 0.5f;
    p.point_dx = p.point_dy = 1.0f / size;
    bin(prim);
}

} // namespace kite::dev::raster
