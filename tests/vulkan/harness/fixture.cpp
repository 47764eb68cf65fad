// SPDX-License-Identifier: MIT
#include "tests/vulkan/harness/fixture.hpp"

#include "tests/vulkan/harness/format.hpp"

#include <algorithm>
#include <ranges>

namespace kite::vktest {

VkExtent3D Image::extent(uint32_t level) const {
    return {std::max(info.width >> level, 1U), std::max(info.height >> level, 1U),
            std::max(info.depth >> level, 1U)};
}

VkImageSubresourceLayers Image::at(uint32_t level, uint32_t layer, uint32_t layers,
                                   VkImageAspectFlags aspect) const {
    return {aspect != 0 ? aspect : aspects, level, layer, layers};
}

VkImageSubresourceRange Image::all() const {
    return {aspects, 0, VK_REMAINING_MIP_LEVELS, 0, VK_REMAINING_ARRAY_LAYERS};
}

Bind storage(const Buffer& buffer) {
    return {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, {{buffer.handle, 0, VK_WHOLE_SIZE}}, {}, {}};
}

Bind uniform(const Buffer& buffer) {
    return {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, {{buffer.handle, 0, VK_WHOLE_SIZE}}, {}, {}};
}

Bind sampled(VkImageView view, VkSampler sampler) {
    return {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
            {},
            {{sampler, view, VK_IMAGE_LAYOUT_GENERAL}},
            {}};
}

Bind storage_image(VkImageView view) {
    return {VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
            {},
            {{VK_NULL_HANDLE, view, VK_IMAGE_LAYOUT_GENERAL}},
            {}};
}

void VulkanTest::TearDown() {
    vkDeviceWaitIdle(device);
    for (const auto& destroy : std::views::reverse(deferred_)) {
        destroy();
    }
    deferred_.clear();
    for (const auto& message : world.take_messages()) {
        ADD_FAILURE() << "validation: " << message;
    }
}

Buffer VulkanTest::buffer(VkDeviceSize size_bytes, VkBufferUsageFlags usage) {
    Buffer made;
    made.size_bytes = size_bytes;
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = size_bytes,
                                  .usage = usage | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    must(vkCreateBuffer(device, &info, nullptr, &made.handle));
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, made.handle, &needs);
    const VkMemoryAllocateFlagsInfo flags{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                          .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const bool addressed = (usage & VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT) != 0;
    const VkMemoryAllocateInfo memory{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = addressed ? &flags : nullptr,
        .allocationSize = needs.size,
        .memoryTypeIndex =
            world.memory_type(needs.memoryTypeBits, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)};
    must(vkAllocateMemory(device, &memory, nullptr, &made.memory));
    must(vkBindBufferMemory(device, made.handle, made.memory, 0));
    must(vkMapMemory(device, made.memory, 0, VK_WHOLE_SIZE, 0, &made.data));
    std::memset(made.data, 0, size_bytes);
    defer([this, made] {
        vkDestroyBuffer(device, made.handle, nullptr);
        vkFreeMemory(device, made.memory, nullptr);
    });
    return made;
}

Image VulkanTest::image(const ImageInfo& wanted) {
    Image made;
    made.info = wanted;
    made.aspects = format_aspects(wanted.format);
    const VkImageCreateInfo info{.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                 .flags = wanted.flags,
                                 .imageType = wanted.type,
                                 .format = wanted.format,
                                 .extent = {wanted.width, wanted.height, wanted.depth},
                                 .mipLevels = wanted.levels,
                                 .arrayLayers = wanted.layers,
                                 .samples = wanted.samples,
                                 .tiling = wanted.tiling,
                                 .usage = wanted.usage | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                          VK_IMAGE_USAGE_TRANSFER_DST_BIT};
    must(vkCreateImage(device, &info, nullptr, &made.handle));
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(device, made.handle, &needs);
    const bool linear = wanted.tiling == VK_IMAGE_TILING_LINEAR;
    const VkMemoryAllocateInfo memory{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = world.memory_type(needs.memoryTypeBits,
                                             linear ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                          VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                                                    : 0U)};
    must(vkAllocateMemory(device, &memory, nullptr, &made.memory));
    must(vkBindImageMemory(device, made.handle, made.memory, 0));
    defer([this, made] {
        vkDestroyImage(device, made.handle, nullptr);
        vkFreeMemory(device, made.memory, nullptr);
    });
    const VkImageUsageFlags viewed = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |
                                     VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                                     VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT |
                                     VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;
    if ((wanted.usage & viewed) != 0 && !wanted.no_view) {
        const bool array = wanted.layers > 1;
        const VkImageViewType type =
            wanted.type == VK_IMAGE_TYPE_1D
                ? (array ? VK_IMAGE_VIEW_TYPE_1D_ARRAY : VK_IMAGE_VIEW_TYPE_1D)
            : wanted.type == VK_IMAGE_TYPE_3D
                ? VK_IMAGE_VIEW_TYPE_3D
                : (array ? VK_IMAGE_VIEW_TYPE_2D_ARRAY : VK_IMAGE_VIEW_TYPE_2D);
        VkImageSubresourceRange range = made.all();
        // A sampled view shows one aspect; an attachment shows all of them.
        if ((wanted.usage & VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT) == 0 &&
            (range.aspectMask & VK_IMAGE_ASPECT_DEPTH_BIT) != 0) {
            range.aspectMask = VK_IMAGE_ASPECT_DEPTH_BIT;
        }
        made.view = view(made, type, range);
    }
    run([&](VkCommandBuffer c) {
        transition(c, made, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
    });
    return made;
}

VkImageView VulkanTest::view(const Image& image, VkImageViewType type,
                             VkImageSubresourceRange range, VkComponentMapping swizzle,
                             VkFormat format) {
    const VkImageViewCreateInfo info{.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                     .image = image.handle,
                                     .viewType = type,
                                     .format =
                                         format == VK_FORMAT_UNDEFINED ? image.info.format : format,
                                     .components = swizzle,
                                     .subresourceRange = range};
    VkImageView made = VK_NULL_HANDLE;
    must(vkCreateImageView(device, &info, nullptr, &made));
    defer([this, made] { vkDestroyImageView(device, made, nullptr); });
    return made;
}

VkBufferView VulkanTest::texels(const Buffer& buffer, VkFormat format) {
    const VkBufferViewCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                      .buffer = buffer.handle,
                                      .format = format,
                                      .offset = 0,
                                      .range = VK_WHOLE_SIZE};
    VkBufferView made = VK_NULL_HANDLE;
    must(vkCreateBufferView(device, &info, nullptr, &made));
    defer([this, made] { vkDestroyBufferView(device, made, nullptr); });
    return made;
}

VkSampler VulkanTest::sampler(const VkSamplerCreateInfo& info) {
    VkSampler made = VK_NULL_HANDLE;
    must(vkCreateSampler(device, &info, nullptr, &made));
    defer([this, made] { vkDestroySampler(device, made, nullptr); });
    return made;
}

VkSamplerCreateInfo VulkanTest::nearest(VkSamplerAddressMode mode) {
    return {.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
            .addressModeU = mode,
            .addressModeV = mode,
            .addressModeW = mode,
            .maxLod = VK_LOD_CLAMP_NONE};
}

VkCommandBuffer VulkanTest::command_buffer(VkCommandBufferLevel level) {
    const VkCommandBufferAllocateInfo info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandPool = world.pool,
                                           .level = level,
                                           .commandBufferCount = 1};
    VkCommandBuffer made = VK_NULL_HANDLE;
    must(vkAllocateCommandBuffers(device, &info, &made));
    defer([this, made] { vkFreeCommandBuffers(device, world.pool, 1, &made); });
    return made;
}

