// SPDX-License-Identifier: MIT
// Blend factors and equations, logic operations, write masks, several attachments.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

#include "blend_shaders.hpp"

#include <algorithm>

using namespace kite::vktest;

namespace {

using Rgba = std::array<double, 4>;

class Blend : public GraphicsTest {
protected:
    static constexpr Rgba kConstants{0.2, 0.4, 0.6, 0.8};
    /// The factor that the specification gives for one component.
    static double factor(VkBlendFactor f, const Rgba& s, const Rgba& s1, const Rgba& d, size_t k) {
        switch (f) {
        case VK_BLEND_FACTOR_ZERO:
            return 0;
        case VK_BLEND_FACTOR_ONE:
            return 1;
        case VK_BLEND_FACTOR_SRC_COLOR:
            return s[k];
        case VK_BLEND_FACTOR_ONE_MINUS_SRC_COLOR:
            return 1 - s[k];
        case VK_BLEND_FACTOR_DST_COLOR:
            return d[k];
        case VK_BLEND_FACTOR_ONE_MINUS_DST_COLOR:
            return 1 - d[k];
        case VK_BLEND_FACTOR_SRC_ALPHA:
            return s[3];
        case VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA:
            return 1 - s[3];
        case VK_BLEND_FACTOR_DST_ALPHA:
            return d[3];
        case VK_BLEND_FACTOR_ONE_MINUS_DST_ALPHA:
            return 1 - d[3];
        case VK_BLEND_FACTOR_CONSTANT_COLOR:
            return kConstants[k];
        case VK_BLEND_FACTOR_ONE_MINUS_CONSTANT_COLOR:
            return 1 - kConstants[k];
        case VK_BLEND_FACTOR_CONSTANT_ALPHA:
            return kConstants[3];
        case VK_BLEND_FACTOR_ONE_MINUS_CONSTANT_ALPHA:
            return 1 - kConstants[3];
        case VK_BLEND_FACTOR_SRC_ALPHA_SATURATE:
            return k == 3 ? 1 : std::min(s[3], 1 - d[3]);
        case VK_BLEND_FACTOR_SRC1_COLOR:
            return s1[k];
        case VK_BLEND_FACTOR_ONE_MINUS_SRC1_COLOR:
            return 1 - s1[k];
        case VK_BLEND_FACTOR_SRC1_ALPHA:
            return s1[3];
        case VK_BLEND_FACTOR_ONE_MINUS_SRC1_ALPHA:
            return 1 - s1[3];
        default:
            return -1;
        }
    }
    static double combine(VkBlendOp op, double s, double fs, double d, double fd) {
        switch (op) {
        case VK_BLEND_OP_ADD:
            return s * fs + d * fd;
        case VK_BLEND_OP_SUBTRACT:
            return s * fs - d * fd;
        case VK_BLEND_OP_REVERSE_SUBTRACT:
            return d * fd - s * fs;
        case VK_BLEND_OP_MIN:
            return std::min(s, d);
        case VK_BLEND_OP_MAX:
            return std::max(s, d);
        default:
            return -1;
        }
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
    /// Draws `source` over a target cleared to `below` and compares one pixel.
    void check(VkFormat format, const VkPipelineColorBlendAttachmentState& blend,
               const Rgba& source, const Rgba& below, Spirv frag, const Rgba& second) {
        Target t = target({.colors = {format}, .width = 4, .height = 4});
        for (size_t k = 0; k < 4; ++k) {
            t.clears[0].color.float32[k] = static_cast<float>(below[k]);
        }
        DrawState state{.vert = glsl::pass_vert, .frag = frag};
        state.blend = {blend};
        state.blend_constants = {0.2F, 0.4F, 0.6F, 0.8F};
        std::array<float, 4> color{};
        std::ranges::transform(source, color.begin(), [](double v) { return float(v); });
        draw(t, state, rectangle(t, 0, 0, 4, 4, 0, color));
        const Texel stored = decode(format, encode(format, below).data());
        const Texel got = decode(format, read_bytes(t.result()).data());
        for (size_t k = 0; k < 4; ++k) {
            const bool alpha = k == 3;
            const auto fs = alpha ? blend.srcAlphaBlendFactor : blend.srcColorBlendFactor;
            const auto fd = alpha ? blend.dstAlphaBlendFactor : blend.dstColorBlendFactor;
            const double value = combine(alpha ? blend.alphaBlendOp : blend.colorBlendOp, source[k],
                                         factor(fs, source, second, stored, k), stored[k],
                                         factor(fd, source, second, stored, k));
            Texel whole{};
            whole[k] = value;
            const double expected = decode(format, encode(format, whole).data())[k];
            EXPECT_NEAR(got[k], expected,
                        2 * tolerance(format, static_cast<uint32_t>(k), expected) + 1e-3)
                << "component " << k << " factors " << fs << " " << fd;
        }
    }
};

TEST_F(Blend, EveryFactor) {
    for (int f = VK_BLEND_FACTOR_ZERO; f <= VK_BLEND_FACTOR_SRC_ALPHA_SATURATE; ++f) {
        const auto one = static_cast<VkBlendFactor>(f);
        const auto other = static_cast<VkBlendFactor>(f == 14 ? 1 : (f * 5 + 3) % 14);
        for (const VkFormat format : {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R16G16B16A16_SFLOAT}) {
            check(format, equation(one, other, VK_BLEND_OP_ADD), {0.9, 0.25, 0.5, 0.7},
                  {0.3, 0.6, 0.1, 0.4}, glsl::color_frag, {});
            check(format, equation(other, one, VK_BLEND_OP_ADD), {0.1, 0.35, 0.8, 0.2},
                  {0.2, 0.7, 0.5, 0.9}, glsl::color_frag, {});
        }
    }
}

TEST_F(Blend, EveryOperationWithAlphaApart) {
    for (int op = VK_BLEND_OP_ADD; op <= VK_BLEND_OP_MAX; ++op) {
        auto blend = equation(VK_BLEND_FACTOR_SRC_ALPHA, VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
                              static_cast<VkBlendOp>(op));
        blend.alphaBlendOp = static_cast<VkBlendOp>((op + 2) % 5);
        blend.srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE;
        blend.dstAlphaBlendFactor = VK_BLEND_FACTOR_DST_ALPHA;
        for (const VkFormat format :
             {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R16G16B16A16_SFLOAT,
              VK_FORMAT_A2B10G10R10_UNORM_PACK32, VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_R8_UNORM,
              VK_FORMAT_R5G6B5_UNORM_PACK16, VK_FORMAT_R32G32B32A32_SFLOAT,
              VK_FORMAT_B10G11R11_UFLOAT_PACK32, VK_FORMAT_R8G8B8A8_SNORM}) {
            if (world.supports(format, VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT)) {
                SCOPED_TRACE(testing::Message() << "format " << format << " op " << op);
                check(format, blend, {0.9, 0.25, 0.5, 0.7}, {0.3, 0.6, 0.1, 1}, glsl::color_frag,
                      {});
            }
        }
    }
}

/*glsl dual.frag
layout(location = 0) in vec4 v_color;
layout(location = 0, index = 0) out vec4 color;
layout(location = 0, index = 1) out vec4 second;
void main() { color = v_color; second = vec4(0.1, 0.9, 0.4, 0.3); }
*/
TEST_F(Blend, DualSource) {
    if (!world.features.core.dualSrcBlend) {
        GTEST_SKIP() << "no dualSrcBlend";
    }
    for (int f = VK_BLEND_FACTOR_SRC1_COLOR; f <= VK_BLEND_FACTOR_ONE_MINUS_SRC1_ALPHA; ++f) {
        check(VK_FORMAT_R8G8B8A8_UNORM,
              equation(static_cast<VkBlendFactor>(f),
                       static_cast<VkBlendFactor>(VK_BLEND_FACTOR_SRC1_COLOR + (f + 1) % 4),
                       VK_BLEND_OP_ADD),
              {0.9, 0.25, 0.5, 0.7}, {0.3, 0.6, 0.1, 0.4}, glsl::dual_frag, {0.1, 0.9, 0.4, 0.3});
    }
}

TEST_F(Blend, LogicOperations) {
    if (!world.features.core.logicOp) {
        GTEST_SKIP() << "no logicOp";
    }
    const uint32_t s = 0x33CC55F0, d = 0x0F5AA5C3;
    const uint32_t expected[16] = {0,     s & d,  s & ~d,   s,         ~s & d, d,
                                   s ^ d, s | d,  ~(s | d), ~(s ^ d),  ~d,     s | ~d,
                                   ~s,    ~s | d, ~(s & d), 0xFFFFFFFF};
    for (int op = VK_LOGIC_OP_CLEAR; op <= VK_LOGIC_OP_SET; ++op) {
        Target t = target({.width = 4, .height = 4});
        std::array<float, 4> color{};
        for (size_t k = 0; k < 4; ++k) {
            t.clears[0].color.float32[k] = static_cast<float>(d >> 8 * k & 255) / 255;
            color[k] = static_cast<float>(s >> 8 * k & 255) / 255;
        }
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
        state.logic_op = static_cast<VkLogicOp>(op);
        draw(t, state, rectangle(t, 0, 0, 4, 4, 0, color));
        EXPECT_EQ(read<uint32_t>(t.result())[5], expected[op]) << op;
    }
}

TEST_F(Blend, WriteMasks) {
    for (VkColorComponentFlags mask = 0; mask < 16; ++mask) {
        Target t = target({.width = 4, .height = 4});
        t.clears[0].color = {.float32 = {0, 0, 0, 0}};
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
        state.blend = {{.colorWriteMask = mask}};
        draw(t, state, rectangle(t, 0, 0, 4, 4));
        uint32_t expected = 0;
        for (uint32_t k = 0; k < 4; ++k) {
            expected |= (mask >> k & 1) != 0 ? 0xFFU << 8 * k : 0;
        }
        EXPECT_EQ(read<uint32_t>(t.result())[5], expected) << mask;
    }
}

/*glsl mrt.frag
layout(location = 0) out vec4 a;
layout(location = 1) out uvec4 b;
layout(location = 2) out ivec2 c;
layout(location = 3) out float d;
void main() { a = vec4(1, 0.5, 0, 1); b = uvec4(1, 2, 70000, 4); c = ivec2(-5, 6); d = 0.125; }
*/
TEST_F(Blend, FourAttachmentsOfDifferentClasses) {
    const Target t = target({.colors = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R32G32B32A32_UINT,
                                        VK_FORMAT_R16G16_SINT, VK_FORMAT_R32_SFLOAT}});
    draw(t, {.vert = glsl::screen_vert, .frag = glsl::mrt_frag}, 3);
    EXPECT_EQ(read<uint32_t>(t.colors[0])[100] & 0xFFFF00FF, 0xFF0000FFU);
    EXPECT_EQ(read<uint32_t>(t.colors[1])[100 * 4 + 2], 70000U);
    EXPECT_EQ(read<int16_t>(t.colors[2])[200], -5);
    EXPECT_EQ(read<int16_t>(t.colors[2])[201], 6);
    EXPECT_EQ(read<float>(t.colors[3])[255], 0.125F);
}

/*glsl two.frag
layout(location = 0) out vec4 a;
layout(location = 1) out vec4 b;
void main() { a = vec4(0.25); b = vec4(0.25); }
*/
TEST_F(Blend, IndependentPerAttachment) {
    if (!world.features.core.independentBlend) {
        GTEST_SKIP() << "no independentBlend";
    }
    Target t = target({.colors = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM}});
    t.clears[0].color = t.clears[1].color = {.float32 = {0.5F, 0.5F, 0.5F, 0.5F}};
    DrawState state{.vert = glsl::screen_vert, .frag = glsl::two_frag};
    state.blend = {equation(VK_BLEND_FACTOR_ONE, VK_BLEND_FACTOR_ONE, VK_BLEND_OP_ADD), opaque()};
    state.blend[1].colorWriteMask = VK_COLOR_COMPONENT_G_BIT;
    draw(t, state, 3);
    const auto first = decode(VK_FORMAT_R8G8B8A8_UNORM, read_bytes(t.colors[0]).data());
    const auto second = decode(VK_FORMAT_R8G8B8A8_UNORM, read_bytes(t.colors[1]).data());
    EXPECT_NEAR(first[0], 0.75, 0.01);
    EXPECT_NEAR(second[0], 0.5, 0.01);
    EXPECT_NEAR(second[1], 0.25, 0.01);
}

TEST_F(Blend, PrimitiveOrderWithinOneDraw) {
    // 300 overlapping layers over/under; the result of any other order differs.
    const Target t = target({.colors = {VK_FORMAT_R32G32B32A32_SFLOAT}, .width = 70, .height = 70});
    if (!world.supports(VK_FORMAT_R32G32B32A32_SFLOAT,
                        VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT)) {
        GTEST_SKIP() << "no blending of 32-bit floats";
    }
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.blend = {
        equation(VK_BLEND_FACTOR_SRC_ALPHA, VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA, VK_BLEND_OP_ADD)};
    std::vector<Vertex> vertices;
    double expected = 0;
    for (int i = 0; i < 300; ++i) {
        const auto value = static_cast<float>(i % 7);
        const auto more = rectangle(t, 0, 0, 70, 70, 0, {value, 0, 0, 0.25F});
        vertices.insert(vertices.end(), more.begin(), more.end());
        expected = value * 0.25 + expected * 0.75;
    }
    draw(t, state, vertices);
    const auto pixels = read<float>(t.result());
    for (size_t i = 0; i < pixels.size(); i += 4) {
        ASSERT_NEAR(pixels[i], expected, 1e-3) << i / 4;
    }
}

} // namespace
