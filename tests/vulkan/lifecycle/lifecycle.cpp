// SPDX-License-Identifier: MIT
// Properties, creation and destruction: leaks, allocation callbacks, threads, two devices, fork.
#include "tests/vulkan/harness/graphics.hpp"

#include "lifecycle_shaders.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

using namespace kite::vktest;

namespace {

// A sanitizer keeps freed memory in quarantine, so resident memory says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

class Lifecycle : public GraphicsTest {};

TEST_F(Lifecycle, Properties) {
    const auto& p = world.properties;
    EXPECT_GE(p.apiVersion, VK_API_VERSION_1_1);
    EXPECT_GT(std::strlen(p.deviceName), 0U);
    if (world.is_kite) {
        EXPECT_EQ(p.deviceType, VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU);
    }
    if (world.is_kite && world.has("VK_KHR_driver_properties")) {
        VkPhysicalDeviceDriverProperties driver{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
        VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &driver};
        vkGetPhysicalDeviceProperties2(world.physical, &all);
        EXPECT_EQ(driver.conformanceVersion.major, 0);
        EXPECT_EQ(driver.conformanceVersion.minor, 0);
        EXPECT_EQ(driver.conformanceVersion.subminor, 0);
        EXPECT_EQ(driver.conformanceVersion.patch, 0);
    }
}

TEST_F(Lifecycle, LimitsAreAtLeastWhatTheSpecificationRequires) {
    const auto& l = world.limits;
    EXPECT_GE(l.maxImageDimension1D, 4096U);
    EXPECT_GE(l.maxImageDimension2D, 4096U);
    EXPECT_GE(l.maxImageDimension3D, 256U);
    EXPECT_GE(l.maxImageDimensionCube, 4096U);
    EXPECT_GE(l.maxImageArrayLayers, 256U);
    EXPECT_GE(l.maxTexelBufferElements, 65536U);
    EXPECT_GE(l.maxUniformBufferRange, 16384U);
    EXPECT_GE(l.maxStorageBufferRange, 1U << 27);
    EXPECT_GE(l.maxPushConstantsSize, 128U);
    EXPECT_GE(l.maxMemoryAllocationCount, 4096U);
    EXPECT_GE(l.maxSamplerAllocationCount, 4000U);
    EXPECT_LE(l.bufferImageGranularity, 131072U);
    EXPECT_GE(l.maxBoundDescriptorSets, 4U);
    EXPECT_GE(l.maxPerStageDescriptorSamplers, 16U);
    EXPECT_GE(l.maxPerStageDescriptorUniformBuffers, 12U);
    EXPECT_GE(l.maxPerStageDescriptorStorageBuffers, 4U);
    EXPECT_GE(l.maxPerStageDescriptorSampledImages, 16U);
    EXPECT_GE(l.maxPerStageDescriptorStorageImages, 4U);
    EXPECT_GE(l.maxPerStageResources, 128U);
    EXPECT_GE(l.maxVertexInputAttributes, 16U);
    EXPECT_GE(l.maxVertexInputBindings, 16U);
    EXPECT_GE(l.maxVertexInputBindingStride, 2048U);
    EXPECT_GE(l.maxVertexOutputComponents, 64U);
    EXPECT_GE(l.maxFragmentInputComponents, 64U);
    EXPECT_GE(l.maxFragmentOutputAttachments, 4U);
    EXPECT_GE(l.maxComputeSharedMemorySize, 16384U);
    EXPECT_GE(l.maxComputeWorkGroupCount[0], 65535U);
    EXPECT_GE(l.maxComputeWorkGroupInvocations, 128U);
    EXPECT_GE(l.maxComputeWorkGroupSize[2], 64U);
    EXPECT_GE(l.subPixelPrecisionBits, 4U);
    EXPECT_GE(l.subTexelPrecisionBits, 4U);
    EXPECT_GE(l.mipmapPrecisionBits, 4U);
    EXPECT_GE(l.maxDrawIndexedIndexValue,
              world.features.core.fullDrawIndexUint32 ? 0xFFFFFFFFU : (1U << 24) - 1);
    EXPECT_GE(l.maxSamplerLodBias, 2.0F);
    EXPECT_GE(l.maxViewportDimensions[0], l.maxFramebufferWidth);
    EXPECT_LE(l.viewportBoundsRange[0], -2.0F * static_cast<float>(l.maxViewportDimensions[0]));
    EXPECT_LE(l.minMemoryMapAlignment & (l.minMemoryMapAlignment - 1), 0U);
    EXPECT_GE(l.minMemoryMapAlignment, 64U);
    EXPECT_LE(l.minUniformBufferOffsetAlignment, 256U);
    EXPECT_LE(l.minStorageBufferOffsetAlignment, 256U);
    EXPECT_GE(l.maxFramebufferLayers, 256U);
    const VkSampleCountFlags counts = VK_SAMPLE_COUNT_1_BIT | VK_SAMPLE_COUNT_4_BIT;
    EXPECT_EQ(l.framebufferColorSampleCounts & counts, counts);
    EXPECT_EQ(l.framebufferDepthSampleCounts & counts, counts);
    EXPECT_GE(l.maxColorAttachments, 4U);
    EXPECT_GE(l.maxClipDistances, world.features.core.shaderClipDistance ? 8U : 0U);
    EXPECT_GE(l.discreteQueuePriorities, 2U);
    EXPECT_TRUE(world.features.core.robustBufferAccess);
}

TEST_F(Lifecycle, MandatoryFormats) {
    const VkFormatFeatureFlags sampled =
        VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_BLIT_SRC_BIT |
        VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
    const VkFormatFeatureFlags linear = sampled | VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT;
    const VkFormatFeatureFlags target =
        VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT | VK_FORMAT_FEATURE_BLIT_DST_BIT;
    const VkFormatFeatureFlags blended = target | VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BLEND_BIT;
    const std::pair<VkFormat, VkFormatFeatureFlags> needs[] = {
        {VK_FORMAT_B4G4R4A4_UNORM_PACK16, linear},
        {VK_FORMAT_R5G6B5_UNORM_PACK16, linear | blended},
        {VK_FORMAT_A1R5G5B5_UNORM_PACK16, linear | blended},
        {VK_FORMAT_R8_UNORM, linear | blended},
        {VK_FORMAT_R8_SNORM, linear},
        {VK_FORMAT_R8_UINT, sampled | target},
        {VK_FORMAT_R8_SINT, sampled | target},
        {VK_FORMAT_R8G8_UNORM, linear | blended},
        {VK_FORMAT_R8G8B8A8_UNORM, linear | blended | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_R8G8B8A8_SNORM, linear | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_R8G8B8A8_SRGB, linear | blended},
        {VK_FORMAT_R8G8B8A8_UINT, sampled | target | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_B8G8R8A8_UNORM, linear | blended},
        {VK_FORMAT_B8G8R8A8_SRGB, linear | blended},
        {VK_FORMAT_A2B10G10R10_UNORM_PACK32, linear | blended},
        {VK_FORMAT_A2B10G10R10_UINT_PACK32, sampled | target},
        {VK_FORMAT_R16_SFLOAT, linear | blended},
        {VK_FORMAT_R16G16_SFLOAT, linear | blended},
        {VK_FORMAT_R16G16B16A16_SFLOAT, linear | blended | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_R32_UINT, sampled | target | VK_FORMAT_FEATURE_STORAGE_IMAGE_ATOMIC_BIT},
        {VK_FORMAT_R32_SFLOAT, sampled | target | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_R32G32B32A32_SFLOAT, sampled | target | VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT},
        {VK_FORMAT_B10G11R11_UFLOAT_PACK32, linear},
        {VK_FORMAT_E5B9G9R9_UFLOAT_PACK32, linear},
        {VK_FORMAT_D16_UNORM, sampled | VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT},
        {VK_FORMAT_D32_SFLOAT, sampled | VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT}};
    for (const auto& [format, wanted] : needs) {
        EXPECT_TRUE(world.supports(format, wanted)) << "format " << format;
    }
    EXPECT_TRUE(world.supports(VK_FORMAT_D24_UNORM_S8_UINT,
                               VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT) ||
                world.supports(VK_FORMAT_D32_SFLOAT_S8_UINT,
                               VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT));
}

TEST_F(Lifecycle, UnsupportedImagesAreRefused) {
    VkImageFormatProperties properties;
    EXPECT_EQ(vkGetPhysicalDeviceImageFormatProperties(
                  world.physical, VK_FORMAT_R32G32B32A32_SFLOAT, VK_IMAGE_TYPE_2D,
                  VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT, 0,
                  &properties),
              VK_ERROR_FORMAT_NOT_SUPPORTED);
    must(vkGetPhysicalDeviceImageFormatProperties(
        world.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL,
        VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, 0, &properties));
    EXPECT_GE(properties.maxExtent.width, 4096U);
    EXPECT_GE(properties.maxMipLevels, 13U);
    EXPECT_GE(properties.maxArrayLayers, 256U);
    EXPECT_NE(properties.sampleCounts & VK_SAMPLE_COUNT_4_BIT, 0U);
    EXPECT_GE(properties.maxResourceSize, 1U << 31);
}

/// Resident memory of the process in KiB.
long resident_kib() {
    std::ifstream file("/proc/self/statm");
    long total = 0, resident = 0;
    file >> total >> resident;
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

TEST_F(Lifecycle, ObjectsLeaveNothingBehind) {
    if (kSanitized) {
        GTEST_SKIP() << "freed memory is in quarantine";
    }
    const auto round = [&] {
        const auto before = command_buffer();
        const Target t = target({.depth = VK_FORMAT_D32_SFLOAT, .width = 64, .height = 64});
        const Buffer data = buffer(1 << 16);
        const auto bound = descriptors({storage(data)});
        draw(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag}, rectangle(t, 0, 0, 64, 64));
        TearDown(); // destroys all of the above
        return before && bound.set;
    };
    for (int i = 0; i < 30; ++i) {
        round();
    }
    const long start = resident_kib();
    for (int i = 0; i < 150; ++i) {
        round();
    }
    // Less than 20 KiB per round: a lost pipeline or image would be more.
    EXPECT_LT(resident_kib() - start, 3000) << "KiB grown in 150 rounds";
}

TEST(LifecycleDevices, DevicesLeaveNothingBehind) {
    if (kSanitized) {
        GTEST_SKIP() << "freed memory is in quarantine";
    }
    {
        const World warm;
    }
    {
        const World warm;
    }
    const long start = resident_kib();
    for (int i = 0; i < 8; ++i) {
        const World world;
    }
    EXPECT_LT(resident_kib() - start, 16000) << "KiB grown in 8 devices";
}

struct Counts {
    std::atomic<long> live = 0, total = 0;
};
void* VKAPI_CALL count_allocate(void* user, size_t size, size_t align, VkSystemAllocationScope) {
    auto& counts = *static_cast<Counts*>(user);
    ++counts.live;
    ++counts.total;
    return std::aligned_alloc(std::max(align, size_t{16}),
                              (size + std::max(align, size_t{16}) - 1) &
                                  ~(std::max(align, size_t{16}) - 1));
}
void VKAPI_CALL count_free(void* user, void* memory) {
    if (memory) {
        --static_cast<Counts*>(user)->live;
        std::free(memory);
    }
}
void* VKAPI_CALL count_reallocate(void* user, void* old, size_t size, size_t align,
                                  VkSystemAllocationScope scope) {
    if (size == 0) {
        count_free(user, old);
        return nullptr;
    }
    void* fresh = count_allocate(user, size, align, scope);
    if (old && fresh) {
        std::memcpy(fresh, old, size); // test drivers only grow what they own
        count_free(user, old);
    }
    return fresh;
}

TEST_F(Lifecycle, AllocationCallbacksAreBalanced) {
    Counts counts;
    const VkAllocationCallbacks callbacks{.pUserData = &counts,
                                          .pfnAllocation = count_allocate,
                                          .pfnReallocation = count_reallocate,
                                          .pfnFree = count_free};
    const VkBufferCreateInfo buffer_info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                         .size = 256,
                                         .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    const auto sampler_info = nearest();
    const VkFenceCreateInfo fence_info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    const VkCommandPoolCreateInfo pool_info{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                            .queueFamilyIndex = world.family};
    VkBuffer buffer = VK_NULL_HANDLE;
    VkSampler sampler = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    VkCommandPool pool = VK_NULL_HANDLE;
    must(vkCreateBuffer(device, &buffer_info, &callbacks, &buffer));
    must(vkCreateSampler(device, &sampler_info, &callbacks, &sampler));
    must(vkCreateFence(device, &fence_info, &callbacks, &fence));
    must(vkCreateCommandPool(device, &pool_info, &callbacks, &pool));
    const VkCommandBufferAllocateInfo allocate{.sType =
                                                   VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                               .commandPool = pool,
                                               .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                               .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    must(vkAllocateCommandBuffers(device, &allocate, &commands));
    EXPECT_GT(counts.total, 0);
    vkDestroyCommandPool(device, pool, &callbacks);
    vkDestroyFence(device, fence, &callbacks);
    vkDestroySampler(device, sampler, &callbacks);
    vkDestroyBuffer(device, buffer, &callbacks);
    EXPECT_EQ(counts.live, 0);
}

TEST_F(Lifecycle, DestroyingNullIsAllowed) {
    vkDestroyBuffer(device, VK_NULL_HANDLE, nullptr);
    vkDestroyImage(device, VK_NULL_HANDLE, nullptr);
    vkDestroyImageView(device, VK_NULL_HANDLE, nullptr);
    vkDestroyPipeline(device, VK_NULL_HANDLE, nullptr);
    vkDestroyRenderPass(device, VK_NULL_HANDLE, nullptr);
    vkDestroySampler(device, VK_NULL_HANDLE, nullptr);
    vkFreeMemory(device, VK_NULL_HANDLE, nullptr);
    vkDestroyFence(device, VK_NULL_HANDLE, nullptr);
    const VkCommandBuffer none = VK_NULL_HANDLE;
    vkFreeCommandBuffers(device, world.pool, 1, &none);
}

TEST_F(Lifecycle, HugeAllocationsFailCleanly) {
    VkDeviceMemory memory = VK_NULL_HANDLE;
    const VkMemoryAllocateInfo info{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                    .allocationSize = 1ULL << 46,
                                    .memoryTypeIndex = 0};
    const VkResult result = vkAllocateMemory(device, &info, nullptr, &memory);
    vkFreeMemory(device, memory, nullptr);
    if (world.is_kite) { // lavapipe promises what it may never have
        EXPECT_LT(result, VK_SUCCESS);
    }
    world.take_messages(); // the layer knows the heap's size
}

/*glsl thread.comp
layout(local_size_x = 32) in;
layout(constant_id = 0) const uint factor = 1;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() { r[gl_GlobalInvocationID.x] = gl_GlobalInvocationID.x * factor; }
*/
TEST_F(Lifecycle, PipelinesAndCommandsFromManyThreads) {
    constexpr uint32_t kThreads = 4, kRounds = 8;
    const Buffer out = buffer(256 * 4 * kThreads);
    std::vector<Descriptors> bound;
    for (uint32_t i = 0; i < kThreads; ++i) {
        bound.push_back(descriptors(
            {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, {{out.handle, i * 1024, 1024}}, {}, {}}}));
    }
    const VkShaderModule shader = module(glsl::thread_comp);
    std::mutex queue;
    std::atomic<int> failures = 0;
    const auto work = [&](uint32_t me) {
        const VkCommandPoolCreateInfo pool_info{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                                .queueFamilyIndex = world.family};
        VkCommandPool pool = VK_NULL_HANDLE;
        must(vkCreateCommandPool(device, &pool_info, nullptr, &pool));
        for (uint32_t round = 0; round < kRounds; ++round) {
            const uint32_t factor = me * 100 + round + 1;
            const VkSpecializationMapEntry entry{0, 0, 4};
            const VkSpecializationInfo special{1, &entry, 4, &factor};
            const VkComputePipelineCreateInfo info{
                .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                          .module = shader,
                          .pName = "main",
                          .pSpecializationInfo = &special},
                .layout = bound[me].layout};
            VkPipeline made = VK_NULL_HANDLE;
            must(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &made));
            const VkCommandBufferAllocateInfo allocate{
                .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                .commandPool = pool,
                .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                .commandBufferCount = 1};
            VkCommandBuffer c = VK_NULL_HANDLE;
            must(vkAllocateCommandBuffers(device, &allocate, &c));
            const VkCommandBufferBeginInfo begin_info{
                .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
            must(vkBeginCommandBuffer(c, &begin_info));
            barrier(c);
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, made);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound[me].layout, 0, 1,
                                    &bound[me].set, 0, nullptr);
            vkCmdDispatch(c, 8, 1, 1);
            barrier(c);
            must(vkEndCommandBuffer(c));
            const VkFenceCreateInfo fence_info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
            VkFence fence = VK_NULL_HANDLE;
            must(vkCreateFence(device, &fence_info, nullptr, &fence));
            const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                      .commandBufferCount = 1,
                                      .pCommandBuffers = &c};
            {
                const std::lock_guard lock(queue);
                must(vkQueueSubmit(world.queue, 1, &submit, fence));
            }
            must(vkWaitForFences(device, 1, &fence, VK_TRUE, 20'000'000'000));
            for (uint32_t i = 0; i < 256; ++i) {
                failures += out.as<uint32_t>()[me * 256 + i] != i * factor;
            }
            vkDestroyFence(device, fence, nullptr);
            vkDestroyPipeline(device, made, nullptr);
        }
        vkDestroyCommandPool(device, pool, nullptr);
    };
    {
        std::vector<std::jthread> threads;
        for (uint32_t i = 0; i < kThreads; ++i) {
            threads.emplace_back(work, i);
        }
    }
    EXPECT_EQ(failures, 0);
}

