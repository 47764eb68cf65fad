// SPDX-License-Identifier: MIT
// Draw state that commands set, units of the depth bias, exported stencil.
#include "tests/vulkan/harness/graphics.hpp"

#include "extensions_shaders.hpp"

#include <cmath>

using namespace kite::vktest;

namespace {

class ExtensionState : public GraphicsTest {
protected:
    /// Renders six vertices of `data` with the pipeline; `set` records state first.
    void draw_with(const Target& t, VkPipeline made, const Buffer& data,
                   const std::function<void(VkCommandBuffer)>& set) {
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            const VkDeviceSize zero = 0;
            vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
            set(c);
            vkCmdDraw(c, 6, 1, 0, 0);
        });
    }
};

TEST_F(ExtensionState, VertexInput) {
    if (!world.features.vertex_input.vertexInputDynamicState) {
        GTEST_SKIP() << "no vertexInputDynamicState";
    }
    const Target t = target({});
    // The colour first, then the position, and a gap.
    struct Other {
        std::array<float, 4> color, gap, position;
    };
    std::vector<Other> vertices;
    for (const Vertex& v : rectangle(t, 0, 0, 8, 16)) {
        vertices.push_back({{0, 1, 0, 1}, {}, {v.x, v.y, v.z, v.w}});
    }
    const Buffer data = buffer_of(vertices);
    const VkPipeline made = pipeline(t, {.vert = glsl::pass_vert,
                                         .frag = glsl::color_frag,
                                         .dynamic = {VK_DYNAMIC_STATE_VERTEX_INPUT_EXT}});
    const auto set = world.load<PFN_vkCmdSetVertexInputEXT>("vkCmdSetVertexInputEXT");
    draw_with(t, made, data, [&](VkCommandBuffer c) {
        const VkVertexInputBindingDescription2EXT binding{
            .sType = VK_STRUCTURE_TYPE_VERTEX_INPUT_BINDING_DESCRIPTION_2_EXT,
            .stride = sizeof(Other),
            .inputRate = VK_VERTEX_INPUT_RATE_VERTEX,
            .divisor = 1};
        VkVertexInputAttributeDescription2EXT attributes[2];
        for (uint32_t i = 0; i < 2; ++i) {
            attributes[i] = {.sType = VK_STRUCTURE_TYPE_VERTEX_INPUT_ATTRIBUTE_DESCRIPTION_2_EXT,
                             .location = i,
                             .format = VK_FORMAT_R32G32B32A32_SFLOAT,
                             .offset = i == 0 ? 32U : 0U};
        }
        set(c, 1, &binding, 2, attributes);
    });
    const auto texels = read<uint32_t>(t.result());
    EXPECT_EQ(texels[7], 0xff00ff00U);
    EXPECT_EQ(texels[8], 0U);
}

TEST_F(ExtensionState, ColorWriteEnable) {
    if (!world.features.color_write.colorWriteEnable) {
        GTEST_SKIP() << "no colorWriteEnable";
    }
    const Target t = target({});
    const Buffer data = buffer_of(rectangle(t, 0, 0, 16, 16));
    const VkPipeline made = pipeline(t, {.vert = glsl::pass_vert,
                                         .frag = glsl::color_frag,
                                         .dynamic = {VK_DYNAMIC_STATE_COLOR_WRITE_ENABLE_EXT}});
    const auto set = world.load<PFN_vkCmdSetColorWriteEnableEXT>("vkCmdSetColorWriteEnableEXT");
    for (const VkBool32 enable : {VK_FALSE, VK_TRUE}) {
        draw_with(t, made, data, [&](VkCommandBuffer c) { set(c, 1, &enable); });
        EXPECT_EQ(read<uint32_t>(t.result())[100], enable ? 0xffffffffU : 0U);
    }
}

