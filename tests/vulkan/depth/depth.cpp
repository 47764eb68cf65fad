// SPDX-License-Identifier: MIT
// Depth and stencil: all comparisons and operations, bias, clamp, bounds, gl_FragDepth.
#include "tests/vulkan/harness/graphics.hpp"

#include "depth_shaders.hpp"

#include <algorithm>
#include <cmath>

using namespace kite::vktest;

namespace {

template <typename T>
bool compare(VkCompareOp op, T a, T b) {
    switch (op) {
    case VK_COMPARE_OP_NEVER:
        return false;
    case VK_COMPARE_OP_LESS:
        return a < b;
    case VK_COMPARE_OP_EQUAL:
        return a == b;
    case VK_COMPARE_OP_LESS_OR_EQUAL:
        return a <= b;
    case VK_COMPARE_OP_GREATER:
        return a > b;
    case VK_COMPARE_OP_NOT_EQUAL:
        return a != b;
    case VK_COMPARE_OP_GREATER_OR_EQUAL:
        return a >= b;
    default:
        return true;
    }
}

class Depth : public GraphicsTest {
protected:
    DrawState state_{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    VkFormat stencil_format() const {
        return world.supports(VK_FORMAT_D32_SFLOAT_S8_UINT,
                              VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT)
                   ? VK_FORMAT_D32_SFLOAT_S8_UINT
                   : VK_FORMAT_D24_UNORM_S8_UINT;
    }
};

TEST_F(Depth, EveryComparison) {
    for (const VkFormat format : {VK_FORMAT_D16_UNORM, VK_FORMAT_D32_SFLOAT,
                                  VK_FORMAT_X8_D24_UNORM_PACK32, VK_FORMAT_D24_UNORM_S8_UINT}) {
        if (!world.supports(format, VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT)) {
            continue;
        }
        for (int op = 0; op < 8; ++op) {
            Target t = target({.depth = format});
            t.clears[1].depthStencil.depth = 0.5F;
            DrawState state = state_;
            state.depth.depthTestEnable = VK_TRUE;
            state.depth.depthWriteEnable = VK_TRUE;
            state.depth.depthCompareOp = static_cast<VkCompareOp>(op);
            // Columns at z 0.25, exactly 0.5 and 0.75.
            std::vector<Vertex> vertices;
            for (int i = 0; i < 3; ++i) {
                const auto x = static_cast<float>(i * 4);
                const auto more = rectangle(t, x, 0, x + 4, 16, 0.25F * static_cast<float>(i + 1));
                vertices.insert(vertices.end(), more.begin(), more.end());
            }
            // 0.5 is not exact in the UNORM formats: clear by drawing instead.
            const VkPipeline made = pipeline(t, state);
            state.depth.depthCompareOp = VK_COMPARE_OP_ALWAYS;
            state.blend = {{.colorWriteMask = 0}};
            const VkPipeline lay = pipeline(t, state);
            const auto ground = rectangle(t, 0, 0, 16, 16, 0.5F);
            vertices.insert(vertices.end(), ground.begin(), ground.end());
            const Buffer data = buffer_of(vertices);
            render(t, [&](VkCommandBuffer c) {
                const VkDeviceSize zero = 0;
                vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
                vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, lay);
                vkCmdDraw(c, 6, 1, 18, 0);
                vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
                vkCmdDraw(c, 18, 1, 0, 0);
            });
            const auto pixels = read<uint32_t>(t.result());
            for (uint32_t i = 0; i < 3; ++i) {
                EXPECT_EQ(pixels[5 * 16 + i * 4 + 1] != 0,
                          compare(static_cast<VkCompareOp>(op), static_cast<int>(i), 1))
                    << "format " << format << " op " << op << " column " << i;
            }
        }
    }
}

TEST_F(Depth, WritesAreStoredAndMasked) {
    for (const bool writes : {false, true}) {
        const Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
        DrawState state = state_;
        state.depth.depthTestEnable = VK_TRUE;
        state.depth.depthWriteEnable = writes;
        state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
        auto vertices = rectangle(t, 0, 0, 16, 16);
        for (auto& v : vertices) {
            v.z = v.x < 0 ? 0.0F : 0.5F;
        }
        draw(t, state, vertices);
        const auto depth = read<float>(t.depth);
        for (uint32_t i = 0; i < 256; ++i) {
            const float z = (static_cast<float>(i % 16) + 0.5F) / 32;
            ASSERT_NEAR(depth[i], writes ? z : 1.0F, 1e-6) << i;
        }
    }
}

TEST_F(Depth, IntersectingTriangles) {
    // Two slopes that cross at x = 16: the nearer one wins on either side whatever the order.
    for (const bool swapped : {false, true}) {
        const Target t = target({.depth = VK_FORMAT_D32_SFLOAT, .width = 32, .height = 32});
        DrawState state = state_;
        state.depth.depthTestEnable = VK_TRUE;
        state.depth.depthWriteEnable = VK_TRUE;
        state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
        std::vector<Vertex> vertices;
        for (const bool rising : {swapped, !swapped}) {
            auto more = rectangle(t, 0, 0, 32, 32);
            for (auto& v : more) {
                v.z = (v.x < 0) == rising ? 0.25F : 0.75F;
                v.color =
                    rising ? std::array<float, 4>{1, 0, 0, 1} : std::array<float, 4>{0, 1, 0, 1};
            }
            vertices.insert(vertices.end(), more.begin(), more.end());
        }
        draw(t, state, vertices);
        const auto pixels = read<uint32_t>(t.result());
        for (uint32_t i = 0; i < 1024; ++i) {
            ASSERT_EQ(pixels[i], i % 32 < 16 ? 0xFF0000FFU : 0xFF00FF00U) << i % 32;
        }
    }
}

TEST_F(Depth, BiasConstantSlopeAndClamp) {
    struct Case {
        float constant, slope, clamp;
        double expected;
    };
    // z rises from 0.25 to 0.5 over 16 pixels: slope m = 1/64; r of a 32-bit float depth at an
    // exponent of -2 (0.25 <= z < 0.5) is 2^-25, of 0.5 itself 2^-24.
    const Case cases[] = {
        {0, 0, 0, 0}, {0, 2, 0, 2.0 / 64}, {0, -3, 0, -3.0 / 64}, {0, 8, 0.03125F, 0.03125}};
    for (const auto& test : cases) {
        if (test.clamp != 0 && !world.features.core.depthBiasClamp) {
            continue;
        }
        const Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
        DrawState state = state_;
        state.depth.depthTestEnable = VK_TRUE;
        state.depth.depthWriteEnable = VK_TRUE;
        state.raster.depthBiasEnable = VK_TRUE;
        state.raster.depthBiasConstantFactor = test.constant;
        state.raster.depthBiasSlopeFactor = test.slope;
        state.raster.depthBiasClamp = test.clamp;
        auto vertices = rectangle(t, 0, 0, 16, 16);
        for (auto& v : vertices) {
            v.z = v.x < 0 ? 0.25F : 0.5F;
        }
        draw(t, state, vertices);
        const auto depth = read<float>(t.depth);
        for (uint32_t x = 0; x < 16; ++x) {
            const double z = 0.25 + (x + 0.5) / 64;
            EXPECT_NEAR(depth[x], z + test.expected, 1e-6) << x << " slope " << test.slope;
        }
    }
    // The constant factor counts in steps of the format: D16 has steps of 2^-16.
    const Target t = target({.depth = VK_FORMAT_D16_UNORM});
    DrawState state = state_;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.raster.depthBiasEnable = VK_TRUE;
    state.raster.depthBiasConstantFactor = 100;
    draw(t, state, rectangle(t, 0, 0, 16, 16, 0.25F));
    EXPECT_NEAR(read<uint16_t>(t.depth)[20], 16384 + 100, 2);
}

TEST_F(Depth, Clamp) {
    if (!world.features.core.depthClamp) {
        GTEST_SKIP() << "no depthClamp";
    }
    const Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
    DrawState state = state_;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.raster.depthClampEnable = VK_TRUE;
    state.viewports = {{0, 0, 16, 16, 0.25F, 0.75F}};
    auto vertices = rectangle(t, 0, 0, 16, 16);
    for (auto& v : vertices) {
        v.z = v.x < 0 ? -1.0F : 3.0F;
    }
    draw(t, state, vertices);
    const auto depth = read<float>(t.depth);
    for (uint32_t x = 0; x < 16; ++x) {
        const double z = -1 + (x + 0.5) / 4;
        EXPECT_NEAR(depth[x], std::clamp(0.25 + z * 0.5, 0.25, 0.75), 1e-5) << x;
    }
}

TEST_F(Depth, Bounds) {
    if (!world.features.core.depthBounds) {
        GTEST_SKIP() << "no depthBounds";
    }
    Target t = target({.depth = VK_FORMAT_D32_SFLOAT, .load = VK_ATTACHMENT_LOAD_OP_LOAD});
    std::vector<float> stored(256);
    for (uint32_t i = 0; i < 256; ++i) {
        stored[i] = static_cast<float>(i % 16) / 16;
    }
    write(t.depth, stored);
    write(t.colors[0], std::vector<uint32_t>(256));
    DrawState state = state_;
    state.depth.depthBoundsTestEnable = VK_TRUE;
    state.depth.minDepthBounds = 0.25F;
    state.depth.maxDepthBounds = 0.5F;
    draw(t, state, rectangle(t, 0, 0, 16, 16));
    const auto pixels = read<uint32_t>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(pixels[i] != 0, i % 16 >= 4 && i % 16 <= 8) << i;
    }
}

