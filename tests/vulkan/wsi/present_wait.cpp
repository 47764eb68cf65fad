// SPDX-License-Identifier: MIT
// VK_KHR_present_id, VK_KHR_present_wait and VK_EXT_swapchain_maintenance1 on every window system
// that is there.
#include "tests/vulkan/wsi/surface_test.hpp"

#include <algorithm>
#include <chrono>

using namespace kite::vktest;

namespace {

constexpr uint64_t kPatience = 5'000'000'000;
using Clock = std::chrono::steady_clock;
using Ms = std::chrono::milliseconds;

class Presented : public SurfaceTest, public testing::WithParamInterface<WindowKind> {
protected:
    void SetUp() override {
        if (!world.has("VK_KHR_present_wait") || !world.has("VK_KHR_present_id")) {
            GTEST_SKIP() << "no VK_KHR_present_wait";
        }
        if (!open(GetParam())) {
            GTEST_SKIP() << "no window of " << name_of(GetParam());
        }
        wait_ = world.load<PFN_vkWaitForPresentKHR>("vkWaitForPresentKHR");
    }
    VkResult wait(VkSwapchainKHR chain, uint64_t id, uint64_t timeout = kPatience) {
        return wait_(device, chain, id, timeout);
    }
    /// A swapchain of the window's size of which one image was shown.
    VkSwapchainKHR started(VkPresentModeKHR mode) {
        const auto chain = swapchain(mode, window_->extent);
        EXPECT_EQ(frame(chain, {.id = 1}), VK_SUCCESS);
        EXPECT_EQ(wait(chain, 1), VK_SUCCESS);
        return chain;
    }

private:
    PFN_vkWaitForPresentKHR wait_ = nullptr;
};

TEST_P(Presented, EveryModeComesToItsIds) {
    VkSwapchainKHR chain = VK_NULL_HANDLE;
    for (const VkPresentModeKHR mode : modes_) {
        SCOPED_TRACE(mode);
        chain = swapchain(mode, window_->extent, chain);
        for (uint64_t id = 3; id < 30; id += 3) {
            ASSERT_EQ(frame(chain, {.id = id}), VK_SUCCESS);
            ASSERT_EQ(wait(chain, id), VK_SUCCESS) << id;
            window_->pump();
        }
        EXPECT_EQ(wait(chain, 1, 0), VK_SUCCESS); // a later one was shown
    }
}

TEST_P(Presented, WhatWasNotPresentedTimesOut) {
    const auto chain = started(VK_PRESENT_MODE_FIFO_KHR);
    EXPECT_EQ(wait(chain, 2, 0), VK_TIMEOUT);
    const auto start = Clock::now();
    EXPECT_EQ(wait(chain, 2, 30'000'000), VK_TIMEOUT);
    EXPECT_GE(Clock::now() - start, Ms(29));
    ASSERT_EQ(frame(chain), VK_SUCCESS); // without an id
    EXPECT_EQ(wait(chain, 2, 100'000'000), VK_TIMEOUT);
    ASSERT_EQ(frame(chain, {.id = 2}), VK_SUCCESS);
    EXPECT_EQ(wait(chain, 2), VK_SUCCESS);
}

TEST_P(Presented, QueuedImagesAreNotThereYet) {
    if (!world.is_kite) {
        GTEST_SKIP() << "about Kite's pace";
    }
    const auto chain = started(VK_PRESENT_MODE_FIFO_KHR);
    const auto start = Clock::now();
    ASSERT_EQ(frame(chain, {.id = 2}), VK_SUCCESS);
    ASSERT_EQ(frame(chain, {.id = 3}), VK_SUCCESS);
    const VkResult early = wait(chain, 3, 0);
    if (Clock::now() - start < Ms(12)) {
        EXPECT_EQ(early, VK_TIMEOUT); // two frames do not fit in there
    }
    EXPECT_EQ(wait(chain, 3), VK_SUCCESS);
    EXPECT_EQ(wait(chain, 2, 0), VK_SUCCESS);
}

TEST_P(Presented, ImagesThatMailboxReplacesCount) {
    if (!offers(VK_PRESENT_MODE_MAILBOX_KHR)) {
        GTEST_SKIP() << "no MAILBOX";
    }
    const auto chain = started(VK_PRESENT_MODE_MAILBOX_KHR);
    for (uint64_t id = 2; id <= 24; ++id) {
        ASSERT_EQ(frame(chain, {.id = id}), VK_SUCCESS);
    }
    EXPECT_EQ(wait(chain, 24), VK_SUCCESS);
    EXPECT_EQ(wait(chain, 23, 0), VK_SUCCESS);
    EXPECT_EQ(wait(chain, 25, 0), VK_TIMEOUT);
}

TEST_P(Presented, IdsOfANewSwapchainStartAgain) {
    const auto chain = started(VK_PRESENT_MODE_FIFO_KHR);
    ASSERT_EQ(frame(chain, {.id = 9}), VK_SUCCESS); // perhaps not yet shown when it is replaced
    const auto next = swapchain(VK_PRESENT_MODE_FIFO_KHR, window_->extent, chain);
    EXPECT_EQ(wait(next, 1, 0), VK_TIMEOUT);
    EXPECT_EQ(frame(next, {.id = 1}), VK_SUCCESS);
    EXPECT_EQ(wait(next, 1), VK_SUCCESS);
}

TEST_P(Presented, LostWindowEndsWaits) {
    const auto chain = started(VK_PRESENT_MODE_FIFO_KHR);
    if (!window_->destroy_native()) {
        GTEST_SKIP() << "its window cannot be taken away";
    }
    VkResult result = VK_SUCCESS;
    for (int i = 0; i < 10 && result >= 0; ++i) {
        result = frame(chain, {.id = 10});
        if (result >= 0) {
            result = wait(chain, 10);
        }
    }
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(window_->errors(), 0U) << "Xlib ends the program for these";
    EXPECT_EQ(wait(chain, 10, UINT64_MAX), VK_ERROR_SURFACE_LOST_KHR);
    EXPECT_EQ(wait(chain, 1, UINT64_MAX), VK_SUCCESS); // that one had been shown
}

TEST_P(Presented, FencesComeWithTheImages) {
    if (!world.has("VK_EXT_swapchain_maintenance1")) {
        GTEST_SKIP() << "no VK_EXT_swapchain_maintenance1";
    }
    VkSwapchainKHR chain = VK_NULL_HANDLE;
    for (const VkPresentModeKHR mode : modes_) {
        SCOPED_TRACE(mode);
        chain = swapchain(mode, window_->extent, chain);
        std::vector<VkFence> fences;
        for (int i = 0; i < 8; ++i) {
            fences.push_back(fence());
            ASSERT_EQ(frame(chain, {.id = static_cast<uint64_t>(i + 1), .fence = fences.back()}),
                      VK_SUCCESS);
        }
        EXPECT_EQ(vkWaitForFences(device, static_cast<uint32_t>(fences.size()), fences.data(),
                                  VK_TRUE, kPatience),
                  VK_SUCCESS);
        const VkFence again = fences[0];
        must(vkResetFences(device, 1, &again));
        EXPECT_EQ(vkGetFenceStatus(device, again), VK_NOT_READY);
        ASSERT_EQ(frame(chain, {.fence = again}), VK_SUCCESS);
        EXPECT_EQ(vkWaitForFences(device, 1, &again, VK_TRUE, kPatience), VK_SUCCESS);
    }
}

TEST_P(Presented, ReleasedImagesAreAcquiredAgain) {
    if (!world.has("VK_EXT_swapchain_maintenance1")) {
        GTEST_SKIP() << "no VK_EXT_swapchain_maintenance1";
    }
    const auto release = world.load<PFN_vkReleaseSwapchainImagesEXT>("vkReleaseSwapchainImagesEXT");
    const auto chain = started(VK_PRESENT_MODE_FIFO_KHR);
    for (int i = 0; i < 20; ++i) { // more than there are images
        const VkFence there = fence();
        uint32_t index = 0;
        ASSERT_EQ(vkAcquireNextImageKHR(device, chain, kPatience, VK_NULL_HANDLE, there, &index),
                  VK_SUCCESS);
        must(vkWaitForFences(device, 1, &there, VK_TRUE, kPatience));
        const VkReleaseSwapchainImagesInfoEXT info{
            .sType = VK_STRUCTURE_TYPE_RELEASE_SWAPCHAIN_IMAGES_INFO_EXT,
            .swapchain = chain,
            .imageIndexCount = 1,
            .pImageIndices = &index};
        ASSERT_EQ(release(device, &info), VK_SUCCESS);
    }
    EXPECT_EQ(frame(chain, {.id = 2}), VK_SUCCESS);
    EXPECT_EQ(wait(chain, 2), VK_SUCCESS);
}

TEST_P(Presented, SurfaceSaysWhatModesNeed) {
    if (!world.instance_enabled.contains("VK_EXT_surface_maintenance1")) {
        GTEST_SKIP() << "no VK_EXT_surface_maintenance1";
    }
    for (VkPresentModeKHR mode : modes_) {
        VkPresentModeKHR compatible[8] = {};
        VkSurfacePresentModeCompatibilityEXT modes{
            .sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_COMPATIBILITY_EXT,
            .presentModeCount = 8,
            .pPresentModes = compatible};
        VkSurfacePresentScalingCapabilitiesEXT scaling{
            .sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_SCALING_CAPABILITIES_EXT, .pNext = &modes};
        VkSurfaceCapabilities2KHR found{.sType = VK_STRUCTURE_TYPE_SURFACE_CAPABILITIES_2_KHR,
                                        .pNext = &scaling};
        VkSurfacePresentModeEXT of{.sType = VK_STRUCTURE_TYPE_SURFACE_PRESENT_MODE_EXT,
                                   .presentMode = mode};
        const VkPhysicalDeviceSurfaceInfo2KHR surface{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SURFACE_INFO_2_KHR,
            .pNext = &of,
            .surface = window_->surface};
        must(vkGetPhysicalDeviceSurfaceCapabilities2KHR(world.physical, &surface, &found));
        ASSERT_GE(modes.presentModeCount, 1U);
        EXPECT_NE(std::find(compatible, compatible + modes.presentModeCount, mode),
                  compatible + modes.presentModeCount);
        EXPECT_GE(found.surfaceCapabilities.minImageCount, 2U);
        if (scaling.supportedPresentScaling == 0) {
            EXPECT_EQ(scaling.maxScaledImageExtent.width,
                      found.surfaceCapabilities.maxImageExtent.width);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Windows, Presented,
                         testing::Values(WindowKind::headless, WindowKind::xcb, WindowKind::wayland,
                                         WindowKind::display),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

} // namespace
