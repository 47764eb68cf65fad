// SPDX-License-Identifier: MIT
// Implicit level of detail in fragment shaders, anisotropy, sRGB attachments, input attachments.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

#include "texture_shaders.hpp"

#include <bit>
#include <cmath>

using namespace kite::vktest;

namespace {

class TextureLevels : public GraphicsTest {
protected:
    /// 64x64 with seven levels, level n is 30 n in red.
    Image levels() {
        const Image made = image({.width = 64, .height = 64, .levels = 7});
        for (uint32_t level = 0; level < 7; ++level) {
            const auto extent = made.extent(level);
            write(made, std::vector<uint32_t>(extent.width * extent.height, level * 30), level);
        }
        return made;
    }
};

/*glsl implicit.frag
layout(set = 0, binding = 0) uniform sampler2D image;
layout(push_constant) uniform P { float unused[4]; };
layout(constant_id = 0) const float scale_x = 1.0;
layout(constant_id = 1) const float scale_y = 1.0;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 color;
void main() {
    vec2 p = uv * vec2(scale_x, scale_y);
    color = vec4(texture(image, p).x, textureQueryLod(image, p).y, texture(image, p, 1.0).x,
                 textureGrad(image, vec2(0.5), vec2(8.0 / 64.0, 0), vec2(0, 2.0 / 64.0)).x);
}
*/
TEST_F(TextureLevels, ImplicitLevelOfDetail) {
    const Image source = levels();
    auto info = nearest(VK_SAMPLER_ADDRESS_MODE_REPEAT);
    info.mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR;
    const auto bound = descriptors({sampled(source.view, sampler(info))});
    for (const float scale : {1.0F, 2.0F, 3.0F, 16.0F}) {
        const Target t =
            target({.colors = {VK_FORMAT_R32G32B32A32_SFLOAT}, .width = 32, .height = 32});
        DrawState state{.vert = glsl::screen_vert, .frag = glsl::implicit_frag};
        state.specials = {std::bit_cast<uint32_t>(scale), std::bit_cast<uint32_t>(scale / 2)};
        draw(t, state, 3, &bound);
        // uv runs over [0,1] in 32 pixels: 2 * scale texels per pixel in x, half of it in y.
        const double lod = std::log2(2.0 * scale);
        const auto pixels = read<float>(t.result());
        for (size_t i = 0; i < pixels.size(); i += 4) {
            ASSERT_NEAR(pixels[i] * 255 / 30, lod, 0.06) << scale;
            ASSERT_NEAR(pixels[i + 1], lod, 0.06) << scale;
            ASSERT_NEAR(pixels[i + 2] * 255 / 30, std::min(lod + 1, 6.0), 0.06) << scale;
            ASSERT_NEAR(pixels[i + 3] * 255 / 30, 3, 0.06) << scale;
        }
    }
}

TEST_F(TextureLevels, AnisotropyTakesASharperLevel) {
    if (!world.features.core.samplerAnisotropy) {
        GTEST_SKIP() << "no samplerAnisotropy";
    }
    const Image source = levels();
    float found[2];
    for (const bool on : {false, true}) {
        auto info = nearest(VK_SAMPLER_ADDRESS_MODE_REPEAT);
        info.minFilter = info.magFilter = VK_FILTER_LINEAR;
        info.mipmapMode = VK_SAMPLER_MIPMAP_MODE_LINEAR;
        info.anisotropyEnable = on;
        info.maxAnisotropy = on ? 8.0F : 1.0F;
        const auto bound = descriptors({sampled(source.view, sampler(info))});
        const Target t =
            target({.colors = {VK_FORMAT_R32G32B32A32_SFLOAT}, .width = 32, .height = 32});
        DrawState state{.vert = glsl::screen_vert, .frag = glsl::implicit_frag};
        state.specials = {std::bit_cast<uint32_t>(8.0F), std::bit_cast<uint32_t>(1.0F)};
        draw(t, state, 3, &bound);
        found[on ? 1 : 0] = read<float>(t.result())[500 * 4] * 255 / 30;
    }
    EXPECT_NEAR(found[0], 4, 0.1); // 16 texels per pixel along the long axis
    EXPECT_LE(found[1], 2.1F);     // 2 along the short one; eight probes allow level 1
}

TEST_F(TextureLevels, SrgbAttachmentEncodes) {
    const Target t = target({.colors = {VK_FORMAT_R8G8B8A8_SRGB}});
    draw(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag},
         rectangle(t, 0, 0, 16, 16, 0, {0.5F, 0.01F, 0.001F, 0.5F}));
    const auto bytes = read_bytes(t.result());
    const auto expected = encode(VK_FORMAT_R8G8B8A8_SRGB, {0.5, 0.01, 0.001, 0.5});
    for (size_t k = 0; k < 4; ++k) {
        EXPECT_NEAR(bytes[k], expected[k], 1) << k;
    }
}

/*glsl sampledraw.frag
layout(set = 0, binding = 0) uniform sampler2D image;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 color;
void main() { color = texture(image, uv); }
*/
TEST_F(TextureLevels, RenderedImageIsSampledInTheNextPass) {
    const Target first = target({.width = 67, .height = 35});
    const Target second = target({.width = 67, .height = 35});
    std::vector<Vertex> vertices = rectangle(first, 0, 0, 67, 35);
    for (auto& v : vertices) {
        v.color = {v.x * 0.5F + 0.5F, v.y * 0.5F + 0.5F, 0.25F, 1};
    }
    const Buffer data = buffer_of(vertices);
    const VkPipeline make = pipeline(first, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    const auto bound = descriptors({sampled(first.colors[0].view, sampler(nearest()))});
    DrawState copy{.vert = glsl::screen_vert, .frag = glsl::sampledraw_frag};
    copy.bindings.emplace();
    copy.layout = bound.layout;
    const VkPipeline show = pipeline(second, copy);
    run([&](VkCommandBuffer c) {
        begin(c, first);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, make);
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
        vkCmdDraw(c, 6, 1, 0, 0);
        vkCmdEndRenderPass(c);
        begin(c, second);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, show);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        vkCmdDraw(c, 3, 1, 0, 0);
        vkCmdEndRenderPass(c);
    });
    const auto drawn = read<uint32_t>(first.result()), seen = read<uint32_t>(second.result());
    for (uint32_t i = 0; i < drawn.size(); ++i) {
        ASSERT_EQ(drawn[i], seen[i]) << i % 67 << "," << i / 67;
    }
    EXPECT_NE(read<uint32_t>(first.result())[0], read<uint32_t>(first.result())[66]);
}

} // namespace
