// SPDX-License-Identifier: MIT
// Which pixels a primitive covers: fill rule, culling, scissor, viewports, lines, points.
#include "tests/vulkan/harness/graphics.hpp"

#include "raster_shaders.hpp"

#include <cmath>
#include <random>

using namespace kite::vktest;

namespace {

class Coverage : public GraphicsTest {
protected:
    DrawState state_{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    /// Pixels that are not the clear value.
    std::vector<bool> covered(const Target& t) {
        std::vector<bool> result;
        for (const uint32_t pixel : read<uint32_t>(t.result())) {
            result.push_back(pixel != 0);
        }
        return result;
    }
    /// Expects exactly the pixels for which `inside(x, y)`.
    void expect(const Target& t, const std::function<bool(uint32_t, uint32_t)>& inside) {
        const auto found = covered(t);
        for (uint32_t y = 0; y < t.info.height; ++y) {
            for (uint32_t x = 0; x < t.info.width; ++x) {
                ASSERT_EQ(found[y * t.info.width + x], inside(x, y)) << x << "," << y;
            }
        }
    }
};

/// Whether a point is inside a triangle of points in 1/256 pixels; on an edge the top-left rule
/// decides. Any orientation.
bool inside_triangle(std::array<std::array<int64_t, 2>, 3> p, int64_t x, int64_t y) {
    const auto cross = [](auto a, auto b, int64_t cx, int64_t cy) {
        return (b[0] - a[0]) * (cy - a[1]) - (b[1] - a[1]) * (cx - a[0]);
    };
    const int64_t area = cross(p[0], p[1], p[2][0], p[2][1]);
    if (area == 0) {
        return false;
    }
    if (area < 0) {
        std::swap(p[1], p[2]);
    }
    for (size_t i = 0; i < 3; ++i) {
        const auto a = p[i], b = p[(i + 1) % 3];
        const int64_t e = cross(a, b, x, y);
        // With y down and a positive area the inside is to the right of a left edge (going up)
        // and below a top edge (going right).
        const bool top_left = b[1] < a[1] || (b[1] == a[1] && b[0] > a[0]);
        if (e < 0 || (e == 0 && !top_left)) {
            return false;
        }
    }
    return true;
}

TEST_F(Coverage, RandomTrianglesPixelByPixel) {
    std::mt19937 random(1);
    for (int round = 0; round < 40; ++round) {
        const Target t = target({.width = 64, .height = 64});
        std::array<std::array<int64_t, 2>, 3> p{};
        std::vector<Vertex> vertices;
        for (auto& point : p) {
            // Multiples of 1/16 pixel are exact for every subpixel precision of 4 bits or more;
            // odd rounds put vertices on pixel centres so that edges meet sample points.
            for (auto& c : point) {
                c = round % 2 == 0 ? static_cast<int64_t>(random() % 1024) * 16
                                   : static_cast<int64_t>(random() % 64) * 256 + 128;
            }
            vertices.push_back(
                at(t, static_cast<float>(point[0]) / 256, static_cast<float>(point[1]) / 256));
        }
        draw(t, state_, vertices);
        SCOPED_TRACE(round);
        expect(t, [&](uint32_t x, uint32_t y) {
            return inside_triangle(p, x * 256 + 128, y * 256 + 128);
        });
    }
}

TEST_F(Coverage, SharedEdgesAreDrawnOnce) {
    // A fan around a point; additive blending counts how often a pixel was drawn.
    const Target t = target({.width = 48, .height = 48});
    DrawState state = state_;
    state.blend = {{.blendEnable = VK_TRUE,
                    .srcColorBlendFactor = VK_BLEND_FACTOR_ONE,
                    .dstColorBlendFactor = VK_BLEND_FACTOR_ONE,
                    .srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
                    .dstAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
                    .colorWriteMask = 0xF}};
    const std::array<float, 4> one{1 / 255.0F, 1 / 255.0F, 1 / 255.0F, 1 / 255.0F};
    std::vector<Vertex> vertices;
    const std::array<float, 2> ring[] = {{0, 0},   {16.5F, 0}, {48, 0}, {48, 31.5F},
                                         {48, 48}, {20, 48},   {0, 48}, {0, 12.5F}};
    for (size_t i = 0; i < 8; ++i) {
        vertices.push_back(at(t, 23.5F, 17.5F, 0, one));
        vertices.push_back(at(t, ring[i][0], ring[i][1], 0, one));
        vertices.push_back(at(t, ring[(i + 1) % 8][0], ring[(i + 1) % 8][1], 0, one));
    }
    draw(t, state, vertices);
    const auto pixels = read<uint32_t>(t.result());
    for (size_t i = 0; i < pixels.size(); ++i) {
        ASSERT_EQ(pixels[i], 0x01010101U) << i % 48 << "," << i / 48;
    }
}

TEST_F(Coverage, CullingAndFrontFace) {
    for (const bool clockwise : {false, true}) {
        for (const VkCullModeFlags cull :
             {VkCullModeFlags{VK_CULL_MODE_NONE}, VkCullModeFlags{VK_CULL_MODE_FRONT_BIT},
              VkCullModeFlags{VK_CULL_MODE_BACK_BIT},
              VkCullModeFlags{VK_CULL_MODE_FRONT_AND_BACK}}) {
            const Target t = target({});
            DrawState state = state_;
            state.raster.cullMode = cull;
            state.raster.frontFace =
                clockwise ? VK_FRONT_FACE_CLOCKWISE : VK_FRONT_FACE_COUNTER_CLOCKWISE;
            // Left: clockwise on the screen (y down); right: the other way round.
            draw(t, state,
                 {at(t, 0, 0), at(t, 8, 0), at(t, 8, 16), at(t, 8, 0), at(t, 8, 16), at(t, 16, 0)});
            const auto found = covered(t);
            const auto shown = [&](bool front) {
                return (cull & (front ? VK_CULL_MODE_FRONT_BIT : VK_CULL_MODE_BACK_BIT)) == 0;
            };
            EXPECT_EQ(found[16 + 6], shown(clockwise)) << cull << clockwise;
            EXPECT_EQ(found[16 + 10], shown(!clockwise)) << cull << clockwise;
        }
    }
}

/*glsl facing.frag
layout(location = 0) out vec4 color;
void main() { color = gl_FrontFacing ? vec4(1, 0, 0, 1) : vec4(0, 1, 0, 1); }
*/
TEST_F(Coverage, FrontFacing) {
    const Target t = target({});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::facing_frag};
    state.raster.frontFace = VK_FRONT_FACE_CLOCKWISE;
    draw(t, state,
         {at(t, 0, 0), at(t, 8, 0), at(t, 8, 16), at(t, 8, 0), at(t, 8, 16), at(t, 16, 0)});
    const auto pixels = read<uint32_t>(t.result());
    EXPECT_EQ(pixels[16 + 6], 0xFF0000FFU);
    EXPECT_EQ(pixels[16 + 10], 0xFF00FF00U);
}

TEST_F(Coverage, ScissorAndNegativeViewport) {
    const Target t = target({.width = 32, .height = 32});
    DrawState state = state_;
    state.viewports = {{4, 28, 20, -20, 0, 1}}; // x 4..24, y 28 down to 8
    state.scissors = {{{6, 0}, {32 - 6, 20}}};
    // The upper half in clip space (y < 0) is the lower half of the flipped viewport.
    draw(t, state, {{-1, -1}, {1, -1}, {1, 0}, {-1, -1}, {1, 0}, {-1, 0}});
    expect(t, [](uint32_t x, uint32_t y) { return x >= 6 && x < 24 && y >= 18 && y < 20; });
}

TEST_F(Coverage, ClippingAtTheNearPlaneAndFarOutside) {
    const Target t = target({.width = 32, .height = 32});
    // Covers the whole target although all vertices are far outside of it.
    draw(t, state_, {{-100, -100}, {300, -100}, {-100, 300}});
    expect(t, [](uint32_t, uint32_t) { return true; });
    // z runs from -1 (left) to 1 (right): the left half is behind the near plane.
    const Target near = target({.width = 32, .height = 32});
    draw(near, state_, {{-1, -1, -1}, {1, -1, 1}, {1, 1, 1}, {-1, -1, -1}, {1, 1, 1}, {-1, 1, -1}});
    expect(near, [](uint32_t x, uint32_t) { return x >= 16; });
    // w < 0: nothing.
    const Target behind = target({});
    draw(behind, state_, {{-1, -1, 0, -1}, {1, -1, 0, -1}, {1, 1, 0, -1}});
    expect(behind, [](uint32_t, uint32_t) { return false; });
}

TEST_F(Coverage, PolygonModes) {
    if (!world.features.core.fillModeNonSolid) {
        GTEST_SKIP() << "no fillModeNonSolid";
    }
    for (const VkPolygonMode mode : {VK_POLYGON_MODE_LINE, VK_POLYGON_MODE_POINT}) {
        const Target t = target({});
        DrawState state = state_;
        state.raster.polygonMode = mode;
        draw(t, state, {at(t, 2.5F, 2.5F), at(t, 12.5F, 2.5F), at(t, 2.5F, 12.5F)});
        const auto found = covered(t);
        EXPECT_FALSE(found[5 * 16 + 5]);
        EXPECT_TRUE(found[2 * 16 + 2]);
        EXPECT_EQ(found[2 * 16 + 7], mode == VK_POLYGON_MODE_LINE);
        EXPECT_EQ(found[7 * 16 + 2], mode == VK_POLYGON_MODE_LINE);
    }
}

TEST_F(Coverage, AxisParallelLines) {
    const Target t = target({});
    DrawState state = state_;
    state.topology = VK_PRIMITIVE_TOPOLOGY_LINE_LIST;
    draw(t, state, {at(t, 2.5F, 4.5F), at(t, 9.5F, 4.5F), at(t, 12.5F, 3.5F), at(t, 12.5F, 8.5F)});
    const auto found = covered(t);
    for (uint32_t y = 0; y < 16; ++y) {
        for (uint32_t x = 0; x < 16; ++x) {
            const bool inner = (y == 4 && x >= 3 && x < 9) || (x == 12 && y >= 4 && y < 8);
            const bool end = (y == 4 && (x == 2 || x == 9)) || (x == 12 && (y == 3 || y == 8));
            if (!end) { // the ends depend on the rule: diamond exit or rectangle
                ASSERT_EQ(found[y * 16 + x], inner) << x << "," << y;
            }
        }
    }
}

TEST_F(Coverage, WideLines) {
    if (!world.features.core.wideLines || world.limits.lineWidthRange[1] < 4) {
        GTEST_SKIP() << "no wide lines";
    }
    const Target t = target({});
    DrawState state = state_;
    state.topology = VK_PRIMITIVE_TOPOLOGY_LINE_LIST;
    state.dynamic = {VK_DYNAMIC_STATE_LINE_WIDTH};
    const VkPipeline made = pipeline(t, state);
    const Buffer vertices = buffer_of(std::vector<Vertex>{at(t, 2, 8), at(t, 12, 8)});
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        vkCmdSetLineWidth(c, 4);
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &vertices.handle, &zero);
        vkCmdDraw(c, 2, 1, 0, 0);
    });
    const auto found = covered(t);
    for (uint32_t y = 0; y < 16; ++y) {
        EXPECT_EQ(found[y * 16 + 7], y >= 6 && y < 10) << y;
    }
}