/*glsl depth.frag
layout(location = 0) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() { gl_FragDepth = gl_FragCoord.y < 8.0 ? 0.125 : 0.875; color = v_color; }
*/
TEST_F(Depth, FragDepthReplacesTheDepth) {
    Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
    t.clears[1].depthStencil.depth = 0.5F;
    DrawState state = state_;
    state.frag = glsl::depth_frag;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    draw(t, state, rectangle(t, 0, 0, 16, 16, 0.25F));
    const auto pixels = read<uint32_t>(t.result());
    const auto depth = read<float>(t.depth);
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(pixels[i] != 0, i / 16 < 8) << i;
        ASSERT_EQ(depth[i], i / 16 < 8 ? 0.125F : 0.5F) << i;
    }
}

/*glsl early.frag
layout(early_fragment_tests) in;
layout(set = 0, binding = 0) buffer R { uint count; };
layout(location = 0) out vec4 color;
void main() { atomicAdd(count, 1); color = vec4(1); discard; }
*/
TEST_F(Depth, EarlyTestsRunBeforeTheShader) {
    if (!world.features.core.fragmentStoresAndAtomics) {
        GTEST_SKIP() << "no fragmentStoresAndAtomics";
    }
    Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
    const Buffer out = buffer(16);
    const auto bound = descriptors({storage(out)});
    DrawState state = state_;
    state.frag = glsl::early_frag;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    auto vertices = rectangle(t, 0, 0, 16, 16, 0.25F);
    const auto hidden = rectangle(t, 0, 0, 16, 8, 0.5F);
    vertices.insert(vertices.end(), hidden.begin(), hidden.end());
    draw(t, state, vertices, &bound);
    // The depth is written before the discard, so the second rectangle is hidden.
    EXPECT_EQ(out.as<uint32_t>()[0], 256U);
    EXPECT_EQ(read<float>(t.depth)[0], 0.25F);
    EXPECT_EQ(read<uint32_t>(t.result())[0], 0U);
}

