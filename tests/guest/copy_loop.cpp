// SPDX-License-Identifier: MIT
//
// Copies 1 MiB back and forth and checks it, until told to stop or until the GPU goes away.
//
//     kite_guest_copy [--system] [ROUNDS]    (without a number: until the device is lost)
//
// With --system both buffers are in cached memory, which is the guest's and not the eGPU's.
//
// Exit status: 0 all rounds were right, 3 the device was lost (VK_ERROR_DEVICE_LOST, the one answer
// an application may get when the cable is pulled), 1 anything else: wrong bytes, another error.
#include "../bench/vulkan_bench.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr VkDeviceSize kBytes = 1 << 20;
constexpr int kLost = 3;
constexpr uint64_t kWaitNs = 30'000'000'000;

/// Goes on if the call succeeded; ends the process with kLost when the device is gone.
void go_on(VkResult result, const char* what) {
    if (result == VK_ERROR_DEVICE_LOST) {
        std::printf("device lost in %s\n", what);
        std::fflush(stdout);
        std::_Exit(kLost);
    }
    kite::bench::check(result, what);
}

VkCommandBuffer record_copy(kite::bench::World& world, kite::bench::Buffer& from,
                            kite::bench::Buffer& to) {
    return world.record([&](VkCommandBuffer commands) {
        const VkBufferCopy whole{0, 0, kBytes};
        vkCmdCopyBuffer(commands, from.handle(), to.handle(), 1, &whole);
        VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
                                VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_HOST_READ_BIT};
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
                             0, 1, &barrier, 0, nullptr, 0, nullptr);
    });
}

void submit(kite::bench::World& world, VkCommandBuffer commands) {
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    go_on(vkResetFences(world.device, 1, &world.fence), "vkResetFences");
    go_on(vkQueueSubmit(world.queue, 1, &info, world.fence), "vkQueueSubmit");
    go_on(vkWaitForFences(world.device, 1, &world.fence, VK_TRUE, kWaitNs), "vkWaitForFences");
}

} // namespace

int main(int argc, char** argv) {
    const bool system = argc > 1 && std::strcmp(argv[1], "--system") == 0;
    const char* number = argv[system ? 2 : 1];
    const unsigned long rounds = number != nullptr ? std::strtoul(number, nullptr, 10) : 0;
    const VkMemoryPropertyFlags where = system ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT : 0;
    kite::bench::World world;
    kite::bench::Buffer source(world, kBytes, where);
    kite::bench::Buffer target(world, kBytes, where);
    VkCommandBuffer commands = record_copy(world, source, target);
    auto from = source.as<uint32_t>();
    auto to = target.as<uint32_t>();
    std::printf("copying on %s\n", world.properties.deviceName);
    std::fflush(stdout);
    for (unsigned long round = 0; rounds == 0 || round < rounds; ++round) {
        for (size_t i = 0; i < from.size(); i += 64) {
            from[i] = static_cast<uint32_t>(round * 2654435761u + i);
        }
        submit(world, commands);
        for (size_t i = 0; i < from.size(); i += 64) {
            if (to[i] != from[i]) {
                // A card that vanished between the fence and here reads as ones or as nothing.
                submit(world, commands);
                std::printf("round %lu, word %zu: %#x, not %#x\n", round, i, to[i], from[i]);
                return 1;
            }
        }
    }
    world.release(commands);
    std::printf("%lu rounds\n", rounds);
    return 0;
}