/*glsl point.vert
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) out vec4 v_color;
void main() { gl_Position = position; gl_PointSize = color.x; v_color = color; }
*/
/*glsl point.frag
layout(location = 0) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() { color = vec4(gl_PointCoord, v_color.y, 1); }
*/
TEST_F(Coverage, PointsWithSizeAndCoordinates) {
    if (!world.features.core.largePoints) {
        GTEST_SKIP() << "no largePoints";
    }
    const Target t = target({.colors = {VK_FORMAT_R32G32B32A32_SFLOAT}});
    DrawState state{.vert = glsl::point_vert, .frag = glsl::point_frag};
    state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
    draw(t, state, {at(t, 6, 8, 0, {8, 0.5F, 0, 0}), at(t, 13.5F, 2.5F, 0, {1, 0.25F, 0, 0})});
    const auto pixels = read<float>(t.result());
    for (uint32_t y = 0; y < 16; ++y) {
        for (uint32_t x = 0; x < 16; ++x) {
            const float* pixel = &pixels[(y * 16 + x) * 4];
            if (x >= 2 && x < 10 && y >= 4 && y < 12) {
                ASSERT_NEAR(pixel[0], (static_cast<float>(x) + 0.5F - 2) / 8, 1e-3)
                    << x << "," << y;
                ASSERT_NEAR(pixel[1], (static_cast<float>(y) + 0.5F - 4) / 8, 1e-3)
                    << x << "," << y;
                ASSERT_EQ(pixel[2], 0.5F);
            } else if (x == 13 && y == 2) {
                ASSERT_EQ(pixel[2], 0.25F);
            } else {
                ASSERT_EQ(pixel[3], 0.0F) << x << "," << y;
            }
        }
    }
}

