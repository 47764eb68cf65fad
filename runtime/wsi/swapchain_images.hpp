// SPDX-License-Identifier: MIT
// Images that alias a swapchain's images (VkImageSwapchainCreateInfoKHR, core 1.1 device groups).
//
// Ownership: the alias is the application's, its memory the swapchain's. Threading: as
// vkCreateImage. Failure: out of host memory.
#pragma once

#include "runtime/resource/image.hpp"

namespace kite::rt {

/// Creates an image with the layout of the swapchain's images.
VkResult create_swapchain_alias(Device& d, const VkImageCreateInfo& info,
                                const VkImageSwapchainCreateInfoKHR& s,
                                const VkAllocationCallbacks* callbacks, VkImage* out);
/// Gives the alias the memory of swapchain image `index`.
void bind_swapchain_alias(Image& image, VkSwapchainKHR swapchain, uint32_t index);

} // namespace kite::rt
