// SPDX-License-Identifier: MIT
// VK_EXT_graphics_pipeline_library: pipelines linked from four parts draw like whole ones.
#include "tests/vulkan/harness/graphics.hpp"

#include "extensions_shaders.hpp"

using namespace kite::vktest;

namespace {

class Libraries : public GraphicsTest {
protected:
    void SetUp() override {
        if (!world.features.pipeline_library.graphicsPipelineLibrary) {
            GTEST_SKIP() << "no graphicsPipelineLibrary";
        }
    }

    VkPipelineLayout layout_of(const std::vector<VkDescriptorSetLayout>& sets) {
        const VkPipelineLayoutCreateInfo info{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
            .flags = VK_PIPELINE_LAYOUT_CREATE_INDEPENDENT_SETS_BIT_EXT,
            .setLayoutCount = static_cast<uint32_t>(sets.size()),
            .pSetLayouts = sets.data()};
        VkPipelineLayout made = VK_NULL_HANDLE;
        must(vkCreatePipelineLayout(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyPipelineLayout(device, made, nullptr); });
        return made;
    }
};

// Every part has state that shows: topology, cull mode, stencil, blending.
TEST_F(Libraries, EveryPartBringsItsState) {
    std::vector<uint32_t> found[2];
    for (const bool libraries : {false, true}) {
        const Target t = target({.depth = VK_FORMAT_D32_SFLOAT, .width = 32, .height = 32});
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
        state.libraries = libraries;
        state.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP;
        state.raster.cullMode = VK_CULL_MODE_BACK_BIT;
        state.raster.frontFace = VK_FRONT_FACE_CLOCKWISE;
        state.depth.depthTestEnable = VK_TRUE;
        state.depth.depthWriteEnable = VK_TRUE;
        state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
        state.blend = {{.blendEnable = VK_TRUE,
                        .srcColorBlendFactor = VK_BLEND_FACTOR_ONE,
                        .dstColorBlendFactor = VK_BLEND_FACTOR_ONE,
                        .colorBlendOp = VK_BLEND_OP_ADD,
                        .srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE,
                        .dstAlphaBlendFactor = VK_BLEND_FACTOR_ZERO,
                        .alphaBlendOp = VK_BLEND_OP_ADD,
                        .colorWriteMask = 0xD}};
        state.scissors = {{{4, 0}, {28, 32}}};
        std::vector<Vertex> vertices;
        for (const auto& [z, red] : {std::pair(0.5F, 1.0F), std::pair(0.25F, 0.5F)}) {
            for (const auto& [x, y] : {std::pair(0, 0), {20, 0}, {0, 20}, {20, 20}}) {
                vertices.push_back(at(t, static_cast<float>(x), static_cast<float>(y), z,
                                      {red * 0.25F, 0.5F, red, 1}));
            }
        }
        draw(t, state, vertices);
        found[libraries ? 1 : 0] = read<uint32_t>(t.result());
    }
    EXPECT_EQ(found[0], found[1]);
    EXPECT_EQ(found[1][5 * 32 + 2], 0U);
    EXPECT_EQ(found[1][5 * 32 + 8] & 0xFF00U, 0U);
    EXPECT_NE(found[1][5 * 32 + 8], 0U);
}

TEST_F(Libraries, DynamicStateStaysDynamic) {
    const Target t = target({.width = 32, .height = 32});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.libraries = true;
    state.dynamic = {VK_DYNAMIC_STATE_SCISSOR, VK_DYNAMIC_STATE_BLEND_CONSTANTS};
    state.blend = {opaque()};
    state.blend[0].blendEnable = VK_TRUE;
    state.blend[0].srcColorBlendFactor = VK_BLEND_FACTOR_CONSTANT_COLOR;
    state.blend[0].srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE;
    const VkPipeline made = pipeline(t, state);
    const Buffer data = buffer_of(rectangle(t, 0, 0, 32, 32));
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        const VkDeviceSize zero = 0;
        const VkRect2D scissor{{8, 8}, {4, 4}};
        const float constants[4] = {0, 1, 0, 1};
        vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
        vkCmdSetScissor(c, 0, 1, &scissor);
        vkCmdSetBlendConstants(c, constants);
        vkCmdDraw(c, 6, 1, 0, 0);
    });
    const auto pixels = read<uint32_t>(t.result());
    EXPECT_EQ(pixels[9 * 32 + 9], 0xFF00FF00U);
    EXPECT_EQ(pixels[9 * 32 + 12], 0U);
    EXPECT_EQ(pixels[7 * 32 + 9], 0U);
}

