// SPDX-License-Identifier: MIT
#include "device/geometry/tessellator.hpp"

#include "kite_hw/limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace kite::dev::geometry {

namespace {

constexpr float kMost = hw::limits::kMaxTessLevel;

constexpr float kThird = 0x555555p-24f; // of the centre: never more than a third

/// To a multiple of 2^-24: 1 - x is exact for those.
float snapped(double x) {
    return static_cast<float>(std::nearbyint(x * 0x1p24) * 0x1p-24);
}

/// A level after clamping and rounding.
struct Division {
    float level = 1;    ///< clamped
    uint32_t count = 1; ///< segments
};

/// Into the range; NaN becomes its beginning.
float limited(float level, float low, float high) {
    return std::fmin(std::fmax(level, low), high);
}

Division division(float level, hw::TessSpacing spacing) {
    if (spacing == hw::TessSpacing::equal) {
        const float f = limited(level, 1.0f, kMost);
        return {std::ceil(f), static_cast<uint32_t>(std::ceil(f))};
    }
    const bool odd = spacing == hw::TessSpacing::fractional_odd;
    const float f = odd ? limited(level, 1.0f, kMost - 1) : limited(level, 2.0f, kMost);
    auto n = static_cast<uint32_t>(std::ceil(f));
    n += (n % 2 != 0) != odd ? 1 : 0;
    return {f, n};
}

/// An inner level of one where others are larger counts as just above one: odd spacing's shorter
/// segments then have no length.
Division just_above_one(hw::TessSpacing spacing) {
    return spacing == hw::TessSpacing::fractional_odd ? Division{1, 3} : Division{2, 2};
}

/// Where an edge is cut, 0 and 1 included. Fractional levels have a shorter segment at each end.
std::vector<float> cuts(const Division& d) {
    std::vector<float> t(d.count + 1);
    const double shorter = d.count > 1 ? (d.level - (d.count - 2.0)) / 2 : 1;
    t[0] = 0.0f;
    for (uint32_t k = 1; k <= d.count / 2; ++k) {
        t[k] = snapped((shorter + (k - 1.0)) / d.level);
    }
    if (d.count % 2 == 0) {
        t[d.count / 2] = 0.5f;
    }
    for (uint32_t k = d.count / 2 + 1; k <= d.count; ++k) {
        t[k] = 1.0f - t[d.count - k];
    }
    return t;
}

bool discards(std::span<const float> levels) {
    return std::any_of(levels.begin(), levels.end(), [](float x) { return !(x > 0.0f); });
}

} // namespace

uint16_t Tessellation::add(float u, float v, float w) {
    points.push_back({u, v, w});
    return static_cast<uint16_t>(points.size() - 1);
}

/// Takes the corners counter-clockwise.
void Tessellation::triangle(uint16_t a, uint16_t b, uint16_t c) {
    if (clockwise_) {
        std::swap(b, c);
    }
    primitives.insert(primitives.end(), {a, b, c});
}

/// Fills the strip between an edge and the one inside it, both counter-clockwise.
void Tessellation::zip(const Edge& outer, const Edge& inner) {
    const size_t na = outer.size() - 1;
    const size_t nb = inner.size() - 1;
    size_t i = 0;
    size_t j = 0;
    while (i < na || j < nb) {
        // The side whose next segment has its middle first goes on.
        if (j == nb || (i < na && (2 * i + 1) * nb <= (2 * j + 1) * na)) {
            triangle(outer[i], outer[i + 1], inner[j]);
            ++i;
        } else {
            triangle(outer[i], inner[j + 1], inner[j]);
            ++j;
        }
    }
}

void Tessellation::triangles(const hw::TessMode& mode, std::span<const float, 4> outer,
                             float inner) {
    std::array<Division, 3> edges;
    bool whole = true;
    for (size_t k = 0; k < 3; ++k) {
        edges[k] = division(outer[k], mode.spacing);
        whole = whole && edges[k].count == 1;
    }
    Division in = division(inner, mode.spacing);
    if (in.count == 1 && !whole) {
        in = just_above_one(mode.spacing);
    }
    const std::array<uint16_t, 3> corner{add(1, 0, 0), add(0, 1, 0), add(0, 0, 1)};
    if (in.count == 1) {
        triangle(corner[0], corner[1], corner[2]);
        return;
    }
    // Edge k runs from corner k to corner k + 1; x, y, z are the weights of its ends and of the
    // third corner.
    const auto point = [&](size_t k, float x, float y, float z) {
        std::array<float, 3> c{};
        c[k] = x;
        c[(k + 1) % 3] = y;
        c[(k + 2) % 3] = z;
        return add(c[0], c[1], c[2]);
    };
    std::array<Edge, 3> ring;
    for (size_t k = 0; k < 3; ++k) {
        const std::vector<float> t = cuts(edges[(k + 2) % 3]); // outer[0] is the edge u = 0
        ring[k].push_back(corner[k]);
        for (size_t i = 1; i + 1 < t.size(); ++i) {
            ring[k].push_back(point(k, 1.0f - t[i], t[i], 0));
        }
        ring[k].push_back(corner[(k + 1) % 3]);
    }
    const std::vector<float> t = cuts(in);
    for (uint32_t r = 1; r * 2 <= in.count; ++r) {
        // Perpendiculars through the cuts of the outer edge nearest to its ends meet in the ring's
        // corners.
        const float m = snapped(t[r] / 3.0) * 2;
        std::array<Edge, 3> next;
        if (r * 2 == in.count) {
            const uint16_t centre = add(kThird, kThird, kThird);
            next.fill({centre});
        } else {
            std::array<uint16_t, 3> c{};
            for (size_t k = 0; k < 3; ++k) {
                c[k] = point(k, 1.0f - m - m, m, m);
            }
            for (size_t k = 0; k < 3; ++k) {
                next[k].push_back(c[k]);
                for (uint32_t i = r + 1; i < in.count - r; ++i) {
                    const float y = t[i] - m / 2;
                    next[k].push_back(point(k, 1.0f - y - m, y, m));
                }
                next[k].push_back(c[(k + 1) % 3]);
            }
        }
        for (size_t k = 0; k < 3; ++k) {
            zip(ring[k], next[k]);
        }
        ring = std::move(next);
    }
    if (in.count % 2 != 0) { // what is left is one triangle
        triangle(ring[0][0], ring[1][0], ring[2][0]);
    }
}

