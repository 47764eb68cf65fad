// SPDX-License-Identifier: MIT
#include "vulkan_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace kite::bench {

void check(VkResult result, const char* what) {
    if (result < VK_SUCCESS) {
        fail(std::string(what) + " failed with VkResult " + std::to_string(result));
    }
}

void fail(const std::string& what) {
    std::fprintf(stderr, "bench: %s\n", what.c_str());
    std::exit(1);
}

void report(const Sample& sample) {
    std::printf("{\"suite\": \"%s\", \"case\": \"%s\", \"unit\": \"%s\", \"better\": \"%s\", "
                "\"value\": %.6g}\n",
                sample.suite, sample.name.c_str(), sample.unit, sample.better, sample.value);
    std::fflush(stdout);
}

double peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word == "VmHWM:") {
            double kib = 0;
            status >> kib;
            return kib / 1024.0;
        }
    }
    return 0;
}

double now_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double median_seconds(const std::function<double()>& body, double at_least_seconds) {
    body();
    std::vector<double> times;
    double total = 0;
    while (times.size() < 3 || (total < at_least_seconds && times.size() < 1000)) {
        times.push_back(body());
        total += times.back();
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}

World::World() {
    const VkApplicationInfo app{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                .pApplicationName = "kite_bench",
                                .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo instance_info{.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                             .pApplicationInfo = &app};
    check(vkCreateInstance(&instance_info, nullptr, &instance), "vkCreateInstance");
    uint32_t count = 1;
    check(vkEnumeratePhysicalDevices(instance, &count, &physical), "vkEnumeratePhysicalDevices");
    if (count == 0) {
        fail("no Vulkan device");
    }
    vkGetPhysicalDeviceProperties(physical, &properties);
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    uint32_t families = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &families, nullptr);
    std::vector<VkQueueFamilyProperties> queues(families);
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &families, queues.data());
    uint32_t family = 0;
    const VkQueueFlags wanted = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    while (family < families && (queues[family].queueFlags & wanted) != wanted) {
        ++family;
    }
    if (family == families) {
        fail("no queue family with graphics and compute");
    }
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue_info{.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                             .queueFamilyIndex = family,
                                             .queueCount = 1,
                                             .pQueuePriorities = &priority};
    const VkDeviceCreateInfo device_info{.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                         .queueCreateInfoCount = 1,
                                         .pQueueCreateInfos = &queue_info};
    check(vkCreateDevice(physical, &device_info, nullptr, &device), "vkCreateDevice");
    vkGetDeviceQueue(device, family, 0, &queue);
    const VkCommandPoolCreateInfo pool_info{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                            .queueFamilyIndex = family};
    check(vkCreateCommandPool(device, &pool_info, nullptr, &pool), "vkCreateCommandPool");
    const VkFenceCreateInfo fence_info{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    check(vkCreateFence(device, &fence_info, nullptr, &fence), "vkCreateFence");
}

World::~World() {
    vkDestroyFence(device, fence, nullptr);
    vkDestroyCommandPool(device, pool, nullptr);
    vkDestroyDevice(device, nullptr);
    vkDestroyInstance(instance, nullptr);
}

uint32_t World::memory_type(uint32_t allowed_bits, VkMemoryPropertyFlags wanted) const {
    for (uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
        const bool allowed = (allowed_bits >> type & 1u) != 0;
        if (allowed && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) {
            return type;
        }
    }
    fail("no fitting memory type");
}

VkCommandBuffer World::record(const std::function<void(VkCommandBuffer)>& record) {
    const VkCommandBufferAllocateInfo allocate{.sType =
                                                   VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                               .commandPool = pool,
                                               .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                               .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    check(vkAllocateCommandBuffers(device, &allocate, &commands), "vkAllocateCommandBuffers");
    const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
    record(commands);
    check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    return commands;
}

double World::submit_and_wait(VkCommandBuffer commands) {
    const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .commandBufferCount = commands != VK_NULL_HANDLE ? 1u : 0u,
                              .pCommandBuffers = &commands};
    const double start = now_seconds();
    check(vkQueueSubmit(queue, 1, &submit, fence), "vkQueueSubmit");
    check(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    const double seconds = now_seconds() - start;
    check(vkResetFences(device, 1, &fence), "vkResetFences");
    return seconds;
}

void World::release(VkCommandBuffer commands) {
    vkFreeCommandBuffers(device, pool, 1, &commands);
}

Buffer::Buffer(World& world, VkDeviceSize size_bytes, VkMemoryPropertyFlags more)
    : world_(world), size_bytes_(size_bytes) {
    const VkBufferCreateInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                  .size = size_bytes,
                                  .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                           VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    check(vkCreateBuffer(world.device, &info, nullptr, &buffer_), "vkCreateBuffer");
    VkMemoryRequirements needs{};
    vkGetBufferMemoryRequirements(world.device, buffer_, &needs);
    const VkMemoryAllocateInfo allocate{
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = world.memory_type(needs.memoryTypeBits,
                                             VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                 VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | more)};
    check(vkAllocateMemory(world.device, &allocate, nullptr, &memory_), "vkAllocateMemory");
    check(vkBindBufferMemory(world.device, buffer_, memory_, 0), "vkBindBufferMemory");
    check(vkMapMemory(world.device, memory_, 0, VK_WHOLE_SIZE, 0, &mapped_), "vkMapMemory");
}

Buffer::~Buffer() {
    vkDestroyBuffer(world_.device, buffer_, nullptr);
    vkFreeMemory(world_.device, memory_, nullptr);
}

Module::Module(World& world, std::span<const uint32_t> spirv) : world_(world) {
    const VkShaderModuleCreateInfo info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                        .codeSize = spirv.size_bytes(),
                                        .pCode = spirv.data()};
    check(vkCreateShaderModule(world.device, &info, nullptr, &module_), "vkCreateShaderModule");
}

Module::~Module() {
    vkDestroyShaderModule(world_.device, module_, nullptr);
}

Kernel::Kernel(World& world, std::span<const uint32_t> spirv,
               std::initializer_list<Buffer*> buffers, uint32_t special, VkPipelineCache cache)
    : world_(world) {
    const auto count = static_cast<uint32_t>(buffers.size());
    std::vector<VkDescriptorSetLayoutBinding> bindings;
    for (uint32_t i = 0; i < count; ++i) {
        bindings.push_back(
            {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    }
    const VkDescriptorSetLayoutCreateInfo set_info{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = count,
        .pBindings = bindings.data()};
    check(vkCreateDescriptorSetLayout(world.device, &set_info, nullptr, &set_layout_),
          "vkCreateDescriptorSetLayout");
    const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, 16};
    const VkPipelineLayoutCreateInfo layout_info{.sType =
                                                     VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                 .setLayoutCount = 1,
                                                 .pSetLayouts = &set_layout_,
                                                 .pushConstantRangeCount = 1,
                                                 .pPushConstantRanges = &range};
    check(vkCreatePipelineLayout(world.device, &layout_info, nullptr, &layout_),
          "vkCreatePipelineLayout");
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, count};
    const VkDescriptorPoolCreateInfo pool_info{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                               .maxSets = 1,
                                               .poolSizeCount = 1,
                                               .pPoolSizes = &size};
    check(vkCreateDescriptorPool(world.device, &pool_info, nullptr, &pool_),
          "vkCreateDescriptorPool");
    const VkDescriptorSetAllocateInfo set_allocate{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = pool_,
        .descriptorSetCount = 1,
        .pSetLayouts = &set_layout_};
    check(vkAllocateDescriptorSets(world.device, &set_allocate, &set_), "vkAllocateDescriptorSets");
    uint32_t binding = 0;
    for (const Buffer* buffer : buffers) {
        const VkDescriptorBufferInfo info{buffer->handle(), 0, VK_WHOLE_SIZE};
        const VkWriteDescriptorSet write{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                         .dstSet = set_,
                                         .dstBinding = binding++,
                                         .descriptorCount = 1,
                                         .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                         .pBufferInfo = &info};
        vkUpdateDescriptorSets(world.device, 1, &write, 0, nullptr);
    }
    const Module module(world, spirv);
    const VkSpecializationMapEntry entry{0, 0, sizeof special};
    const VkSpecializationInfo constants{1, &entry, sizeof special, &special};
    const VkComputePipelineCreateInfo pipeline{
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module.handle(),
                  .pName = "main",
                  .pSpecializationInfo = &constants},
        .layout = layout_};
    check(vkCreateComputePipelines(world.device, cache, 1, &pipeline, nullptr, &pipeline_),
          "vkCreateComputePipelines");
}

Kernel::~Kernel() {
    vkDestroyPipeline(world_.device, pipeline_, nullptr);
    vkDestroyDescriptorPool(world_.device, pool_, nullptr);
    vkDestroyPipelineLayout(world_.device, layout_, nullptr);
    vkDestroyDescriptorSetLayout(world_.device, set_layout_, nullptr);
}

void Kernel::dispatch(VkCommandBuffer commands, const void* push, uint32_t push_bytes, uint32_t x,
                      uint32_t y) const {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                            nullptr);
    if (push_bytes != 0) {
        vkCmdPushConstants(commands, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes, push);
    }
    vkCmdDispatch(commands, x, y, 1);
    const VkMemoryBarrier barrier{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                  .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                  .dstAccessMask = VK_ACCESS_SHADER_READ_BIT |
                                                   VK_ACCESS_SHADER_WRITE_BIT |
                                                   VK_ACCESS_HOST_READ_BIT};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                         &barrier, 0, nullptr, 0, nullptr);
}

} // namespace kite::bench
