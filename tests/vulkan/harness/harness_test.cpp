// SPDX-License-Identifier: MIT
// The harness itself: the layer speaks, the codec agrees with hand-written values.
#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/harness/format.hpp"

using namespace kite::vktest;

namespace {

class Harness : public VulkanTest {};

TEST_F(Harness, ValidationLayerIsAtWork) {
    if (!world.validated) {
        GTEST_SKIP() << "the validation layer is not installed";
    }
    EXPECT_EQ(world.take_messages(), std::vector<std::string>{}) << "from creating the device";
    const VkBufferCreateInfo wrong{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 64};
    VkBuffer made = VK_NULL_HANDLE;
    if (vkCreateBuffer(device, &wrong, nullptr, &made) == VK_SUCCESS) {
        vkDestroyBuffer(device, made, nullptr);
    }
    const auto messages = world.take_messages();
    ASSERT_FALSE(messages.empty());
    EXPECT_NE(messages[0].find("usage"), std::string::npos);
}

TEST(Codec, KnownValues) {
    EXPECT_EQ(encode(VK_FORMAT_R5G6B5_UNORM_PACK16, {1, 0, 0, 1}),
              (std::vector<uint8_t>{0x00, 0xF8}));
    EXPECT_EQ(encode(VK_FORMAT_B8G8R8A8_UNORM, {1, 0, 0, 1}),
              (std::vector<uint8_t>{0, 0, 255, 255}));
    EXPECT_EQ(encode(VK_FORMAT_R16_SFLOAT, {1.5, 0, 0, 1}), (std::vector<uint8_t>{0x00, 0x3E}));
    EXPECT_EQ(encode(VK_FORMAT_R8_SRGB, {0.5, 0, 0, 1}), (std::vector<uint8_t>{188}));
    EXPECT_EQ(decode_half(0xC000), -2.0);
    EXPECT_EQ(decode_half(0x0001), 0x1p-24);
}

TEST(Codec, RoundTripsAllFormats) {
    for (const auto& info : color_formats()) {
        SCOPED_TRACE(info.format);
        std::vector<uint8_t> bytes(info.bytes);
        for (size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<uint8_t>(0x31 + 5 * i);
        }
        EXPECT_EQ(encode(info.format, decode(info.format, bytes.data())), bytes);
    }
}

} // namespace
