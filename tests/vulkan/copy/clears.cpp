// SPDX-License-Identifier: MIT
// Clears of whole images and of attachments.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

using namespace kite::vktest;

namespace {

class Clear : public GraphicsTest {
protected:
    /// Expects every texel of the level to decode to `value`.
    void expect_all(const Image& target, uint32_t level, uint32_t layer, const Texel& value) {
        const VkFormat format = target.info.format;
        const auto bytes = read_bytes(target, level, layer);
        const auto expected = decode(format, encode(format, value).data());
        for (size_t i = 0; i < bytes.size(); i += texel_bytes(format)) {
            const auto got = decode(format, &bytes[i]);
            for (uint32_t k = 0; k < 4; ++k) {
                ASSERT_NEAR(got[k], expected[k], tolerance(format, k, expected[k]))
                    << "texel " << i / texel_bytes(format) << " component " << k;
            }
        }
    }
};

/// A clear value for a format and what it means.
std::pair<VkClearColorValue, Texel> color_for(Kind kind) {
    if (kind == Kind::kUint) {
        return {{.uint32 = {1, 60, 3, 2}}, {1, 60, 3, 2}};
    }
    if (kind == Kind::kSint) {
        return {{.int32 = {-2, 60, -100, 1}}, {-2, 60, -100, 1}};
    }
    return {{.float32 = {0.25F, 0.5F, 1.0F, 0.75F}}, {0.25, 0.5, 1.0, 0.75}};
}

TEST_F(Clear, EveryColorFormat) {
    for (const auto& format : color_formats()) {
        if (!world.supports(format.format, VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT |
                                               VK_FORMAT_FEATURE_TRANSFER_DST_BIT)) {
            continue;
        }
        SCOPED_TRACE(format.format);
        const Image target = image({.format = format.format, .width = 19, .height = 6});
        const auto [color, value] = color_for(format.kind);
        run([&](VkCommandBuffer c) {
            const auto range = target.all();
            vkCmdClearColorImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &range);
        });
        Texel clamped = value;
        if (format.kind == Kind::kUint && format.channels.size() == 4 &&
            format.channels[3].bits == 2) {
            clamped[3] = 2;
        }
        if (format.kind == Kind::kSint) {
            // Only A2 formats can't hold all of the values; their -100 fits into ten bits.
            clamped[3] = 1;
        }
        expect_all(target, 0, 0, clamped);
    }
}

TEST_F(Clear, RangesOfLevelsAndLayers) {
    const Image target = image({.format = VK_FORMAT_R8G8B8A8_UINT, .levels = 3, .layers = 4});
    run([&](VkCommandBuffer c) {
        const VkClearColorValue one{.uint32 = {1, 1, 1, 1}}, two{.uint32 = {2, 2, 2, 2}};
        const auto all = target.all();
        const VkImageSubresourceRange parts[] = {{VK_IMAGE_ASPECT_COLOR_BIT, 1, 1, 2, 2},
                                                 {VK_IMAGE_ASPECT_COLOR_BIT, 2, 1, 0, 1}};
        vkCmdClearColorImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &one, 1, &all);
        barrier(c);
        vkCmdClearColorImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &two, 2, parts);
    });
    for (uint32_t level = 0; level < 3; ++level) {
        for (uint32_t layer = 0; layer < 4; ++layer) {
            SCOPED_TRACE(testing::Message() << level << "," << layer);
            const bool part = (level == 1 && layer >= 2) || (level == 2 && layer == 0);
            const double v = part ? 2 : 1;
            expect_all(target, level, layer, {v, v, v, v});
        }
    }
}

TEST_F(Clear, All3DSlices) {
    const Image target = image({.format = VK_FORMAT_R32_UINT,
                                .width = 5,
                                .height = 6,
                                .depth = 7,
                                .type = VK_IMAGE_TYPE_3D});
    run([&](VkCommandBuffer c) {
        const VkClearColorValue color{.uint32 = {0xDEADBEEF, 0, 0, 0}};
        const auto all = target.all();
        vkCmdClearColorImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &all);
    });
    EXPECT_EQ(read<uint32_t>(target), std::vector<uint32_t>(5 * 6 * 7, 0xDEADBEEF));
}