TEST_F(ExtensionState, BlendAndPolygonMode) {
    const auto& f = world.features.dynamic_state3;
    if (!f.extendedDynamicState3ColorBlendEnable || !f.extendedDynamicState3ColorBlendEquation ||
        !f.extendedDynamicState3ColorWriteMask || !f.extendedDynamicState3PolygonMode ||
        !world.features.core.fillModeNonSolid) {
        GTEST_SKIP() << "no extendedDynamicState3";
    }
    const Target t = target({});
    const Buffer data = buffer_of(rectangle(t, 2, 2, 14, 14, 0, {1, 1, 0, 1}));
    const VkPipeline made = pipeline(
        t, {.vert = glsl::pass_vert,
            .frag = glsl::color_frag,
            .dynamic = {VK_DYNAMIC_STATE_COLOR_BLEND_ENABLE_EXT,
                        VK_DYNAMIC_STATE_COLOR_BLEND_EQUATION_EXT,
                        VK_DYNAMIC_STATE_COLOR_WRITE_MASK_EXT, VK_DYNAMIC_STATE_POLYGON_MODE_EXT}});
    const auto enable_blend =
        world.load<PFN_vkCmdSetColorBlendEnableEXT>("vkCmdSetColorBlendEnableEXT");
    const auto equation =
        world.load<PFN_vkCmdSetColorBlendEquationEXT>("vkCmdSetColorBlendEquationEXT");
    const auto mask = world.load<PFN_vkCmdSetColorWriteMaskEXT>("vkCmdSetColorWriteMaskEXT");
    const auto mode = world.load<PFN_vkCmdSetPolygonModeEXT>("vkCmdSetPolygonModeEXT");
    const auto set = [&](VkPolygonMode polygon, VkColorComponentFlags channels) {
        return [=](VkCommandBuffer c) {
            // Source times a quarter.
            const VkBool32 on = VK_TRUE;
            const VkColorBlendEquationEXT quarter{VK_BLEND_FACTOR_CONSTANT_COLOR,
                                                  VK_BLEND_FACTOR_ZERO,
                                                  VK_BLEND_OP_ADD,
                                                  VK_BLEND_FACTOR_ONE,
                                                  VK_BLEND_FACTOR_ZERO,
                                                  VK_BLEND_OP_ADD};
            enable_blend(c, 0, 1, &on);
            equation(c, 0, 1, &quarter);
            mask(c, 0, 1, &channels);
            mode(c, polygon);
        };
    };
    const auto pixel = [&](uint32_t x, uint32_t y) {
        return read<uint32_t>(t.result())[y * 16 + x];
    };
    draw_with(t, made, data,
              set(VK_POLYGON_MODE_FILL, VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_A_BIT));
    EXPECT_EQ(pixel(8, 6), 0xff000000U);
    EXPECT_EQ(pixel(1, 6), 0U);
    draw_with(t, made, data,
              set(VK_POLYGON_MODE_LINE, VK_COLOR_COMPONENT_G_BIT | VK_COLOR_COMPONENT_A_BIT));
    EXPECT_EQ(pixel(11, 6), 0U); // inside
}

TEST_F(ExtensionState, DepthBiasUnits) {
    const auto& f = world.features.depth_bias;
    if (!f.depthBiasControl || !f.floatRepresentation ||
        !f.leastRepresentableValueForceUnormRepresentation) {
        GTEST_SKIP() << "no depthBiasControl";
    }
    const Target t = target({.depth = VK_FORMAT_D32_SFLOAT});
    const Buffer data = buffer_of(rectangle(t, 0, 0, 16, 16, 0.25F));
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.raster.depthBiasEnable = VK_TRUE;
    state.dynamic = {VK_DYNAMIC_STATE_DEPTH_BIAS};
    const VkPipeline made = pipeline(t, state);
    const auto set = world.load<PFN_vkCmdSetDepthBias2EXT>("vkCmdSetDepthBias2EXT");
    const struct {
        VkDepthBiasRepresentationEXT unit;
        float constant, depth;
    } cases[] = {
        {VK_DEPTH_BIAS_REPRESENTATION_FLOAT_EXT, 0.5F, 0.75F},
        {VK_DEPTH_BIAS_REPRESENTATION_LEAST_REPRESENTABLE_VALUE_FORCE_UNORM_EXT, 0x1p22F, 0.5F},
        {VK_DEPTH_BIAS_REPRESENTATION_LEAST_REPRESENTABLE_VALUE_FORMAT_EXT, 0x1p22F, 0.375F},
    };
    for (const auto& one : cases) {
        draw_with(t, made, data, [&](VkCommandBuffer c) {
            const VkDepthBiasRepresentationInfoEXT unit{
                .sType = VK_STRUCTURE_TYPE_DEPTH_BIAS_REPRESENTATION_INFO_EXT,
                .depthBiasRepresentation = one.unit};
            const VkDepthBiasInfoEXT bias{.sType = VK_STRUCTURE_TYPE_DEPTH_BIAS_INFO_EXT,
                                          .pNext = &unit,
                                          .depthBiasConstantFactor = one.constant};
            set(c, &bias);
        });
        EXPECT_NEAR(read<float>(t.depth)[40], one.depth, 1e-5F) << one.unit;
    }
}

/*glsl export.frag
#extension GL_ARB_shader_stencil_export : require
layout(location = 0) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() {
    gl_FragStencilRefARB = int(gl_FragCoord.x) + 16 * int(gl_FragCoord.y);
    color = v_color;
}
*/
TEST_F(ExtensionState, ExportedStencil) {
    if (!world.has("VK_EXT_shader_stencil_export")) {
        GTEST_SKIP() << "no VK_EXT_shader_stencil_export";
    }
    const Target t = target({.depth = VK_FORMAT_D32_SFLOAT_S8_UINT});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::export_frag};
    state.depth.stencilTestEnable = VK_TRUE;
    VkStencilOpState face = stencil_keep();
    face.compareOp = VK_COMPARE_OP_ALWAYS;
    face.passOp = VK_STENCIL_OP_REPLACE;
    face.writeMask = face.compareMask = 0xff;
    state.depth.front = state.depth.back = face;
    draw(t, state, rectangle(t, 0, 0, 16, 16));
    const auto stencil = read<uint8_t>(t.depth, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT);
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(stencil[i], i);
    }
}

} // namespace
