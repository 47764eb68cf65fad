// SPDX-License-Identifier: MIT
// Geometry: perspective, clipping, user distances, lines, points, layers, views, provoking
// vertices, and hostile input.
#include "tests/raster/scene.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace kite::dev::test {
namespace {

constexpr uint32_t kSize = 64;

RenderingScope color_scope(const Image& color, uint32_t layers = 1, uint32_t view_mask = 0) {
    RenderingScope s;
    s.area = {.x = 0, .y = 0, .width = color.width, .height = color.height};
    s.layers = layers;
    s.view_mask = view_mask;
    s.colors[0] = Scene::cleared(color, {});
    s.color_count = 1;
    return s;
}

unsigned covered(Scene& scene, const Image& color, uint32_t layer = 0) {
    unsigned count = 0;
    for (uint32_t y = 0; y < color.height; ++y) {
        for (uint32_t x = 0; x < color.width; ++x) {
            count += scene.word(color, x, y, layer) != 0 ? 1 : 0;
        }
    }
    return count;
}

TEST(Shape, PerspectiveInterpolationSurvivesClipping) {
    // A floor that runs from in front of the eye to behind it: clip position (x, 1, z, w) with z =
    // w - 0.5. Its red is the world's z, so every pixel's red is known from its row: y_ndc = 1 / w.
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r32g32b32a32_sfloat);
    scene.full_viewport(kSize, kSize);
    scene.use_varying_color();
    const auto at = [](float x, float w) { return Vertex{{x, 1, w - 0.5f, w}, {w, x, 0, 1}}; };
    scene.use_vertices({at(-40, -3), at(40, -3), at(-40, 9), at(40, -3), at(40, 9), at(-40, 9)});
    scene.state.raster.depth_clip = true;
    scene.begin(color_scope(color));
    scene.draw(6);
    scene.end();
    unsigned checked = 0;
    for (uint32_t y = kSize / 2; y < kSize; ++y) {
        const float ndc = (static_cast<float>(y) + 0.5f) / (kSize / 2.0f) - 1.0f;
        const float w = 1.0f / ndc;
        for (uint32_t x = 0; x < kSize; ++x) {
            float rgba[4];
            std::memcpy(rgba, scene.texel(color, x, y), sizeof rgba);
            if (w > 8.9f) {
                continue;
            }
            ASSERT_NEAR(rgba[0], w, w * 1e-3f) << x << "," << y;
            const float wx = ((static_cast<float>(x) + 0.5f) / (kSize / 2.0f) - 1.0f) * w;
            ASSERT_NEAR(rgba[1], wx, 2e-2f) << x << "," << y;
            ++checked;
        }
    }
    EXPECT_GT(checked, kSize * 20);
}

TEST(Shape, HugeTrianglesAreClippedToTheGuardBand) {
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    scene.use_vertices(
        {{{-1e7f, -1e7f, 0, 1}, {}}, {{3e7f, -1e7f, 0, 1}, {}}, {{-1e7f, 3e7f, 0, 1}, {}}});
    scene.begin(color_scope(color));
    scene.draw(3);
    scene.end();
    EXPECT_EQ(covered(scene, color), kSize * kSize);
}

TEST(Shape, UserClipAndCullDistances) {
    for (const bool cull : {false, true}) {
        Scene scene;
        const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
        scene.full_viewport(kSize, kSize);
        scene.use_constant_color({1, 1, 1, 1});
        exec::ProgramInfo info;
        for (unsigned slot = 128; slot < 132; ++slot) {
            info.outputs.set(slot);
        }
        info.outputs.set(cull ? 141 : 133);
        scene.use_vertex_program(
            [cull](const exec::DrawContext&, exec::VertexWave& wave) {
                constexpr float kX[3] = {-1, 3, -1};
                constexpr float kY[3] = {-1, -1, 3};
                for (uint32_t lane = 0; lane < wave.count; ++lane) {
                    const uint32_t v = wave.vertex_index[lane] % 3;
                    wave.out[128][lane] = float_bits(kX[v]);
                    wave.out[129][lane] = float_bits(kY[v]);
                    wave.out[130][lane] = 0;
                    wave.out[131][lane] = float_bits(1);
                    // Clip: keep the right half. Cull: the second triangle only.
                    wave.out[cull ? 141 : 133][lane] =
                        float_bits(cull ? (wave.vertex_index[lane] < 3 ? 1.0f : -1.0f) : kX[v]);
                }
            },
            info);
        scene.begin(color_scope(color));
        scene.draw(cull ? 6 : 3);
        scene.end();
        EXPECT_EQ(covered(scene, color), cull ? kSize * kSize : kSize * kSize / 2);
        EXPECT_EQ(scene.counters.primitives.load(), 1u);
    }
}