TEST_F(Clear, DepthAndStencilApart) {
    for (const VkFormat format : {VK_FORMAT_D32_SFLOAT_S8_UINT, VK_FORMAT_D24_UNORM_S8_UINT}) {
        if (!world.supports(format, VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT)) {
            continue;
        }
        SCOPED_TRACE(format);
        const Image target =
            image({.format = format, .usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT});
        run([&](VkCommandBuffer c) {
            const VkClearDepthStencilValue first{0.5F, 0x21}, second{1.0F, 0x43};
            const auto all = target.all();
            VkImageSubresourceRange depth = all;
            depth.aspectMask = VK_IMAGE_ASPECT_DEPTH_BIT;
            vkCmdClearDepthStencilImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &first, 1, &all);
            barrier(c);
            vkCmdClearDepthStencilImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &second, 1,
                                        &depth);
        });
        for (const uint8_t stencil : read<uint8_t>(target, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT)) {
            ASSERT_EQ(stencil, 0x21);
        }
        for (const uint32_t depth : read<uint32_t>(target, 0, 0, VK_IMAGE_ASPECT_DEPTH_BIT)) {
            ASSERT_EQ(format == VK_FORMAT_D32_SFLOAT_S8_UINT ? depth : depth & 0xFFFFFF,
                      format == VK_FORMAT_D32_SFLOAT_S8_UINT ? 0x3F800000U : 0xFFFFFFU);
        }
    }
}

TEST_F(Clear, AttachmentsInsideARenderPass) {
    Target t = target({.colors = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R32_UINT},
                       .depth = VK_FORMAT_D32_SFLOAT,
                       .width = 21,
                       .height = 11});
    t.clears[0] = {.color = {.float32 = {1, 0, 0, 1}}};
    t.clears[1] = {.color = {.uint32 = {5, 0, 0, 0}}};
    t.clears[2] = {.depthStencil = {0.25F, 0}};
    render(t, [&](VkCommandBuffer c) {
        const VkClearAttachment clears[] = {
            {VK_IMAGE_ASPECT_COLOR_BIT, 1, {.color = {.uint32 = {77, 0, 0, 0}}}},
            {VK_IMAGE_ASPECT_DEPTH_BIT, 0, {.depthStencil = {0.75F, 0}}}};
        const VkClearRect rects[] = {{{{3, 2}, {5, 4}}, 0, 1}, {{{20, 10}, {1, 1}}, 0, 1}};
        vkCmdClearAttachments(c, 2, clears, 2, rects);
    });
    const auto color = read<uint32_t>(t.colors[0]), numbers = read<uint32_t>(t.colors[1]);
    const auto depth = read<float>(t.depth);
    for (uint32_t y = 0; y < 11; ++y) {
        for (uint32_t x = 0; x < 21; ++x) {
            const bool inside = (x >= 3 && x < 8 && y >= 2 && y < 6) || (x == 20 && y == 10);
            ASSERT_EQ(color[y * 21 + x], 0xFF0000FFU) << x << "," << y;
            ASSERT_EQ(numbers[y * 21 + x], inside ? 77U : 5U) << x << "," << y;
            ASSERT_EQ(depth[y * 21 + x], inside ? 0.75F : 0.25F) << x << "," << y;
        }
    }
}

TEST_F(Clear, LoadOpClearsOnlyTheRenderArea) {
    Target t = target({.colors = {VK_FORMAT_R32_UINT}});
    write(t.colors[0], std::vector<uint32_t>(256, 9));
    t.clears[0] = {.color = {.uint32 = {4, 0, 0, 0}}};
    run([&](VkCommandBuffer c) {
        const VkRenderPassBeginInfo info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                         .renderPass = t.pass,
                                         .framebuffer = t.framebuffer,
                                         .renderArea = {{3, 5}, {7, 2}},
                                         .clearValueCount = 1,
                                         .pClearValues = t.clears.data()};
        vkCmdBeginRenderPass(c, &info, VK_SUBPASS_CONTENTS_INLINE);
        vkCmdEndRenderPass(c);
    });
    const auto texels = read<uint32_t>(t.colors[0]);
    for (uint32_t i = 0; i < 256; ++i) {
        const uint32_t x = i % 16, y = i / 16;
        ASSERT_EQ(texels[i], x >= 3 && x < 10 && y >= 5 && y < 7 ? 4U : 9U) << x << "," << y;
    }
}

} // namespace