/*glsl moved.vert
layout(set = 0, binding = 0) uniform U { vec4 offset; };
void main() {
    gl_Position = vec4(vec2(gl_VertexIndex << 1 & 2, gl_VertexIndex & 2) * 2.0 - 1.0, 0, 1) +
offset;
}
*/
/*glsl tinted.frag
layout(constant_id = 0) const int blue = 0;
layout(set = 1, binding = 3) uniform U { vec4 tint; };
layout(location = 0) out vec4 color;
void main() { color = vec4(tint.rg, float(blue), 1); }
*/
// The fragment shader's library does not know set 0, whose dynamic buffer comes before its own.
TEST_F(Libraries, IndependentSetsWithDynamicBuffers) {
    const Target t = target({});
    VkDescriptorSetLayout set_layouts[2];
    VkDescriptorSet sets[2];
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, 2};
    const VkDescriptorPoolCreateInfo pool_info{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                               .maxSets = 2,
                                               .poolSizeCount = 1,
                                               .pPoolSizes = &size};
    VkDescriptorPool pool = VK_NULL_HANDLE;
    must(vkCreateDescriptorPool(device, &pool_info, nullptr, &pool));
    defer([this, pool] { vkDestroyDescriptorPool(device, pool, nullptr); });
    const Buffer data = buffer(1024);
    const float values[] = {0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F};
    std::memcpy(static_cast<char*>(data.data) + 256, values, 16);
    std::memcpy(static_cast<char*>(data.data) + 512, values + 4, 16);
    const VkShaderStageFlags stages[] = {VK_SHADER_STAGE_VERTEX_BIT, VK_SHADER_STAGE_FRAGMENT_BIT};
    for (uint32_t i = 0; i < 2; ++i) {
        const VkDescriptorSetLayoutBinding binding{i * 3, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC,
                                                   1, stages[i], nullptr};
        const VkDescriptorSetLayoutCreateInfo info{
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
            .bindingCount = 1,
            .pBindings = &binding};
        must(vkCreateDescriptorSetLayout(device, &info, nullptr, &set_layouts[i]));
        defer(
            [this, made = set_layouts[i]] { vkDestroyDescriptorSetLayout(device, made, nullptr); });
        const VkDescriptorSetAllocateInfo allocate{
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
            .descriptorPool = pool,
            .descriptorSetCount = 1,
            .pSetLayouts = &set_layouts[i]};
        must(vkAllocateDescriptorSets(device, &allocate, &sets[i]));
        const VkDescriptorBufferInfo range{data.handle, 0, 16};
        const VkWriteDescriptorSet write{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                         .dstSet = sets[i],
                                         .dstBinding = i * 3,
                                         .descriptorCount = 1,
                                         .descriptorType =
                                             VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC,
                                         .pBufferInfo = &range};
        vkUpdateDescriptorSets(device, 1, &write, 0, nullptr);
    }
    DrawState state{.vert = glsl::moved_vert, .frag = glsl::tinted_frag};
    state.specials = {1};
    state.libraries = true;
    state.bindings.emplace();
    state.layout = layout_of({set_layouts[0], set_layouts[1]});
    state.vertex_layout = layout_of({set_layouts[0], VK_NULL_HANDLE});
    state.fragment_layout = layout_of({VK_NULL_HANDLE, set_layouts[1]});
    const VkPipeline made = pipeline(t, state);
    render(t, [&](VkCommandBuffer c) {
        const uint32_t offsets[] = {256, 512};
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, state.layout, 0, 2, sets, 2,
                                offsets);
        vkCmdDraw(c, 3, 1, 0, 0);
    });
    EXPECT_EQ(read<uint32_t>(t.result()), std::vector<uint32_t>(256, 0xFFFFFF00U));
}

} // namespace
