// SPDX-License-Identifier: MIT
// Blits (scaling, mirroring, conversion) and resolves.
#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/harness/format.hpp"

#include <cmath>

using namespace kite::vktest;

namespace {

class Blit : public VulkanTest {
protected:
    void blit(const Image& source, std::array<VkOffset3D, 2> from, const Image& target,
              std::array<VkOffset3D, 2> to, VkFilter filter = VK_FILTER_NEAREST) {
        run([&](VkCommandBuffer c) {
            VkImageBlit region{.srcSubresource = source.at(0), .dstSubresource = target.at(0)};
            std::copy_n(from.data(), 2, region.srcOffsets);
            std::copy_n(to.data(), 2, region.dstOffsets);
            vkCmdBlitImage(c, source.handle, VK_IMAGE_LAYOUT_GENERAL, target.handle,
                           VK_IMAGE_LAYOUT_GENERAL, 1, &region, filter);
        });
    }
    /// Texel i of a 16x16 image is i.
    Image counting() {
        const Image made = image({.format = VK_FORMAT_R32_UINT});
        std::vector<uint32_t> texels(256);
        for (uint32_t i = 0; i < 256; ++i) {
            texels[i] = i;
        }
        write(made, texels);
        return made;
    }
};

TEST_F(Blit, NearestScalesBothWays) {
    const Image source = counting();
    const Image target = image({.format = VK_FORMAT_R32_UINT, .width = 40, .height = 8});
    blit(source, {{{0, 0, 0}, {16, 16, 1}}}, target, {{{4, 0, 0}, {36, 8, 1}}});
    const auto texels = read<uint32_t>(target);
    for (uint32_t y = 0; y < 8; ++y) {
        for (uint32_t x = 4; x < 36; ++x) {
            // Centres: v = (y + 0.5) * 2 lies on an edge, where the higher texel is taken.
            ASSERT_EQ(texels[y * 40 + x], (y * 2 + 1) * 16 + (x - 4) / 2) << x << "," << y;
        }
    }
}

TEST_F(Blit, Mirrored) {
    const Image source = counting();
    const Image target = image({.format = VK_FORMAT_R32_UINT});
    blit(source, {{{0, 0, 0}, {16, 16, 1}}}, target, {{{16, 0, 0}, {0, 16, 1}}});
    auto texels = read<uint32_t>(target);
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(texels[i], i / 16 * 16 + 15 - i % 16) << i;
    }
    blit(source, {{{2, 13, 0}, {10, 5, 1}}}, target, {{{0, 0, 0}, {8, 8, 1}}});
    texels = read<uint32_t>(target);
    for (uint32_t y = 0; y < 8; ++y) {
        for (uint32_t x = 0; x < 8; ++x) {
            ASSERT_EQ(texels[y * 16 + x], (12 - y) * 16 + 2 + x) << x << "," << y;
        }
    }
}

