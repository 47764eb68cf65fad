// SPDX-License-Identifier: MIT
// Copies between buffers and images, and from image to image.
#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/harness/format.hpp"

#include <random>

using namespace kite::vktest;

namespace {

class CopyImage : public VulkanTest {
protected:
    /// Random bytes that are valid for the aspect: a depth in [0,1] where it is a float, no NaN.
    std::vector<uint8_t> noise(VkFormat format, VkExtent3D extent, VkImageAspectFlags aspect = 0) {
        std::vector<uint8_t> bytes(level_bytes(format, extent, aspect));
        for (auto& byte : bytes) {
            byte = static_cast<uint8_t>(random_() & 0x3F);
        }
        if (aspect == VK_IMAGE_ASPECT_DEPTH_BIT && texel_bytes(format, aspect) == 4) {
            const bool is_float =
                format != VK_FORMAT_X8_D24_UNORM_PACK32 && format != VK_FORMAT_D24_UNORM_S8_UINT;
            for (size_t i = 0; i < bytes.size(); i += 4) {
                const float depth = static_cast<float>(random_() % 1024) / 1023.0F;
                if (is_float) {
                    std::memcpy(&bytes[i], &depth, 4);
                } else {
                    bytes[i + 3] = 0;
                }
            }
        }
        return bytes;
    }

private:
    std::mt19937 random_{7};
};

std::vector<VkFormat> transfer_formats(World& world) {
    std::vector<VkFormat> found;
    for (int value = VK_FORMAT_R4G4_UNORM_PACK8; value <= VK_FORMAT_BC7_SRGB_BLOCK; ++value) {
        const auto format = static_cast<VkFormat>(value);
        if (world.supports(format, VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT |
                                       VK_FORMAT_FEATURE_TRANSFER_SRC_BIT |
                                       VK_FORMAT_FEATURE_TRANSFER_DST_BIT)) {
            try {
                texel_bytes(format);
                found.push_back(format);
            } catch (const std::runtime_error&) { // a format that the codec leaves out
            }
        }
    }
    return found;
}

TEST_F(CopyImage, EveryFormatRoundTrips) {
    for (const VkFormat format : transfer_formats(world)) {
        SCOPED_TRACE(format);
        const Image target = image({.format = format, .width = 21, .height = 13});
        for (const VkImageAspectFlags aspect :
             {VK_IMAGE_ASPECT_COLOR_BIT, VK_IMAGE_ASPECT_DEPTH_BIT, VK_IMAGE_ASPECT_STENCIL_BIT}) {
            if ((target.aspects & aspect) != 0) {
                const auto bytes = noise(format, target.extent(), aspect);
                write_bytes(target, bytes, 0, 0, aspect);
                EXPECT_EQ(read_bytes(target, 0, 0, aspect), bytes);
            }
        }
    }
}

TEST_F(CopyImage, AspectsDontDisturbEachOther) {
    const VkFormat format =
        world.supports(VK_FORMAT_D24_UNORM_S8_UINT, VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT)
            ? VK_FORMAT_D24_UNORM_S8_UINT
            : VK_FORMAT_D32_SFLOAT_S8_UINT;
    const Image target =
        image({.format = format, .usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT});
    const auto depth = noise(format, target.extent(), VK_IMAGE_ASPECT_DEPTH_BIT);
    const auto stencil = noise(format, target.extent(), VK_IMAGE_ASPECT_STENCIL_BIT);
    write_bytes(target, depth, 0, 0, VK_IMAGE_ASPECT_DEPTH_BIT);
    write_bytes(target, stencil, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT);
    EXPECT_EQ(read_bytes(target, 0, 0, VK_IMAGE_ASPECT_DEPTH_BIT), depth);
    EXPECT_EQ(read_bytes(target, 0, 0, VK_IMAGE_ASPECT_STENCIL_BIT), stencil);
}

TEST_F(CopyImage, RowPitchAndOffsets) {
    // A 5x3 window of a 16x16 image out of a buffer with rows of 11 and planes of 7 texels.
    const Image target = image({.format = VK_FORMAT_R16G16_UINT, .layers = 3});
    const Buffer source = buffer(4 * 11 * 7 * 3 + 8);
    for (size_t i = 0; i < source.as<uint32_t>().size(); ++i) {
        source.as<uint32_t>()[i] = static_cast<uint32_t>(i * 2654435761U);
    }
    run([&](VkCommandBuffer c) {
        const VkClearColorValue zero{};
        const auto range = target.all();
        vkCmdClearColorImage(c, target.handle, VK_IMAGE_LAYOUT_GENERAL, &zero, 1, &range);
        barrier(c);
        const VkBufferImageCopy region{.bufferOffset = 8,
                                       .bufferRowLength = 11,
                                       .bufferImageHeight = 7,
                                       .imageSubresource = target.at(0, 1, 2),
                                       .imageOffset = {6, 9, 0},
                                       .imageExtent = {5, 3, 1}};
        vkCmdCopyBufferToImage(c, source.handle, target.handle, VK_IMAGE_LAYOUT_GENERAL, 1,
                               &region);
    });
    for (uint32_t layer = 0; layer < 3; ++layer) {
        const auto texels = read<uint32_t>(target, 0, layer);
        for (uint32_t y = 0; y < 16; ++y) {
            for (uint32_t x = 0; x < 16; ++x) {
                const bool inside = layer > 0 && x >= 6 && x < 11 && y >= 9 && y < 12;
                const uint32_t index = 2 + ((layer - 1) * 7 + (y - 9)) * 11 + (x - 6);
                ASSERT_EQ(texels[y * 16 + x], inside ? source.as<uint32_t>()[index] : 0U)
                    << x << "," << y << "," << layer;
            }
        }
    }
}

TEST_F(CopyImage, LevelsOf3D) {
    const Image target = image({.format = VK_FORMAT_R8_UINT,
                                .width = 20,
                                .height = 12,
                                .depth = 9,
                                .levels = 3,
                                .type = VK_IMAGE_TYPE_3D});
    std::vector<std::vector<uint8_t>> written;
    for (uint32_t level = 0; level < 3; ++level) {
        written.push_back(noise(VK_FORMAT_R8_UINT, target.extent(level)));
        write_bytes(target, written.back(), level);
    }
    for (uint32_t level = 0; level < 3; ++level) {
        EXPECT_EQ(read_bytes(target, level), written[level]) << level;
    }
}

TEST_F(CopyImage, CompressedLevelsAndParts) {
    const VkFormat format = VK_FORMAT_BC3_UNORM_BLOCK;
    if (!world.supports(format, VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT)) {
        GTEST_SKIP() << "no BC3";
    }
    // 18x10 texels are 5x3 blocks; the level below, 9x5, is 3x2 blocks.
    const Image target = image({.format = format, .width = 18, .height = 10, .levels = 3});
    for (uint32_t level = 0; level < 3; ++level) {
        const auto bytes = noise(format, target.extent(level));
        write_bytes(target, bytes, level);
        EXPECT_EQ(read_bytes(target, level), bytes) << level;
    }
    const auto before = read_bytes(target);
    const Buffer block = buffer(16);
    std::memset(block.data, 0x5A, 16);
    run([&](VkCommandBuffer c) {
        const VkBufferImageCopy region{
            .imageSubresource = target.at(0), .imageOffset = {16, 8, 0}, .imageExtent = {2, 2, 1}};
        vkCmdCopyBufferToImage(c, block.handle, target.handle, VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    auto expected = before;
    std::fill_n(expected.begin() + 14 * 16, 16, uint8_t{0x5A});
    EXPECT_EQ(read_bytes(target), expected);
}

TEST_F(CopyImage, ImageToImageOfACompatibleFormat) {
    const Image source = image({.format = VK_FORMAT_R8G8B8A8_UNORM, .width = 33, .height = 17});
    const Image target = image({.format = VK_FORMAT_R32_UINT, .width = 40, .height = 40});
    const auto bytes = noise(VK_FORMAT_R8G8B8A8_UNORM, source.extent());
    write_bytes(source, bytes);
    write(target, std::vector<uint32_t>(1600, 7));
    run([&](VkCommandBuffer c) {
        const VkImageCopy region{source.at(0), {1, 2, 0}, target.at(0), {5, 11, 0}, {31, 14, 1}};
        vkCmdCopyImage(c, source.handle, VK_IMAGE_LAYOUT_GENERAL, target.handle,
                       VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    const auto result = read<uint32_t>(target);
    for (uint32_t y = 0; y < 40; ++y) {
        for (uint32_t x = 0; x < 40; ++x) {
            uint32_t expected = 7;
            if (x >= 5 && x < 36 && y >= 11 && y < 25) {
                std::memcpy(&expected, &bytes[((y - 9) * 33 + x - 4) * 4], 4);
            }
            ASSERT_EQ(result[y * 40 + x], expected) << x << "," << y;
        }
    }
}

TEST_F(CopyImage, SlicesOf3DToLayers) {
    const Image source = image({.format = VK_FORMAT_R32_UINT,
                                .width = 8,
                                .height = 8,
                                .depth = 4,
                                .type = VK_IMAGE_TYPE_3D});
    const Image target =
        image({.format = VK_FORMAT_R32_UINT, .width = 8, .height = 8, .layers = 4});
    std::vector<uint32_t> texels(256);
    for (uint32_t i = 0; i < 256; ++i) {
        texels[i] = i;
    }
    write(source, texels);
    run([&](VkCommandBuffer c) {
        const VkImageCopy region{source.at(0), {0, 0, 1}, target.at(0, 2, 2), {}, {8, 8, 2}};
        vkCmdCopyImage(c, source.handle, VK_IMAGE_LAYOUT_GENERAL, target.handle,
                       VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    EXPECT_EQ(read<uint32_t>(target, 0, 2),
              std::vector<uint32_t>(texels.begin() + 64, texels.begin() + 128));
    EXPECT_EQ(read<uint32_t>(target, 0, 3),
              std::vector<uint32_t>(texels.begin() + 128, texels.begin() + 192));
}

TEST_F(CopyImage, OverlappingRegionsOfOneImageByLevels) {
    const Image both = image({.format = VK_FORMAT_R8G8B8A8_UNORM, .levels = 2});
    const auto bytes = noise(VK_FORMAT_R8G8B8A8_UNORM, both.extent());
    write_bytes(both, bytes);
    run([&](VkCommandBuffer c) {
        const VkImageCopy region{both.at(0), {8, 8, 0}, both.at(1), {}, {8, 8, 1}};
        vkCmdCopyImage(c, both.handle, VK_IMAGE_LAYOUT_GENERAL, both.handle,
                       VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    });
    const auto level = read<uint32_t>(both, 1);
    for (size_t y = 0; y < 8; ++y) {
        EXPECT_EQ(std::memcmp(&level[y * 8], &bytes[((y + 8) * 16 + 8) * 4], 32), 0) << y;
    }
}

TEST_F(CopyImage, LinearImageIsWhatSubresourceLayoutSays) {
    const Image linear = image({.format = VK_FORMAT_R8G8B8A8_UNORM,
                                .width = 13,
                                .height = 7,
                                .tiling = VK_IMAGE_TILING_LINEAR});
    const auto bytes = noise(VK_FORMAT_R8G8B8A8_UNORM, linear.extent());
    write_bytes(linear, bytes);
    const VkImageSubresource which{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0};
    VkSubresourceLayout layout;
    vkGetImageSubresourceLayout(device, linear.handle, &which, &layout);
    void* data = nullptr;
    must(vkMapMemory(device, linear.memory, 0, VK_WHOLE_SIZE, 0, &data));
    EXPECT_GE(layout.rowPitch, 13U * 4);
    for (size_t y = 0; y < 7; ++y) {
        EXPECT_EQ(std::memcmp(static_cast<uint8_t*>(data) + layout.offset + y * layout.rowPitch,
                              &bytes[y * 52], 52),
                  0)
            << y;
    }
    vkUnmapMemory(device, linear.memory);
}

} // namespace