TEST(Shape, DepthClipAndClamp) {
    for (const bool clip : {false, true}) {
        Scene scene;
        const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
        scene.full_viewport(kSize, kSize);
        scene.use_constant_color({1, 1, 1, 1});
        scene.state.raster.depth_clip = clip;
        scene.state.raster.depth_clamp = !clip;
        // z runs from 0 to 2 over the screen.
        scene.use_vertices({{{-1, -1, 0, 1}, {}}, {{3, -1, 4, 1}, {}}, {{-1, 3, 0, 1}, {}}});
        scene.begin(color_scope(color));
        scene.draw(3);
        scene.end();
        EXPECT_EQ(covered(scene, color), clip ? kSize * kSize / 2 : kSize * kSize);
    }
}

TEST(Shape, LinesAndPoints) {
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    scene.state.topology = hw::Topology::line_list;
    const auto ndc = [](float pixel) { return pixel / (kSize / 2.0f) - 1.0f; };
    scene.use_vertices({{{ndc(10), ndc(20.5f), 0, 1}, {}}, {{ndc(30), ndc(20.5f), 0, 1}, {}}});
    scene.begin(color_scope(color));
    scene.draw(2);
    scene.end();
    EXPECT_EQ(covered(scene, color), 20u);
    EXPECT_NE(scene.word(color, 10, 20), 0u);
    EXPECT_EQ(scene.word(color, 30, 20), 0u);

    scene.state.raster.line_bresenham = true;
    scene.use_vertices(
        {{{ndc(10.5f), ndc(10.5f), 0, 1}, {}}, {{ndc(40.5f), ndc(22.5f), 0, 1}, {}}});
    scene.begin(color_scope(color));
    scene.draw(2);
    scene.end();
    EXPECT_EQ(covered(scene, color), 30u); // one pixel per column

    scene.state.topology = hw::Topology::point_list;
    exec::ProgramInfo info;
    for (unsigned slot = 128; slot < 133; ++slot) {
        info.outputs.set(slot);
    }
    scene.use_vertex_program(
        [&](const exec::DrawContext&, exec::VertexWave& wave) {
            for (uint32_t lane = 0; lane < wave.count; ++lane) {
                wave.out[128][lane] = float_bits(ndc(20));
                wave.out[129][lane] = float_bits(ndc(20));
                wave.out[130][lane] = 0;
                wave.out[131][lane] = float_bits(1);
                wave.out[132][lane] = float_bits(6);
            }
        },
        info);
    exec::ProgramInfo fragment;
    fragment.color_mask = 0xf;
    fragment.uses_point_coord = true;
    scene.use_fragment_program(
        [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            const exec::Primitive& p = *wave.primitive;
            for (unsigned lane = 0; lane < width; ++lane) {
                wave.out[0][lane] =
                    float_bits(p.point_x0 + p.point_dx * (wave.x[lane] - p.origin_x));
                wave.out[1][lane] =
                    float_bits(p.point_y0 + p.point_dy * (wave.y[lane] - p.origin_y));
                wave.out[2][lane] = 0;
                wave.out[3][lane] = float_bits(1);
            }
        },
        fragment);
    scene.begin(color_scope(color));
    scene.draw(1);
    scene.end();
    EXPECT_EQ(covered(scene, color), 36u);
    EXPECT_EQ(scene.word(color, 17, 17) & 0xffu,
              static_cast<uint32_t>(std::lrintf(255.0f / 12.0f)));
    EXPECT_EQ(scene.word(color, 22, 17) & 0xffu,
              static_cast<uint32_t>(std::lrintf(255.0f * 11.0f / 12.0f)));
}

