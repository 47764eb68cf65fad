// SPDX-License-Identifier: MIT
// Swapchains of a headless surface in every present mode.
#include "tests/vulkan/wsi/surface_test.hpp"

#include <chrono>

using namespace kite::vktest;

namespace {

class Headless : public SurfaceTest {
protected:
    void SetUp() override {
        if (!open(WindowKind::headless)) {
            GTEST_SKIP() << "no VK_EXT_headless_surface";
        }
    }
};

TEST_F(Headless, EveryPresentMode) {
    EXPECT_TRUE(offers(VK_PRESENT_MODE_FIFO_KHR));
    if (world.is_kite) {
        EXPECT_TRUE(offers(VK_PRESENT_MODE_MAILBOX_KHR));
        EXPECT_TRUE(offers(VK_PRESENT_MODE_IMMEDIATE_KHR));
    }
    VkSwapchainKHR chain = VK_NULL_HANDLE; // a surface has one swapchain at a time
    for (const VkPresentModeKHR mode :
         {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        if (offers(mode)) {
            SCOPED_TRACE(mode);
            chain = swapchain(mode, {64, 48}, chain);
            present(chain, 12);
        }
    }
}

TEST_F(Headless, FifoIsPacedOnKite) {
    if (!world.is_kite) {
        GTEST_SKIP() << "only Kite paces a surface without a screen";
    }
    const auto chain = swapchain(VK_PRESENT_MODE_FIFO_KHR, {64, 48});
    present(chain, 4); // fills the queue
    const auto start = std::chrono::steady_clock::now();
    present(chain, 24);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GT(took, std::chrono::milliseconds(250)); // 400 ms at 60 Hz
    EXPECT_LT(took, std::chrono::milliseconds(3000));
}

TEST_F(Headless, OldSwapchainIsReplaced) {
    const auto first = swapchain(VK_PRESENT_MODE_FIFO_KHR, {32, 32});
    present(first, 2);
    const auto second = swapchain(VK_PRESENT_MODE_FIFO_KHR, {100, 20}, first);
    present(second, 3);
}

TEST_F(Headless, AcquireWithFenceAndTimeout) {
    const auto chain = swapchain(VK_PRESENT_MODE_FIFO_KHR, {16, 16});
    const VkFence done = fence();
    uint32_t index = 99;
    ASSERT_EQ(vkAcquireNextImageKHR(device, chain, 1'000'000'000, VK_NULL_HANDLE, done, &index),
              VK_SUCCESS);
    EXPECT_EQ(vkWaitForFences(device, 1, &done, VK_TRUE, 5'000'000'000), VK_SUCCESS);
    EXPECT_LT(index, 16U);
}

} // namespace
