// SPDX-License-Identifier: MIT
// Coverage: fill rule, bounds, many small triangles, wave widths, thread counts, API order.
#include "tests/raster/scene.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace kite::dev::test {
namespace {

RenderingScope scope_of(const Image& color, hw::Attachment attachment) {
    RenderingScope s;
    s.area = {.x = 0, .y = 0, .width = color.width, .height = color.height};
    s.samples = color.samples;
    s.colors[0] = attachment;
    s.color_count = 1;
    return s;
}

/// Additive blending of 1/255 per fragment: a texel's red counts how often it was covered.
void count_coverage(Scene& scene) {
    scene.use_constant_color({1.0f / 255.0f, 0, 0, 0});
    scene.state.blend[0].enable = true;
    scene.state.blend[0].src_color = hw::BlendFactor::one;
    scene.state.blend[0].dst_color = hw::BlendFactor::one;
    scene.state.blend[0].src_alpha = hw::BlendFactor::one;
    scene.state.blend[0].dst_alpha = hw::BlendFactor::one;
}

struct Config {
    unsigned wave;
    unsigned threads;
    bool tiled;
};

class Fill : public testing::TestWithParam<Config> {};

TEST_P(Fill, FullScreenTriangleCoversEveryPixelOnce) {
    Scene scene(GetParam().wave, GetParam().threads);
    const Image color = scene.image(150, 101, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
    scene.full_viewport(color.width, color.height);
    count_coverage(scene);
    scene.use_vertices({{{-1, -1, 0, 1}, {}}, {{3, -1, 0, 1}, {}}, {{-1, 3, 0, 1}, {}}});
    scene.begin(scope_of(color, Scene::cleared(color, {})));
    scene.draw(3);
    scene.end();
    for (uint32_t y = 0; y < color.height; ++y) {
        for (uint32_t x = 0; x < color.width; ++x) {
            ASSERT_EQ(scene.word(color, x, y), 1u) << x << "," << y;
        }
    }
}

TEST_P(Fill, SharedEdgesAreCoveredOnce) {
    Scene scene(GetParam().wave, GetParam().threads);
    constexpr uint32_t kSize = 128;
    const Image color =
        scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
    scene.full_viewport(kSize, kSize);
    count_coverage(scene);
    // A jittered grid over more than the screen: interior vertices move, so every pixel lies in
    // exactly one triangle.
    std::mt19937 random(7);
    constexpr int kCells = 23;
    std::vector<std::array<float, 2>> grid;
    for (int y = 0; y <= kCells; ++y) {
        for (int x = 0; x <= kCells; ++x) {
            const auto at = [&](int v) {
                const float jitter =
                    v == 0 || v == kCells
                        ? 0.0f
                        : std::uniform_real_distribution<float>(-0.3f, 0.3f)(random);
                return (static_cast<float>(v) + jitter) / kCells * 2.4f - 1.2f;
            };
            grid.push_back({at(x), at(y)});
        }
    }
    std::vector<Vertex> vertices;
    for (int y = 0; y < kCells; ++y) {
        for (int x = 0; x < kCells; ++x) {
            const size_t base = static_cast<size_t>(y * (kCells + 1) + x);
            for (const size_t i : {base, base + 1, base + kCells + 1, base + 1, base + kCells + 2,
                                   base + kCells + 1}) {
                vertices.push_back({{grid[i][0], grid[i][1], 0.5f, 1}, {}});
            }
        }
    }
    const auto count = static_cast<uint32_t>(vertices.size());
    scene.use_vertices(std::move(vertices));
    scene.begin(scope_of(color, Scene::cleared(color, {})));
    scene.draw(count);
    scene.end();
    unsigned wrong = 0;
    for (uint32_t y = 0; y < kSize; ++y) {
        for (uint32_t x = 0; x < kSize; ++x) {
            wrong += scene.word(color, x, y) != 1u ? 1 : 0;
        }
    }
    EXPECT_EQ(wrong, 0u);
}

TEST_P(Fill, CoverageMatchesAScalarModel) {
    Scene scene(GetParam().wave, GetParam().threads);
    constexpr uint32_t kSize = 200;
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        const Image color =
            scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
        scene.full_viewport(kSize, kSize);
        count_coverage(scene);
        const float reach = round % 3 == 0 ? 0.05f : round % 3 == 1 ? 1.0f : 40.0f;
        std::uniform_real_distribution<float> place(-reach, reach);
        std::vector<Vertex> v;
        for (int i = 0; i < 3; ++i) {
            v.push_back({{place(random), place(random), 0.5f, 1}, {}});
        }
        scene.use_vertices(v);
        scene.begin(scope_of(color, Scene::cleared(color, {})));
        scene.draw(3);
        scene.end();
        int64_t fx[3];
        int64_t fy[3];
        for (size_t i = 0; i < 3; ++i) {
            fx[i] = std::lrintf((v[i].position[0] * 100.0f + 100.0f) * 256.0f);
            fy[i] = std::lrintf((v[i].position[1] * 100.0f + 100.0f) * 256.0f);
        }
        const int64_t area = (fx[1] - fx[0]) * (fy[2] - fy[0]) - (fx[2] - fx[0]) * (fy[1] - fy[0]);
        if (area < 0) {
            std::swap(fx[1], fx[2]);
            std::swap(fy[1], fy[2]);
        }
        for (uint32_t y = 0; y < kSize; ++y) {
            for (uint32_t x = 0; x < kSize; ++x) {
                bool inside = area != 0;
                for (int e = 0; e < 3; ++e) {
                    const int n = (e + 1) % 3;
                    const int64_t dx = fx[n] - fx[e];
                    const int64_t dy = fy[n] - fy[e];
                    const int64_t value =
                        dx * (y * 256 + 128 - fy[e]) - dy * (x * 256 + 128 - fx[e]);
                    inside =
                        inside && (value > 0 || (value == 0 && (dy < 0 || (dy == 0 && dx > 0))));
                }
                ASSERT_EQ(scene.word(color, x, y), inside ? 1u : 0u)
                    << "round " << round << " pixel " << x << "," << y;
            }
        }
    }
}

TEST_P(Fill, ScissorAndAreaBoundWrites) {
    Scene scene(GetParam().wave, GetParam().threads);
    const Image color = scene.image(70, 70, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
    scene.full_viewport(70, 70);
    scene.state.scissors[0] = {.x = 5, .y = 9, .width = 61, .height = 1000};
    count_coverage(scene);
    scene.use_vertices({{{-1, -1, 0, 1}, {}}, {{3, -1, 0, 1}, {}}, {{-1, 3, 0, 1}, {}}});
    RenderingScope s = scope_of(color, Scene::loaded(color));
    s.area = {.x = 2, .y = 2, .width = 62, .height = 63};
    scene.begin(s);
    scene.draw(3);
    scene.end();
    for (uint32_t y = 0; y < 70; ++y) {
        for (uint32_t x = 0; x < 70; ++x) {
            const bool inside = x >= 5 && x < 64 && y >= 9 && y < 65;
            ASSERT_EQ(scene.word(color, x, y), inside ? 1u : 0u) << x << "," << y;
        }
    }
}

TEST_P(Fill, LaterDrawsCoverEarlierOnes) {
    Scene scene(GetParam().wave, GetParam().threads);
    const Image color = scene.image(256, 256, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
    scene.full_viewport(256, 256);
    // 700 full-screen triangles, each with its number as colour: the last one must win everywhere.
    constexpr uint32_t kCount = 700;
    std::vector<Vertex> vertices;
    for (uint32_t i = 0; i < kCount; ++i) {
        const float shade = static_cast<float>(i % 256) / 255.0f;
        for (const auto& p : {std::array<float, 2>{-1, -1}, {3, -1}, {-1, 3}}) {
            vertices.push_back({{p[0], p[1], 0, 1}, {shade, 0, 0, 1}});
        }
    }
    scene.use_vertices(vertices);
    scene.use_varying_color();
    scene.begin(scope_of(color, Scene::cleared(color, {})));
    scene.draw(kCount * 3);
    scene.end();
    for (uint32_t y = 0; y < 256; ++y) {
        for (uint32_t x = 0; x < 256; ++x) {
            ASSERT_EQ(scene.word(color, x, y) & 0xffu, (kCount - 1) % 256);
        }
    }
}

TEST_P(Fill, IndexedStripsWithRestart) {
    Scene scene(GetParam().wave, GetParam().threads);
    const Image color = scene.image(64, 64, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
    scene.full_viewport(64, 64);
    count_coverage(scene);
    scene.use_vertices({{{-1, -1, 0, 1}, {}},
                        {{-1, 1, 0, 1}, {}},
                        {{0, -1, 0, 1}, {}},
                        {{0, 1, 0, 1}, {}},
                        {{1, -1, 0, 1}, {}},
                        {{1, 1, 0, 1}, {}}});
    scene.state.topology = hw::Topology::triangle_strip;
    scene.state.primitive_restart = true;
    scene.begin(scope_of(color, Scene::cleared(color, {})));
    scene.draw_indexed({0, 1, 2, 3, 0xffffffffu, 2, 3, 4, 5});
    scene.end();
    for (uint32_t y = 0; y < 64; ++y) {
        for (uint32_t x = 0; x < 64; ++x) {
            ASSERT_EQ(scene.word(color, x, y), 1u) << x << "," << y;
        }
    }
}

TEST_P(Fill, CullingByFacing) {
    for (const bool clockwise : {false, true}) {
        for (const bool cull_front : {false, true}) {
            Scene scene(GetParam().wave, GetParam().threads);
            const Image color =
                scene.image(16, 16, hw::Format::r8g8b8a8_unorm, 1, 1, GetParam().tiled);
            scene.full_viewport(16, 16);
            count_coverage(scene);
            // y points down: left-top, right-top, left-bottom turns clockwise on the screen.
            scene.use_vertices({{{-1, -1, 0, 1}, {}}, {{3, -1, 0, 1}, {}}, {{-1, 3, 0, 1}, {}}});
            scene.state.raster.front_clockwise = clockwise;
            scene.state.raster.cull_front = cull_front;
            scene.state.raster.cull_back = !cull_front;
            scene.begin(scope_of(color, Scene::cleared(color, {})));
            scene.draw(3);
            scene.end();
            EXPECT_EQ(scene.word(color, 8, 8), clockwise == cull_front ? 0u : 1u);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Configs, Fill,
                         testing::Values(Config{16, 1, true}, Config{16, 3, true},
                                         Config{8, 2, true}, Config{16, 2, false}));

} // namespace
} // namespace kite::dev::test