TEST(Shape, PolygonModeLineDrawsTheOutline) {
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    scene.state.raster.polygon_mode = hw::PolygonMode::line;
    scene.use_vertices(
        {{{-0.5f, -0.5f, 0, 1}, {}}, {{0.5f, -0.5f, 0, 1}, {}}, {{-0.5f, 0.5f, 0, 1}, {}}});
    scene.begin(color_scope(color));
    scene.draw(3);
    scene.end();
    EXPECT_GT(covered(scene, color), 80u);
    EXPECT_LT(covered(scene, color), 130u);
    EXPECT_EQ(scene.word(color, 24, 24), 0u);
}

TEST(Shape, FlatInputsFollowTheProvokingVertex) {
    for (const bool last : {false, true}) {
        Scene scene;
        const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
        scene.full_viewport(kSize, kSize);
        scene.state.provoking_last = last;
        scene.state.topology = hw::Topology::triangle_strip;
        exec::ProgramInfo info;
        info.color_mask = 0xf;
        info.inputs.set(0);
        scene.use_fragment_program(
            [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
                for (unsigned lane = 0; lane < width; ++lane) {
                    for (unsigned c = 0; c < 4; ++c) {
                        wave.out[c][lane] = wave.primitive->flat[0];
                    }
                }
            },
            info);
        std::vector<Vertex> v;
        for (unsigned i = 0; i < 4; ++i) {
            v.push_back({{i < 2 ? -1.0f : 1.0f, i % 2 == 0 ? -1.0f : 1.0f, 0, 1},
                         {static_cast<float>(i + 1) / 255.0f}});
        }
        scene.use_vertices(v);
        scene.begin(color_scope(color));
        scene.draw(4);
        scene.end();
        EXPECT_EQ(scene.word(color, 2, 2) & 0xffu, last ? 3u : 1u);
        EXPECT_EQ(scene.word(color, 61, 61) & 0xffu, last ? 4u : 2u);
    }
}

TEST(Shape, LayersAndViews) {
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 1, 4);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    exec::ProgramInfo info;
    for (unsigned slot = 128; slot < 132; ++slot) {
        info.outputs.set(slot);
    }
    info.outputs.set(149);
    const auto program = [](const exec::DrawContext&, exec::VertexWave& wave) {
        for (uint32_t lane = 0; lane < wave.count; ++lane) {
            const uint32_t v = wave.vertex_index[lane];
            wave.out[128][lane] = float_bits(v == 1 ? 3 : -1);
            wave.out[129][lane] = float_bits(v == 2 ? 3 : -1);
            wave.out[130][lane] = 0;
            wave.out[131][lane] = float_bits(1);
            wave.out[149][lane] =
                wave.instance_index[lane] * 2 + 1; // layers 1, 3, 5 (which does not exist)
        }
    };
    scene.use_vertex_program(program, info);
    scene.begin(color_scope(color, 4));
    scene.draw(3, 3);
    scene.end();
    for (uint32_t layer = 0; layer < 4; ++layer) {
        EXPECT_EQ(covered(scene, color, layer), layer % 2 == 1 ? kSize * kSize : 0u) << layer;
    }
    info.outputs.reset(149);
    scene.use_vertex_program(program, info);
    scene.begin(color_scope(color, 1, 0b1100));
    scene.draw(3);
    scene.end();
    EXPECT_EQ(scene.word(color, 0, 0, 2), ~0u);
    EXPECT_EQ(scene.word(color, 0, 0, 3), ~0u);
}

