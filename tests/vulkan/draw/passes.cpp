// SPDX-License-Identifier: MIT
// Ways to render: subpasses with input attachments, multiview, layers, dynamic rendering, secondary
// command buffers, imageless framebuffers, push descriptors, dynamic state.
#include "tests/vulkan/harness/graphics.hpp"

#include "draw_shaders.hpp"

#include <algorithm>

using namespace kite::vktest;

namespace {

class Passes : public GraphicsTest {
protected:
    void bind(VkCommandBuffer c, VkPipeline pipeline, const Buffer& vertices) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &vertices.handle, &zero);
    }
};

/*glsl subtract.frag
layout(input_attachment_index = 0, set = 0, binding = 0) uniform subpassInput before;
layout(location = 0) out vec4 color;
void main() { color = vec4(1.0) - subpassLoad(before); }
*/
TEST_F(Passes, InputAttachmentOfTheSubpassBefore) {
    const VkImageUsageFlags usage =
        VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
    const Image first = image({.width = 40, .height = 24, .usage = usage});
    const Image second = image({.width = 40, .height = 24, .usage = usage});
    VkAttachmentDescription attachments[2];
    for (auto& item : attachments) {
        item = {.format = VK_FORMAT_R8G8B8A8_UNORM,
                .samples = VK_SAMPLE_COUNT_1_BIT,
                .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                .initialLayout = VK_IMAGE_LAYOUT_GENERAL,
                .finalLayout = VK_IMAGE_LAYOUT_GENERAL};
    }
    const VkAttachmentReference references[] = {{0, VK_IMAGE_LAYOUT_GENERAL},
                                                {1, VK_IMAGE_LAYOUT_GENERAL}};
    const VkSubpassDescription subpasses[] = {
        {.colorAttachmentCount = 1, .pColorAttachments = &references[0]},
        {.inputAttachmentCount = 1,
         .pInputAttachments = &references[0],
         .colorAttachmentCount = 1,
         .pColorAttachments = &references[1]}};
    const VkAccessFlags writes = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT;
    const VkSubpassDependency dependencies[] = {
        {VK_SUBPASS_EXTERNAL, 0, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
         VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
         VK_ACCESS_MEMORY_WRITE_BIT | VK_ACCESS_MEMORY_READ_BIT, 0},
        {VK_SUBPASS_EXTERNAL, 1, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
         VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
         VK_ACCESS_MEMORY_WRITE_BIT | VK_ACCESS_MEMORY_READ_BIT, 0},
        {0, 1, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT, VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT,
         writes, VK_ACCESS_INPUT_ATTACHMENT_READ_BIT, VK_DEPENDENCY_BY_REGION_BIT}};
    const VkRenderPassCreateInfo pass_info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                           .attachmentCount = 2,
                                           .pAttachments = attachments,
                                           .subpassCount = 2,
                                           .pSubpasses = subpasses,
                                           .dependencyCount = 3,
                                           .pDependencies = dependencies};
    Target t;
    t.info = {.width = 40, .height = 24};
    t.clears.resize(2);
    must(vkCreateRenderPass(device, &pass_info, nullptr, &t.pass));
    defer([this, pass = t.pass] { vkDestroyRenderPass(device, pass, nullptr); });
    const VkImageView views[] = {first.view, second.view};
    const VkFramebufferCreateInfo framebuffer_info{.sType =
                                                       VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                   .renderPass = t.pass,
                                                   .attachmentCount = 2,
                                                   .pAttachments = views,
                                                   .width = 40,
                                                   .height = 24,
                                                   .layers = 1};
    must(vkCreateFramebuffer(device, &framebuffer_info, nullptr, &t.framebuffer));
    defer([this, f = t.framebuffer] { vkDestroyFramebuffer(device, f, nullptr); });
    const auto bound = descriptors({{VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT,
                                     {},
                                     {{VK_NULL_HANDLE, first.view, VK_IMAGE_LAYOUT_GENERAL}},
                                     {}}});
    const VkPipeline make = pipeline(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    DrawState state{.vert = glsl::screen_vert, .frag = glsl::subtract_frag};
    state.bindings.emplace();
    state.layout = bound.layout;
    state.subpass = 1;
    const VkPipeline invert = pipeline(t, state);
    const Buffer vertices = buffer_of(rectangle(t, 5, 5, 20, 20, 0, {1, 0.2F, 0, 1}));
    run([&](VkCommandBuffer c) {
        begin(c, t);
        bind(c, make, vertices);
        vkCmdDraw(c, 6, 1, 0, 0);
        vkCmdNextSubpass(c, VK_SUBPASS_CONTENTS_INLINE);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, invert);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        vkCmdDraw(c, 3, 1, 0, 0);
        vkCmdEndRenderPass(c);
    });
    const auto pixels = read<uint32_t>(second);
    for (uint32_t i = 0; i < pixels.size(); ++i) {
        const uint32_t x = i % 40, y = i / 40;
        ASSERT_EQ(pixels[i], x >= 5 && x < 20 && y >= 5 && y < 20 ? 0x00FFCC00U : 0xFFFFFFFFU)
            << x << "," << y;
    }
}