TEST_F(Lifecycle, TwoDevicesWorkSideBySide) {
    World other;
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = 256,
                                  .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkBuffer theirs = VK_NULL_HANDLE;
    must(vkCreateBuffer(other.device, &info, nullptr, &theirs));
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(other.device, theirs, &needs);
    const VkMemoryAllocateInfo allocate{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex =
            other.memory_type(needs.memoryTypeBits, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    must(vkAllocateMemory(other.device, &allocate, nullptr, &memory));
    must(vkBindBufferMemory(other.device, theirs, memory, 0));
    void* data = nullptr;
    must(vkMapMemory(other.device, memory, 0, VK_WHOLE_SIZE, 0, &data));
    const VkCommandBufferAllocateInfo commands_info{
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = other.pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1};
    VkCommandBuffer c = VK_NULL_HANDLE;
    must(vkAllocateCommandBuffers(other.device, &commands_info, &c));
    const VkCommandBufferBeginInfo begin_info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    must(vkBeginCommandBuffer(c, &begin_info));
    vkCmdFillBuffer(c, theirs, 0, 256, 0x22222222);
    barrier(c);
    must(vkEndCommandBuffer(c));
    const VkSubmitInfo submit{
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &c};
    must(vkQueueSubmit(other.queue, 1, &submit, VK_NULL_HANDLE));
    const Buffer ours = buffer(256);
    run([&](VkCommandBuffer mine) { vkCmdFillBuffer(mine, ours.handle, 0, 256, 0x11111111); });
    must(vkDeviceWaitIdle(other.device));
    EXPECT_EQ(ours.as<uint32_t>()[63], 0x11111111U);
    EXPECT_EQ(static_cast<uint32_t*>(data)[63], 0x22222222U);
    vkDestroyBuffer(other.device, theirs, nullptr);
    vkFreeMemory(other.device, memory, nullptr);
    EXPECT_EQ(other.take_messages(), std::vector<std::string>{});
}

TEST(LifecycleFork, ChildAfterInstanceCreation) {
    const VkApplicationInfo app{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                    .pApplicationInfo = &app};
    VkInstance instance = VK_NULL_HANDLE;
    must(vkCreateInstance(&info, nullptr, &instance));
    uint32_t count = 0;
    must(vkEnumeratePhysicalDevices(instance, &count, nullptr));
    const pid_t child = fork();
    if (child == 0) {
        // The child makes its own device from the inherited instance.
        alarm(20);
        VkPhysicalDevice physical = VK_NULL_HANDLE;
        uint32_t one = 1;
        vkEnumeratePhysicalDevices(instance, &one, &physical);
        const float priority = 1;
        const VkDeviceQueueCreateInfo queue{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                            .queueCount = 1,
                                            .pQueuePriorities = &priority};
        const VkDeviceCreateInfo device_info{.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                             .queueCreateInfoCount = 1,
                                             .pQueueCreateInfos = &queue};
        VkDevice device = VK_NULL_HANDLE;
        const VkResult result = vkCreateDevice(physical, &device_info, nullptr, &device);
        if (result == VK_SUCCESS) {
            vkDeviceWaitIdle(device);
            vkDestroyDevice(device, nullptr);
        }
        _exit(result == VK_SUCCESS ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    vkDestroyInstance(instance, nullptr);
}

} // namespace
