// SPDX-License-Identifier: MIT
//
// SurfaceTest: the fixture of swapchain tests, a window of any kind with its swapchains.
//
// open() takes a window or skips the test. Swapchains, semaphores and fences live until the test's
// end; images are cleared to a colour of their frame, so that there is something to render and to
// wait for. Single thread. Failure: throws (see must()); results that a test is about are returned.
#pragma once

#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/wsi/window.hpp"

#include <chrono>
#include <optional>

namespace kite::vktest {

/// What to chain to one presentation.
struct PresentOptions {
    uint64_t id = 0;                ///< VkPresentIdKHR; 0: none
    VkFence fence = VK_NULL_HANDLE; ///< VkSwapchainPresentFenceInfoEXT; null: none
};

/// See the head of this file.
class SurfaceTest : public VulkanTest {
protected:
    /// Takes a window of a kind; false when there is none.
    bool open(WindowKind kind);
    /// Takes this window.
    void open(std::unique_ptr<Window> window);
    VkSwapchainKHR swapchain(VkPresentModeKHR mode, VkExtent2D extent,
                             VkSwapchainKHR old = VK_NULL_HANDLE);
    VkSemaphore semaphore();
    VkFence fence();
    /// Clears one image and presents it; the result of the first call that is no success.
    VkResult frame(VkSwapchainKHR chain, const PresentOptions& options = {});
    /// Presents `frames` images and waits for each to be rendered.
    void present(VkSwapchainKHR chain, int frames);
    bool offers(VkPresentModeKHR mode) const;

    std::unique_ptr<Window> window_;
    VkSurfaceCapabilitiesKHR capabilities_{};
    std::vector<VkSurfaceFormatKHR> formats_;
    std::vector<VkPresentModeKHR> modes_;

private:
    int frames_ = 0;
};

} // namespace kite::vktest
