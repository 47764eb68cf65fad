// SPDX-License-Identifier: MIT
// Fences, semaphores of both kinds, events; waits that precede their signals, several threads.
#include "tests/vulkan/harness/fixture.hpp"

#include <atomic>
#include <chrono>
#include <thread>

using namespace kite::vktest;

namespace {

class Sync : public VulkanTest {
protected:
    VkFence fence(VkFenceCreateFlags flags = 0) {
        const VkFenceCreateInfo info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .flags = flags};
        VkFence made = VK_NULL_HANDLE;
        must(vkCreateFence(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyFence(device, made, nullptr); });
        return made;
    }
    VkSemaphore semaphore(bool timeline = false, uint64_t value = 0) {
        const VkSemaphoreTypeCreateInfo type{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                             .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
                                             .initialValue = value};
        const VkSemaphoreCreateInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                         .pNext = timeline ? &type : nullptr};
        VkSemaphore made = VK_NULL_HANDLE;
        must(vkCreateSemaphore(device, &info, nullptr, &made));
        defer([this, made] { vkDestroySemaphore(device, made, nullptr); });
        return made;
    }
    VkEvent event() {
        const VkEventCreateInfo info{.sType = VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
        VkEvent made = VK_NULL_HANDLE;
        must(vkCreateEvent(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyEvent(device, made, nullptr); });
        return made;
    }
    /// A recorded command buffer that may be submitted again after it has finished.
    VkCommandBuffer recorded(const std::function<void(VkCommandBuffer)>& record) {
        const VkCommandBuffer commands = command_buffer();
        const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
        must(vkBeginCommandBuffer(commands, &begin));
        record(commands);
        barrier(commands);
        must(vkEndCommandBuffer(commands));
        return commands;
    }
    void submit(VkCommandBuffer commands, VkFence fence = VK_NULL_HANDLE) {
        const VkSubmitInfo info{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                .commandBufferCount = commands ? 1U : 0U,
                                .pCommandBuffers = &commands};
        must(vkQueueSubmit(world.queue, 1, &info, fence));
    }
    /// Submits with one wait and one signal of timeline values.
    void submit_timeline(VkCommandBuffer commands, VkSemaphore wait, uint64_t wait_value,
                         VkSemaphore signal, uint64_t signal_value) {
        const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
        const VkTimelineSemaphoreSubmitInfo values{
            .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
            .waitSemaphoreValueCount = wait ? 1U : 0U,
            .pWaitSemaphoreValues = &wait_value,
            .signalSemaphoreValueCount = signal ? 1U : 0U,
            .pSignalSemaphoreValues = &signal_value};
        const VkSubmitInfo info{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                .pNext = &values,
                                .waitSemaphoreCount = wait ? 1U : 0U,
                                .pWaitSemaphores = &wait,
                                .pWaitDstStageMask = &stage,
                                .commandBufferCount = commands ? 1U : 0U,
                                .pCommandBuffers = &commands,
                                .signalSemaphoreCount = signal ? 1U : 0U,
                                .pSignalSemaphores = &signal};
        must(vkQueueSubmit(world.queue, 1, &info, VK_NULL_HANDLE));
    }
    bool timelines() const { return world.features.timeline.timelineSemaphore != 0; }
    VkResult host_signal(VkSemaphore semaphore, uint64_t value) {
        const VkSemaphoreSignalInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
                                         .semaphore = semaphore,
                                         .value = value};
        return world.load<PFN_vkSignalSemaphoreKHR>("vkSignalSemaphoreKHR")(device, &info);
    }
    VkResult host_wait(VkSemaphore semaphore, uint64_t value, uint64_t timeout_ns) {
        const VkSemaphoreWaitInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                       .semaphoreCount = 1,
                                       .pSemaphores = &semaphore,
                                       .pValues = &value};
        return world.load<PFN_vkWaitSemaphoresKHR>("vkWaitSemaphoresKHR")(device, &info,
                                                                          timeout_ns);
    }
    uint64_t counter(VkSemaphore semaphore) {
        uint64_t value = 0;
        must(world.load<PFN_vkGetSemaphoreCounterValueKHR>("vkGetSemaphoreCounterValueKHR")(
            device, semaphore, &value));
        return value;
    }
    static constexpr uint64_t kSecond = 1'000'000'000;
};

