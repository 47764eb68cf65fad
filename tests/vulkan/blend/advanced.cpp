// SPDX-License-Identifier: MIT
// Advanced blend equations and negative numbers in signed targets.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

#include "blend_shaders.hpp"

#include <algorithm>

using namespace kite::vktest;

namespace {

class BlendAdvanced : public GraphicsTest {
protected:
    /// One pixel of a target cleared to `below` after a draw of `source`.
    std::array<float, 4> blended(VkFormat format, const DrawState& state,
                                 const std::array<float, 4>& source,
                                 const std::array<float, 4>& below) {
        Target t = target({.colors = {format}, .width = 4, .height = 4});
        std::ranges::copy(below, t.clears[0].color.float32);
        draw(t, state, rectangle(t, 0, 0, 4, 4, 0, source));
        return pixel(t);
    }
    /// The same with an advanced equation, which a command sets.
    std::array<float, 4> advanced(VkFormat format, const VkColorBlendAdvancedEXT& how,
                                  const std::array<float, 4>& source,
                                  const std::array<float, 4>& below) {
        Target t = target({.colors = {format}, .width = 4, .height = 4});
        std::ranges::copy(below, t.clears[0].color.float32);
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
        state.blend = {equation(VK_BLEND_FACTOR_ONE, VK_BLEND_FACTOR_ZERO, VK_BLEND_OP_ADD)};
        state.dynamic = {VK_DYNAMIC_STATE_COLOR_BLEND_ADVANCED_EXT};
        const VkPipeline made = pipeline(t, state);
        const Buffer vertices = buffer_of(rectangle(t, 0, 0, 4, 4, 0, source));
        const auto set =
            world.load<PFN_vkCmdSetColorBlendAdvancedEXT>("vkCmdSetColorBlendAdvancedEXT");
        render(t, [&](VkCommandBuffer c) {
            const VkDeviceSize zero = 0;
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            vkCmdBindVertexBuffers(c, 0, 1, &vertices.handle, &zero);
            set(c, 0, 1, &how);
            vkCmdDraw(c, 6, 1, 0, 0);
        });
        return pixel(t);
    }
    bool offered() const {
        return world.has("VK_EXT_blend_operation_advanced") &&
               world.features.dynamic_state3.extendedDynamicState3ColorBlendAdvanced;
    }
    std::array<float, 4> pixel(const Target& t) {
        const Texel got = decode(t.info.colors[0], read_bytes(t.result()).data());
        std::array<float, 4> out{};
        std::ranges::transform(got, out.begin(), [](double v) { return float(v); });
        return out;
    }
    static VkPipelineColorBlendAttachmentState equation(VkBlendFactor source, VkBlendFactor target,
                                                        VkBlendOp op) {
        return {.blendEnable = VK_TRUE,
                .srcColorBlendFactor = source,
                .dstColorBlendFactor = target,
                .colorBlendOp = op,
                .srcAlphaBlendFactor = source,
                .dstAlphaBlendFactor = target,
                .alphaBlendOp = op,
                .colorWriteMask = 0xF};
    }
};

/// Source and destination, not premultiplied.
constexpr std::array<float, 4> kSource{0.8F, 0.3F, 0.15F, 0.75F};
constexpr std::array<float, 4> kBelow{0.25F, 0.6F, 0.9F, 0.5F};

/// What the equations of the specification give, VK_BLEND_OP_ZERO_EXT first, with the overlap modes
/// taken in turns; premultiplied.
constexpr double kExpected[46][4] = {
    // clang-format off
    {0.00000, 0.00000, 0.00000, 0.00000},
    {0.60000, 0.22500, 0.11250, 0.75000},
    {0.12500, 0.30000, 0.45000, 0.50000},
    {0.63125, 0.30000, 0.22500, 0.87500},
    {0.52500, 0.45000, 0.52500, 1.00000},
    {0.40000, 0.15000, 0.07500, 0.50000},
    {0.09375, 0.22500, 0.33750, 0.37500},
    {0.40000, 0.15000, 0.07500, 0.50000},
    {0.00000, 0.00000, 0.00000, 0.00000},
    {0.33125, 0.18750, 0.16875, 0.50000},
    {0.46250, 0.30000, 0.30000, 0.75000},
    {0.20000, 0.07500, 0.03750, 0.25000},
    {0.40625, 0.25500, 0.21937, 0.87500},
    {0.67500, 0.48000, 0.52875, 1.00000},
    {0.40000, 0.29500, 0.45250, 0.75000},
    {0.42500, 0.30000, 0.22500, 0.87500},
    {0.66250, 0.45000, 0.52500, 1.00000},
    {0.70000, 0.50357, 0.53750, 0.75000},
    {0.35469, 0.18750, 0.29375, 0.87500},
    {0.63750, 0.39000, 0.36750, 1.00000},
    {0.40000, 0.32700, 0.45600, 0.75000},
    {0.53750, 0.30000, 0.45000, 0.87500},
    {0.62500, 0.43500, 0.49500, 1.00000},
    {0.37500, 0.20000, 0.05000, 0.50000},
    {0.25625, 0.12000, 0.11813, 0.50000},
    {0.71250, 0.52500, 0.55000, 1.00000},
    {0.22500, 0.07500, 0.06250, 0.75000},
    {0.56563, 0.31250, 0.41875, 0.87500},
    {0.67500, 0.35000, 0.35000, 1.00000},
    {0.50000, 0.37500, 0.18750, 0.75000},
    {0.70625, 0.18750, 0.54375, 0.87500},
    {0.68613, 0.39863, 0.36113, 1.00000},
    {0.32500, 0.37500, 0.48750, 0.75000},
    {0.66669, 0.33544, 0.26044, 0.87500},
    {0.50138, 0.42637, 0.50138, 1.00000},
    {0.72500, 0.52500, 0.56250, 1.25000},
    {0.72500, 0.52500, 0.56250, 1.00000},
    {0.72500, 0.52500, 0.56250, 1.00000},
    {0.47500, 0.27500, 0.31250, 1.00000},
    {-0.47500, 0.07500, 0.33750, -0.25000},
    {0.00000, 0.07500, 0.33750, 0.00000},
    {0.19375, 0.23500, 0.14500, 0.50000},
    {0.68750, 0.60000, 0.52500, 0.87500},
    {0.60000, 0.30000, 0.45000, 0.50000},
    {0.12500, 0.22500, 0.45000, 0.50000},
    {0.12500, 0.30000, 0.11250, 0.50000},
    // clang-format on
};

TEST_F(BlendAdvanced, EveryEquation) {
    if (!offered()) {
        GTEST_SKIP() << "no dynamic advanced blending";
    }
    for (int i = 0; i < 46; ++i) {
        for (const bool premultiplied : {false, true}) {
            const VkBool32 flag = premultiplied ? VK_TRUE : VK_FALSE;
            auto source = kSource, below = kBelow;
            for (size_t k = 0; k < 3 && premultiplied; ++k) {
                source[k] *= source[3];
                below[k] *= below[3];
            }
            const auto got = advanced(VK_FORMAT_R16G16B16A16_SFLOAT,
                                      {static_cast<VkBlendOp>(VK_BLEND_OP_ZERO_EXT + i), flag, flag,
                                       static_cast<VkBlendOverlapEXT>(i % 3), VK_FALSE},
                                      source, below);
            const double alpha = kExpected[i][3];
            for (size_t k = 0; k < 4; ++k) {
                // A target that is not premultiplied gets the colour divided by its alpha.
                const bool divided = !premultiplied && k < 3;
                const double expected = !divided    ? kExpected[i][k]
                                        : alpha > 0 ? kExpected[i][k] / alpha
                                                    : 0.0;
                EXPECT_NEAR(got[k], expected, 3e-3)
                    << "equation " << i << " component " << k << " premultiplied " << premultiplied;
            }
        }
    }
}

TEST_F(BlendAdvanced, OfAByteFormat) {
    if (!offered()) {
        GTEST_SKIP() << "no dynamic advanced blending";
    }
    const auto got = advanced(
        VK_FORMAT_R8G8B8A8_UNORM,
        {VK_BLEND_OP_MULTIPLY_EXT, VK_TRUE, VK_TRUE, VK_BLEND_OVERLAP_UNCORRELATED_EXT, VK_FALSE},
        {0.5F, 0.25F, 1, 1}, {0.5F, 0.5F, 0.5F, 1});
    EXPECT_NEAR(got[0], 0.25F, 0.005F);
    EXPECT_NEAR(got[1], 0.125F, 0.005F);
    EXPECT_NEAR(got[2], 0.5F, 0.005F);
    EXPECT_NEAR(got[3], 1.0F, 0.005F);
}

// Source, destination and factors of signed targets are limited to -1..1 before blending.
TEST_F(BlendAdvanced, NegativeColorsInSignedTargets) {
    const std::array<float, 4> source{-0.5F, 0.75F, -2, -0.25F};
    const std::array<float, 4> below{-0.75F, 0.5F, -0.25F, 0.5F};
    const auto limit = [](float v) { return std::clamp(v, -1.0F, 1.0F); };
    for (const VkFormat format : {VK_FORMAT_R8G8B8A8_SNORM, VK_FORMAT_R16G16B16A16_SNORM}) {
        if (!world.supports(format, VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT)) {
            continue;
        }
        for (int f = VK_BLEND_FACTOR_ZERO; f <= VK_BLEND_FACTOR_SRC_ALPHA_SATURATE; ++f) {
            const auto factor = [&](int which, size_t k) {
                const float s = limit(source[k]), sa = limit(source[3]), d = below[k];
                const std::array<float, 15> all{
                    0,     1,     s,      1 - s,    d,
                    1 - d, sa,    1 - sa, below[3], 1 - below[3],
                    1.5F,  -0.5F, -2,     3,        k == 3 ? 1 : std::min(sa, 1 - below[3])};
                return limit(all[static_cast<size_t>(which)]);
            };
            const int other = (f * 4 + 3) % 15;
            DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
            state.blend = {equation(static_cast<VkBlendFactor>(f),
                                    static_cast<VkBlendFactor>(other), VK_BLEND_OP_ADD)};
            state.blend_constants = {1.5F, 1.5F, 1.5F, -2};
            const auto got = blended(format, state, source, below);
            for (size_t k = 0; k < 4; ++k) {
                const bool alpha = k == 3;
                const auto constant = [&](int which) {
                    // The alpha component of the constant colour is the constant alpha.
                    return alpha && (which == 10 || which == 11) ? which + 2 : which;
                };
                const float expected = limit(limit(source[k]) * factor(constant(f), k) +
                                             below[k] * factor(constant(other), k));
                EXPECT_NEAR(got[k], expected, 0.02) << "format " << format << " component " << k
                                                    << " factors " << f << " " << other;
            }
        }
    }
}

// So are the constants of unsigned ones.
TEST_F(BlendAdvanced, ConstantsBeyondOneInByteTargets) {
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.blend = {equation(VK_BLEND_FACTOR_CONSTANT_COLOR,
                            VK_BLEND_FACTOR_ONE_MINUS_CONSTANT_COLOR, VK_BLEND_OP_ADD)};
    state.blend_constants = {3, -1, 0.5F, 2};
    for (const VkFormat format : {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_A2B10G10R10_UNORM_PACK32}) {
        const auto got = blended(format, state, {0.2F, 0.2F, 0.2F, 0}, {0.6F, 0.6F, 0.6F, 1});
        EXPECT_NEAR(got[0], 0.2F, 0.01F);
        EXPECT_NEAR(got[1], 0.6F, 0.01F);
        EXPECT_NEAR(got[2], 0.4F, 0.01F);
        EXPECT_NEAR(got[3], 0.0F, 0.01F);
    }
}

} // namespace
