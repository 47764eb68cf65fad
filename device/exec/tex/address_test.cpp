// SPDX-License-Identifier: MIT
#include "device/exec/tex/address.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kite::dev::exec::tex {
namespace {

TEST(Wrap, EveryModeFollowsTheSpecTable) {
    const auto at = [](hw::Wrap m, int64_t i) { return wrap(m, i, 4).index; };
    EXPECT_EQ(at(hw::Wrap::repeat, -1), 3);
    EXPECT_EQ(at(hw::Wrap::repeat, 9), 1);
    EXPECT_EQ(at(hw::Wrap::mirrored_repeat, -1), 0);
    EXPECT_EQ(at(hw::Wrap::mirrored_repeat, 4), 3);
    EXPECT_EQ(at(hw::Wrap::mirrored_repeat, 7), 0);
    EXPECT_EQ(at(hw::Wrap::mirrored_repeat, 8), 0);
    EXPECT_EQ(at(hw::Wrap::clamp_to_edge, -5), 0);
    EXPECT_EQ(at(hw::Wrap::clamp_to_edge, 5), 3);
    EXPECT_EQ(at(hw::Wrap::mirror_clamp_to_edge, -3), 2);
    EXPECT_EQ(at(hw::Wrap::mirror_clamp_to_edge, 17), 3);
    EXPECT_TRUE(wrap(hw::Wrap::clamp_to_border, 4, 4).border);
    EXPECT_FALSE(wrap(hw::Wrap::clamp_to_border, 3, 4).border);
    EXPECT_EQ(at(hw::Wrap::repeat, std::numeric_limits<int64_t>::min() / 4), 0);
}

TEST(FloorIndex, SaturatesAndIgnoresNan) {
    EXPECT_EQ(floor_index(-0.25f), -1);
    EXPECT_EQ(floor_index(std::nanf("")), 0);
    EXPECT_EQ(floor_index(std::numeric_limits<float>::infinity()), 1000000000);
}

TEST(Cube, ProjectsAxesToFaceCentres) {
    const float axes[6][3] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}};
    for (int face = 0; face < 6; ++face) {
        const CubeCoord c = project_cube(axes[face][0], axes[face][1], axes[face][2]);
        EXPECT_EQ(c.face, face);
        EXPECT_FLOAT_EQ(c.s, 0.5f);
        EXPECT_FLOAT_EQ(c.t, 0.5f);
    }
}

// Stepping one texel over an edge and back must return to the starting texel, for every edge texel
// of every face.
TEST(Cube, EdgesAreSymmetric) {
    for (const int32_t size : {1, 2, 4, 7}) {
        for (int32_t face = 0; face < 6; ++face) {
            for (int32_t n = 0; n < size; ++n) {
                const int32_t starts[4][4] = {
                    {0, n, -1, n}, {size - 1, n, size, n}, {n, 0, n, -1}, {n, size - 1, n, size}};
                for (const auto& s : starts) {
                    int32_t f = -1, i = -1, j = -1;
                    ASSERT_TRUE(wrap_cube_texel(face, s[2], s[3], size, &f, &i, &j));
                    EXPECT_NE(f, face);
                    EXPECT_TRUE(i == 0 || i == size - 1 || j == 0 || j == size - 1);
                    // One of the neighbour's own over-the-edge texels must be the start.
                    bool back = false;
                    const int32_t outs[4][2] = {{i - 1, j}, {i + 1, j}, {i, j - 1}, {i, j + 1}};
                    for (const auto& o : outs) {
                        int32_t bf = -1, bi = -1, bj = -1;
                        if (wrap_cube_texel(f, o[0], o[1], size, &bf, &bi, &bj) && bf == face &&
                            bi == s[0] && bj == s[1])
                            back = true;
                    }
                    EXPECT_TRUE(back)
                        << "face " << face << " texel " << s[2] << "," << s[3] << " size " << size;
                }
            }
        }
    }
}

TEST(Cube, CornersAreRefused) {
    int32_t f = 0, i = 0, j = 0;
    EXPECT_FALSE(wrap_cube_texel(0, -1, -1, 4, &f, &i, &j));
}

TEST(Cube, DerivativeMatchesFiniteDifference) {
    const float d[3] = {0.4f, -0.7f, 0.9f}, step[3] = {1e-3f, 2e-3f, -1e-3f};
    const CubeCoord a = project_cube(d[0], d[1], d[2]);
    const CubeCoord b = project_cube(d[0] + step[0], d[1] + step[1], d[2] + step[2]);
    float ds = 0, dt = 0;
    cube_derivative(a, step[0], step[1], step[2], &ds, &dt);
    ASSERT_EQ(a.face, b.face);
    EXPECT_NEAR(ds, b.s - a.s, 1e-5f);
    EXPECT_NEAR(dt, b.t - a.t, 1e-5f);
}

} // namespace
} // namespace kite::dev::exec::tex