TEST_F(Sync, FenceStates) {
    const VkFence raised = fence(VK_FENCE_CREATE_SIGNALED_BIT), lowered = fence();
    EXPECT_EQ(vkGetFenceStatus(device, raised), VK_SUCCESS);
    EXPECT_EQ(vkGetFenceStatus(device, lowered), VK_NOT_READY);
    EXPECT_EQ(vkWaitForFences(device, 1, &lowered, VK_TRUE, 0), VK_TIMEOUT);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(vkWaitForFences(device, 1, &lowered, VK_TRUE, 20'000'000), VK_TIMEOUT);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(15));
    const VkFence both[] = {raised, lowered};
    EXPECT_EQ(vkWaitForFences(device, 2, both, VK_FALSE, kSecond), VK_SUCCESS);
    EXPECT_EQ(vkWaitForFences(device, 2, both, VK_TRUE, 1000), VK_TIMEOUT);
    must(vkResetFences(device, 1, &raised));
    EXPECT_EQ(vkGetFenceStatus(device, raised), VK_NOT_READY);
    submit(VK_NULL_HANDLE, lowered);
    EXPECT_EQ(vkWaitForFences(device, 1, &lowered, VK_TRUE, 10 * kSecond), VK_SUCCESS);
    EXPECT_EQ(vkQueueSubmit(world.queue, 0, nullptr, raised), VK_SUCCESS);
    EXPECT_EQ(vkWaitForFences(device, 1, &raised, VK_TRUE, 10 * kSecond), VK_SUCCESS);
}

TEST_F(Sync, FenceMeansTheWorkIsDone) {
    const Buffer data = buffer(1 << 20);
    const VkFence done = fence();
    for (uint32_t i = 1; i < 50; ++i) {
        const auto commands = recorded(
            [&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, VK_WHOLE_SIZE, i); });
        submit(commands, done);
        ASSERT_EQ(vkWaitForFences(device, 1, &done, VK_TRUE, 10 * kSecond), VK_SUCCESS);
        ASSERT_EQ(data.as<uint32_t>()[0], i);
        ASSERT_EQ(data.as<uint32_t>().back(), i);
        must(vkResetFences(device, 1, &done));
    }
}

TEST_F(Sync, BinarySemaphoreChain) {
    const Buffer data = buffer(64);
    const VkSemaphore s = semaphore();
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const auto first =
        recorded([&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, 32, 3); });
    const VkBufferCopy half{0, 32, 32};
    const auto second = recorded(
        [&](VkCommandBuffer c) { vkCmdCopyBuffer(c, data.handle, data.handle, 1, &half); });
    const VkSubmitInfo infos[] = {{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                   .commandBufferCount = 1,
                                   .pCommandBuffers = &first,
                                   .signalSemaphoreCount = 1,
                                   .pSignalSemaphores = &s},
                                  {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                   .waitSemaphoreCount = 1,
                                   .pWaitSemaphores = &s,
                                   .pWaitDstStageMask = &stage,
                                   .commandBufferCount = 1,
                                   .pCommandBuffers = &second}};
    for (int i = 0; i < 3; ++i) {
        data.as<uint32_t>()[15] = 0;
        must(vkQueueSubmit(world.queue, 2, infos, VK_NULL_HANDLE));
        must(vkQueueWaitIdle(world.queue));
        ASSERT_EQ(data.as<uint32_t>()[15], 3U);
    }
}

TEST_F(Sync, TimelineHostSide) {
    if (!timelines()) {
        GTEST_SKIP() << "no timelineSemaphore";
    }
    const VkSemaphore s = semaphore(true, 5);
    EXPECT_EQ(counter(s), 5U);
    EXPECT_EQ(host_wait(s, 5, 0), VK_SUCCESS);
    EXPECT_EQ(host_wait(s, 6, 1'000'000), VK_TIMEOUT);
    EXPECT_EQ(host_signal(s, 1ULL << 33), VK_SUCCESS);
    EXPECT_EQ(counter(s), 1ULL << 33);
    std::jthread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        host_signal(s, (1ULL << 33) + 9);
    });
    EXPECT_EQ(host_wait(s, (1ULL << 33) + 2, 10 * kSecond), VK_SUCCESS);
    later.join();
    EXPECT_EQ(counter(s), (1ULL << 33) + 9);
}

