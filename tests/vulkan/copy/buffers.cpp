// SPDX-License-Identifier: MIT
// Memory mapping and buffer transfers: copy, fill, update.
#include "tests/vulkan/harness/fixture.hpp"

#include <numeric>

using namespace kite::vktest;

namespace {

class CopyBuffer : public VulkanTest {};

std::vector<uint8_t> counting(size_t size) {
    std::vector<uint8_t> bytes(size);
    std::iota(bytes.begin(), bytes.end(), uint8_t{3});
    return bytes;
}

TEST_F(CopyBuffer, RegionsOfOddSizesAndOffsets) {
    const Buffer source = buffer_of(counting(4099));
    const Buffer target = buffer(5000);
    const std::vector<VkBufferCopy> regions{
        {0, 1, 1}, {5, 7, 63}, {100, 333, 65}, {1000, 2001, 2047}, {4098, 4999, 1}};
    run([&](VkCommandBuffer c) {
        vkCmdCopyBuffer(c, source.handle, target.handle, static_cast<uint32_t>(regions.size()),
                        regions.data());
    });
    std::vector<uint8_t> expected(5000);
    for (const auto& region : regions) {
        std::memcpy(&expected[region.dstOffset], &source.as<uint8_t>()[region.srcOffset],
                    region.size);
    }
    EXPECT_TRUE(std::ranges::equal(target.as<uint8_t>(), expected));
}

TEST_F(CopyBuffer, WithinOneBuffer) {
    const Buffer data = buffer_of(counting(1024));
    const VkBufferCopy region{0, 512, 512};
    run([&](VkCommandBuffer c) { vkCmdCopyBuffer(c, data.handle, data.handle, 1, &region); });
    EXPECT_TRUE(std::ranges::equal(data.as<uint8_t>().first(512), data.as<uint8_t>().last(512)));
}

TEST_F(CopyBuffer, FillPartAndWhole) {
    const Buffer data = buffer(1030);
    run([&](VkCommandBuffer c) {
        vkCmdFillBuffer(c, data.handle, 0, VK_WHOLE_SIZE, 0x01020304);
        barrier(c);
        vkCmdFillBuffer(c, data.handle, 8, 16, 0xA0B0C0D0);
    });
    // VK_WHOLE_SIZE is rounded down to a multiple of four.
    for (size_t i = 0; i < 257; ++i) {
        EXPECT_EQ(data.as<uint32_t>()[i], i >= 2 && i < 6 ? 0xA0B0C0D0U : 0x01020304U) << i;
    }
    EXPECT_EQ(data.as<uint8_t>()[1028], 0);
    EXPECT_EQ(data.as<uint8_t>()[1029], 0);
}

TEST_F(CopyBuffer, UpdateUpTo64KiB) {
    const Buffer data = buffer(70000);
    const auto bytes = counting(65536);
    run([&](VkCommandBuffer c) {
        vkCmdUpdateBuffer(c, data.handle, 4, 65536, bytes.data());
        barrier(c);
        vkCmdUpdateBuffer(c, data.handle, 0, 4, "kite");
    });
    EXPECT_EQ(std::memcmp(data.data, "kite", 4), 0);
    EXPECT_TRUE(std::ranges::equal(data.as<uint8_t>().subspan(4, 65536), bytes));
    EXPECT_EQ(data.as<uint8_t>()[65540], 0);
}

TEST_F(CopyBuffer, UpdateTakesTheDataWhenRecorded) {
    const Buffer data = buffer(16);
    run([&](VkCommandBuffer c) {
        uint32_t value[4] = {1, 2, 3, 4};
        vkCmdUpdateBuffer(c, data.handle, 0, 16, value);
        std::ranges::fill(value, 99U);
    });
    EXPECT_EQ(data.as<uint32_t>()[3], 4U);
}

TEST_F(CopyBuffer, TwoBuffersInOneAllocation) {
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = 1000,
                                  .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkBuffer made[2];
    VkMemoryRequirements needs{};
    for (auto& item : made) {
        must(vkCreateBuffer(device, &info, nullptr, &item));
        vkGetBufferMemoryRequirements(device, item, &needs);
    }
    const VkDeviceSize second =
        (needs.size + needs.alignment - 1) / needs.alignment * needs.alignment;
    const VkMemoryAllocateInfo memory{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = second + needs.size,
        .memoryTypeIndex =
            world.memory_type(needs.memoryTypeBits, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)};
    VkDeviceMemory allocation = VK_NULL_HANDLE;
    must(vkAllocateMemory(device, &memory, nullptr, &allocation));
    must(vkBindBufferMemory(device, made[0], allocation, 0));
    must(vkBindBufferMemory(device, made[1], allocation, second));
    run([&](VkCommandBuffer c) {
        vkCmdFillBuffer(c, made[0], 0, VK_WHOLE_SIZE, 1);
        vkCmdFillBuffer(c, made[1], 0, VK_WHOLE_SIZE, 2);
    });
    // Mapping a part shows that part; mapping again after unmapping keeps the contents.
    void* data = nullptr;
    must(vkMapMemory(device, allocation, second, 1000, 0, &data));
    EXPECT_EQ(static_cast<uint32_t*>(data)[249], 2U);
    vkUnmapMemory(device, allocation);
    must(vkMapMemory(device, allocation, 0, VK_WHOLE_SIZE, 0, &data));
    EXPECT_EQ(static_cast<uint32_t*>(data)[249], 1U);
    const VkMappedMemoryRange range{.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
                                    .memory = allocation,
                                    .size = VK_WHOLE_SIZE};
    EXPECT_EQ(vkFlushMappedMemoryRanges(device, 1, &range), VK_SUCCESS);
    EXPECT_EQ(vkInvalidateMappedMemoryRanges(device, 1, &range), VK_SUCCESS);
    vkUnmapMemory(device, allocation);
    for (auto* item : made) {
        vkDestroyBuffer(device, item, nullptr);
    }
    vkFreeMemory(device, allocation, nullptr);
}

} // namespace
