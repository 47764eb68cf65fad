// SPDX-License-Identifier: MIT
// Four samples per pixel: coverage, resolve, sample shading, masks, alpha to coverage.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

#include "msaa_shaders.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace kite::vktest;

namespace {

/// Standard sample locations of four samples.
constexpr std::array<std::array<float, 2>, 4> kLocations{
    {{0.375F, 0.125F}, {0.875F, 0.375F}, {0.125F, 0.625F}, {0.625F, 0.875F}}};

class Msaa : public GraphicsTest {
protected:
    static constexpr VkSampleCountFlagBits k4 = VK_SAMPLE_COUNT_4_BIT;
    DrawState state_{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    /// The samples of each pixel of a single-channel 32-bit colour attachment, read by a shader.
    std::vector<uint32_t> samples(const Target& t);
};

/*glsl fetch.comp -DS=sampler2DMS -DC=floatBitsToUint
| fetch_u -DS=usampler2DMS -DC=uint
layout(local_size_x = 4) in;
layout(set = 0, binding = 0) uniform S image;
layout(set = 0, binding = 1) buffer R { uint r[]; };
void main() {
    ivec2 p = ivec2(gl_WorkGroupID.xy);
    int s = int(gl_LocalInvocationIndex);
    r[(p.y * textureSize(image).x + p.x) * 4 + s] = C(texelFetch(image, p, s).x);
}
*/
std::vector<uint32_t> Msaa::samples(const Target& t) {
    const Buffer out = buffer(size_t{t.info.width} * t.info.height * 16);
    const bool is_uint = color_format(t.info.colors[0]).kind == Kind::kUint;
    compute(is_uint ? Spirv(glsl::fetch_u_comp) : Spirv(glsl::fetch_comp),
            {sampled(t.colors[0].view, sampler(nearest())), storage(out)},
            {t.info.width, t.info.height, 1});
    const auto all = out.as<uint32_t>();
    return {all.begin(), all.end()};
}

TEST_F(Msaa, CoverageAtStandardLocations) {
    if (!world.limits.standardSampleLocations) {
        GTEST_SKIP() << "no standardSampleLocations";
    }
    const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = k4});
    draw(t, state_, {at(t, 1.25F, 2.0625F), at(t, 14.5F, 5.1875F), at(t, 4.0625F, 15.3125F)});
    const auto found = samples(t);
    const auto resolved = read<float>(t.result());
    const float p[3][2] = {{1.25F, 2.0625F}, {14.5F, 5.1875F}, {4.0625F, 15.3125F}};
    for (uint32_t i = 0; i < 256; ++i) {
        float sum = 0;
        for (uint32_t s = 0; s < 4; ++s) {
            const float x = static_cast<float>(i % 16) + kLocations[s][0];
            const float y = static_cast<float>(i / 16) + kLocations[s][1];
            bool inside = true;
            for (uint32_t k = 0; k < 3; ++k) {
                const auto *a = p[k], *b = p[(k + 1) % 3];
                inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0;
            }
            ASSERT_EQ(std::bit_cast<float>(found[i * 4 + s]), inside ? 1.0F : 0.0F)
                << "pixel " << i % 16 << "," << i / 16 << " sample " << s;
            sum += inside ? 0.25F : 0.0F;
        }
        ASSERT_EQ(resolved[i], sum) << i;
    }
}

TEST_F(Msaa, SampleMask) {
    for (const VkSampleMask mask : {0x0U, 0x1U, 0x6U, 0xDU}) {
        const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = k4});
        DrawState state = state_;
        state.sample_mask = mask;
        draw(t, state, rectangle(t, 0, 0, 16, 16));
        const auto found = samples(t);
        for (uint32_t i = 0; i < found.size(); ++i) {
            ASSERT_EQ(found[i] != 0, (mask >> i % 4 & 1) != 0) << mask << " at " << i;
        }
    }
}

/*glsl mask.frag
layout(location = 0) out float color;
void main() { gl_SampleMask[0] = 1 << (int(gl_FragCoord.x) & 3) | 8; color = 1.0; }
*/
TEST_F(Msaa, ShaderWritesTheMask) {
    const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = k4});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::mask_frag}, 3);
    const auto found = samples(t);
    for (uint32_t i = 0; i < found.size(); ++i) {
        const uint32_t pixel = i / 4, sample = i % 4;
        ASSERT_EQ(found[i] != 0, sample == 3 || sample == pixel % 16 % 4) << i;
    }
}

/*glsl maskin.frag
layout(location = 0) out uint color;
void main() { color = uint(gl_SampleMaskIn[0]); }
*/
TEST_F(Msaa, ShaderReadsTheCoverage) {
    const Target t = target({.colors = {VK_FORMAT_R32_UINT}, .samples = k4});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::maskin_frag};
    draw(t, state, rectangle(t, 0.5F, 0, 16, 16));
    const auto found = samples(t);
    for (uint32_t y = 0; y < 16; ++y) {
        for (uint32_t x = 0; x < 16; ++x) {
            if (std::max(x, y) - std::min(x, y) <= 1) {
                continue; // on the diagonal each triangle has its own share
            }
            uint32_t mask = 0;
            for (uint32_t s = 0; s < 4; ++s) {
                const float at = static_cast<float>(x) + kLocations[s][0];
                mask |= at >= 0.5F ? 1U << s : 0;
            }
            for (uint32_t s = 0; s < 4; ++s) {
                ASSERT_EQ(found[(y * 16 + x) * 4 + s], (mask >> s & 1) != 0 ? mask : 0U)
                    << x << "," << y << " sample " << s;
            }
        }
    }
}