void VulkanTest::run(const std::function<void(VkCommandBuffer)>& record) {
    const VkCommandBuffer commands = command_buffer();
    const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                         .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    must(vkBeginCommandBuffer(commands, &begin));
    barrier(commands);
    record(commands);
    barrier(commands);
    must(vkEndCommandBuffer(commands));
    const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .commandBufferCount = 1,
                              .pCommandBuffers = &commands};
    must(vkQueueSubmit(world.queue, 1, &submit, VK_NULL_HANDLE));
    must(vkQueueWaitIdle(world.queue));
}

void VulkanTest::barrier(VkCommandBuffer commands) {
    const VkMemoryBarrier all{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                              .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                              .dstAccessMask =
                                  VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
    const VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT;
    vkCmdPipelineBarrier(commands, stages, stages, 0, 1, &all, 0, nullptr, 0, nullptr);
}

void VulkanTest::transition(VkCommandBuffer commands, const Image& image, VkImageLayout from,
                            VkImageLayout to) {
    const VkImageMemoryBarrier change{.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                      .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                      .dstAccessMask =
                                          VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
                                      .oldLayout = from,
                                      .newLayout = to,
                                      .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                      .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                      .image = image.handle,
                                      .subresourceRange = image.all()};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1, &change);
}

std::vector<uint8_t> VulkanTest::read_bytes(const Image& image, uint32_t level, uint32_t layer,
                                            VkImageAspectFlags aspect) {
    const auto extent = image.extent(level);
    const size_t size = level_bytes(image.info.format, extent, aspect);
    const Buffer staging = buffer(size);
    run([&](VkCommandBuffer c) {
        const VkBufferImageCopy region{.imageSubresource = image.at(level, layer, 1, aspect),
                                       .imageExtent = extent};
        vkCmdCopyImageToBuffer(c, image.handle, VK_IMAGE_LAYOUT_GENERAL, staging.handle, 1,
                               &region);
    });
    const auto bytes = staging.as<uint8_t>();
    return {bytes.begin(), bytes.end()};
}