uint8_t operate(VkStencilOp op, uint8_t value, uint8_t reference) {
    switch (op) {
    case VK_STENCIL_OP_ZERO:
        return 0;
    case VK_STENCIL_OP_REPLACE:
        return reference;
    case VK_STENCIL_OP_INCREMENT_AND_CLAMP:
        return value == 255 ? value : static_cast<uint8_t>(value + 1);
    case VK_STENCIL_OP_DECREMENT_AND_CLAMP:
        return value == 0 ? value : static_cast<uint8_t>(value - 1);
    case VK_STENCIL_OP_INVERT:
        return static_cast<uint8_t>(~value);
    case VK_STENCIL_OP_INCREMENT_AND_WRAP:
        return static_cast<uint8_t>(value + 1);
    case VK_STENCIL_OP_DECREMENT_AND_WRAP:
        return static_cast<uint8_t>(value - 1);
    default:
        return value;
    }
}

TEST_F(Depth, StencilOperationsAndComparisons) {
    for (int op = VK_STENCIL_OP_KEEP; op <= VK_STENCIL_OP_DECREMENT_AND_WRAP; ++op) {
        for (const int test : {0, 1, 2, 3, 4, 5, 6, 7}) {
            if (op > 1 && test != 3 && test != 5) {
                continue; // every comparison with two operations, every operation with two
            }
            Target t = target({.depth = stencil_format(), .load = VK_ATTACHMENT_LOAD_OP_LOAD});
            std::vector<uint8_t> stored(256);
            for (uint32_t i = 0; i < 256; ++i) {
                stored[i] = static_cast<uint8_t>(i);
            }
            write(t.depth, stored, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT);
            write(t.depth, std::vector<float>(256, 0.0F), 0, 0, VK_IMAGE_ASPECT_DEPTH_BIT);
            write(t.colors[0], std::vector<uint32_t>(256));
            DrawState state = state_;
            const auto any = static_cast<VkStencilOp>(op);
            const uint8_t reference = 0x75, read_mask = 0x7F, write_mask = 0x3F;
            state.depth.stencilTestEnable = VK_TRUE;
            state.depth.front =
                state.depth.back = {.failOp = static_cast<VkStencilOp>((op + 1) % 8),
                                    .passOp = any,
                                    .depthFailOp = static_cast<VkStencilOp>((op + 2) % 8),
                                    .compareOp = static_cast<VkCompareOp>(test),
                                    .compareMask = read_mask,
                                    .writeMask = write_mask,
                                    .reference = reference};
            draw(t, state, rectangle(t, 0, 0, 16, 16, 0.5F));
            const auto result = read<uint8_t>(t.depth, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT);
            const auto pixels = read<uint32_t>(t.result());
            for (uint32_t i = 0; i < 256; ++i) {
                const auto old = static_cast<uint8_t>(i);
                const bool pass =
                    compare(static_cast<VkCompareOp>(test), reference & read_mask, old & read_mask);
                const uint8_t fresh =
                    operate(pass ? any : static_cast<VkStencilOp>((op + 1) % 8), old, reference);
                ASSERT_EQ(pixels[i] != 0, pass) << "op " << op << " test " << test << " at " << i;
                ASSERT_EQ(result[i], (old & ~write_mask) | (fresh & write_mask))
                    << "op " << op << " test " << test << " at " << i;
            }
        }
    }
}

