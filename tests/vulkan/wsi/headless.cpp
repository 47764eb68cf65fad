// SPDX-License-Identifier: MIT
// Swapchains of a headless surface in every present mode.
#include "tests/vulkan/harness/fixture.hpp"

#include <algorithm>
#include <chrono>

using namespace kite::vktest;

namespace {

class Headless : public VulkanTest {
protected:
    void SetUp() override {
        if (!world.instance_enabled.contains("VK_EXT_headless_surface") ||
            !world.has("VK_KHR_swapchain")) {
            GTEST_SKIP() << "no VK_EXT_headless_surface";
        }
        const VkHeadlessSurfaceCreateInfoEXT info{
            .sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
        must(world.load<PFN_vkCreateHeadlessSurfaceEXT>("vkCreateHeadlessSurfaceEXT")(
            world.instance, &info, nullptr, &surface_));
        defer([this] { vkDestroySurfaceKHR(world.instance, surface_, nullptr); });
        VkBool32 supported = VK_FALSE;
        must(vkGetPhysicalDeviceSurfaceSupportKHR(world.physical, world.family, surface_,
                                                  &supported));
        ASSERT_TRUE(supported);
        must(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(world.physical, surface_, &capabilities_));
        uint32_t count = 0;
        must(vkGetPhysicalDeviceSurfaceFormatsKHR(world.physical, surface_, &count, nullptr));
        ASSERT_GT(count, 0U);
        formats_.resize(count);
        must(vkGetPhysicalDeviceSurfaceFormatsKHR(world.physical, surface_, &count,
                                                  formats_.data()));
        must(vkGetPhysicalDeviceSurfacePresentModesKHR(world.physical, surface_, &count, nullptr));
        modes_.resize(count);
        must(vkGetPhysicalDeviceSurfacePresentModesKHR(world.physical, surface_, &count,
                                                       modes_.data()));
    }
    VkSwapchainKHR swapchain(VkPresentModeKHR mode, VkExtent2D extent,
                             VkSwapchainKHR old = VK_NULL_HANDLE) {
        const VkSwapchainCreateInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
            .surface = surface_,
            .minImageCount = std::max(capabilities_.minImageCount, 3U),
            .imageFormat = formats_[0].format,
            .imageColorSpace = formats_[0].colorSpace,
            .imageExtent = extent,
            .imageArrayLayers = 1,
            .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
            .preTransform = capabilities_.currentTransform,
            .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
            .presentMode = mode,
            .clipped = VK_TRUE,
            .oldSwapchain = old};
        VkSwapchainKHR made = VK_NULL_HANDLE;
        must(vkCreateSwapchainKHR(device, &info, nullptr, &made));
        defer([this, made] { vkDestroySwapchainKHR(device, made, nullptr); });
        return made;
    }
    VkSemaphore semaphore() {
        const VkSemaphoreCreateInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
        VkSemaphore made = VK_NULL_HANDLE;
        must(vkCreateSemaphore(device, &info, nullptr, &made));
        defer([this, made] { vkDestroySemaphore(device, made, nullptr); });
        return made;
    }
    /// Presents `frames` cleared images; false when a call did not succeed.
    void present(VkSwapchainKHR chain, int frames) {
        uint32_t count = 0;
        must(vkGetSwapchainImagesKHR(device, chain, &count, nullptr));
        std::vector<VkImage> images(count);
        must(vkGetSwapchainImagesKHR(device, chain, &count, images.data()));
        ASSERT_GE(count, 2U);
        const VkSemaphore acquired = semaphore();
        std::vector<VkSemaphore> rendered;
        for (uint32_t i = 0; i < count; ++i) {
            rendered.push_back(semaphore());
        }
        for (int frame = 0; frame < frames; ++frame) {
            uint32_t index = count;
            ASSERT_EQ(vkAcquireNextImageKHR(device, chain, 5'000'000'000, acquired, VK_NULL_HANDLE,
                                            &index),
                      VK_SUCCESS);
            ASSERT_LT(index, count);
            const VkCommandBuffer c = command_buffer();
            const VkCommandBufferBeginInfo begin{.sType =
                                                     VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
            must(vkBeginCommandBuffer(c, &begin));
            Image image;
            image.handle = images[index];
            image.aspects = VK_IMAGE_ASPECT_COLOR_BIT;
            transition(c, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
            const VkClearColorValue color{.float32 = {static_cast<float>(frame) / 20, 0, 0, 1}};
            const auto all = image.all();
            vkCmdClearColorImage(c, image.handle, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &all);
            transition(c, image, VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR);
            must(vkEndCommandBuffer(c));
            const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
            const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                      .waitSemaphoreCount = 1,
                                      .pWaitSemaphores = &acquired,
                                      .pWaitDstStageMask = &stage,
                                      .commandBufferCount = 1,
                                      .pCommandBuffers = &c,
                                      .signalSemaphoreCount = 1,
                                      .pSignalSemaphores = &rendered[index]};
            must(vkQueueSubmit(world.queue, 1, &submit, VK_NULL_HANDLE));
            const VkPresentInfoKHR show{.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                                        .waitSemaphoreCount = 1,
                                        .pWaitSemaphores = &rendered[index],
                                        .swapchainCount = 1,
                                        .pSwapchains = &chain,
                                        .pImageIndices = &index};
            ASSERT_EQ(vkQueuePresentKHR(world.queue, &show), VK_SUCCESS);
            must(vkQueueWaitIdle(world.queue));
        }
    }
    VkSurfaceKHR surface_ = VK_NULL_HANDLE;
    VkSurfaceCapabilitiesKHR capabilities_{};
    std::vector<VkSurfaceFormatKHR> formats_;
    std::vector<VkPresentModeKHR> modes_;
};

TEST_F(Headless, EveryPresentMode) {
    EXPECT_NE(std::ranges::find(modes_, VK_PRESENT_MODE_FIFO_KHR), modes_.end());
    if (world.is_kite) {
        EXPECT_NE(std::ranges::find(modes_, VK_PRESENT_MODE_MAILBOX_KHR), modes_.end());
        EXPECT_NE(std::ranges::find(modes_, VK_PRESENT_MODE_IMMEDIATE_KHR), modes_.end());
    }
    VkSwapchainKHR chain = VK_NULL_HANDLE; // a surface has one swapchain at a time
    for (const VkPresentModeKHR mode :
         {VK_PRESENT_MODE_FIFO_KHR, VK_PRESENT_MODE_MAILBOX_KHR, VK_PRESENT_MODE_IMMEDIATE_KHR}) {
        if (std::ranges::find(modes_, mode) != modes_.end()) {
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
    const VkFenceCreateInfo info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence fence = VK_NULL_HANDLE;
    must(vkCreateFence(device, &info, nullptr, &fence));
    defer([this, fence] { vkDestroyFence(device, fence, nullptr); });
    uint32_t index = 99;
    ASSERT_EQ(vkAcquireNextImageKHR(device, chain, 1'000'000'000, VK_NULL_HANDLE, fence, &index),
              VK_SUCCESS);
    EXPECT_EQ(vkWaitForFences(device, 1, &fence, VK_TRUE, 5'000'000'000), VK_SUCCESS);
    EXPECT_LT(index, 16U);
}

} // namespace
