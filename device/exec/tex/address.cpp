// SPDX-License-Identifier: MIT
#include "device/exec/tex/address.hpp"

#include <algorithm>
#include <cmath>

namespace kite::dev::exec::tex {

namespace {

int64_t floor_mod(int64_t a, int64_t b) {
    const int64_t r = a % b;
    return r < 0 ? r + b : r;
}

} // namespace

Wrapped wrap(hw::Wrap mode, int64_t index, int32_t size) {
    const int64_t last = size - 1;
    switch (mode) {
    case hw::Wrap::repeat:
        return {static_cast<int32_t>(floor_mod(index, size)), false};
    case hw::Wrap::mirrored_repeat: {
        const int64_t m = floor_mod(index, 2 * int64_t{size});
        return {static_cast<int32_t>(m < size ? m : 2 * int64_t{size} - 1 - m), false};
    }
    case hw::Wrap::clamp_to_border:
        if (index < 0 || index > last)
            return {0, true};
        return {static_cast<int32_t>(index), false};
    case hw::Wrap::mirror_clamp_to_edge:
        return {
            static_cast<int32_t>(std::clamp<int64_t>(index >= 0 ? index : -(1 + index), 0, last)),
            false};
    case hw::Wrap::clamp_to_edge:
        break;
    }
    return {static_cast<int32_t>(std::clamp<int64_t>(index, 0, last)), false};
}

int64_t floor_index(float v) {
    if (!(v == v))
        return 0;
    return static_cast<int64_t>(std::floor(std::clamp(v, -1.0e9f, 1.0e9f)));
}

CubeCoord project_cube(float x, float y, float z) {
    const float ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
    CubeCoord c{};
    if (az >= ax && az >= ay) {
        c = z >= 0 ? CubeCoord{4, 0, 0, x, -y, az} : CubeCoord{5, 0, 0, -x, -y, az};
    } else if (ay >= ax) {
        c = y >= 0 ? CubeCoord{2, 0, 0, x, z, ay} : CubeCoord{3, 0, 0, x, -z, ay};
    } else {
        c = x >= 0 ? CubeCoord{0, 0, 0, -z, -y, ax} : CubeCoord{1, 0, 0, z, -y, ax};
    }
    const float inv = c.ma > 0 ? 0.5f / c.ma : 0.0f;
    c.s = c.sc * inv + 0.5f;
    c.t = c.tc * inv + 0.5f;
    return c;
}

void cube_derivative(const CubeCoord& c, float dx, float dy, float dz, float* ds, float* dt) {
    float dsc = 0, dtc = 0, dma = 0;
    switch (c.face) {
    case 0:
        dsc = -dz, dtc = -dy, dma = dx;
        break;
    case 1:
        dsc = dz, dtc = -dy, dma = -dx;
        break;
    case 2:
        dsc = dx, dtc = dz, dma = dy;
        break;
    case 3:
        dsc = dx, dtc = -dz, dma = -dy;
        break;
    case 4:
        dsc = dx, dtc = -dy, dma = dz;
        break;
    default:
        dsc = -dx, dtc = -dy, dma = -dz;
        break;
    }
    const float inv = c.ma > 0 ? 0.5f / (c.ma * c.ma) : 0.0f;
    *ds = (c.ma * dsc - c.sc * dma) * inv;
    *dt = (c.ma * dtc - c.tc * dma) * inv;
}

bool wrap_cube_texel(int32_t face, int32_t i, int32_t j, int32_t size, int32_t* out_face,
                     int32_t* out_i, int32_t* out_j) {
    const bool out_u = i < 0 || i >= size;
    const bool out_v = j < 0 || j >= size;
    if (!out_u && !out_v) {
        *out_face = face, *out_i = i, *out_j = j;
        return true;
    }
    if (out_u && out_v)
        return false;
    // Direction through the texel's centre on the (extended) face, projected again. Coordinates are
    // in half texels so that the arithmetic is exact: the axis that left the face is folded back by
    // the distance past the edge.
    const float scale = 1.0f / static_cast<float>(size);
    const float s = (2.0f * static_cast<float>(i) + 1.0f) * scale - 1.0f;
    const float t = (2.0f * static_cast<float>(j) + 1.0f) * scale - 1.0f;
    float x = 0, y = 0, z = 0;
    switch (face) {
    case 0:
        x = 1, y = -t, z = -s;
        break;
    case 1:
        x = -1, y = -t, z = s;
        break;
    case 2:
        x = s, y = 1, z = t;
        break;
    case 3:
        x = s, y = -1, z = -t;
        break;
    case 4:
        x = s, y = -t, z = 1;
        break;
    default:
        x = -s, y = -t, z = -1;
        break;
    }
    const CubeCoord c = project_cube(x, y, z);
    // Before the division the component across the shared edge is exactly +-1 (it was the old major
    // axis): enter the neighbour one texel deep there. The other component, along the edge, keeps
    // its position.
    const float edge = 1.0f - scale;
    const auto index = [&](float v) {
        const float clamped = std::clamp(v, -edge, edge);
        return std::clamp(
            static_cast<int32_t>(std::floor((clamped + 1.0f) * 0.5f * static_cast<float>(size))), 0,
            size - 1);
    };
    *out_face = c.face, *out_i = index(c.sc), *out_j = index(c.tc);
    return true;
}

Footprint footprint(const float ddx[3], const float ddy[3]) {
    const auto length = [](const float v[3]) {
        return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    };
    const float lx = length(ddx), ly = length(ddy);
    return {std::max(lx, ly), std::min(lx, ly), lx >= ly};
}

} // namespace kite::dev::exec::tex
