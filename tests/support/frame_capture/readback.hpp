// SPDX-License-Identifier: MIT
//
// Reading one image back through the Vulkan API and writing it as a PNG.
//
// read_image() records and submits one copy on a queue, waits for it, and returns tightly packed
// RGB rows; write_png() stores them. Both work on any driver: they use only core 1.0 entry points,
// handed in as a table, because a layer must call the next layer and not the loader.
// Ownership: every Vulkan object made here is destroyed before the call returns. Threading: the
// caller owns the queue while read_image() runs. Failure: a message in `error`, an empty picture,
// no exception.
#pragma once

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kite::test {

/// The next layer's entry points that reading back needs; every one is required.
struct ReadbackTable {
    PFN_vkQueueSubmit QueueSubmit = nullptr;
    PFN_vkCreateCommandPool CreateCommandPool = nullptr;
    PFN_vkDestroyCommandPool DestroyCommandPool = nullptr;
    PFN_vkAllocateCommandBuffers AllocateCommandBuffers = nullptr;
    PFN_vkBeginCommandBuffer BeginCommandBuffer = nullptr;
    PFN_vkEndCommandBuffer EndCommandBuffer = nullptr;
    PFN_vkCmdPipelineBarrier CmdPipelineBarrier = nullptr;
    PFN_vkCmdCopyImageToBuffer CmdCopyImageToBuffer = nullptr;
    PFN_vkCreateBuffer CreateBuffer = nullptr;
    PFN_vkDestroyBuffer DestroyBuffer = nullptr;
    PFN_vkGetBufferMemoryRequirements GetBufferMemoryRequirements = nullptr;
    PFN_vkAllocateMemory AllocateMemory = nullptr;
    PFN_vkFreeMemory FreeMemory = nullptr;
    PFN_vkBindBufferMemory BindBufferMemory = nullptr;
    PFN_vkMapMemory MapMemory = nullptr;
    PFN_vkCreateFence CreateFence = nullptr;
    PFN_vkDestroyFence DestroyFence = nullptr;
    PFN_vkWaitForFences WaitForFences = nullptr;
    /// From the loader's device create-info chain; makes a layer's command buffer dispatchable.
    PFN_vkSetDeviceLoaderData SetDeviceLoaderData = nullptr;
};

/// What to read: an image in PRESENT_SRC layout, 4 bytes a pixel.
struct ReadbackSource {
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t queue_family = 0;
    VkImage image = VK_NULL_HANDLE;
    VkFormat format = VK_FORMAT_UNDEFINED;
    VkExtent2D extent{};
    std::span<const VkSemaphore> wait_for; ///< consumed by the copy's submission
    const VkPhysicalDeviceMemoryProperties* memory = nullptr;
};

/// Rows of 8-bit RGB, top to bottom, no padding.
struct Picture {
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> rgb;
};

/// True when read_image() understands the format.
bool can_read(VkFormat format);

/// Copies the image to the host; on failure the picture is empty and `error` says why. `submitted`
/// tells whether the semaphores of `wait_for` have been consumed.
Picture read_image(const ReadbackTable& vk, const ReadbackSource& source, bool& submitted,
                   std::string& error);

/// Writes the picture as an RGB PNG; false when the file can't be written.
bool write_png(const Picture& picture, const std::string& path);

} // namespace kite::test