void VulkanTest::write_bytes(const Image& image, std::span<const uint8_t> bytes, uint32_t level,
                             uint32_t layer, VkImageAspectFlags aspect) {
    const Buffer staging = buffer(bytes.size());
    std::memcpy(staging.data, bytes.data(), bytes.size());
    run([&](VkCommandBuffer c) {
        const VkBufferImageCopy region{.imageSubresource = image.at(level, layer, 1, aspect),
                                       .imageExtent = image.extent(level)};
        vkCmdCopyBufferToImage(c, staging.handle, image.handle, VK_IMAGE_LAYOUT_GENERAL, 1,
                               &region);
    });
}

VkShaderModule VulkanTest::module(Spirv spirv) {
    const VkShaderModuleCreateInfo info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                        .codeSize = spirv.size_bytes(),
                                        .pCode = spirv.data()};
    VkShaderModule made = VK_NULL_HANDLE;
    must(vkCreateShaderModule(device, &info, nullptr, &made));
    defer([this, made] { vkDestroyShaderModule(device, made, nullptr); });
    return made;
}

Descriptors VulkanTest::descriptors(const std::vector<Bind>& binds) {
    Descriptors made;
    std::vector<VkDescriptorSetLayoutBinding> bindings;
    std::vector<VkDescriptorPoolSize> sizes;
    std::vector<VkWriteDescriptorSet> writes;
    for (const auto& bind : binds) {
        const auto count = static_cast<uint32_t>(
            std::max({bind.buffers.size(), bind.images.size(), bind.texels.size()}));
        const VkShaderStageFlags stages = bind.type == VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT
                                              ? VK_SHADER_STAGE_FRAGMENT_BIT
                                              : VK_SHADER_STAGE_ALL;
        bindings.push_back({static_cast<uint32_t>(bindings.size()), bind.type, count, stages,
                            bind.immutable.empty() ? nullptr : bind.immutable.data()});
        sizes.push_back({bind.type, count});
        writes.push_back({.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                          .dstBinding = bindings.back().binding,
                          .descriptorCount = count,
                          .descriptorType = bind.type,
                          .pImageInfo = bind.images.data(),
                          .pBufferInfo = bind.buffers.data(),
                          .pTexelBufferView = bind.texels.data()});
    }
    const VkDescriptorSetLayoutCreateInfo set_info{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = static_cast<uint32_t>(bindings.size()),
        .pBindings = bindings.data()};
    must(vkCreateDescriptorSetLayout(device, &set_info, nullptr, &made.set_layout));
    defer([this, made] { vkDestroyDescriptorSetLayout(device, made.set_layout, nullptr); });
    const VkPushConstantRange push{VK_SHADER_STAGE_ALL, 0, 128};
    const VkPipelineLayoutCreateInfo layout_info{.sType =
                                                     VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                 .setLayoutCount = 1,
                                                 .pSetLayouts = &made.set_layout,
                                                 .pushConstantRangeCount = 1,
                                                 .pPushConstantRanges = &push};
    must(vkCreatePipelineLayout(device, &layout_info, nullptr, &made.layout));
    defer([this, made] { vkDestroyPipelineLayout(device, made.layout, nullptr); });
    if (binds.empty()) {
        return made;
    }
    const VkDescriptorPoolCreateInfo pool_info{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                               .maxSets = 1,
                                               .poolSizeCount = static_cast<uint32_t>(sizes.size()),
                                               .pPoolSizes = sizes.data()};
    VkDescriptorPool pool = VK_NULL_HANDLE;
    must(vkCreateDescriptorPool(device, &pool_info, nullptr, &pool));
    defer([this, pool] { vkDestroyDescriptorPool(device, pool, nullptr); });
    const VkDescriptorSetAllocateInfo set{.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                          .descriptorPool = pool,
                                          .descriptorSetCount = 1,
                                          .pSetLayouts = &made.set_layout};
    must(vkAllocateDescriptorSets(device, &set, &made.set));
    for (auto& item : writes) {
        item.dstSet = made.set;
    }
    vkUpdateDescriptorSets(device, static_cast<uint32_t>(writes.size()), writes.data(), 0, nullptr);
    return made;
}

