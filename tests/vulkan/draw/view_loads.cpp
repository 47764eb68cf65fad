// SPDX-License-Identifier: MIT
// Load operations of multiview render passes: a view is loaded or cleared in the first subpass that
// uses it, while the other views of the attachment keep what earlier subpasses drew.
#include "tests/vulkan/harness/graphics.hpp"

#include "draw_shaders.hpp"

#include <array>

using namespace kite::vktest;

namespace {

constexpr uint32_t kViews = 3, kWidth = 16, kRows = 4;
constexpr uint32_t kBackground = 0xFF663300, kKept = 0xFF040302;

class ViewLoads : public GraphicsTest {
protected:
    /// A layered image whose texels all have one value before the pass.
    Image filled(VkFormat format, VkImageUsageFlags usage, VkClearValue value, uint32_t rows) {
        const Image made = image(
            {.format = format, .width = kWidth, .height = rows, .layers = kViews, .usage = usage});
        run([&](VkCommandBuffer c) {
            const auto all = made.all();
            if (usage == VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT) {
                vkCmdClearDepthStencilImage(c, made.handle, VK_IMAGE_LAYOUT_GENERAL,
                                            &value.depthStencil, 1, &all);
            } else {
                vkCmdClearColorImage(c, made.handle, VK_IMAGE_LAYOUT_GENERAL, &value.color, 1,
                                     &all);
            }
        });
        return made;
    }
    /// A pass over two colour attachments (cleared, loaded) and a cleared depth attachment, with a
    /// subpass a view mask.
    Target make(const std::vector<uint32_t>& masks) {
        Target t;
        t.info = {.colors = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM},
                  .depth = VK_FORMAT_D32_SFLOAT,
                  .width = kWidth,
                  .height = static_cast<uint32_t>(masks.size()) * kRows,
                  .layers = kViews};
        const VkClearValue stale{.color = {.float32 = {0.5F, 0.5F, 0.5F, 0.5F}}};
        const VkClearValue kept{.color = {.float32 = {2 / 255.0F, 3 / 255.0F, 4 / 255.0F, 1}}};
        t.colors = {filled(VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, stale,
                           t.info.height),
                    filled(VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, kept,
                           t.info.height)};
        t.depth = filled(VK_FORMAT_D32_SFLOAT, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT, {},
                         t.info.height);
        std::array<VkAttachmentDescription, 3> attachments;
        attachments.fill({.format = VK_FORMAT_R8G8B8A8_UNORM,
                          .samples = VK_SAMPLE_COUNT_1_BIT,
                          .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                          .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                          .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
                          .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
                          .initialLayout = VK_IMAGE_LAYOUT_GENERAL,
                          .finalLayout = VK_IMAGE_LAYOUT_GENERAL});
        attachments[1].loadOp = VK_ATTACHMENT_LOAD_OP_LOAD;
        attachments[2].format = VK_FORMAT_D32_SFLOAT;
        const VkAttachmentReference colors[] = {{0, VK_IMAGE_LAYOUT_GENERAL},
                                                {1, VK_IMAGE_LAYOUT_GENERAL}};
        const VkAttachmentReference depth{2, VK_IMAGE_LAYOUT_GENERAL};
        const std::vector<VkSubpassDescription> subpasses(masks.size(),
                                                          {.colorAttachmentCount = 2,
                                                           .pColorAttachments = colors,
                                                           .pDepthStencilAttachment = &depth});
        std::vector<VkSubpassDependency> dependencies;
        const VkAccessFlags all = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
        for (uint32_t to = 0; to < masks.size(); ++to) {
            dependencies.push_back({VK_SUBPASS_EXTERNAL, to, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                    VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT, all, all, 0});
            for (uint32_t from = 0; from < to; ++from) {
                dependencies.push_back({from, to, VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT,
                                        VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT, all, all,
                                        VK_DEPENDENCY_BY_REGION_BIT});
            }
        }
        const VkRenderPassMultiviewCreateInfo views{
            .sType = VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO,
            .subpassCount = static_cast<uint32_t>(masks.size()),
            .pViewMasks = masks.data()};
        const VkRenderPassCreateInfo info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                          .pNext = &views,
                                          .attachmentCount = 3,
                                          .pAttachments = attachments.data(),
                                          .subpassCount = static_cast<uint32_t>(subpasses.size()),
                                          .pSubpasses = subpasses.data(),
                                          .dependencyCount =
                                              static_cast<uint32_t>(dependencies.size()),
                                          .pDependencies = dependencies.data()};
        must(vkCreateRenderPass(device, &info, nullptr, &t.pass));
        defer([this, pass = t.pass] { vkDestroyRenderPass(device, pass, nullptr); });
        const VkImageView shown[] = {t.colors[0].view, t.colors[1].view, t.depth.view};
        const VkFramebufferCreateInfo framebuffer{.sType =
                                                      VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                  .renderPass = t.pass,
                                                  .attachmentCount = 3,
                                                  .pAttachments = shown,
                                                  .width = t.info.width,
                                                  .height = t.info.height,
                                                  .layers = 1};
        must(vkCreateFramebuffer(device, &framebuffer, nullptr, &t.framebuffer));
        defer([this, f = t.framebuffer] { vkDestroyFramebuffer(device, f, nullptr); });
        t.clears.resize(3);
        t.clears[0].color = {.float32 = {0, 0.2F, 0.4F, 1}};
        t.clears[2].depthStencil = {0.5F, 0};
        return t;
    }
    /// Every subpass draws a row of its own in its views, nearer than the cleared depth and farther
    /// than the stale one; checks all texels of all views.
    void check(const std::vector<uint32_t>& masks) {
        if (!world.features.multiview.multiview) {
            GTEST_SKIP() << "no multiview";
        }
        const Target t = make(masks);
        auto hidden = opaque();
        hidden.colorWriteMask = 0;
        std::vector<VkPipeline> pipelines;
        std::vector<Buffer> rows;
        for (uint32_t s = 0; s < masks.size(); ++s) {
            DrawState state{.vert = glsl::loads_vert, .frag = glsl::color_frag};
            state.blend = {opaque(), hidden};
            state.depth.depthTestEnable = state.depth.depthWriteEnable = VK_TRUE;
            state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
            state.subpass = s;
            pipelines.push_back(pipeline(t, state));
            const auto top = static_cast<float>(s * kRows);
            rows.push_back(buffer_of(rectangle(t, 0, top, kWidth, top + kRows, 0.25F)));
        }
        run([&](VkCommandBuffer c) {
            begin(c, t);
            for (uint32_t s = 0; s < masks.size(); ++s) {
                if (s != 0) {
                    vkCmdNextSubpass(c, VK_SUBPASS_CONTENTS_INLINE);
                }
                vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, pipelines[s]);
                const VkDeviceSize zero = 0;
                vkCmdBindVertexBuffers(c, 0, 1, &rows[s].handle, &zero);
                vkCmdDraw(c, 6, 1, 0, 0);
            }
            vkCmdEndRenderPass(c);
        });
        uint32_t used = 0;
        for (const uint32_t mask : masks) {
            used |= mask;
        }
        for (uint32_t view = 0; view < kViews; ++view) {
            const auto drawn = read<uint32_t>(t.colors[0], 0, view);
            const auto kept = read<uint32_t>(t.colors[1], 0, view);
            for (uint32_t i = 0; i < drawn.size(); ++i) {
                const bool row = (masks[i / kWidth / kRows] >> view & 1) != 0;
                const uint32_t wanted = (used >> view & 1) == 0 ? 0x80808080
                                        : row                   ? 0xFF000000 | (view + 1) * 51
                                                                : kBackground;
                ASSERT_EQ(drawn[i], wanted) << "view " << view << ", texel " << i;
                ASSERT_EQ(kept[i], kKept) << "view " << view << ", texel " << i;
            }
        }
    }
};

/*glsl loads.vert
#extension GL_EXT_multiview : require
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) out vec4 v_color;
void main() {
    gl_Position = position;
    v_color = vec4(float(gl_ViewIndex + 1) / 5.0, 0, 0, 1);
}
*/
TEST_F(ViewLoads, ViewsFirstUsedInALaterSubpass) {
    check({0b001, 0b010, 0b100});
}

TEST_F(ViewLoads, SomeViewsOfASubpassWereUsedBefore) {
    check({0b001, 0b011, 0b110});
}

TEST_F(ViewLoads, ViewsThatPauseKeepTheirTexels) {
    check({0b011, 0b100, 0b111, 0b001});
}

TEST_F(ViewLoads, ViewsOfNoSubpassAreLeftAlone) {
    check({0b001, 0b001});
}

} // namespace
