// SPDX-License-Identifier: MIT
// Mapping, image copies by the host, descriptors whose type changes.
#include "tests/vulkan/harness/fixture.hpp"

#include "extensions_shaders.hpp"

#include <numeric>

using namespace kite::vktest;

namespace {

class ExtensionMemory : public VulkanTest {};

TEST_F(ExtensionMemory, MapMemory2) {
    if (!world.has("VK_KHR_map_memory2")) {
        GTEST_SKIP() << "no VK_KHR_map_memory2";
    }
    const VkMemoryAllocateInfo allocate{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = 1 << 16,
        .memoryTypeIndex = world.memory_type(~0U, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                      VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    must(vkAllocateMemory(device, &allocate, nullptr, &memory));
    defer([this, memory] { vkFreeMemory(device, memory, nullptr); });
    const auto map = world.load<PFN_vkMapMemory2KHR>("vkMapMemory2KHR");
    const auto unmap = world.load<PFN_vkUnmapMemory2KHR>("vkUnmapMemory2KHR");
    const VkMemoryUnmapInfoKHR gone{.sType = VK_STRUCTURE_TYPE_MEMORY_UNMAP_INFO_KHR,
                                    .memory = memory};
    for (const VkDeviceSize offset : {0U, 4096U}) {
        const VkMemoryMapInfoKHR info{.sType = VK_STRUCTURE_TYPE_MEMORY_MAP_INFO_KHR,
                                      .memory = memory,
                                      .offset = offset,
                                      .size = VK_WHOLE_SIZE};
        void* at = nullptr;
        must(map(device, &info, &at));
        auto* word = static_cast<uint32_t*>(at);
        if (offset == 0) {
            word[1024] = 77;
        } else {
            EXPECT_EQ(word[0], 77U);
        }
        must(unmap(device, &gone));
    }
}

TEST_F(ExtensionMemory, HostImageCopies) {
    if (!world.features.host_copy.hostImageCopy) {
        GTEST_SKIP() << "no hostImageCopy";
    }
    const Image first = image(
        {.width = 37, .height = 21, .layers = 2, .usage = VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT});
    const Image second = image(
        {.width = 37, .height = 21, .layers = 2, .usage = VK_IMAGE_USAGE_HOST_TRANSFER_BIT_EXT});
    // A part of layer 1, from rows of 40 texels.
    std::vector<uint32_t> texels(40 * 16);
    std::iota(texels.begin(), texels.end(), 1U);
    const VkMemoryToImageCopyEXT in{.sType = VK_STRUCTURE_TYPE_MEMORY_TO_IMAGE_COPY_EXT,
                                    .pHostPointer = texels.data(),
                                    .memoryRowLength = 40,
                                    .imageSubresource = first.at(0, 1),
                                    .imageOffset = {3, 5, 0},
                                    .imageExtent = {30, 16, 1}};
    write_bytes(first, std::vector<uint8_t>(37 * 21 * 4, 0), 0, 1);
    const VkCopyMemoryToImageInfoEXT upload{.sType =
                                                VK_STRUCTURE_TYPE_COPY_MEMORY_TO_IMAGE_INFO_EXT,
                                            .dstImage = first.handle,
                                            .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                            .regionCount = 1,
                                            .pRegions = &in};
    must(world.load<PFN_vkCopyMemoryToImageEXT>("vkCopyMemoryToImageEXT")(device, &upload));
    const auto expected = [&](uint32_t x, uint32_t y) {
        return x < 3 || x >= 33 || y < 5 ? 0U : texels[(y - 5) * 40 + x - 3];
    };
    const auto seen = read<uint32_t>(first, 0, 1);
    for (uint32_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], expected(i % 37, i / 37)) << i;
    }
    // From image to image, and from there to memory.
    const VkImageCopy2 region{.sType = VK_STRUCTURE_TYPE_IMAGE_COPY_2,
                              .srcSubresource = first.at(0, 1),
                              .dstSubresource = second.at(0, 0),
                              .extent = {37, 21, 1}};
    const VkCopyImageToImageInfoEXT across{.sType = VK_STRUCTURE_TYPE_COPY_IMAGE_TO_IMAGE_INFO_EXT,
                                           .srcImage = first.handle,
                                           .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                           .dstImage = second.handle,
                                           .dstImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                           .regionCount = 1,
                                           .pRegions = &region};
    must(world.load<PFN_vkCopyImageToImageEXT>("vkCopyImageToImageEXT")(device, &across));
    std::vector<uint32_t> back(37 * 21);
    const VkImageToMemoryCopyEXT out{.sType = VK_STRUCTURE_TYPE_IMAGE_TO_MEMORY_COPY_EXT,
                                     .pHostPointer = back.data(),
                                     .imageSubresource = second.at(0, 0),
                                     .imageExtent = {37, 21, 1}};
    const VkCopyImageToMemoryInfoEXT download{.sType =
                                                  VK_STRUCTURE_TYPE_COPY_IMAGE_TO_MEMORY_INFO_EXT,
                                              .srcImage = second.handle,
                                              .srcImageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                              .regionCount = 1,
                                              .pRegions = &out};
    must(world.load<PFN_vkCopyImageToMemoryEXT>("vkCopyImageToMemoryEXT")(device, &download));
    EXPECT_EQ(back, seen);
}

/*glsl as_uniform.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform A { uvec4 a; };
layout(set = 0, binding = 1) buffer R { uint r; };
void main() { r = a.y; }
*/
/*glsl as_image.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0, rgba8ui) uniform uimage2D a;
layout(set = 0, binding = 1) buffer R { uint r; };
void main() { r = imageLoad(a, ivec2(5, 2)).z; }
*/
TEST_F(ExtensionMemory, MutableDescriptors) {
    if (!world.features.mutable_descriptors.mutableDescriptorType) {
        GTEST_SKIP() << "no mutableDescriptorType";
    }
    const VkDescriptorType types[] = {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
                                      VK_DESCRIPTOR_TYPE_STORAGE_IMAGE};
    const VkMutableDescriptorTypeListEXT lists[] = {{2, types}, {0, nullptr}};
    const VkMutableDescriptorTypeCreateInfoEXT mutability{
        .sType = VK_STRUCTURE_TYPE_MUTABLE_DESCRIPTOR_TYPE_CREATE_INFO_EXT,
        .mutableDescriptorTypeListCount = 2,
        .pMutableDescriptorTypeLists = lists};
    const VkDescriptorSetLayoutBinding bindings[] = {
        {0, VK_DESCRIPTOR_TYPE_MUTABLE_EXT, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr},
        {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr}};
    const VkDescriptorSetLayoutCreateInfo layout_info{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .pNext = &mutability,
        .bindingCount = 2,
        .pBindings = bindings};
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    must(vkCreateDescriptorSetLayout(device, &layout_info, nullptr, &set_layout));
    defer([=, this] { vkDestroyDescriptorSetLayout(device, set_layout, nullptr); });
    const VkPipelineLayoutCreateInfo pipeline_info{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &set_layout};
    VkPipelineLayout layout = VK_NULL_HANDLE;
    must(vkCreatePipelineLayout(device, &pipeline_info, nullptr, &layout));
    defer([=, this] { vkDestroyPipelineLayout(device, layout, nullptr); });
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_MUTABLE_EXT, 1},
                                          {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1}};
    const VkDescriptorPoolCreateInfo pool_info{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                               .pNext = &mutability,
                                               .maxSets = 1,
                                               .poolSizeCount = 2,
                                               .pPoolSizes = sizes};
    VkDescriptorPool pool = VK_NULL_HANDLE;
    must(vkCreateDescriptorPool(device, &pool_info, nullptr, &pool));
    defer([=, this] { vkDestroyDescriptorPool(device, pool, nullptr); });
    const VkDescriptorSetAllocateInfo allocate{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                               .descriptorPool = pool,
                                               .descriptorSetCount = 1,
                                               .pSetLayouts = &set_layout};
    VkDescriptorSet set = VK_NULL_HANDLE;
    must(vkAllocateDescriptorSets(device, &allocate, &set));

    const Buffer constants = buffer_of<uint32_t>({1, 2, 3, 4}), out = buffer(16);
    const Image picture =
        image({.format = VK_FORMAT_R8G8B8A8_UINT, .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    std::vector<uint32_t> texels(256, 0);
    texels[2 * 16 + 5] = 0x00630000;
    write(picture, texels);
    const VkDescriptorBufferInfo as_buffer{constants.handle, 0, VK_WHOLE_SIZE};
    const VkDescriptorBufferInfo result{out.handle, 0, VK_WHOLE_SIZE};
    const VkDescriptorImageInfo as_image{VK_NULL_HANDLE, picture.view, VK_IMAGE_LAYOUT_GENERAL};
    for (const bool image_now : {false, true, false}) {
        const VkWriteDescriptorSet writes[] = {{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                                .dstSet = set,
                                                .dstBinding = 0,
                                                .descriptorCount = 1,
                                                .descriptorType = types[image_now ? 1 : 0],
                                                .pImageInfo = &as_image,
                                                .pBufferInfo = &as_buffer},
                                               {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                                .dstSet = set,
                                                .dstBinding = 1,
                                                .descriptorCount = 1,
                                                .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                .pBufferInfo = &result}};
        vkUpdateDescriptorSets(device, 2, writes, 0, nullptr);
        const VkPipeline made = compute_pipeline(
            image_now ? Spirv(glsl::as_image_comp) : Spirv(glsl::as_uniform_comp), layout);
        run([&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, made);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0,
                                    nullptr);
            vkCmdDispatch(c, 1, 1, 1);
        });
        EXPECT_EQ(out.as<uint32_t>()[0], image_now ? 0x63U : 2U);
    }
}

} // namespace