/*glsl views.vert
#extension GL_EXT_multiview : require
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) out vec4 v_color;
void main() {
    gl_Position = position + vec4(float(gl_ViewIndex) * 0.5, 0, 0, 0);
    v_color = vec4(float(gl_ViewIndex) / 5.0, 0, 0, 1);
}
*/
TEST_F(Passes, Multiview) {
    if (!world.features.multiview.multiview) {
        GTEST_SKIP() << "no multiview";
    }
    const Target t = target({.layers = 3, .view_mask = 0x5});
    draw(t, {.vert = glsl::views_vert, .frag = glsl::color_frag}, rectangle(t, 0, 0, 4, 16));
    for (uint32_t layer = 0; layer < 3; layer += 2) {
        const auto pixels = read<uint32_t>(t.result(), 0, layer);
        const uint32_t left = layer * 4; // half a clip unit per view is four pixels
        for (uint32_t i = 0; i < 256; ++i) {
            const bool inside = i % 16 >= left && i % 16 < left + 4;
            ASSERT_EQ(pixels[i], inside ? 0xFF000000 | layer * 51 : 0U) << layer << ":" << i;
        }
    }
}

TEST_F(Passes, DynamicRendering) {
    if (!world.features.dynamic_rendering.dynamicRendering) {
        GTEST_SKIP() << "no dynamicRendering";
    }
    const Target t = target({.colors = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM},
                             .depth = VK_FORMAT_D32_SFLOAT});
    const auto begin_rendering = world.load<PFN_vkCmdBeginRenderingKHR>("vkCmdBeginRenderingKHR");
    const auto end_rendering = world.load<PFN_vkCmdEndRenderingKHR>("vkCmdEndRenderingKHR");
    const VkPipelineRenderingCreateInfo formats{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
        .colorAttachmentCount = 2,
        .pColorAttachmentFormats = t.info.colors.data(),
        .depthAttachmentFormat = t.info.depth};
    Target without = t;
    without.pass = VK_NULL_HANDLE;
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
    state.next = &formats;
    state.depth.depthTestEnable = VK_TRUE;
    state.depth.depthWriteEnable = VK_TRUE;
    state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
    state.blend = {opaque(), {.colorWriteMask = 0}};
    const VkPipeline made = pipeline(without, state);
    const Buffer vertices = buffer_of(rectangle(t, 4, 4, 12, 12, 0.25F));
    write(t.colors[1], std::vector<uint32_t>(256, 0x12345678));
    const auto attachment = [](VkImageView view, VkAttachmentLoadOp load) {
        return VkRenderingAttachmentInfo{.sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                         .imageView = view,
                                         .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                         .loadOp = load,
                                         .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                                         .clearValue = {.color = {.float32 = {1, 0, 0, 0}}}};
    };
    const VkRenderingAttachmentInfo colors[] = {
        attachment(t.colors[0].view, VK_ATTACHMENT_LOAD_OP_CLEAR),
        attachment(t.colors[1].view, VK_ATTACHMENT_LOAD_OP_LOAD)};
    const auto depth = attachment(t.depth.view, VK_ATTACHMENT_LOAD_OP_CLEAR);
    VkRenderingInfo info{.sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
                         .flags = VK_RENDERING_SUSPENDING_BIT,
                         .renderArea = t.area(),
                         .layerCount = 1,
                         .colorAttachmentCount = 2,
                         .pColorAttachments = colors,
                         .pDepthAttachment = &depth};
    run([&](VkCommandBuffer c) {
        begin_rendering(c, &info);
        end_rendering(c);
        info.flags = VK_RENDERING_RESUMING_BIT;
        begin_rendering(c, &info);
        bind(c, made, vertices);
        vkCmdDraw(c, 6, 1, 0, 0);
        end_rendering(c);
    });
    const auto pixels = read<uint32_t>(t.colors[0]);
    const auto depths = read<float>(t.depth);
    EXPECT_EQ(pixels[0], 0x000000FFU);
    EXPECT_EQ(pixels[8 * 16 + 8], 0xFFFFFFFFU);
    EXPECT_EQ(read<uint32_t>(t.colors[1]), std::vector<uint32_t>(256, 0x12345678));
    EXPECT_EQ(depths[0], 1.0F);
    EXPECT_EQ(depths[8 * 16 + 8], 0.25F);
}

