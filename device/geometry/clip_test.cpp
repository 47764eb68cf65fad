// SPDX-License-Identifier: MIT
#include "device/geometry/clip.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kite::dev::geometry {
namespace {

constexpr ClipPlane kNear{0, 0, 1, 0, false, {}};

ClipVertex vertex(float x, float y, float z, float w, unsigned corner) {
    const float b1 = corner == 1 ? 1.0f : 0.0f;
    const float b2 = corner == 2 ? 1.0f : 0.0f;
    return {x, y, z, w, b1, b2, b1, b2};
}

TEST(Clip, KeepsWhatIsInside) {
    ClipVertex p[kMaxClipVertices] = {vertex(0, 0, 1, 1, 0), vertex(1, 0, 1, 1, 1),
                                      vertex(0, 1, 1, 1, 2)};
    EXPECT_EQ(clip_polygon({&kNear, 1}, p, 3), 3u);
}

TEST(Clip, CutsACornerAndCarriesWeights) {
    ClipVertex p[kMaxClipVertices] = {vertex(0, 0, -1, 1, 0), vertex(1, 0, 1, 1, 1),
                                      vertex(0, 1, 1, 1, 2)};
    const unsigned n = clip_polygon({&kNear, 1}, p, 3);
    ASSERT_EQ(n, 4u);
    for (unsigned i = 0; i < n; ++i) {
        EXPECT_GE(p[i].z, 0.0f);
        EXPECT_NEAR(p[i].x, p[i].b1, 1e-6f); // x and y equal the weights in this triangle
        EXPECT_NEAR(p[i].y, p[i].b2, 1e-6f);
    }
}

TEST(Clip, NothingLeft) {
    ClipVertex p[kMaxClipVertices] = {vertex(0, 0, -1, 1, 0), vertex(1, 0, -1, 1, 1),
                                      vertex(0, 1, -2, 1, 2)};
    EXPECT_EQ(clip_polygon({&kNear, 1}, p, 3), 0u);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    ClipVertex q[kMaxClipVertices] = {vertex(0, 0, nan, 1, 0), vertex(1, 0, nan, 1, 1),
                                      vertex(0, 1, nan, 1, 2)};
    EXPECT_EQ(clip_polygon({&kNear, 1}, q, 3), 0u);
}

TEST(Clip, UserDistancesInterpolate) {
    const ClipPlane user{0, 0, 0, 0, true, {-1, 1, 1}};
    ClipVertex p[kMaxClipVertices] = {vertex(0, 0, 0, 1, 0), vertex(4, 0, 0, 1, 1),
                                      vertex(0, 4, 0, 1, 2)};
    const unsigned n = clip_polygon({&user, 1}, p, 3);
    ASSERT_EQ(n, 4u);
    for (unsigned i = 0; i < n; ++i) {
        EXPECT_GE(p[i].x + p[i].y, 2.0f - 1e-5f);
    }
}

TEST(Clip, LinesFromBothEnds) {
    const ClipPlane planes[2] = {kNear, {0, 0, -1, 1, false, {}}};
    ClipVertex l[2] = {vertex(0, 0, -1, 1, 0), vertex(3, 0, 2, 1, 1)};
    ASSERT_TRUE(clip_line(planes, l));
    EXPECT_NEAR(l[0].x, 1.0f, 1e-6f);
    EXPECT_NEAR(l[1].x, 2.0f, 1e-6f);
    ClipVertex gone[2] = {vertex(0, 0, -1, 1, 0), vertex(3, 0, -2, 1, 1)};
    EXPECT_FALSE(clip_line(planes, gone));
}

} // namespace
} // namespace kite::dev::geometry