TEST_F(Depth, StencilFacesAndDepthFail) {
    Target t = target({.depth = stencil_format()});
    t.clears[1].depthStencil = {0.5F, 10};
    DrawState state = state_;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    state.depth.stencilTestEnable = VK_TRUE;
    state.depth.front.depthFailOp = VK_STENCIL_OP_INCREMENT_AND_WRAP;
    state.depth.back.depthFailOp = VK_STENCIL_OP_DECREMENT_AND_WRAP;
    state.raster.frontFace = VK_FRONT_FACE_CLOCKWISE;
    // Left half behind (z 0.75) and clockwise, right half behind and counter-clockwise; twice.
    auto vertices = rectangle(t, 0, 0, 8, 16, 0.75F);
    auto other = rectangle(t, 8, 0, 16, 16, 0.75F);
    std::ranges::reverse(other);
    for (int i = 0; i < 2; ++i) {
        vertices.insert(vertices.end(), other.begin(), other.end());
    }
    draw(t, state, vertices);
    const auto stencil = read<uint8_t>(t.depth, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT);
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(stencil[i], i % 16 < 8 ? 11 : 8) << i;
    }
}

TEST_F(Depth, OnlyDepthWithoutFragmentShader) {
    const Target t = target({.colors = {}, .depth = VK_FORMAT_D32_SFLOAT});
    DrawState state{.vert = glsl::pass_vert};
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    draw(t, state, rectangle(t, 2, 2, 9, 9, 0.25F));
    const auto depth = read<float>(t.depth);
    EXPECT_EQ(depth[5 * 16 + 5], 0.25F);
    EXPECT_EQ(depth[5 * 16 + 9], 1.0F);
}

} // namespace