TEST_F(Coverage, DynamicViewportAndScissor) {
    const Target t = target({});
    DrawState state = state_;
    state.dynamic = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
    const VkPipeline made = pipeline(t, state);
    const Buffer vertices = buffer_of(rectangle(t, 0, 0, 16, 16));
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &vertices.handle, &zero);
        for (int32_t i = 0; i < 4; ++i) {
            const VkViewport viewport{static_cast<float>(i * 4), 0, 4, 16, 0, 1};
            const VkRect2D scissor{{0, i * 3}, {16, 3}};
            vkCmdSetViewport(c, 0, 1, &viewport);
            vkCmdSetScissor(c, 0, 1, &scissor);
            vkCmdDraw(c, 6, 1, 0, 0);
        }
    });
    expect(t, [](uint32_t x, uint32_t y) { return y / 3 == x / 4; });
}

/*glsl clip.vert
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) out vec4 v_color;
out gl_PerVertex { vec4 gl_Position; float gl_ClipDistance[2]; };
void main() {
    gl_Position = position; v_color = color;
    gl_ClipDistance[0] = position.x;
    gl_ClipDistance[1] = 0.5 - position.y;
}
*/
TEST_F(Coverage, ClipDistances) {
    if (!world.features.core.shaderClipDistance) {
        GTEST_SKIP() << "no shaderClipDistance";
    }
    const Target t = target({});
    DrawState state = state_;
    state.vert = glsl::clip_vert;
    draw(t, state, rectangle(t, 0, 0, 16, 16));
    expect(t, [](uint32_t x, uint32_t y) { return x >= 8 && y < 12; });
}

TEST_F(Coverage, RasterizerDiscard) {
    const Target t = target({});
    DrawState state = state_;
    state.raster.rasterizerDiscardEnable = VK_TRUE;
    state.frag = {};
    draw(t, state, rectangle(t, 0, 0, 16, 16));
    expect(t, [](uint32_t, uint32_t) { return false; });
}

TEST_F(Coverage, LargeTargetAcrossTiles) {
    const Target t = target({.width = 517, .height = 301});
    draw(t, state_, rectangle(t, 63, 62, 450, 300));
    expect(t, [](uint32_t x, uint32_t y) { return x >= 63 && x < 450 && y >= 62 && y < 300; });
}

} // namespace
