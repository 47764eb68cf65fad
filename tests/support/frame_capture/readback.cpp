// SPDX-License-Identifier: MIT
#include "readback.hpp"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace kite::test {
namespace {

/// Byte offsets of red, green and blue in a pixel.
struct ByteOrder {
    size_t red, green, blue;
};

std::optional<ByteOrder> byte_order(VkFormat format) {
    switch (format) {
    case VK_FORMAT_B8G8R8A8_UNORM:
    case VK_FORMAT_B8G8R8A8_SRGB:
        return ByteOrder{2, 1, 0};
    case VK_FORMAT_R8G8B8A8_UNORM:
    case VK_FORMAT_R8G8B8A8_SRGB:
    case VK_FORMAT_A8B8G8R8_UNORM_PACK32:
    case VK_FORMAT_A8B8G8R8_SRGB_PACK32:
        return ByteOrder{0, 1, 2};
    default:
        return std::nullopt;
    }
}

/// The Vulkan objects of one copy, destroyed together.
struct CopyObjects {
    const ReadbackTable& vk;
    VkDevice device;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    const uint8_t* mapped = nullptr;

    ~CopyObjects() {
        vk.DestroyFence(device, fence, nullptr);
        vk.DestroyCommandPool(device, pool, nullptr);
        vk.DestroyBuffer(device, buffer, nullptr);
        vk.FreeMemory(device, memory, nullptr);
    }
};

bool create_buffer(CopyObjects& objects, const ReadbackSource& source, VkDeviceSize size) {
    const ReadbackTable& vk = objects.vk;
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = size,
                                  .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    if (vk.CreateBuffer(source.device, &info, nullptr, &objects.buffer) != VK_SUCCESS) {
        return false;
    }
    VkMemoryRequirements needs{};
    vk.GetBufferMemoryRequirements(source.device, objects.buffer, &needs);
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    for (uint32_t type = 0; type < source.memory->memoryTypeCount; ++type) {
        const bool allowed = (needs.memoryTypeBits >> type & 1u) != 0;
        if (!allowed || (source.memory->memoryTypes[type].propertyFlags & wanted) != wanted) {
            continue;
        }
        const VkMemoryAllocateInfo allocate{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                            .allocationSize = needs.size,
                                            .memoryTypeIndex = type};
        if (vk.AllocateMemory(source.device, &allocate, nullptr, &objects.memory) != VK_SUCCESS ||
            vk.BindBufferMemory(source.device, objects.buffer, objects.memory, 0) != VK_SUCCESS) {
            return false;
        }
        void* address = nullptr;
        if (vk.MapMemory(source.device, objects.memory, 0, VK_WHOLE_SIZE, 0, &address) !=
            VK_SUCCESS) {
            return false;
        }
        objects.mapped = static_cast<const uint8_t*>(address);
        return true;
    }
    return false;
}

bool create_commands(CopyObjects& objects, const ReadbackSource& source) {
    const ReadbackTable& vk = objects.vk;
    const VkCommandPoolCreateInfo pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                       .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
                                       .queueFamilyIndex = source.queue_family};
    const VkFenceCreateInfo fence{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    if (vk.CreateCommandPool(source.device, &pool, nullptr, &objects.pool) != VK_SUCCESS ||
        vk.CreateFence(source.device, &fence, nullptr, &objects.fence) != VK_SUCCESS) {
        return false;
    }
    const VkCommandBufferAllocateInfo allocate{.sType =
                                                   VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                               .commandPool = objects.pool,
                                               .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                               .commandBufferCount = 1};
    return vk.AllocateCommandBuffers(source.device, &allocate, &objects.commands) == VK_SUCCESS &&
           vk.SetDeviceLoaderData(source.device, objects.commands) == VK_SUCCESS;
}

bool record(const CopyObjects& objects, const ReadbackSource& source) {
    const ReadbackTable& vk = objects.vk;
    const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                         .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    if (vk.BeginCommandBuffer(objects.commands, &begin) != VK_SUCCESS) {
        return false;
    }
    VkImageMemoryBarrier image{.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT,
                               .oldLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
                               .newLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                               .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                               .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                               .image = source.image,
                               .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    vk.CmdPipelineBarrier(objects.commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                          VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0, nullptr, 1, &image);
    const VkBufferImageCopy copy{.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                 .imageExtent = {source.extent.width, source.extent.height, 1}};
    vk.CmdCopyImageToBuffer(objects.commands, source.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                            objects.buffer, 1, &copy);
    std::swap(image.oldLayout, image.newLayout);
    image.srcAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
    image.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT;
    const VkMemoryBarrier to_host{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                  .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                  .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    vk.CmdPipelineBarrier(objects.commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                          VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1,
                          &to_host, 0, nullptr, 1, &image);
    return vk.EndCommandBuffer(objects.commands) == VK_SUCCESS;
}

} // namespace

bool can_read(VkFormat format) {
    return byte_order(format).has_value();
}

Picture read_image(const ReadbackTable& vk, const ReadbackSource& source, bool& submitted,
                   std::string& error) {
    submitted = false;
    const auto order = byte_order(source.format);
    if (!order) {
        error = "format " + std::to_string(source.format) + " is not read back";
        return {};
    }
    const size_t pixels = size_t{source.extent.width} * source.extent.height;
    CopyObjects objects{.vk = vk, .device = source.device};
    if (!create_buffer(objects, source, pixels * 4) || !create_commands(objects, source) ||
        !record(objects, source)) {
        error = "could not make the copy's buffer and commands";
        return {};
    }
    const std::vector<VkPipelineStageFlags> stages(source.wait_for.size(),
                                                   VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
    const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .waitSemaphoreCount = static_cast<uint32_t>(source.wait_for.size()),
                              .pWaitSemaphores = source.wait_for.data(),
                              .pWaitDstStageMask = stages.data(),
                              .commandBufferCount = 1,
                              .pCommandBuffers = &objects.commands};
    if (vk.QueueSubmit(source.queue, 1, &submit, objects.fence) != VK_SUCCESS) {
        error = "the copy could not be submitted";
        return {};
    }
    submitted = true;
    if (vk.WaitForFences(source.device, 1, &objects.fence, VK_TRUE, UINT64_MAX) != VK_SUCCESS) {
        error = "the copy did not finish";
        return {};
    }
    Picture picture{source.extent.width, source.extent.height, {}};
    picture.rgb.resize(pixels * 3);
    for (size_t i = 0; i < pixels; ++i) {
        picture.rgb[i * 3 + 0] = objects.mapped[i * 4 + order->red];
        picture.rgb[i * 3 + 1] = objects.mapped[i * 4 + order->green];
        picture.rgb[i * 3 + 2] = objects.mapped[i * 4 + order->blue];
    }
    return picture;
}

bool write_png(const Picture& picture, const std::string& path) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = picture.width;
    image.height = picture.height;
    image.format = PNG_FORMAT_RGB;
    return png_image_write_to_file(&image, path.c_str(), 0, picture.rgb.data(), 0, nullptr) != 0;
}

} // namespace kite::test