TEST_F(Passes, SecondaryCommandBuffers) {
    const Target t = target({});
    const VkPipeline made = pipeline(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    const Buffer data = buffer(64);
    std::vector<VkCommandBuffer> parts;
    for (int i = 0; i < 3; ++i) {
        const auto x = static_cast<float>(i * 5);
        const Buffer vertices = buffer_of(rectangle(t, x, 0, x + 4, 16));
        const VkCommandBuffer c = command_buffer(VK_COMMAND_BUFFER_LEVEL_SECONDARY);
        const VkCommandBufferInheritanceInfo inherited{
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO, .renderPass = t.pass};
        const VkCommandBufferBeginInfo begin_info{
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
            .flags = VK_COMMAND_BUFFER_USAGE_RENDER_PASS_CONTINUE_BIT,
            .pInheritanceInfo = &inherited};
        must(vkBeginCommandBuffer(c, &begin_info));
        bind(c, made, vertices);
        vkCmdDraw(c, 6, 1, 0, 0);
        must(vkEndCommandBuffer(c));
        parts.push_back(c);
    }
    const VkCommandBuffer outside = command_buffer(VK_COMMAND_BUFFER_LEVEL_SECONDARY);
    const VkCommandBufferInheritanceInfo none{
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO};
    const VkCommandBufferBeginInfo begin_info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                              .pInheritanceInfo = &none};
    must(vkBeginCommandBuffer(outside, &begin_info));
    vkCmdFillBuffer(outside, data.handle, 0, 64, 3);
    must(vkEndCommandBuffer(outside));
    run([&](VkCommandBuffer c) {
        vkCmdExecuteCommands(c, 1, &outside);
        begin(c, t, VK_SUBPASS_CONTENTS_SECONDARY_COMMAND_BUFFERS);
        vkCmdExecuteCommands(c, 3, parts.data());
        vkCmdEndRenderPass(c);
    });
    const auto pixels = read<uint32_t>(t.result());
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(pixels[i] != 0, i % 16 % 5 != 4 && i % 16 < 14) << i;
    }
    EXPECT_EQ(data.as<uint32_t>()[15], 3U);
}

TEST_F(Passes, ImagelessFramebuffer) {
    if (!world.features.imageless.imagelessFramebuffer) {
        GTEST_SKIP() << "no imagelessFramebuffer";
    }
    const Target t = target({});
    const VkFormat format = t.info.colors[0];
    const VkFramebufferAttachmentImageInfo image_info{
        .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENT_IMAGE_INFO,
        .usage = t.colors[0].info.usage | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                 VK_IMAGE_USAGE_TRANSFER_DST_BIT,
        .width = 16,
        .height = 16,
        .layerCount = 1,
        .viewFormatCount = 1,
        .pViewFormats = &format};
    const VkFramebufferAttachmentsCreateInfo attachments{
        .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_ATTACHMENTS_CREATE_INFO,
        .attachmentImageInfoCount = 1,
        .pAttachmentImageInfos = &image_info};
    const VkFramebufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                       .pNext = &attachments,
                                       .flags = VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT,
                                       .renderPass = t.pass,
                                       .attachmentCount = 1,
                                       .width = 16,
                                       .height = 16,
                                       .layers = 1};
    VkFramebuffer made = VK_NULL_HANDLE;
    must(vkCreateFramebuffer(device, &info, nullptr, &made));
    defer([this, made] { vkDestroyFramebuffer(device, made, nullptr); });
    const VkPipeline white = pipeline(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    const Buffer vertices = buffer_of(rectangle(t, 0, 0, 16, 8));
    run([&](VkCommandBuffer c) {
        const VkRenderPassAttachmentBeginInfo views{
            .sType = VK_STRUCTURE_TYPE_RENDER_PASS_ATTACHMENT_BEGIN_INFO,
            .attachmentCount = 1,
            .pAttachments = &t.colors[0].view};
        const VkRenderPassBeginInfo begin_info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                               .pNext = &views,
                                               .renderPass = t.pass,
                                               .framebuffer = made,
                                               .renderArea = t.area(),
                                               .clearValueCount = 1,
                                               .pClearValues = t.clears.data()};
        vkCmdBeginRenderPass(c, &begin_info, VK_SUBPASS_CONTENTS_INLINE);
        bind(c, white, vertices);
        vkCmdDraw(c, 6, 1, 0, 0);
        vkCmdEndRenderPass(c);
    });
    const auto pixels = read<uint32_t>(t.result());
    EXPECT_EQ(pixels[0], 0xFFFFFFFFU);
    EXPECT_EQ(pixels[255], 0U);
}

