// SPDX-License-Identifier: MIT
#include "device/geometry/tessellator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

namespace kite::dev::geometry {
namespace {

using hw::TessDomain;
using hw::TessSpacing;

Tessellation divide(TessDomain domain, TessSpacing spacing, std::array<float, 4> outer,
                    std::array<float, 2> inner, bool clockwise = false, bool points = false) {
    Tessellation t;
    hw::TessMode mode{};
    mode.domain = domain;
    mode.spacing = spacing;
    mode.clockwise = clockwise;
    mode.points = points;
    t.divide(mode, outer, inner);
    return t;
}

/// Twice the signed area of primitive i in (u, v).
double area(const Tessellation& t, size_t i) {
    const DomainPoint& a = t.points[t.primitives[i]];
    const DomainPoint& b = t.points[t.primitives[i + 1]];
    const DomainPoint& c = t.points[t.primitives[i + 2]];
    return (double{b.u} - a.u) * (double{c.v} - a.v) - (double{c.u} - a.u) * (double{b.v} - a.v);
}

/// Triangles cover the domain once: their areas have one sign and add up to its area, and every
/// inner edge belongs to two of them.
void expect_cover(const Tessellation& t, double whole, bool clockwise) {
    double sum = 0;
    std::map<std::pair<uint16_t, uint16_t>, int> edges;
    for (size_t i = 0; i < t.primitives.size(); i += 3) {
        const double a = clockwise ? -area(t, i) : area(t, i);
        EXPECT_GE(a, -1e-9);
        sum += a;
        for (size_t k = 0; k < 3; ++k) {
            ++edges[{t.primitives[i + k], t.primitives[i + (k + 1) % 3]}];
        }
    }
    EXPECT_NEAR(sum, whole, 1e-5);
    for (const auto& [edge, count] : edges) {
        EXPECT_EQ(count, 1); // in one direction
    }
}

TEST(Tessellator, CoversDomainsOnceAtAnyLevels) {
    const float levels[] = {0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.3f, 7.0f, 16.0f, 64.0f, 1000.0f};
    for (const TessSpacing spacing :
         {TessSpacing::equal, TessSpacing::fractional_even, TessSpacing::fractional_odd}) {
        for (size_t i = 0; i < std::size(levels); ++i) {
            const auto at = [&](size_t k) { return levels[(i + k) % std::size(levels)]; };
            for (const bool clockwise : {false, true}) {
                expect_cover(divide(TessDomain::triangles, spacing, {at(0), at(1), at(2), 0},
                                    {at(4), 0}, clockwise),
                             1.0, clockwise);
                expect_cover(divide(TessDomain::quads, spacing, {at(0), at(1), at(2), at(3)},
                                    {at(4), at(7)}, clockwise),
                             2.0, clockwise);
            }
        }
    }
}

TEST(Tessellator, CountsOfTheSpecification) {
    const auto one = divide(TessDomain::triangles, TessSpacing::equal, {1, 1, 1, 0}, {1, 0});
    EXPECT_EQ(one.points.size(), 3u);
    EXPECT_EQ(one.primitives.size(), 3u);
    const auto four = divide(TessDomain::triangles, TessSpacing::equal, {4, 4, 4, 0}, {4, 0});
    EXPECT_EQ(four.points.size(), 12u + 6u + 1u);
    EXPECT_EQ(four.primitives.size() / 3, 18u + 6u);
    const auto grid = divide(TessDomain::quads, TessSpacing::equal, {3, 3, 3, 3}, {3, 3});
    EXPECT_EQ(grid.points.size(), 16u);
    EXPECT_EQ(grid.primitives.size() / 3, 18u);
    const auto lines = divide(TessDomain::isolines, TessSpacing::equal, {3, 5, 0, 0}, {0, 0});
    EXPECT_EQ(lines.points.size(), 18u);
    EXPECT_EQ(lines.vertices, 2u);
    EXPECT_EQ(lines.primitives.size() / 2, 15u);
    // An inner level of one is taken as just above one where an edge is divided.
    const auto inner = divide(TessDomain::quads, TessSpacing::equal, {2, 1, 1, 1}, {1, 1});
    EXPECT_EQ(inner.points.size(), 6u);
}

TEST(Tessellator, LevelsThatDiscard) {
    for (const float bad : {0.0f, -1.0f, std::nanf("")}) {
        EXPECT_TRUE(divide(TessDomain::triangles, TessSpacing::equal, {1, bad, 1, 1}, {4, 4})
                        .primitives.empty());
        EXPECT_TRUE(
            divide(TessDomain::quads, TessSpacing::equal, {1, 1, 1, bad}, {4, 4}).points.empty());
        EXPECT_FALSE(divide(TessDomain::triangles, TessSpacing::equal, {1, 1, 1, bad}, {bad, 4})
                         .primitives.empty());
    }
}

TEST(Tessellator, EdgesAreSymmetricAndExact) {
    for (const float level : {2.5f, 3.0f, 5.25f, 7.0f, 63.0f}) {
        for (const TessSpacing spacing :
             {TessSpacing::equal, TessSpacing::fractional_even, TessSpacing::fractional_odd}) {
            const auto t = divide(TessDomain::quads, spacing, {level, level, level, level},
                                  {level, level}, false, true);
            EXPECT_EQ(t.vertices, 1u);
            EXPECT_EQ(t.primitives.size(), t.points.size());
            std::set<std::pair<float, float>> points;
            for (const DomainPoint& p : t.points) {
                points.insert({p.u, p.v});
            }
            EXPECT_EQ(points.size(), t.points.size()); // none twice
            for (const auto& [u, v] : points) {
                EXPECT_TRUE(points.contains({1.0f - u, v}));
                EXPECT_TRUE(points.contains({u, 1.0f - v}));
            }
        }
    }
}

} // namespace
} // namespace kite::dev::geometry
