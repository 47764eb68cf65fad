// SPDX-License-Identifier: MIT
// Memory, images and clocks that reach beyond the device: file descriptors, DRM format modifiers,
// device identity, calibrated timestamps.
#include "tests/vulkan/harness/fixture.hpp"

#include <algorithm>
#include <ctime>
#include <sys/stat.h>
#include <unistd.h>

namespace kite::vktest {
namespace {

constexpr VkExternalMemoryHandleTypeFlagBits kHandleTypes[] = {
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};

class ExternalMemory : public VulkanTest {
protected:
    bool offered(VkExternalMemoryHandleTypeFlagBits type) {
        if (!world.has(type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
                           ? "VK_KHR_external_memory_fd"
                           : "VK_EXT_external_memory_dma_buf")) {
            return false;
        }
        VkPhysicalDeviceExternalBufferInfo info{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
            .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
            .handleType = type};
        VkExternalBufferProperties out{.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
        vkGetPhysicalDeviceExternalBufferProperties(world.physical, &info, &out);
        const VkExternalMemoryFeatureFlags both =
            VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
        return (out.externalMemoryProperties.externalMemoryFeatures & both) == both;
    }
    VkBuffer make_buffer(VkExternalMemoryHandleTypeFlagBits type, VkDeviceSize size) {
        const VkExternalMemoryBufferCreateInfo external{
            .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
            .handleTypes = static_cast<VkExternalMemoryHandleTypeFlags>(type)};
        const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .pNext = &external,
                                      .size = size,
                                      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                               VK_BUFFER_USAGE_TRANSFER_DST_BIT};
        VkBuffer made = VK_NULL_HANDLE;
        must(vkCreateBuffer(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyBuffer(device, made, nullptr); });
        return made;
    }
    VkDeviceMemory allocate(const VkMemoryRequirements& needs, const void* next,
                            VkMemoryPropertyFlags wanted) {
        const VkMemoryAllocateInfo info{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                        .pNext = next,
                                        .allocationSize = needs.size,
                                        .memoryTypeIndex =
                                            world.memory_type(needs.memoryTypeBits, wanted)};
        VkDeviceMemory made = VK_NULL_HANDLE;
        must(vkAllocateMemory(device, &info, nullptr, &made));
        defer([this, made] { vkFreeMemory(device, made, nullptr); });
        return made;
    }
    VkDeviceMemory allocate_exported(const VkMemoryRequirements& needs,
                                     VkExternalMemoryHandleTypeFlagBits type,
                                     VkMemoryPropertyFlags wanted = 0) {
        const VkExportMemoryAllocateInfo out{
            .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
            .handleTypes = static_cast<VkExternalMemoryHandleTypeFlags>(type)};
        return allocate(needs, &out, wanted);
    }
    VkDeviceMemory import(const VkMemoryRequirements& needs,
                          VkExternalMemoryHandleTypeFlagBits type, int fd,
                          VkMemoryPropertyFlags wanted = 0) {
        const VkImportMemoryFdInfoKHR in{
            .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, .handleType = type, .fd = fd};
        return allocate(needs, &in, wanted);
    }
    int export_fd(VkDeviceMemory memory, VkExternalMemoryHandleTypeFlagBits type) {
        const VkMemoryGetFdInfoKHR info{.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
                                        .memory = memory,
                                        .handleType = type};
        int fd = -1;
        must(world.load<PFN_vkGetMemoryFdKHR>("vkGetMemoryFdKHR")(device, &info, &fd));
        return fd;
    }
    VkImage modified_image(const void* next, uint32_t width, uint32_t height) {
        const VkExternalMemoryImageCreateInfo external{
            .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
            .pNext = next,
            .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
        const VkImageCreateInfo info{.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                     .pNext = &external,
                                     .imageType = VK_IMAGE_TYPE_2D,
                                     .format = VK_FORMAT_R8G8B8A8_UNORM,
                                     .extent = {width, height, 1},
                                     .mipLevels = 1,
                                     .arrayLayers = 1,
                                     .samples = VK_SAMPLE_COUNT_1_BIT,
                                     .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
                                     .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                              VK_IMAGE_USAGE_TRANSFER_DST_BIT};
        VkImage made = VK_NULL_HANDLE;
        must(vkCreateImage(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyImage(device, made, nullptr); });
        return made;
    }
    void copy(VkBuffer buffer, VkImage image, uint32_t width, uint32_t height, bool to_image) {
        run([&](VkCommandBuffer c) {
            const VkImageLayout layout = VK_IMAGE_LAYOUT_GENERAL;
            VkImageMemoryBarrier b{
                .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
                .oldLayout = to_image ? VK_IMAGE_LAYOUT_UNDEFINED : VK_IMAGE_LAYOUT_GENERAL,
                .newLayout = layout,
                .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                .image = image,
                .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
            if (!to_image) {
                // Written through another VkImage of the same memory.
                b.srcQueueFamilyIndex = VK_QUEUE_FAMILY_FOREIGN_EXT;
                b.dstQueueFamilyIndex = world.family;
            }
            vkCmdPipelineBarrier(c, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                 VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1,
                                 &b);
            const VkBufferImageCopy r{.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                      .imageExtent = {width, height, 1}};
            if (to_image) {
                vkCmdCopyBufferToImage(c, buffer, image, layout, 1, &r);
            } else {
                vkCmdCopyImageToBuffer(c, image, layout, buffer, 1, &r);
            }
        });
    }
};

TEST_F(ExternalMemory, BuffersAreSharedThroughDescriptors) {
    for (auto type : kHandleTypes) {
        if (!offered(type)) {
            std::printf("handle type %u is not offered\n", static_cast<unsigned>(type));
            continue;
        }
        constexpr VkDeviceSize size = 100000;
        const VkMemoryPropertyFlags visible =
            VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        VkBuffer a = make_buffer(type, size), b = make_buffer(type, size);
        VkMemoryRequirements needs;
        vkGetBufferMemoryRequirements(device, a, &needs);
        VkDeviceMemory first = allocate_exported(needs, type, visible);
        must(vkBindBufferMemory(device, a, first, 0));
        int fd = export_fd(first, type);
        ASSERT_GE(fd, 0);
        if (type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT) {
            VkMemoryFdPropertiesKHR found{.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR};
            must(world.load<PFN_vkGetMemoryFdPropertiesKHR>("vkGetMemoryFdPropertiesKHR")(
                device, type, fd, &found));
            EXPECT_NE(found.memoryTypeBits, 0u);
        }
        VkDeviceMemory second = import(needs, type, fd, visible); // closes fd
        must(vkBindBufferMemory(device, b, second, 0));
        run([&](VkCommandBuffer c) { vkCmdFillBuffer(c, a, 0, VK_WHOLE_SIZE, 0x1badcafe); });
        void* p = nullptr;
        must(vkMapMemory(device, second, 0, VK_WHOLE_SIZE, 0, &p));
        EXPECT_EQ(static_cast<uint32_t*>(p)[0], 0x1badcafeu);
        EXPECT_EQ(static_cast<uint32_t*>(p)[size / 4 - 1], 0x1badcafeu);
        static_cast<uint32_t*>(p)[7] = 4711;
        auto back = buffer(64);
        run([&](VkCommandBuffer c) {
            const VkBufferCopy r{28, 0, 4};
            vkCmdCopyBuffer(c, a, back.handle, 1, &r);
        });
        EXPECT_EQ(back.as<uint32_t>()[0], 4711u);
    }
}

TEST_F(ExternalMemory, WhatIsNoMemoryIsRefused) {
    if (!offered(VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT) || !world.is_kite) {
        GTEST_SKIP() << "no opaque descriptors of Kite's";
    }
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    const VkImportMemoryFdInfoKHR in{.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                                     .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
                                     .fd = pipes[0]};
    const VkMemoryAllocateInfo info{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                    .pNext = &in,
                                    .allocationSize = 4096,
                                    .memoryTypeIndex = 0};
    VkDeviceMemory made = VK_NULL_HANDLE;
    EXPECT_EQ(vkAllocateMemory(device, &info, nullptr, &made), VK_ERROR_INVALID_EXTERNAL_HANDLE);
    struct stat st{};
    EXPECT_EQ(fstat(pipes[0], &st), 0) << "a failed import closed the descriptor";
    close(pipes[0]);
    close(pipes[1]);
}

TEST_F(ExternalMemory, ModifiersDescribeTheLayout) {
    if (!world.has("VK_EXT_image_drm_format_modifier") ||
        !offered(VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)) {
        GTEST_SKIP() << "no DRM format modifiers";
    }
    VkDrmFormatModifierPropertiesListEXT list{
        .sType = VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT};
    VkFormatProperties2 props{.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, .pNext = &list};
    vkGetPhysicalDeviceFormatProperties2(world.physical, VK_FORMAT_R8G8B8A8_UNORM, &props);
    std::vector<VkDrmFormatModifierPropertiesEXT> all(list.drmFormatModifierCount);
    list.pDrmFormatModifierProperties = all.data();
    vkGetPhysicalDeviceFormatProperties2(world.physical, VK_FORMAT_R8G8B8A8_UNORM, &props);
    ASSERT_TRUE(std::ranges::any_of(all, [](auto& m) { return m.drmFormatModifier == 0; }));
    constexpr uint32_t w = 37, h = 21;
    for (const auto& m : all) {
        SCOPED_TRACE(m.drmFormatModifier);
        EXPECT_EQ(m.drmFormatModifierPlaneCount, 1u);
        const VkImageDrmFormatModifierListCreateInfoEXT wish{
            .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
            .drmFormatModifierCount = 1,
            .pDrmFormatModifiers = &m.drmFormatModifier};
        VkImage image = modified_image(&wish, w, h);
        VkImageDrmFormatModifierPropertiesEXT chosen{
            .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_PROPERTIES_EXT};
        must(world.load<PFN_vkGetImageDrmFormatModifierPropertiesEXT>(
            "vkGetImageDrmFormatModifierPropertiesEXT")(device, image, &chosen));
        EXPECT_EQ(chosen.drmFormatModifier, m.drmFormatModifier);
        const VkImageSubresource plane{VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT, 0, 0};
        VkSubresourceLayout layout{};
        vkGetImageSubresourceLayout(device, image, &plane, &layout);
        EXPECT_GE(layout.rowPitch, w * 4u);
        VkMemoryRequirements needs;
        vkGetImageMemoryRequirements(device, image, &needs);
        VkDeviceMemory memory =
            allocate_exported(needs, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
        must(vkBindImageMemory(device, image, memory, 0));
        auto texels = buffer(w * h * 4);
        for (uint32_t i = 0; i < w * h; ++i) {
            texels.as<uint32_t>()[i] = i * 2654435761u;
        }
        copy(texels.handle, image, w, h, true);

        // The same memory, described explicitly, shows the same texels.
        const VkSubresourceLayout given{
            .offset = layout.offset, .size = 0, .rowPitch = layout.rowPitch};
        const VkImageDrmFormatModifierExplicitCreateInfoEXT precise{
            .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
            .drmFormatModifier = m.drmFormatModifier,
            .drmFormatModifierPlaneCount = 1,
            .pPlaneLayouts = &given};
        VkImage other = modified_image(&precise, w, h);
        vkGetImageMemoryRequirements(device, other, &needs);
        int fd = export_fd(memory, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
        must(vkBindImageMemory(
            device, other, import(needs, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, fd), 0));
        auto back = buffer(w * h * 4);
        copy(back.handle, other, w, h, false);
        EXPECT_EQ(std::memcmp(back.data, texels.data, w * h * 4), 0);
    }
    VkPhysicalDeviceImageDrmFormatModifierInfoEXT unknown{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT,
        .drmFormatModifier = (uint64_t{0x55} << 56) | 77,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    const VkPhysicalDeviceImageFormatInfo2 info{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
        .pNext = &unknown,
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .type = VK_IMAGE_TYPE_2D,
        .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
        .usage = VK_IMAGE_USAGE_SAMPLED_BIT};
    VkImageFormatProperties2 out{.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
    EXPECT_EQ(vkGetPhysicalDeviceImageFormatProperties2(world.physical, &info, &out),
              VK_ERROR_FORMAT_NOT_SUPPORTED);
}

TEST_F(ExternalMemory, TheDeviceSaysWhereItIs) {
    if (!world.has("VK_EXT_physical_device_drm") || !world.has("VK_EXT_pci_bus_info")) {
        GTEST_SKIP() << "no render node";
    }
    VkPhysicalDevicePCIBusInfoPropertiesEXT pci{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT, .pciDevice = 99};
    VkPhysicalDeviceDrmPropertiesEXT drm{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT, .pNext = &pci};
    VkPhysicalDeviceProperties2 props{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                      .pNext = &drm};
    vkGetPhysicalDeviceProperties2(world.physical, &props);
    EXPECT_TRUE(drm.hasRender);
    EXPECT_EQ(drm.renderMajor, 226);
    EXPECT_GE(drm.renderMinor, 128);
    EXPECT_LT(pci.pciDevice, 32u);
    std::printf("render node %lld:%lld, PCI %04x:%02x:%02x.%u\n",
                static_cast<long long>(drm.renderMajor), static_cast<long long>(drm.renderMinor),
                pci.pciDomain, pci.pciBus, pci.pciDevice, pci.pciFunction);
}

TEST_F(ExternalMemory, ClocksAreCalibrated) {
    if (!world.has("VK_KHR_calibrated_timestamps")) {
        GTEST_SKIP() << "no calibrated timestamps";
    }
    auto get = world.load<PFN_vkGetCalibratedTimestampsKHR>("vkGetCalibratedTimestampsKHR");
    const VkCalibratedTimestampInfoKHR infos[] = {
        {.sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_KHR,
         .timeDomain = VK_TIME_DOMAIN_DEVICE_KHR},
        {.sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_KHR,
         .timeDomain = VK_TIME_DOMAIN_CLOCK_MONOTONIC_KHR}};
    uint64_t a[2], b[2], deviation = 0;
    timespec before{}, after{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    must(get(device, 2, infos, a, &deviation));
    clock_gettime(CLOCK_MONOTONIC, &after);
    const auto ns = [](timespec t) {
        return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
    };
    EXPECT_GE(a[1] + deviation, ns(before));
    EXPECT_LE(a[1], ns(after) + deviation);
    usleep(50000);
    uint64_t later = 0;
    must(get(device, 2, infos, b, &later));
    // Both clocks advanced by the same time, as far as the deviations let one say.
    const double dev =
        static_cast<double>(b[0] - a[0]) * static_cast<double>(world.limits.timestampPeriod);
    const double cpu = static_cast<double>(b[1] - a[1]);
    EXPECT_NEAR(dev, cpu, static_cast<double>(deviation + later) + cpu * 0.01 + 10000.0);
}

} // namespace
} // namespace kite::vktest
