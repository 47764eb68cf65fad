// SPDX-License-Identifier: MIT
// Projection, culling, clipping and triangles; lines and points are in setup_wide.cpp.
#include "device/raster/setup.hpp"

#include "device/raster/setup_detail.hpp"

#include <algorithm>
#include <cmath>

namespace kite::dev::raster {

using geometry::ClipPlane;
using geometry::ClipVertex;

namespace {

constexpr float kSmallestW = 1e-20f;

int32_t snap(float pixels) {
    const float clamped =
        std::min(std::max(pixels, static_cast<float>(kGuardMin)), static_cast<float>(kGuardMax));
    return static_cast<int32_t>(std::lrintf(clamped * static_cast<float>(kSubPixel)));
}

float finite(float v) {
    return std::isfinite(v) ? v : 0.0f;
}

} // namespace

void SetupWorker::begin(const BinGrid& grid) {
    grid_ = grid;
    bins.reset(grid.count());
    clip_invocations = 0;
    clip_primitives = 0;
    vertices_.resize(geometry::kBatchVertices);
    packed_.resize(geometry::kBatchVertices);
}

uint32_t SetupWorker::outcode(const ViewportTransform& vp, uint32_t i) const {
    const float x = batch_->x[i];
    const float y = batch_->y[i];
    const float z = batch_->z[i];
    const float w = batch_->w[i];
    const auto outside = [](bool inside, uint32_t bit) {
        return inside ? 0u : bit;
    }; // NaN is outside
    uint32_t code = outside(x >= -w, kLeft) | outside(x <= w, kRight) | outside(y >= -w, kTop) |
                    outside(y <= w, kBottom) | outside(w >= kSmallestW, kBehind) |
                    outside(x >= vp.gx0 * w, kGuardLeft) | outside(x <= vp.gx1 * w, kGuardRight) |
                    outside(y >= vp.gy0 * w, kGuardTop) | outside(y <= vp.gy1 * w, kGuardBottom);
    if (state_->depth_clip) {
        code |= outside(z >= (state_->negative_one ? -w : 0.0f), kNear) | outside(z <= w, kFar);
    } else {
        code |= std::isfinite(z) ? 0u : kSides | kNear; // never drawable
    }
    for (uint32_t d = 0; d < state_->clip_count; ++d) {
        code |= outside(batch_->clip[d][i] >= 0.0f, kClip0 << d);
    }
    for (uint32_t d = 0; d < state_->cull_count; ++d) {
        code |= outside(batch_->cull[d][i] >= 0.0f, kCull0 << d);
    }
    return code;
}

SetupWorker::Vertex SetupWorker::project(const ViewportTransform& vp, uint32_t i) const {
    const float rcpw = 1.0f / batch_->w[i];
    Vertex v;
    v.fx = snap(batch_->x[i] * rcpw * vp.sx + vp.ox);
    v.fy = snap(batch_->y[i] * rcpw * vp.sy + vp.oy);
    v.z = batch_->z[i] * rcpw * vp.sz + vp.oz;
    v.rcpw = rcpw;
    v.code = outcode(vp, i);
    return v;
}

void SetupWorker::project_all() {
    const ViewportTransform& vp = state_->viewports[0];
    for (uint32_t i = 0; i < batch_->vertex_count; ++i) {
        vertices_[i] = project(vp, i);
    }
}

ScreenVertex SetupWorker::to_screen(const ViewportTransform& vp, const ClipVertex& v) const {
    const float rcpw = 1.0f / std::max(v.w, kSmallestW);
    return {.fx = snap(v.x * rcpw * vp.sx + vp.ox),
            .fy = snap(v.y * rcpw * vp.sy + vp.oy),
            .z = finite(v.z * rcpw * vp.sz + vp.oz),
            .rcpw = rcpw,
            .b1 = v.b1,
            .b2 = v.b2,
            .l1 = finite(v.l1),
            .l2 = finite(v.l2)};
}

ClipVertex SetupWorker::clip_vertex(uint32_t i, unsigned corner) const {
    const float b1 = corner == 1 ? 1.0f : 0.0f;
    const float b2 = corner == 2 ? 1.0f : 0.0f;
    return {batch_->x[i], batch_->y[i], batch_->z[i], batch_->w[i], b1, b2, b1, b2};
}

unsigned SetupWorker::clip_planes(const Source& source, uint32_t codes, bool sides,
                                  ClipPlane* planes) const {
    const ViewportTransform& vp = state_->viewports[source.viewport];
    unsigned n = 0;
    const auto add = [&](float a, float b, float c, float d) {
        planes[n++] = {a, b, c, d, false, {}};
    };
    if ((codes & kBehind) != 0) {
        add(0, 0, 0, 1);
        codes |= kGuard;
    }
    if ((codes & kNear) != 0) {
        add(0, 0, 1, state_->negative_one ? 1.0f : 0.0f);
    }
    if ((codes & kFar) != 0) {
        add(0, 0, -1, 1);
    }
    if (sides && (codes & kSides) != 0) {
        add(1, 0, 0, 1);
        add(-1, 0, 0, 1);
        add(0, 1, 0, 1);
        add(0, -1, 0, 1);
    } else if ((codes & kGuard) != 0) {
        add(1, 0, 0, -vp.gx0);
        add(-1, 0, 0, vp.gx1);
        add(0, 1, 0, -vp.gy0);
        add(0, -1, 0, vp.gy1);
    }
    for (uint32_t d = 0; d < state_->clip_count; ++d) {
        if ((codes & kClip0 << d) != 0) {
            const auto& v = source.primitive->v;
            planes[n++] = {
                0, 0,    0,
                0, true, {batch_->clip[d][v[0]], batch_->clip[d][v[1]], batch_->clip[d][v[2]]}};
        }
    }
    return n;
}

const uint32_t* SetupWorker::varyings(uint32_t vertex) {
    if (packed_[vertex] == nullptr) {
        const uint32_t rows = state_->varying_rows;
        auto* out =
            static_cast<uint32_t*>(bins.arena.allocate(std::max(1u, rows) * sizeof(uint32_t)));
        for (uint32_t r = 0; r < rows; ++r) {
            out[r] = batch_->varyings[r * geometry::kBatchVertices + vertex];
        }
        packed_[vertex] = out;
    }
    return packed_[vertex];
}

bool SetupWorker::source_of(const geometry::Assembled& primitive, Source& source) const {
    source.primitive = &primitive;
    source.layer = state_->multiview      ? view_
                   : state_->writes_layer ? batch_->layer[primitive.provoking]
                                          : 0;
    source.viewport = state_->writes_viewport ? batch_->viewport[primitive.provoking] : 0;
    return source.layer < state_->layers && source.viewport < state_->viewport_count;
}

bool SetupWorker::culled(int64_t area, bool& front) const {
    front = state_->front_clockwise ? area > 0 : area < 0;
    return front ? state_->cull_front : state_->cull_back;
}

float SetupWorker::bias_of(float slope, float max_z) const {
    if (!state_->depth_bias) {
        return 0.0f;
    }
    float bias = state_->bias_constant;
    if (state_->bias_scaled) {
        int exponent = 0;
        (void)std::frexp(max_z, &exponent); // max_z = m * 2^exponent, m in [0.5, 1)
        bias *= max_z == 0.0f ? 0.0f : std::ldexp(1.0f, exponent - 1 - 23);
    }
    bias += state_->bias_slope * slope;
    if (state_->bias_clamp > 0) {
        bias = std::min(bias, state_->bias_clamp);
    } else if (state_->bias_clamp < 0) {
        bias = std::max(bias, state_->bias_clamp);
    }
    return finite(bias);
}

BinnedPrim* SetupWorker::new_prim(const Source& source, bool front) {
    auto* prim = static_cast<BinnedPrim*>(bins.arena.allocate(sizeof(BinnedPrim)));
    const ViewportTransform& vp = state_->viewports[source.viewport];
    exec::Primitive& a = prim->attributes;
    const auto& v = source.primitive->v;
    for (unsigned i = 0; i < 3; ++i) {
        a.v[i] = varyings(v[i]);
    }
    a.flat = varyings(source.primitive->provoking);
    a.front_facing = front ? ~0u : 0u;
    a.primitive_id = source.primitive->primitive_id;
    a.layer = source.layer;
    a.viewport = source.viewport;
    a.point_x0 = a.point_y0 = a.point_dx = a.point_dy = 0;
    prim->state = pixels_;
    prim->face = front ? 0 : 1;
    prim->sequence = sequence_;
    const float low = state_->depth_low;
    const float high = state_->depth_high;
    prim->min_depth = state_->depth_clamp ? std::clamp(vp.min_depth, low, high) : low;
    prim->max_depth = state_->depth_clamp ? std::clamp(vp.max_depth, low, high) : high;
    return prim;
}

void SetupWorker::bin(const BinnedPrim* prim) {
    const uint32_t shift = grid_.log2_tile;
    const auto tx0 = static_cast<uint32_t>(prim->x0) >> shift;
    const auto ty0 = static_cast<uint32_t>(prim->y0) >> shift;
    const auto tx1 = static_cast<uint32_t>(prim->x1) >> shift;
    const auto ty1 = static_cast<uint32_t>(prim->y1) >> shift;
    const size_t base = size_t{prim->attributes.layer} * grid_.rows;
    ++clip_primitives;
    if (tx0 == tx1 && ty0 == ty1) {
        bins.push((base + ty0) * grid_.columns + tx0, prim);
        return;
    }
    const int64_t last = (int64_t{1} << shift) - 1;
    const bool test = tx0 != tx1 && ty0 != ty1 && prim->edges.count != 0;
    for (uint32_t ty = ty0; ty <= ty1; ++ty) {
        for (uint32_t tx = tx0; tx <= tx1; ++tx) {
            bool out = false;
            for (uint32_t i = 0; test && i < prim->edges.count; ++i) {
                const int64_t a = prim->edges.a[i];
                const int64_t b = prim->edges.b[i];
                const int64_t slack = std::abs(a) + std::abs(b); // covers sample positions
                const int64_t x = (int64_t{tx} << shift) + (a > 0 ? last : 0);
                const int64_t y = (int64_t{ty} << shift) + (b > 0 ? last : 0);
                out = out || prim->edges.c[i] + (a * x + b * y + slack) * kSubPixel < 0;
            }
            if (!out) {
                bins.push((base + ty) * grid_.columns + tx, prim);
            }
        }
    }
}

void SetupWorker::emit_triangle(const Source& source, const ScreenVertex* v, int64_t area) {
    const ViewportTransform& vp = state_->viewports[source.viewport];
    const Bounds box =
        pixel_bounds(std::min({v[0].fx, v[1].fx, v[2].fx}), std::min({v[0].fy, v[1].fy, v[2].fy}),
                     std::max({v[0].fx, v[1].fx, v[2].fx}), std::max({v[0].fy, v[1].fy, v[2].fy}),
                     {vp.x0, vp.y0, vp.x1, vp.y1}, state_->samples);
    if (box.x0 > box.x1 || box.y0 > box.y1) {
        ++clip_primitives; // clipping left it, it just covers nothing
        return;
    }
    bool front = false;
    (void)culled(area, front);
    BinnedPrim* prim = new_prim(source, front);
    store_bounds(*prim, box);
    const int first = area > 0 ? 1 : 2; // edges run so that the inside is positive
    const int second = 3 - first;
    prim->edges.count = 3;
    set_edge(prim->edges, 0, v[0].fx, v[0].fy, v[first].fx, v[first].fy);
    set_edge(prim->edges, 1, v[first].fx, v[first].fy, v[second].fx, v[second].fy);
    set_edge(prim->edges, 2, v[second].fx, v[second].fy, v[0].fx, v[0].fy);

    constexpr float kUnit = 1.0f / static_cast<float>(kSubPixel);
    const float dx1 = static_cast<float>(v[1].fx - v[0].fx) * kUnit;
    const float dy1 = static_cast<float>(v[1].fy - v[0].fy) * kUnit;
    const float dx2 = static_cast<float>(v[2].fx - v[0].fx) * kUnit;
    const float dy2 = static_cast<float>(v[2].fy - v[0].fy) * kUnit;
    const float scale = static_cast<float>(kSubPixel * kSubPixel) / static_cast<float>(area);
    const auto plane = [&](float q0, float q1, float q2, float& c0, float& cx, float& cy) {
        const float d1 = q1 - q0;
        const float d2 = q2 - q0;
        c0 = q0;
        cx = (d1 * dy2 - d2 * dy1) * scale;
        cy = (d2 * dx1 - d1 * dx2) * scale;
    };
    exec::Primitive& a = prim->attributes;
    a.origin_x = static_cast<float>(v[0].fx) * kUnit;
    a.origin_y = static_cast<float>(v[0].fy) * kUnit;
    plane(v[0].rcpw, v[1].rcpw, v[2].rcpw, a.w0, a.wx, a.wy);
    plane(v[0].b1 * v[0].rcpw, v[1].b1 * v[1].rcpw, v[2].b1 * v[2].rcpw, a.i0, a.ix, a.iy);
    plane(v[0].b2 * v[0].rcpw, v[1].b2 * v[1].rcpw, v[2].b2 * v[2].rcpw, a.j0, a.jx, a.jy);
    plane(v[0].l1, v[1].l1, v[2].l1, a.li0, a.lix, a.liy);
    plane(v[0].l2, v[1].l2, v[2].l2, a.lj0, a.ljx, a.ljy);
    plane(v[0].z, v[1].z, v[2].z, a.z0, a.zx, a.zy);
    if (state_->depth_bias) {
        const float slope = std::max(std::fabs(a.zx), std::fabs(a.zy));
        a.z0 += bias_of(slope, std::max({std::fabs(v[0].z), std::fabs(v[1].z), std::fabs(v[2].z)}));
    }
    bin(prim);
}

float SetupWorker::outline_bias(const ScreenVertex* v, int64_t area) const {
    if (!state_->depth_bias || area == 0) {
        return 0.0f;
    }
    const float inverse = static_cast<float>(kSubPixel) / static_cast<float>(area);
    const float dz1 = v[1].z - v[0].z;
    const float dz2 = v[2].z - v[0].z;
    const float zx = (dz1 * static_cast<float>(v[2].fy - v[0].fy) -
                      dz2 * static_cast<float>(v[1].fy - v[0].fy)) *
                     inverse;
    const float zy = (dz2 * static_cast<float>(v[1].fx - v[0].fx) -
                      dz1 * static_cast<float>(v[2].fx - v[0].fx)) *
                     inverse;
    return bias_of(std::max(std::fabs(zx), std::fabs(zy)),
                   std::max({std::fabs(v[0].z), std::fabs(v[1].z), std::fabs(v[2].z)}));
}

void SetupWorker::clipped_triangle(const Source& source, uint32_t codes) {
    const auto& v = source.primitive->v;
    ClipVertex polygon[geometry::kMaxClipVertices];
    for (unsigned i = 0; i < 3; ++i) {
        polygon[i] = clip_vertex(v[i], i);
    }
    ClipPlane planes[geometry::kMaxClipPlanes];
    const unsigned plane_count = clip_planes(source, codes, false, planes);
    const unsigned count = clip_polygon({planes, plane_count}, polygon, 3);
    if (count < 3) {
        return;
    }
    const ViewportTransform& vp = state_->viewports[source.viewport];
    ScreenVertex screen[geometry::kMaxClipVertices];
    for (unsigned i = 0; i < count; ++i) {
        screen[i] = to_screen(vp, polygon[i]);
    }
    int64_t total = 0;
    for (unsigned i = 1; i + 1 < count; ++i) {
        total += area_of(screen[0], screen[i], screen[i + 1]);
    }
    bool front = false;
    if (total == 0 || culled(total, front)) {
        return;
    }
    if (state_->polygon_mode != hw::PolygonMode::fill) {
        float bias = 0.0f;
        for (unsigned i = 1; i + 1 < count && bias == 0.0f; ++i) {
            const ScreenVertex part[3] = {screen[0], screen[i], screen[i + 1]};
            bias = outline_bias(part, area_of(part[0], part[1], part[2]));
        }
        polygon_outline(source, front, bias);
        return;
    }
    for (unsigned i = 1; i + 1 < count; ++i) {
        const ScreenVertex part[3] = {screen[0], screen[i], screen[i + 1]};
        const int64_t area = area_of(part[0], part[1], part[2]);
        if ((area > 0) == (total > 0) && area != 0) {
            emit_triangle(source, part, area);
        }
    }
}

void SetupWorker::triangle(const geometry::Assembled& primitive) {
    Source source;
    if (!source_of(primitive, source)) {
        return;
    }
    const ViewportTransform& vp = state_->viewports[source.viewport];
    if (source.viewport != 0) { // rare: project for this viewport
        for (const uint16_t i : primitive.v) {
            vertices_[i] = project(vp, i);
        }
    } else if (state_->writes_viewport) {
        for (const uint16_t i : primitive.v) {
            vertices_[i] = project(state_->viewports[0], i);
        }
    }
    const Vertex& a = vertices_[primitive.v[0]];
    const Vertex& b = vertices_[primitive.v[1]];
    const Vertex& c = vertices_[primitive.v[2]];
    if ((a.code & b.code & c.code) != 0) {
        return;
    }
    const uint32_t any = a.code | b.code | c.code;
    if ((any & kNeedsClip) != 0) [[unlikely]] {
        clipped_triangle(source, any);
        return;
    }
    const int64_t area =
        int64_t{b.fx - a.fx} * (c.fy - a.fy) - int64_t{c.fx - a.fx} * (b.fy - a.fy);
    bool front = false;
    if (area == 0 || culled(area, front)) {
        ++clip_primitives;
        return;
    }
    const ScreenVertex screen[3] = {{a.fx, a.fy, a.z, a.rcpw, 0, 0, 0, 0},
                                    {b.fx, b.fy, b.z, b.rcpw, 1, 0, 1, 0},
                                    {c.fx, c.fy, c.z, c.rcpw, 0, 1, 0, 1}};
    if (state_->polygon_mode != hw::PolygonMode::fill) {
        polygon_outline(source, front, outline_bias(screen, area));
        return;
    }
    emit_triangle(source, screen, area);
}

void SetupWorker::run(const DrawRecord& draw, const geometry::ShadedBatch& batch, uint32_t view,
                      uint32_t sequence) {
    draw_ = &draw;
    state_ = &draw.setup;
    batch_ = &batch;
    view_ = view;
    sequence_ = sequence;
    pixels_ = &draw.pixels[draw.setup.multiview ? view : 0];
    std::fill_n(packed_.begin(), batch.vertex_count, nullptr);
    if (!state_->writes_viewport) {
        project_all();
    }
    clip_invocations += batch.primitive_count;
    for (uint32_t i = 0; i < batch.primitive_count; ++i) {
        const geometry::Assembled& primitive = batch.primitives[i];
        if (state_->kind == geometry::PrimitiveClass::triangle) {
            triangle(primitive);
            continue;
        }
        Source source;
        if (!source_of(primitive, source)) {
            continue;
        }
        if (state_->kind == geometry::PrimitiveClass::line) {
            line(source, 0, 1, 0.0f, true);
        } else {
            point(source, 0, 0.0f, true);
        }
    }
}

} // namespace kite::dev::raster