TEST_F(Blit, LinearInterpolates) {
    const VkFormat format = VK_FORMAT_R32_SFLOAT;
    const bool can = world.supports(format, VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT |
                                                VK_FORMAT_FEATURE_BLIT_SRC_BIT);
    const VkFormat used = can ? format : VK_FORMAT_R16_SFLOAT;
    const Image source = image({.format = used, .width = 4, .height = 2});
    const Image target = image({.format = VK_FORMAT_R32_SFLOAT, .width = 16, .height = 8});
    const auto value = [](int x, int y) {
        return std::clamp(x, 0, 3) * 1.0 + std::clamp(y, 0, 1) * 8.0;
    };
    std::vector<uint8_t> bytes;
    for (int i = 0; i < 8; ++i) {
        const auto one = encode(used, {value(i % 4, i / 4), 0, 0, 1});
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    write_bytes(source, bytes);
    blit(source, {{{0, 0, 0}, {4, 2, 1}}}, target, {{{0, 0, 0}, {16, 8, 1}}}, VK_FILTER_LINEAR);
    const auto texels = read<float>(target);
    for (int y = 0; y < 8; ++y) {
        for (int x = 0; x < 16; ++x) {
            const double u = (x + 0.5) / 4 - 0.5, v = (y + 0.5) / 4 - 0.5;
            const int i = static_cast<int>(std::floor(u)), j = static_cast<int>(std::floor(v));
            const double a = u - i, b = v - j;
            const double expected = (1 - b) * ((1 - a) * value(i, j) + a * value(i + 1, j)) +
                                    b * ((1 - a) * value(i, j + 1) + a * value(i + 1, j + 1));
            ASSERT_NEAR(texels[static_cast<size_t>(y * 16 + x)], expected, 0.05) << x << "," << y;
        }
    }
}

TEST_F(Blit, ConvertsFormats) {
    const std::pair<VkFormat, VkFormat> pairs[] = {
        {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_UNORM},
        {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R16G16B16A16_SFLOAT},
        {VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_R8G8B8A8_UNORM},
        {VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_R16G16B16A16_SFLOAT},
        {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB},
        {VK_FORMAT_R32G32B32A32_SFLOAT, VK_FORMAT_A2B10G10R10_UNORM_PACK32},
        {VK_FORMAT_R8G8B8A8_SNORM, VK_FORMAT_R32G32B32A32_SFLOAT},
        {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R5G6B5_UNORM_PACK16},
        {VK_FORMAT_R8G8B8A8_SINT, VK_FORMAT_R32G32B32A32_SINT},
        {VK_FORMAT_R32G32B32A32_UINT, VK_FORMAT_R16G16B16A16_UINT},
        {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B10G11R11_UFLOAT_PACK32},
    };
    for (const auto& [from, to] : pairs) {
        if (!world.supports(from, VK_FORMAT_FEATURE_BLIT_SRC_BIT) ||
            !world.supports(to, VK_FORMAT_FEATURE_BLIT_DST_BIT)) {
            continue;
        }
        SCOPED_TRACE(testing::Message() << from << " to " << to);
        const bool is_float = color_format(from).kind == Kind::kFloat;
        const Image source = image({.format = from, .width = 9, .height = 3});
        const Image target = image({.format = to, .width = 9, .height = 3});
        std::vector<uint8_t> bytes;
        for (int i = 0; i < 27; ++i) {
            const auto one =
                is_float ? encode(from, {i / 26.0, 1 - i / 26.0, (i % 3) / 2.0, (i % 2) / 1.0})
                         : std::vector<uint8_t>(texel_bytes(from), 0);
            bytes.insert(bytes.end(), one.begin(), one.end());
        }
        if (!is_float) {
            for (size_t i = 0; i < bytes.size(); ++i) {
                bytes[i] = static_cast<uint8_t>(i * 37 + i / 4);
                if (color_format(from).kind == Kind::kUint && i % 4 >= 2) {
                    bytes[i] = 0; // stays within 16 bits
                }
            }
        }
        write_bytes(source, bytes);
        blit(source, {{{0, 0, 0}, {9, 3, 1}}}, target, {{{0, 0, 0}, {9, 3, 1}}});
        const auto result = read_bytes(target);
        for (size_t i = 0; i < 27; ++i) {
            const auto in = decode(from, &bytes[i * texel_bytes(from)]);
            const auto out = decode(to, &result[i * texel_bytes(to)]);
            const auto expected = decode(to, encode(to, in).data());
            for (uint32_t k = 0; k < 4; ++k) {
                // Drivers may read sRGB through a table of 10 bits.
                const double srgb = color_format(from).kind == Kind::kSrgb ? 1.0 / 1024 : 0;
                ASSERT_NEAR(out[k], expected[k], tolerance(to, k, expected[k]) + srgb)
                    << i << ":" << k;
            }
        }
    }
}

TEST_F(Blit, SlicesOf3D) {
    const Image source = image({.format = VK_FORMAT_R32_UINT,
                                .width = 4,
                                .height = 4,
                                .depth = 4,
                                .type = VK_IMAGE_TYPE_3D});
    const Image target = image({.format = VK_FORMAT_R32_UINT,
                                .width = 4,
                                .height = 4,
                                .depth = 8,
                                .type = VK_IMAGE_TYPE_3D});
    std::vector<uint32_t> texels(64);
    for (uint32_t i = 0; i < 64; ++i) {
        texels[i] = i;
    }
    write(source, texels);
    blit(source, {{{0, 0, 0}, {4, 4, 4}}}, target, {{{0, 0, 0}, {4, 4, 8}}});
    const auto result = read<uint32_t>(target);
    for (uint32_t i = 0; i < 128; ++i) {
        ASSERT_EQ(result[i], i / 16 / 2 * 16 + i % 16) << i;
    }
}

TEST_F(Blit, ResolveAveragesClearedSamples) {
    const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
    const Image source = image({.format = format,
                                .width = 20,
                                .height = 10,
                                .samples = VK_SAMPLE_COUNT_4_BIT,
                                .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT});
    const Image target = image({.format = format, .width = 20, .height = 10});
    write(target, std::vector<uint32_t>(200, 0x01010101));
    run([&](VkCommandBuffer c) {
        const VkClearColorValue color{.float32 = {1, 0, 0.2F, 1}};
        const auto all = source.all();
        vkCmdClearColorImage(c, source.handle, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &all);
        barrier(c);
        const VkImageResolve region{source.at(0), {1, 2, 0}, target.at(0), {3, 0, 0}, {16, 7, 1}};
        vkCmdResolveImage(c, source.handle, VK_IMAGE_LAYOUT_GENERAL, target.handle,
                          VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    const auto texels = read<uint32_t>(target);
    for (uint32_t i = 0; i < 200; ++i) {
        const uint32_t x = i % 20, y = i / 20;
        ASSERT_EQ(texels[i], x >= 3 && x < 19 && y < 7 ? 0xFF3300FFU : 0x01010101U)
            << x << "," << y;
    }
}

} // namespace