/*glsl persample.frag
layout(location = 0) out uint color;
void main() {
    vec2 f = fract(gl_FragCoord.xy);
    color = uint(gl_SampleID) << 16 | uint(f.x * 16.0) << 8 | uint(f.y * 16.0);
}
*/
TEST_F(Msaa, SampleShadingRunsPerSample) {
    if (!world.features.core.sampleRateShading) {
        GTEST_SKIP() << "no sampleRateShading";
    }
    const Target t = target({.colors = {VK_FORMAT_R32_UINT}, .samples = k4});
    DrawState state{.vert = glsl::screen_vert, .frag = glsl::persample_frag};
    state.sample_shading = true;
    draw(t, state, 3);
    const auto found = samples(t);
    for (uint32_t i = 0; i < found.size(); ++i) {
        const auto& location = kLocations[i % 4];
        ASSERT_EQ(found[i], i % 4 << 16 | static_cast<uint32_t>(location[0] * 16) << 8 |
                                static_cast<uint32_t>(location[1] * 16))
            << i;
    }
}

TEST_F(Msaa, AlphaToCoverageAndToOne) {
    uint32_t last = 0;
    for (const float alpha : {0.0F, 0.25F, 0.5F, 0.75F, 1.0F}) {
        const Target t = target({.colors = {VK_FORMAT_R8G8B8A8_UNORM}, .samples = k4});
        DrawState state = state_;
        state.alpha_to_coverage = true;
        state.alpha_to_one = world.features.core.alphaToOne;
        draw(t, state, rectangle(t, 0, 0, 16, 16, 0, {1, 0, 0, alpha}));
        const uint32_t red = read<uint32_t>(t.result())[0] & 0xFF;
        EXPECT_GE(red, last) << alpha;
        if (alpha == 0.0F || alpha == 1.0F) {
            EXPECT_EQ(red, alpha == 0 ? 0U : 255U);
        }
        last = red;
    }
}

TEST_F(Msaa, DepthPerSample) {
    // The second rectangle is hidden where the first one's slope is nearer: inside pixel 8 the
    // samples differ.
    Target t =
        target({.colors = {VK_FORMAT_R32_SFLOAT}, .depth = VK_FORMAT_D32_SFLOAT, .samples = k4});
    DrawState state = state_;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    auto vertices = rectangle(t, 0, 0, 16, 16, 0, {0.5F, 0, 0, 1});
    for (auto& v : vertices) {
        v.z = v.x < 0 ? 0.0F : 1.0F;
    }
    const auto second = rectangle(t, 0, 0, 16, 16, 8.5F / 16, {1, 0, 0, 1});
    vertices.insert(vertices.end(), second.begin(), second.end());
    draw(t, state, vertices);
    const auto found = samples(t);
    for (uint32_t i = 0; i < found.size(); ++i) {
        const float x = static_cast<float>(i / 4 % 16) + kLocations[i % 4][0];
        ASSERT_EQ(std::bit_cast<float>(found[i]), x > 8.5F ? 1.0F : 0.5F) << i;
    }
}

/*glsl centroid.frag -DMODE=centroid
| center -DMODE=smooth
| sample -DMODE=sample
layout(location = 0) MODE in vec4 v_color;
layout(location = 0) out float color;
void main() { color = v_color.x; }
*/
/*glsl centroid.vert -DMODE=centroid
| center -DMODE=smooth
| sample -DMODE=sample
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) MODE out vec4 v_color;
void main() { gl_Position = position; v_color = color; }
*/
TEST_F(Msaa, CentroidStaysInsideAndSampleFollowsTheSample) {
    for (const bool per_sample : {false, true}) {
        if (per_sample && !world.features.core.sampleRateShading) {
            continue;
        }
        const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = k4});
        DrawState state{.vert = per_sample ? Spirv(glsl::sample_vert) : Spirv(glsl::centroid_vert),
                        .frag = per_sample ? Spirv(glsl::sample_frag) : Spirv(glsl::centroid_frag)};
        // The value is x / 16 and the right edge at 8.4: pixel 8 is covered at x 0.125, 0.375.
        auto vertices = rectangle(t, 0, 0, 8.4375F, 16);
        for (auto& v : vertices) {
            v.color[0] = v.x <= -1 ? 0.0F : 8.4375F / 16;
        }
        draw(t, state, vertices);
        const auto found = samples(t);
        for (uint32_t s = 0; s < 4; ++s) {
            const float value = std::bit_cast<float>(found[(5 * 16 + 8) * 4 + s]) * 16;
            if (kLocations[s][0] > 0.4375F) {
                EXPECT_EQ(value, 0.0F);
            } else if (per_sample) {
                EXPECT_NEAR(value, 8 + kLocations[s][0], 1e-3);
            } else {
                EXPECT_GE(value, 8.0F);
                EXPECT_LE(value, 8.4375F + 1e-3F);
            }
        }
    }
}

TEST_F(Msaa, IntegerResolveTakesOneSample) {
    const Target t = target({.colors = {VK_FORMAT_R32_UINT}, .samples = k4});
    DrawState state{.vert = glsl::screen_vert, .frag = glsl::persample_frag};
    if (!world.features.core.sampleRateShading) {
        GTEST_SKIP() << "no sampleRateShading";
    }
    state.sample_shading = true;
    draw(t, state, 3);
    const auto found = samples(t);
    const auto resolved = read<uint32_t>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_NE(std::find(found.begin() + i * 4, found.begin() + i * 4 + 4, resolved[i]),
                  found.begin() + i * 4 + 4)
            << i;
    }
}

} // namespace