TEST(Shape, HostileStateWritesNothingOutside) {
    std::mt19937 random(99);
    const auto wild = [&random]() -> float {
        switch (random() % 9) {
        case 0:
            return std::numeric_limits<float>::quiet_NaN();
        case 1:
            return std::numeric_limits<float>::infinity();
        case 2:
            return -std::numeric_limits<float>::infinity();
        case 3:
            return 0.0f;
        case 4:
            return 1e-38f;
        case 5:
            return -3e38f;
        default:
            return std::uniform_real_distribution<float>(-3, 3)(random);
        }
    };
    Scene scene;
    for (int round = 0; round < 150; ++round) {
        const uint32_t samples = round % 4 == 3 ? 4 : 1;
        const Image before = scene.image(37, 1, hw::Format::r8g8b8a8_unorm, 1, 1, false);
        const Image color = scene.image(61, 43, hw::Format::r8g8b8a8_unorm, samples, 1,
                                        samples > 1 || round % 2 == 0);
        const Image after = scene.image(37, 1, hw::Format::r8g8b8a8_unorm, 1, 1, false);
        scene.use_constant_color({1, 1, 1, 1});
        scene.state.topology = static_cast<hw::Topology>(random() % 10);
        scene.state.viewports[0] = {wild(), wild(), wild() * 100, wild() * 100, wild(), wild()};
        scene.state.scissors[0] = {static_cast<int32_t>(random()),
                                   static_cast<int32_t>(random() % 50),
                                   static_cast<uint32_t>(random()), ~0u};
        if (round % 3 != 0) {
            scene.full_viewport(70000, 70000);
        }
        scene.state.raster.polygon_mode = static_cast<hw::PolygonMode>(random() % 3);
        scene.state.raster.depth_clip = random() % 2 != 0;
        scene.state.raster.line_width = wild() * 10;
        scene.state.raster.line_bresenham = random() % 2 != 0;
        scene.state.multisample.samples = samples;
        std::vector<Vertex> v;
        for (int i = 0; i < 60; ++i) {
            v.push_back({{wild(), wild(), wild(), wild()}, {}});
        }
        scene.use_vertices(v);
        RenderingScope s = color_scope(color);
        s.samples = samples;
        s.area = {static_cast<int32_t>(random() % 9) - 4, -5, ~0u, 4000};
        scene.begin(s);
        scene.draw(60);
        scene.end();
        // The pages around the image stay untouched.
        for (const Image* neighbour : {&before, &after}) {
            const auto* bytes = scene.host(neighbour->address);
            for (int i = -1024; i < 1024; ++i) {
                if (neighbour == &before && i > 64) {
                    break;
                }
                ASSERT_EQ(bytes[i], std::byte{0}) << round;
            }
        }
    }
}

TEST(Shape, BadScopesAndDrawsAreRefused) {
    Scene scene;
    Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    RenderingScope s = color_scope(color);
    s.samples = 4;
    EXPECT_FALSE(scene.renderer().begin_rendering(s));
    s = color_scope(color);
    s.colors[0].surface.image.address = uint64_t{1} << 39;
    EXPECT_FALSE(scene.renderer().begin_rendering(s));
    s = color_scope(color);
    s.colors[0].surface.image.format = static_cast<uint32_t>(hw::Format::d32_sfloat);
    EXPECT_FALSE(scene.renderer().begin_rendering(s));
    EXPECT_FALSE(scene.renderer().draw(scene.state, {.count = 3, .instance_count = 1}));
    EXPECT_FALSE(scene.renderer().end_rendering());
    scene.begin(color_scope(color));
    EXPECT_FALSE(
        scene.renderer().draw(scene.state, {.count = 3, .instance_count = 1})); // no program
    EXPECT_FALSE(scene.renderer().begin_rendering(color_scope(color)));
    scene.end();
}

TEST(Shape, KillStopsAnEndlessDraw) {
    Scene scene;
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    exec::ProgramInfo info;
    std::atomic<uint32_t> waves{0};
    scene.use_vertex_program(
        [&](const exec::DrawContext&, exec::VertexWave&) {
            if (++waves == 1000) {
                scene.kill = 1;
            }
        },
        info);
    scene.begin(color_scope(color));
    const auto result = scene.renderer().draw(scene.state, {.count = ~0u, .instance_count = ~0u});
    EXPECT_FALSE(result);
    EXPECT_LT(waves.load(), 200000u);
    scene.renderer().abandon();
}

} // namespace
} // namespace kite::dev::test
