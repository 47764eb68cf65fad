// SPDX-License-Identifier: MIT
// Semaphores and fences that travel as file descriptors.
#include "tests/vulkan/harness/fixture.hpp"

#include <poll.h>
#include <unistd.h>

namespace kite::vktest {
namespace {

class ExternalSync : public VulkanTest {
protected:
    VkSemaphore semaphore(VkExternalSemaphoreHandleTypeFlags exported, bool timeline = false) {
        const VkExportSemaphoreCreateInfo out{
            .sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO, .handleTypes = exported};
        const VkSemaphoreTypeCreateInfo type{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                             .pNext = exported ? &out : nullptr,
                                             .semaphoreType = timeline ? VK_SEMAPHORE_TYPE_TIMELINE
                                                                       : VK_SEMAPHORE_TYPE_BINARY};
        const VkSemaphoreCreateInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                         .pNext = world.has("VK_KHR_timeline_semaphore")
                                                      ? static_cast<const void*>(&type)
                                                      : type.pNext};
        VkSemaphore made = VK_NULL_HANDLE;
        must(vkCreateSemaphore(device, &info, nullptr, &made));
        defer([this, made] { vkDestroySemaphore(device, made, nullptr); });
        return made;
    }
    VkFence fence(VkExternalFenceHandleTypeFlags exported) {
        const VkExportFenceCreateInfo out{.sType = VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO,
                                          .handleTypes = exported};
        const VkFenceCreateInfo info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
                                     .pNext = exported ? &out : nullptr};
        VkFence made = VK_NULL_HANDLE;
        must(vkCreateFence(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyFence(device, made, nullptr); });
        return made;
    }
    int export_semaphore(VkSemaphore s, VkExternalSemaphoreHandleTypeFlagBits type) {
        const VkSemaphoreGetFdInfoKHR info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
                                           .semaphore = s,
                                           .handleType = type};
        int fd = -2;
        must(world.load<PFN_vkGetSemaphoreFdKHR>("vkGetSemaphoreFdKHR")(device, &info, &fd));
        return fd;
    }
    void import_semaphore(VkSemaphore s, VkExternalSemaphoreHandleTypeFlagBits type, int fd,
                          bool temporary) {
        const VkImportSemaphoreFdInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
            .semaphore = s,
            .flags = temporary ? VkSemaphoreImportFlags{VK_SEMAPHORE_IMPORT_TEMPORARY_BIT}
                               : VkSemaphoreImportFlags{0},
            .handleType = type,
            .fd = fd};
        must(world.load<PFN_vkImportSemaphoreFdKHR>("vkImportSemaphoreFdKHR")(device, &info));
    }
    int export_fence(VkFence f, VkExternalFenceHandleTypeFlagBits type) {
        const VkFenceGetFdInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_FENCE_GET_FD_INFO_KHR, .fence = f, .handleType = type};
        int fd = -2;
        must(world.load<PFN_vkGetFenceFdKHR>("vkGetFenceFdKHR")(device, &info, &fd));
        return fd;
    }
    void import_fence(VkFence f, VkExternalFenceHandleTypeFlagBits type, int fd, bool temporary) {
        const VkImportFenceFdInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_IMPORT_FENCE_FD_INFO_KHR,
            .fence = f,
            .flags = temporary ? VkFenceImportFlags{VK_FENCE_IMPORT_TEMPORARY_BIT}
                               : VkFenceImportFlags{0},
            .handleType = type,
            .fd = fd};
        must(world.load<PFN_vkImportFenceFdKHR>("vkImportFenceFdKHR")(device, &info));
    }
    void submit(VkCommandBuffer commands, VkSemaphore wait, VkSemaphore signal, VkFence done) {
        const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
        const VkSubmitInfo info{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                .waitSemaphoreCount = wait ? 1U : 0U,
                                .pWaitSemaphores = &wait,
                                .pWaitDstStageMask = &stage,
                                .commandBufferCount = commands ? 1U : 0U,
                                .pCommandBuffers = &commands,
                                .signalSemaphoreCount = signal ? 1U : 0U,
                                .pSignalSemaphores = &signal};
        must(vkQueueSubmit(world.queue, 1, &info, done));
    }
    bool offers_semaphores(VkExternalSemaphoreHandleTypeFlagBits type) {
        const VkPhysicalDeviceExternalSemaphoreInfo info{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO, .handleType = type};
        VkExternalSemaphoreProperties out{.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
        vkGetPhysicalDeviceExternalSemaphoreProperties(world.physical, &info, &out);
        return out.externalSemaphoreFeatures != 0;
    }
    bool offers_fences(VkExternalFenceHandleTypeFlagBits type) {
        const VkPhysicalDeviceExternalFenceInfo info{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_FENCE_INFO, .handleType = type};
        VkExternalFenceProperties out{.sType = VK_STRUCTURE_TYPE_EXTERNAL_FENCE_PROPERTIES};
        vkGetPhysicalDeviceExternalFenceProperties(world.physical, &info, &out);
        return out.externalFenceFeatures != 0;
    }
    VkCommandBuffer fill(const Buffer& b, uint32_t value) {
        VkCommandBuffer c = command_buffer();
        const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
        must(vkBeginCommandBuffer(c, &begin));
        vkCmdFillBuffer(c, b.handle, 0, VK_WHOLE_SIZE, value);
        barrier(c);
        must(vkEndCommandBuffer(c));
        return c;
    }
    void wait(VkFence f) { must(vkWaitForFences(device, 1, &f, VK_TRUE, 10'000'000'000)); }
};

constexpr auto kOpaque = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
constexpr auto kFile = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;

TEST_F(ExternalSync, OpaqueSemaphoresShareTheirPayload) {
    if (!world.has("VK_KHR_external_semaphore_fd")) {
        GTEST_SKIP() << "no semaphore descriptors";
    }
    auto data = buffer(256);
    VkSemaphore a = semaphore(kOpaque), b = semaphore(0);
    import_semaphore(b, kOpaque, export_semaphore(a, kOpaque), false);
    VkFence done = fence(0);
    // Several rounds: each wait must leave the payload unsignalled for the next signal.
    for (uint32_t i = 1; i <= 3; ++i) {
        submit(fill(data, i), VK_NULL_HANDLE, a, VK_NULL_HANDLE);
        submit(VK_NULL_HANDLE, b, VK_NULL_HANDLE, done);
        wait(done);
        EXPECT_EQ(data.as<uint32_t>()[0], i);
        must(vkResetFences(device, 1, &done));
    }
    must(vkQueueWaitIdle(world.queue));
}

TEST_F(ExternalSync, OpaqueTimelinesShareTheirValue) {
    if (!world.has("VK_KHR_external_semaphore_fd") || !world.features.timeline.timelineSemaphore) {
        GTEST_SKIP() << "no timeline descriptors";
    }
    VkSemaphore a = semaphore(kOpaque, true), b = semaphore(kOpaque, true);
    import_semaphore(b, kOpaque, export_semaphore(a, kOpaque), false);
    const VkSemaphoreSignalInfo signal{
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = a, .value = 42};
    must(world.load<PFN_vkSignalSemaphoreKHR>("vkSignalSemaphoreKHR")(device, &signal));
    uint64_t value = 0;
    must(world.load<PFN_vkGetSemaphoreCounterValueKHR>("vkGetSemaphoreCounterValueKHR")(device, b,
                                                                                        &value));
    EXPECT_EQ(value, 42u);
}

TEST_F(ExternalSync, SyncFilesCarryASignal) {
    if (!world.has("VK_KHR_external_semaphore_fd") || !offers_semaphores(kFile)) {
        GTEST_SKIP() << "no sync files";
    }
    auto data = buffer(256);
    VkSemaphore a = semaphore(kFile), b = semaphore(0);
    VkFence done = fence(0);
    for (uint32_t i = 1; i <= 3; ++i) {
        submit(fill(data, i), VK_NULL_HANDLE, a, VK_NULL_HANDLE);
        int fd = export_semaphore(a, kFile); // leaves a unsignalled
        if (fd >= 0) {
            pollfd p{fd, POLLIN, 0};
            EXPECT_EQ(poll(&p, 1, 10000), 1);
            EXPECT_EQ(data.as<uint32_t>()[0], i);
        }
        import_semaphore(b, kFile, fd, true);
        submit(VK_NULL_HANDLE, b, VK_NULL_HANDLE, done);
        wait(done);
        must(vkResetFences(device, 1, &done));
    }
    // -1 is a signal that has happened.
    import_semaphore(b, kFile, -1, true);
    submit(VK_NULL_HANDLE, b, VK_NULL_HANDLE, done);
    wait(done);
}

TEST_F(ExternalSync, FencesTravelToo) {
    if (!world.has("VK_KHR_external_fence_fd")) {
        GTEST_SKIP() << "no fence descriptors";
    }
    constexpr auto opaque = VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT;
    constexpr auto file = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT;
    auto data = buffer(256);
    const bool files = offers_fences(file);
    VkFence a = fence(files ? opaque | file : opaque), b = fence(0);
    import_fence(b, opaque, export_fence(a, opaque), false);
    for (uint32_t i = 1; i <= 2; ++i) {
        EXPECT_EQ(vkGetFenceStatus(device, b), VK_NOT_READY);
        submit(fill(data, i), VK_NULL_HANDLE, VK_NULL_HANDLE, a);
        wait(b);
        EXPECT_EQ(vkGetFenceStatus(device, a), VK_SUCCESS);
        EXPECT_EQ(data.as<uint32_t>()[0], i);
        must(vkResetFences(device, 1, &a)); // resets what both share
    }
    if (!files) {
        must(vkQueueWaitIdle(world.queue));
        return;
    }
    // A sync file is a copy, and exporting it resets the fence.
    VkFence c = fence(file), d = fence(0);
    submit(fill(data, 9), VK_NULL_HANDLE, VK_NULL_HANDLE, c);
    int fd = export_fence(c, file);
    EXPECT_EQ(vkGetFenceStatus(device, c), VK_NOT_READY);
    import_fence(d, file, fd, true);
    wait(d);
    EXPECT_EQ(data.as<uint32_t>()[0], 9u);
    must(vkResetFences(device, 1, &d)); // back to its own payload
    EXPECT_EQ(vkGetFenceStatus(device, d), VK_NOT_READY);
    must(vkQueueWaitIdle(world.queue));
}

} // namespace
} // namespace kite::vktest