void Tessellation::quads(const hw::TessMode& mode, std::span<const float, 4> outer,
                         std::span<const float, 2> inner) {
    std::array<Division, 4> edges;
    bool whole = true;
    for (size_t k = 0; k < 4; ++k) {
        edges[k] = division(outer[k], mode.spacing);
        whole = whole && edges[k].count == 1;
    }
    std::array<Division, 2> in{division(inner[0], mode.spacing), division(inner[1], mode.spacing)};
    whole = whole && in[0].count == 1 && in[1].count == 1;
    for (Division& d : in) {
        if (d.count == 1 && !whole) {
            d = just_above_one(mode.spacing);
        }
    }
    const std::array<uint16_t, 4> corner{add(0, 0, 0), add(1, 0, 0), add(1, 1, 0), add(0, 1, 0)};
    if (whole) {
        triangle(corner[0], corner[1], corner[2]);
        triangle(corner[0], corner[2], corner[3]);
        return;
    }
    std::array<Edge, 4> ring; // v = 0, u = 1, v = 1, u = 0
    constexpr std::array<size_t, 4> kLevel{1, 2, 3, 0};
    for (size_t k = 0; k < 4; ++k) {
        const std::vector<float> t = cuts(edges[kLevel[k]]);
        ring[k].push_back(corner[k]);
        for (size_t i = 1; i + 1 < t.size(); ++i) {
            const float x = k < 2 ? t[i] : 1.0f - t[i];
            ring[k].push_back(k % 2 == 0 ? add(x, k == 0 ? 0.0f : 1.0f, 0)
                                         : add(k == 1 ? 1.0f : 0.0f, x, 0));
        }
        ring[k].push_back(corner[(k + 1) % 4]);
    }
    const std::vector<float> u = cuts(in[0]);
    const std::vector<float> v = cuts(in[1]);
    const size_t columns = u.size() - 2;
    const size_t rows = v.size() - 2;
    const auto first = static_cast<uint16_t>(points.size());
    for (size_t j = 0; j < rows; ++j) {
        for (size_t i = 0; i < columns; ++i) {
            add(u[i + 1], v[j + 1], 0);
        }
    }
    const auto at = [&](size_t i, size_t j) {
        return static_cast<uint16_t>(first + j * columns + i);
    };
    std::array<Edge, 4> next;
    for (size_t i = 0; i < columns; ++i) {
        next[0].push_back(at(i, 0));
        next[2].push_back(at(columns - 1 - i, rows - 1));
    }
    for (size_t j = 0; j < rows; ++j) {
        next[1].push_back(at(columns - 1, j));
        next[3].push_back(at(0, rows - 1 - j));
    }
    for (size_t k = 0; k < 4; ++k) {
        zip(ring[k], next[k]);
    }
    for (size_t j = 0; j + 1 < rows; ++j) {
        for (size_t i = 0; i + 1 < columns; ++i) {
            triangle(at(i, j), at(i + 1, j), at(i + 1, j + 1));
            triangle(at(i, j), at(i + 1, j + 1), at(i, j + 1));
        }
    }
}

void Tessellation::isolines(const hw::TessMode& mode, std::span<const float, 4> outer) {
    const Division lines = division(outer[0], hw::TessSpacing::equal);
    const std::vector<float> t = cuts(division(outer[1], mode.spacing));
    const std::vector<float> v = cuts(lines);
    for (uint32_t line = 0; line < lines.count; ++line) {
        for (size_t i = 0; i < t.size(); ++i) {
            const uint16_t p = add(t[i], v[line], 0);
            if (i != 0) {
                primitives.insert(primitives.end(), {static_cast<uint16_t>(p - 1), p});
            }
        }
    }
}

void Tessellation::divide(const hw::TessMode& mode, std::span<const float, 4> outer,
                          std::span<const float, 2> inner) {
    points.clear();
    primitives.clear();
    clockwise_ = mode.clockwise;
    const size_t edges = mode.domain == hw::TessDomain::triangles ? 3
                         : mode.domain == hw::TessDomain::quads   ? 4
                                                                  : 2;
    vertices = mode.domain == hw::TessDomain::isolines ? 2 : 3;
    if (!discards(outer.first(edges))) {
        switch (mode.domain) {
        case hw::TessDomain::triangles:
            triangles(mode, outer, inner[0]);
            break;
        case hw::TessDomain::quads:
            quads(mode, outer, inner);
            break;
        case hw::TessDomain::isolines:
            isolines(mode, outer);
            break;
        }
    }
    if (mode.points) {
        vertices = 1;
        primitives.resize(points.size());
        for (size_t i = 0; i < points.size(); ++i) {
            primitives[i] = static_cast<uint16_t>(i);
        }
    }
}

} // namespace kite::dev::geometry
