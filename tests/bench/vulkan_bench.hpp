// SPDX-License-Identifier: MIT
//
// A small Vulkan world for measuring: one device, one queue, buffers, compute pipelines, timing.
//
// The programs in this folder know nothing of Kite; they use the first device the loader shows, so
// ./kite bench runs the same binary on every driver. World owns the device; Buffer and Kernel own
// their objects and must go before it. Single-threaded. Failure: a bench has no one to hand an
// error to, so check() prints what failed and ends the process with status 1.
//
//     World world;
//     Buffer data(world, 1 << 20);
//     Kernel kernel(world, saxpy_spirv, {&data, &data});
//     report({"compute", "saxpy", "GB/s", "higher", bytes / 1e9 / time_dispatch(...)});
#pragma once

#include <vulkan/vulkan.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace kite::bench {

/// Ends the process with a message when a call failed.
void check(VkResult result, const char* what);

/// Ends the process with a message when something else went wrong.
[[noreturn]] void fail(const std::string& what);

/// One measured number; `better` is "higher" or "lower".
struct Sample {
    const char* suite;
    std::string name;
    const char* unit;
    const char* better;
    double value;
};

/// Prints the sample as one line of JSON on stdout.
void report(const Sample& sample);

/// The largest resident memory of this process so far, in MiB.
double peak_mib();

/// Seconds on a clock that only goes forward.
double now_seconds();

/// Runs `body` (which returns its seconds) until `at_least_seconds` and three runs have passed,
/// after one run that does not count; returns the median.
double median_seconds(const std::function<double()>& body, double at_least_seconds = 0.4);

/// Instance, device, queue and a command pool.
class World {
public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Index of a memory type that has `wanted` and is in `allowed_bits`.
    uint32_t memory_type(uint32_t allowed_bits, VkMemoryPropertyFlags wanted) const;
    /// Records with `record` and leaves the command buffer ready for submit_and_wait().
    VkCommandBuffer record(const std::function<void(VkCommandBuffer)>& record);
    /// Submits and waits; returns the seconds between.
    double submit_and_wait(VkCommandBuffer commands);
    /// Frees a command buffer made by record().
    void release(VkCommandBuffer commands);

    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    VkPhysicalDeviceProperties properties{};
    VkPhysicalDeviceMemoryProperties memory{};
};

/// A host-visible storage and transfer buffer, mapped for its whole life.
class Buffer {
public:
    /// In memory that the CPU sees, with these properties besides.
    Buffer(World& world, VkDeviceSize size_bytes, VkMemoryPropertyFlags more = 0);
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    /// The contents as an array of T.
    template <typename T>
    std::span<T> as() {
        return {static_cast<T*>(mapped_), static_cast<size_t>(size_bytes_ / sizeof(T))};
    }
    VkBuffer handle() const { return buffer_; }
    VkDeviceSize size_bytes() const { return size_bytes_; }

private:
    World& world_;
    VkDeviceSize size_bytes_;
    VkBuffer buffer_ = VK_NULL_HANDLE;
    VkDeviceMemory memory_ = VK_NULL_HANDLE;
    void* mapped_ = nullptr;
};

/// A compute pipeline with storage buffers at bindings 0, 1, ... and 16 bytes of push constants.
/// Specialisation constant 0, where the shader has it, is `special`.
class Kernel {
public:
    Kernel(World& world, std::span<const uint32_t> spirv, std::initializer_list<Buffer*> buffers,
           uint32_t special = 0, VkPipelineCache cache = VK_NULL_HANDLE);
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    /// Records one dispatch followed by a barrier that orders the next one after it.
    void dispatch(VkCommandBuffer commands, const void* push, uint32_t push_bytes, uint32_t x,
                  uint32_t y = 1) const;

private:
    World& world_;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
};

/// A shader module that lives for one scope.
class Module {
public:
    Module(World& world, std::span<const uint32_t> spirv);
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;
    VkShaderModule handle() const { return module_; }

private:
    World& world_;
    VkShaderModule module_ = VK_NULL_HANDLE;
};

} // namespace kite::bench
