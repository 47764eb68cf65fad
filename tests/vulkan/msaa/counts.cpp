// SPDX-License-Identifier: MIT
// Two and eight samples per pixel: where they lie, what reads and resolves them.
#include "tests/vulkan/harness/graphics.hpp"

#include "msaa_shaders.hpp"

#include <bit>

using namespace kite::vktest;

namespace {

using Location = std::array<float, 2>;

/// Standard sample locations.
const std::vector<Location> kTwo{{0.75F, 0.75F}, {0.25F, 0.25F}};
const std::vector<Location> kEight{{0.5625F, 0.3125F}, {0.4375F, 0.6875F}, {0.8125F, 0.5625F},
                                   {0.3125F, 0.1875F}, {0.1875F, 0.8125F}, {0.0625F, 0.4375F},
                                   {0.6875F, 0.9375F}, {0.9375F, 0.0625F}};

/// By number of samples.
class SampleCounts : public GraphicsTest, public testing::WithParamInterface<uint32_t> {
protected:
    void SetUp() override {
        const VkSampleCountFlags all = world.limits.framebufferColorSampleCounts &
                                       world.limits.framebufferDepthSampleCounts &
                                       world.limits.sampledImageColorSampleCounts;
        if ((all & GetParam()) == 0 || !world.limits.standardSampleLocations) {
            GTEST_SKIP() << GetParam() << " samples are not offered";
        }
    }
    uint32_t count() const { return GetParam(); }
    VkSampleCountFlagBits flag() const { return static_cast<VkSampleCountFlagBits>(GetParam()); }
    const std::vector<Location>& locations() const { return count() == 2 ? kTwo : kEight; }
    /// All samples of a single-channel 32-bit attachment, by pixel.
    std::vector<uint32_t> samples(const Target& t);
};

/*glsl fetch_n.comp -DS=sampler2DMS -DC=floatBitsToUint
| fetch_n_u -DS=usampler2DMS -DC=uint
layout(local_size_x = 1) in;
layout(constant_id = 0) const uint N = 1;
layout(set = 0, binding = 0) uniform S image;
layout(set = 0, binding = 1) buffer R { uint r[]; };
void main() {
    ivec2 p = ivec2(gl_WorkGroupID.xy);
    for (uint s = 0; s < N; ++s)
        r[(p.y * textureSize(image).x + p.x) * N + s] = C(texelFetch(image, p, int(s)).x);
}
*/
std::vector<uint32_t> SampleCounts::samples(const Target& t) {
    const Buffer out = buffer(size_t{t.info.width} * t.info.height * count() * 4);
    const bool is_uint = t.info.colors[0] == VK_FORMAT_R32_UINT;
    compute(is_uint ? Spirv(glsl::fetch_n_u_comp) : Spirv(glsl::fetch_n_comp),
            {sampled(t.colors[0].view, sampler(nearest())), storage(out)},
            {t.info.width, t.info.height, 1}, {}, {count()});
    const auto all = out.as<uint32_t>();
    return {all.begin(), all.end()};
}

TEST_P(SampleCounts, CoverageAndResolve) {
    const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = flag()});
    const float p[3][2] = {{1.25F, 2.0625F}, {14.5F, 5.1875F}, {4.0625F, 15.3125F}};
    draw(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag},
         {at(t, p[0][0], p[0][1]), at(t, p[1][0], p[1][1]), at(t, p[2][0], p[2][1])});
    const auto found = samples(t);
    const auto resolved = read<float>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t covered = 0;
        for (uint32_t s = 0; s < count(); ++s) {
            const float x = static_cast<float>(i % 16) + locations()[s][0];
            const float y = static_cast<float>(i / 16) + locations()[s][1];
            bool inside = true;
            for (uint32_t k = 0; k < 3; ++k) {
                const auto *a = p[k], *b = p[(k + 1) % 3];
                inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0;
            }
            ASSERT_EQ(std::bit_cast<float>(found[i * count() + s]), inside ? 1.0F : 0.0F)
                << "pixel " << i % 16 << "," << i / 16 << " sample " << s;
            covered += inside ? 1 : 0;
        }
        ASSERT_EQ(resolved[i], static_cast<float>(covered) / static_cast<float>(count())) << i;
    }
}

/*glsl position.frag
layout(location = 0) out uint color;
void main() {
    vec2 f = fract(gl_FragCoord.xy);
    vec2 p = gl_SamplePosition;
    color = uint(gl_SampleID) << 16 | uint(f.x * 16.0) << 12 | uint(f.y * 16.0) << 8 |
            uint(p.x * 16.0) << 4 | uint(p.y * 16.0);
}
*/
TEST_P(SampleCounts, ShadingPerSample) {
    if (!world.features.core.sampleRateShading) {
        GTEST_SKIP() << "no sampleRateShading";
    }
    const Target t = target({.colors = {VK_FORMAT_R32_UINT}, .samples = flag()});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::position_frag}, 3);
    const auto found = samples(t);
    for (uint32_t i = 0; i < found.size(); ++i) {
        const Location& l = locations()[i % count()];
        const auto x = static_cast<uint32_t>(l[0] * 16), y = static_cast<uint32_t>(l[1] * 16);
        ASSERT_EQ(found[i], i % count() << 16 | x << 12 | y << 8 | x << 4 | y) << i;
    }
}

/*glsl at_sample.frag
layout(location = 0) in vec2 uv;
layout(location = 0) out float color;
void main() {
    vec2 sum = vec2(0);
    for (int i = 0; i < 8; ++i)
        sum += (interpolateAtSample(uv, i) - uv) * float(1 << i);
    color = sum.x * 16.0 + sum.y * 512.0;
}
*/
TEST_P(SampleCounts, InterpolationAtSamples) {
    if (!world.features.core.sampleRateShading || count() != 8) {
        GTEST_SKIP() << "every index is a sample of eight";
    }
    const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .samples = flag()});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::at_sample_frag}, 3);
    float expected = 0; // uv grows by 1/16 a pixel
    for (uint32_t s = 0; s < 8; ++s) {
        const auto weight = static_cast<float>(1U << s) / 16;
        expected += weight * ((kEight[s][0] - 0.5F) * 16 + (kEight[s][1] - 0.5F) * 512);
    }
    for (const uint32_t v : samples(t)) {
        ASSERT_NEAR(std::bit_cast<float>(v), expected, 0.05F);
    }
}

TEST_P(SampleCounts, DepthPerSample) {
    Target t = target(
        {.colors = {VK_FORMAT_R32_SFLOAT}, .depth = VK_FORMAT_D32_SFLOAT, .samples = flag()});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    auto vertices = rectangle(t, 0, 0, 16, 16, 0, {0.5F, 0, 0, 1});
    for (auto& v : vertices) {
        v.z = v.x < 0 ? 0.0F : 1.0F;
    }
    const auto second = rectangle(t, 0, 0, 16, 16, 8.53125F / 16, {1, 0, 0, 1});
    vertices.insert(vertices.end(), second.begin(), second.end());
    draw(t, state, vertices);
    const auto found = samples(t);
    for (uint32_t i = 0; i < found.size(); ++i) {
        const float x = static_cast<float>(i / count() % 16) + locations()[i % count()][0];
        ASSERT_EQ(std::bit_cast<float>(found[i]), x > 8.53125F ? 1.0F : 0.5F) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Counts, SampleCounts, testing::Values(2U, 8U));

} // namespace
