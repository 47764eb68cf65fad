// SPDX-License-Identifier: MIT
// Values that reach the fragment shader: interpolation, derivatives, FragCoord, discard.
#include "tests/vulkan/harness/graphics.hpp"

#include "raster_shaders.hpp"

#include <algorithm>
#include <cmath>

using namespace kite::vktest;

namespace {

class Interpolation : public GraphicsTest {
protected:
    static constexpr VkFormat kFloats = VK_FORMAT_R32G32B32A32_SFLOAT;
};

/*glsl smooth.vert -DMODE=smooth
| flat -DMODE=flat
| linear -DMODE=noperspective
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 3) MODE out vec4 v;
void main() { gl_Position = position; v = color; }
*/
/*glsl smooth.frag -DMODE=smooth
| flat -DMODE=flat
| linear -DMODE=noperspective
layout(location = 3) MODE in vec4 v;
layout(location = 0) out vec4 color;
void main() { color = v; }
*/
TEST_F(Interpolation, PerspectiveAndLinearAndFlat) {
    const std::pair<Spirv, Spirv> shaders[] = {{glsl::smooth_vert, glsl::smooth_frag},
                                               {glsl::linear_vert, glsl::linear_frag},
                                               {glsl::flat_vert, glsl::flat_frag}};
    for (size_t mode = 0; mode < 3; ++mode) {
        SCOPED_TRACE(mode);
        const Target t = target({.colors = {kFloats}, .width = 32, .height = 32});
        // w is 1 at the left and 4 at the right; the colour goes from 0 to 1.
        const auto corner = [](float x, float y) {
            const float w = x < 0 ? 1.0F : 4.0F;
            const float value = x < 0 ? 0.0F : 1.0F;
            return Vertex{x * w, y * w, 0, w, {value, 0.5F, 7, 1}};
        };
        draw(t, {.vert = shaders[mode].first, .frag = shaders[mode].second},
             {corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, -1), corner(1, 1),
              corner(-1, 1)});
        const auto pixels = read<float>(t.result());
        for (uint32_t i = 0; i < 1024; ++i) {
            const float s = (static_cast<float>(i % 32) + 0.5F) / 32;
            const float expected = mode == 0 ? s / 4 / ((1 - s) + s / 4) : mode == 1 ? s : 0.0F;
            ASSERT_NEAR(pixels[i * 4], expected, 2e-4) << i;
            ASSERT_NEAR(pixels[i * 4 + 1], 0.5F, 1e-5) << i;
            ASSERT_NEAR(pixels[i * 4 + 2], 7, 1e-4) << i;
        }
    }
}

/*glsl fragcoord.frag
layout(location = 0) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() { color = gl_FragCoord; }
*/
TEST_F(Interpolation, FragCoord) {
    const Target t = target({.colors = {kFloats}, .width = 20, .height = 20});
    std::vector<Vertex> vertices = rectangle(t, 0, 0, 20, 20);
    for (auto& v : vertices) {
        v = {v.x * 2, v.y * 2, v.x < 0 ? 0.5F : 1.5F, 2, v.color}; // z/w: 0.25 .. 0.75
    }
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::fragcoord_frag};
    state.viewports = {{0, 0, 20, 20, 0.2F, 0.6F}};
    draw(t, state, vertices);
    const auto pixels = read<float>(t.result());
    for (uint32_t i = 0; i < 400; ++i) {
        const float x = static_cast<float>(i % 20) + 0.5F, y = static_cast<float>(i / 20) + 0.5F;
        ASSERT_EQ(pixels[i * 4], x);
        ASSERT_EQ(pixels[i * 4 + 1], y);
        ASSERT_NEAR(pixels[i * 4 + 2], 0.2F + 0.4F * (0.25F + 0.5F * x / 20), 1e-5);
        ASSERT_NEAR(pixels[i * 4 + 3], 0.5F, 1e-6);
    }
}