TEST_F(Sync, TimelineWaitAnyAndAll) {
    if (!timelines()) {
        GTEST_SKIP() << "no timelineSemaphore";
    }
    const VkSemaphore both[] = {semaphore(true), semaphore(true)};
    const uint64_t values[] = {1, 1};
    const auto wait = world.load<PFN_vkWaitSemaphoresKHR>("vkWaitSemaphoresKHR");
    VkSemaphoreWaitInfo info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                             .flags = VK_SEMAPHORE_WAIT_ANY_BIT,
                             .semaphoreCount = 2,
                             .pSemaphores = both,
                             .pValues = values};
    EXPECT_EQ(wait(device, &info, 1000), VK_TIMEOUT);
    must(host_signal(both[1], 1));
    EXPECT_EQ(wait(device, &info, kSecond), VK_SUCCESS);
    info.flags = 0;
    EXPECT_EQ(wait(device, &info, 1000), VK_TIMEOUT);
    must(host_signal(both[0], 2));
    EXPECT_EQ(wait(device, &info, kSecond), VK_SUCCESS);
}

TEST_F(Sync, WaitBeforeSignalAcrossThreads) {
    if (!timelines()) {
        GTEST_SKIP() << "no timelineSemaphore";
    }
    const Buffer data = buffer(64);
    const VkSemaphore gate = semaphore(true), done = semaphore(true);
    const auto fill =
        recorded([&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, 64, 7); });
    submit_timeline(fill, gate, 1, done, 1); // nothing has signalled the gate yet
    EXPECT_EQ(host_wait(done, 1, 20'000'000), VK_TIMEOUT);
    EXPECT_EQ(data.as<uint32_t>()[0], 0U);
    std::jthread opener([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        host_signal(gate, 1);
    });
    EXPECT_EQ(host_wait(done, 1, 10 * kSecond), VK_SUCCESS);
    EXPECT_EQ(data.as<uint32_t>()[15], 7U);
}

TEST_F(Sync, HundredLinksOfATimeline) {
    if (!timelines()) {
        GTEST_SKIP() << "no timelineSemaphore";
    }
    const Buffer data = buffer(8);
    const VkSemaphore s = semaphore(true);
    for (uint32_t i = 0; i < 100; ++i) {
        const auto fill =
            recorded([&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, 8, i); });
        submit_timeline(fill, s, i, s, i + 1);
    }
    EXPECT_EQ(host_wait(s, 100, 10 * kSecond), VK_SUCCESS);
    EXPECT_EQ(data.as<uint32_t>()[1], 99U);
    EXPECT_EQ(counter(s), 100U);
}

TEST_F(Sync, EventsFromHostAndDevice) {
    const VkEvent e = event();
    EXPECT_EQ(vkGetEventStatus(device, e), VK_EVENT_RESET);
    must(vkSetEvent(device, e));
    EXPECT_EQ(vkGetEventStatus(device, e), VK_EVENT_SET);
    must(vkResetEvent(device, e));
    EXPECT_EQ(vkGetEventStatus(device, e), VK_EVENT_RESET);
    run([&](VkCommandBuffer c) { vkCmdSetEvent(c, e, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT); });
    EXPECT_EQ(vkGetEventStatus(device, e), VK_EVENT_SET);
    run([&](VkCommandBuffer c) { vkCmdResetEvent(c, e, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT); });
    EXPECT_EQ(vkGetEventStatus(device, e), VK_EVENT_RESET);
}

TEST_F(Sync, EventOrdersWithinACommandBuffer) {
    const Buffer data = buffer(32);
    const VkEvent e = event();
    run([&](VkCommandBuffer c) {
        vkCmdFillBuffer(c, data.handle, 0, 16, 11);
        vkCmdSetEvent(c, e, VK_PIPELINE_STAGE_TRANSFER_BIT);
        const VkMemoryBarrier all{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                  .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                  .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT};
        vkCmdWaitEvents(c, 1, &e, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 1,
                        &all, 0, nullptr, 0, nullptr);
        const VkBufferCopy half{0, 16, 16};
        vkCmdCopyBuffer(c, data.handle, data.handle, 1, &half);
    });
    EXPECT_EQ(data.as<uint32_t>()[7], 11U);
}

TEST_F(Sync, WaitIdleFromManyThreads) {
    const Buffer data = buffer(1 << 16);
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    const auto fill =
        recorded([&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, VK_WHOLE_SIZE, 5); });
    const VkFence done = fence();
    submit(fill, done);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            failures += vkWaitForFences(device, 1, &done, VK_TRUE, 10 * kSecond) != VK_SUCCESS;
            failures += data.as<uint32_t>()[100] != 5;
        });
    }
    threads.clear();
    EXPECT_EQ(failures, 0);
}

} // namespace