VkPipeline VulkanTest::compute_pipeline(Spirv spirv, VkPipelineLayout layout,
                                        const Specials& specials) {
    std::vector<VkSpecializationMapEntry> entries;
    for (uint32_t i = 0; i < specials.size(); ++i) {
        entries.push_back({i, i * 4, 4});
    }
    const VkSpecializationInfo special{static_cast<uint32_t>(entries.size()), entries.data(),
                                       specials.size() * 4, specials.data()};
    const VkComputePipelineCreateInfo info{
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module(spirv),
                  .pName = "main",
                  .pSpecializationInfo = &special},
        .layout = layout};
    VkPipeline made = VK_NULL_HANDLE;
    must(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &made));
    defer([this, made] { vkDestroyPipeline(device, made, nullptr); });
    return made;
}

void VulkanTest::compute(Spirv spirv, const std::vector<Bind>& binds,
                         std::array<uint32_t, 3> groups, std::span<const uint32_t> push,
                         const Specials& specials) {
    const auto bound = descriptors(binds);
    const VkPipeline pipeline = compute_pipeline(spirv, bound.layout, specials);
    run([&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        if (bound.set) {
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                                    &bound.set, 0, nullptr);
        }
        if (!push.empty()) {
            vkCmdPushConstants(c, bound.layout, VK_SHADER_STAGE_ALL, 0,
                               static_cast<uint32_t>(push.size_bytes()), push.data());
        }
        vkCmdDispatch(c, groups[0], groups[1], groups[2]);
    });
}

} // namespace kite::vktest
