// SPDX-License-Identifier: MIT
#include "tests/vulkan/wsi/surface_test.hpp"

#include <algorithm>

namespace kite::vktest {

bool SurfaceTest::open(WindowKind kind) {
    auto window = make_window(world, kind);
    if (!window) {
        return false;
    }
    open(std::move(window));
    return true;
}

void SurfaceTest::open(std::unique_ptr<Window> window) {
    window_ = std::move(window);
    defer([this] { window_.reset(); });
    const VkSurfaceKHR surface = window_->surface;
    VkBool32 supported = VK_FALSE;
    must(vkGetPhysicalDeviceSurfaceSupportKHR(world.physical, world.family, surface, &supported));
    ASSERT_TRUE(supported);
    must(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(world.physical, surface, &capabilities_));
    uint32_t count = 0;
    must(vkGetPhysicalDeviceSurfaceFormatsKHR(world.physical, surface, &count, nullptr));
    ASSERT_GT(count, 0U);
    formats_.resize(count);
    must(vkGetPhysicalDeviceSurfaceFormatsKHR(world.physical, surface, &count, formats_.data()));
    must(vkGetPhysicalDeviceSurfacePresentModesKHR(world.physical, surface, &count, nullptr));
    modes_.resize(count);
    must(vkGetPhysicalDeviceSurfacePresentModesKHR(world.physical, surface, &count, modes_.data()));
}

VkSwapchainKHR SurfaceTest::swapchain(VkPresentModeKHR mode, VkExtent2D extent,
                                      VkSwapchainKHR old) {
    const VkSwapchainCreateInfoKHR info{.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
                                        .surface = window_->surface,
                                        .minImageCount = std::max(capabilities_.minImageCount, 3U),
                                        .imageFormat = formats_[0].format,
                                        .imageColorSpace = formats_[0].colorSpace,
                                        .imageExtent = extent,
                                        .imageArrayLayers = 1,
                                        .imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                                                      VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                                        .preTransform = capabilities_.currentTransform,
                                        .compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
                                        .presentMode = mode,
                                        .clipped = VK_TRUE,
                                        .oldSwapchain = old};
    VkSwapchainKHR made = VK_NULL_HANDLE;
    must(vkCreateSwapchainKHR(device, &info, nullptr, &made));
    defer([this, made] {
        vkQueueWaitIdle(world.queue);
        vkDestroySwapchainKHR(device, made, nullptr);
    });
    return made;
}

VkSemaphore SurfaceTest::semaphore() {
    const VkSemaphoreCreateInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    VkSemaphore made = VK_NULL_HANDLE;
    must(vkCreateSemaphore(device, &info, nullptr, &made));
    defer([this, made] { vkDestroySemaphore(device, made, nullptr); });
    return made;
}

VkFence SurfaceTest::fence() {
    const VkFenceCreateInfo info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence made = VK_NULL_HANDLE;
    must(vkCreateFence(device, &info, nullptr, &made));
    defer([this, made] { vkDestroyFence(device, made, nullptr); });
    return made;
}

VkResult SurfaceTest::frame(VkSwapchainKHR chain, const PresentOptions& options) {
    uint32_t count = 0;
    must(vkGetSwapchainImagesKHR(device, chain, &count, nullptr));
    std::vector<VkImage> images(count);
    must(vkGetSwapchainImagesKHR(device, chain, &count, images.data()));
    const VkSemaphore acquired = semaphore();
    const VkSemaphore rendered = semaphore();
    uint32_t index = count;
    if (const VkResult result =
            vkAcquireNextImageKHR(device, chain, 5'000'000'000, acquired, VK_NULL_HANDLE, &index);
        result != VK_SUCCESS) {
        return result;
    }
    EXPECT_LT(index, count);
    const VkCommandBuffer c = command_buffer();
    const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    must(vkBeginCommandBuffer(c, &begin));
    Image image;
    image.handle = images[index];
    image.aspects = VK_IMAGE_ASPECT_COLOR_BIT;
    transition(c, image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
    const VkClearColorValue color{.float32 = {static_cast<float>(frames_++ % 20) / 20, 0, 0, 1}};
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
                              .pSignalSemaphores = &rendered};
    must(vkQueueSubmit(world.queue, 1, &submit, VK_NULL_HANDLE));
    const void* chained = nullptr;
    const VkPresentIdKHR id{
        .sType = VK_STRUCTURE_TYPE_PRESENT_ID_KHR, .swapchainCount = 1, .pPresentIds = &options.id};
    if (options.id != 0) {
        chained = &id;
    }
    const VkSwapchainPresentFenceInfoEXT fence{
        .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT,
        .pNext = chained,
        .swapchainCount = 1,
        .pFences = &options.fence};
    if (options.fence) {
        chained = &fence;
    }
    const VkPresentInfoKHR show{.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                                .pNext = chained,
                                .waitSemaphoreCount = 1,
                                .pWaitSemaphores = &rendered,
                                .swapchainCount = 1,
                                .pSwapchains = &chain,
                                .pImageIndices = &index};
    return vkQueuePresentKHR(world.queue, &show);
}

void SurfaceTest::present(VkSwapchainKHR chain, int frames) {
    for (int i = 0; i < frames; ++i) {
        ASSERT_EQ(frame(chain), VK_SUCCESS);
        must(vkQueueWaitIdle(world.queue));
    }
}

bool SurfaceTest::offers(VkPresentModeKHR mode) const {
    return std::ranges::find(modes_, mode) != modes_.end();
}

} // namespace kite::vktest