/*glsl pushed.frag
layout(set = 0, binding = 0) uniform U { vec4 tint; };
layout(push_constant) uniform P { vec4 more; };
layout(location = 0) out vec4 color;
void main() { color = tint + more; }
*/
TEST_F(Passes, PushConstantsAndDescriptorsBetweenDraws) {
    const bool push = world.has("VK_KHR_push_descriptor");
    const Target t = target({});
    const Buffer red = buffer_of(std::vector<float>{1, 0, 0, 1});
    const Buffer green = buffer_of(std::vector<float>{0, 1, 0, 1});
    const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1,
                                               VK_SHADER_STAGE_FRAGMENT_BIT, nullptr};
    const auto first = descriptors({uniform(red)}), second = descriptors({uniform(green)});
    VkPipelineLayout layout = first.layout;
    if (push) {
        const VkDescriptorSetLayoutCreateInfo set_info{
            .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
            .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR,
            .bindingCount = 1,
            .pBindings = &binding};
        VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
        must(vkCreateDescriptorSetLayout(device, &set_info, nullptr, &set_layout));
        defer([this, set_layout] { vkDestroyDescriptorSetLayout(device, set_layout, nullptr); });
        const VkPushConstantRange range{VK_SHADER_STAGE_ALL, 0, 128};
        const VkPipelineLayoutCreateInfo layout_info{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
            .setLayoutCount = 1,
            .pSetLayouts = &set_layout,
            .pushConstantRangeCount = 1,
            .pPushConstantRanges = &range};
        must(vkCreatePipelineLayout(device, &layout_info, nullptr, &layout));
        defer([this, layout] { vkDestroyPipelineLayout(device, layout, nullptr); });
    }
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::pushed_frag};
    state.layout = layout;
    const VkPipeline made = pipeline(t, state);
    auto quads = rectangle(t, 0, 0, 8, 16);
    const auto more = rectangle(t, 8, 0, 16, 16);
    quads.insert(quads.end(), more.begin(), more.end());
    const Buffer vertices = buffer_of(quads);
    render(t, [&](VkCommandBuffer c) {
        bind(c, made, vertices);
        const auto set = [&](const Buffer& data, VkDescriptorSet other, float blue) {
            const VkDescriptorBufferInfo whole{data.handle, 0, VK_WHOLE_SIZE};
            const VkWriteDescriptorSet update{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                              .descriptorCount = 1,
                                              .descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                                              .pBufferInfo = &whole};
            if (push) {
                world.load<PFN_vkCmdPushDescriptorSetKHR>("vkCmdPushDescriptorSetKHR")(
                    c, VK_PIPELINE_BIND_POINT_GRAPHICS, layout, 0, 1, &update);
            } else {
                vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, layout, 0, 1, &other, 0,
                                        nullptr);
            }
            const float values[] = {0, 0, blue, 0};
            vkCmdPushConstants(c, layout, VK_SHADER_STAGE_ALL, 0, 16, values);
        };
        set(red, first.set, 1);
        vkCmdDraw(c, 6, 1, 0, 0);
        set(green, second.set, 0);
        vkCmdDraw(c, 6, 1, 6, 0);
    });
    const auto pixels = read<uint32_t>(t.result());
    EXPECT_EQ(pixels[0], 0xFFFF00FFU);
    EXPECT_EQ(pixels[15], 0xFF00FF00U);
}

TEST_F(Passes, ManyDrawsAcrossManyTiles) {
    // 3000 small rectangles in one pass; every pixel keeps the last one's colour.
    const Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}, .width = 300, .height = 200});
    std::vector<Vertex> vertices;
    std::vector<float> expected(300 * 200);
    for (uint32_t i = 0; i < 3000; ++i) {
        const uint32_t x = i * 37 % 280, y = i * 91 % 190, w = 3 + i % 17, h = 2 + i % 8;
        const auto value = static_cast<float>(i + 1);
        const auto more =
            rectangle(t, static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w),
                      static_cast<float>(y + h), 0, {value, 0, 0, 1});
        vertices.insert(vertices.end(), more.begin(), more.end());
        for (uint32_t v = y; v < y + h; ++v) {
            std::fill_n(expected.begin() + v * 300 + x, w, value);
        }
    }
    const Buffer data = buffer_of(vertices);
    const VkPipeline made = pipeline(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    render(t, [&](VkCommandBuffer c) {
        bind(c, made, data);
        for (uint32_t i = 0; i < 3000; ++i) {
            vkCmdDraw(c, 6, 1, i * 6, 0);
        }
    });
    const auto pixels = read<float>(t.result());
    for (size_t i = 0; i < pixels.size(); ++i) {
        ASSERT_NEAR(pixels[i], expected[i], 0.01) << i % 300 << "," << i / 300;
    }
}

} // namespace