/*glsl derivative.frag
layout(location = 0) out vec4 color;
void main() {
    vec2 p = gl_FragCoord.xy - 0.5;
    float f = p.x * p.x + 10.0 * p.y;
    color = vec4(dFdxFine(f), dFdyCoarse(f), fwidth(p.y * 3.0), dFdx(p.x * 2.0));
}
*/
TEST_F(Interpolation, Derivatives) {
    const Target t = target({.colors = {kFloats}});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::derivative_frag}, 3);
    const auto pixels = read<float>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        const auto x0 = static_cast<float>(i % 16 & ~1U);
        ASSERT_EQ(pixels[i * 4], (x0 + 1) * (x0 + 1) - x0 * x0) << i;
        ASSERT_EQ(pixels[i * 4 + 1], 10.0F) << i;
        ASSERT_EQ(pixels[i * 4 + 2], 3.0F) << i;
        ASSERT_EQ(pixels[i * 4 + 3], 2.0F) << i;
    }
}

/*glsl discard.frag
layout(location = 0) out vec4 color;
void main() {
    ivec2 p = ivec2(gl_FragCoord.xy);
    if ((p.x ^ p.y) % 3 == 0) discard;
    // Helper lanes keep the derivative whole where neighbours are discarded.
    color = vec4(dFdx(gl_FragCoord.x), float(p.x) / 255.0, float(p.y) / 255.0, 1.0);
}
*/
TEST_F(Interpolation, Discard) {
    const Target t = target({});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::discard_frag}, 3);
    const auto pixels = read<uint32_t>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        const uint32_t x = i % 16, y = i / 16;
        if ((x ^ y) % 3 == 0) {
            ASSERT_EQ(pixels[i], 0U) << i;
        } else {
            // The derivative after a discard is undefined for quads that lost a lane by it.
            ASSERT_EQ(pixels[i] >> 8, 0xFF0000 | y << 8 | x) << i;
        }
    }
}

/*glsl components.vert
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 2, component = 1) out vec2 a;
layout(location = 2, component = 3) out float b;
layout(location = 4) flat out ivec2 n[2];
layout(location = 6) out mat2 m;
void main() {
    gl_Position = position; a = vec2(0.25, 0.5); b = 0.75;
    n[0] = ivec2(3, -4); n[1] = ivec2(5, 6); m = mat2(1, 2, 3, 4);
}
*/
/*glsl components.frag
layout(location = 2, component = 1) in vec2 a;
layout(location = 2, component = 3) in float b;
layout(location = 4) flat in ivec2 n[2];
layout(location = 6) in mat2 m;
layout(location = 0) out vec4 color;
void main() { color = vec4(a.x + b, n[0].y + n[1].x, m[1].x, a.y); }
*/
TEST_F(Interpolation, ComponentsArraysAndMatrices) {
    const Target t = target({.colors = {kFloats}});
    draw(t, {.vert = glsl::components_vert, .frag = glsl::components_frag},
         rectangle(t, 0, 0, 16, 16));
    const auto pixels = read<float>(t.result());
    const float expected[] = {1.0F, 1.0F, 3.0F, 0.5F};
    for (size_t i = 0; i < pixels.size(); ++i) {
        ASSERT_NEAR(pixels[i], expected[i % 4], 1e-5) << i;
    }
}

/*glsl side.frag
layout(set = 0, binding = 0) buffer R { uint count; uint ids[256]; };
layout(location = 0) out vec4 color;
void main() {
    uint slot = atomicAdd(count, 1);
    ids[slot] = uint(gl_FragCoord.y) * 16u + uint(gl_FragCoord.x);
    color = vec4(1);
}
*/
TEST_F(Interpolation, HelperLanesHaveNoSideEffects) {
    if (!world.features.core.fragmentStoresAndAtomics) {
        GTEST_SKIP() << "no fragmentStoresAndAtomics";
    }
    const Target t = target({});
    const Buffer out = buffer(1028);
    const auto bound = descriptors({storage(out)});
    draw(t, {.vert = glsl::pass_vert, .frag = glsl::side_frag},
         {at(t, 1, 1), at(t, 14, 3), at(t, 5, 15)}, &bound);
    const auto pixels = read<uint32_t>(t.result());
    const auto covered = static_cast<uint32_t>(std::ranges::count(pixels, 0xFFFFFFFFU));
    ASSERT_EQ(out.as<uint32_t>()[0], covered);
    for (uint32_t i = 0; i < covered; ++i) {
        ASSERT_EQ(pixels[out.as<uint32_t>()[1 + i]], 0xFFFFFFFFU);
    }
}

} // namespace
