// SPDX-License-Identifier: MIT
//
// VulkanTest: the fixture of the API tests, an arena of Vulkan objects with one-line creation.
//
// Everything a test makes through the fixture lives until the test's end and is destroyed in
// reverse order. Images are brought into VK_IMAGE_LAYOUT_GENERAL when made and stay there unless a
// test says otherwise; run() records, submits and waits, with full barriers at both ends, so a
// test holds only what it is about. A message from the validation layer fails the test. Single
// thread unless a test makes its own pools. Failure: Vulkan errors throw (see must()).
//
//     auto data = buffer(256);
//     run([&](VkCommandBuffer c) { vkCmdFillBuffer(c, data.handle, 0, 256, 7); });
//     EXPECT_EQ(data.as<uint32_t>()[0], 7u);
#pragma once

#include "tests/vulkan/harness/world.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

namespace kite::vktest {

/// SPIR-V words.
using Spirv = std::span<const uint32_t>;

/// A host-visible, coherent, mapped buffer.
struct Buffer {
    VkBuffer handle = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size_bytes = 0;
    void* data = nullptr;
    /// The contents as an array of T.
    template <typename T>
    std::span<T> as() const {
        return {static_cast<T*>(data), static_cast<size_t>(size_bytes / sizeof(T))};
    }
};

/// What an image is; the transfer usages are always added.
struct ImageInfo {
    VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
    uint32_t width = 16, height = 16, depth = 1;
    uint32_t levels = 1, layers = 1;
    VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT;
    VkImageType type = VK_IMAGE_TYPE_2D;
    VkImageUsageFlags usage = VK_IMAGE_USAGE_SAMPLED_BIT;
    VkImageCreateFlags flags = 0;
    VkImageTiling tiling = VK_IMAGE_TILING_OPTIMAL;
    bool no_view = false; ///< the test makes its own
};

/// An image with its memory; `view` shows all of it where its usage allows a view.
struct Image {
    VkImage handle = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkImageView view = VK_NULL_HANDLE;
    ImageInfo info;
    VkImageAspectFlags aspects = 0;
    /// Extent of a mip level.
    VkExtent3D extent(uint32_t level = 0) const;
    /// Layers of one level, all aspects unless one is given.
    VkImageSubresourceLayers at(uint32_t level, uint32_t layer = 0, uint32_t layers = 1,
                                VkImageAspectFlags aspect = 0) const;
    /// The whole image.
    VkImageSubresourceRange all() const;
};

/// What one binding of the descriptor set holds; binding numbers count from 0.
struct Bind {
    VkDescriptorType type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    std::vector<VkDescriptorBufferInfo> buffers;
    std::vector<VkDescriptorImageInfo> images;
    std::vector<VkBufferView> texels;
    std::vector<VkSampler> immutable; ///< samplers of the layout
};

/// Buffer bindings.
Bind storage(const Buffer& buffer);
Bind uniform(const Buffer& buffer);
/// Image bindings in VK_IMAGE_LAYOUT_GENERAL.
Bind sampled(VkImageView view, VkSampler sampler);
Bind storage_image(VkImageView view);

/// A descriptor set with its layouts; the pipeline layout has 128 bytes of push constants for all
/// stages.
struct Descriptors {
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkDescriptorSet set = VK_NULL_HANDLE;
};

/// Values of specialisation constants 0, 1, ...
using Specials = std::vector<uint32_t>;

/// See the head of this file.
class VulkanTest : public ::testing::Test {
protected:
    VulkanTest() : world(World::shared()), device(world.device) {}
    void TearDown() override;

    /// Destroys something at the test's end.
    void defer(std::function<void()> destroy) { deferred_.push_back(std::move(destroy)); }

    Buffer buffer(VkDeviceSize size_bytes,
                  VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                             VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                                             VK_BUFFER_USAGE_VERTEX_BUFFER_BIT |
                                             VK_BUFFER_USAGE_INDEX_BUFFER_BIT |
                                             VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
    /// A buffer that holds a copy of `values`.
    template <typename T>
    Buffer buffer_of(const std::vector<T>& values) {
        Buffer made = buffer(values.size() * sizeof(T));
        std::memcpy(made.data, values.data(), values.size() * sizeof(T));
        return made;
    }
    Image image(const ImageInfo& info);
    VkImageView view(const Image& image, VkImageViewType type, VkImageSubresourceRange range,
                     VkComponentMapping swizzle = {}, VkFormat format = VK_FORMAT_UNDEFINED);
    VkBufferView texels(const Buffer& buffer, VkFormat format);
    VkSampler sampler(const VkSamplerCreateInfo& info);
    /// Nearest filtering with one address mode for all axes and all levels allowed.
    static VkSamplerCreateInfo
    nearest(VkSamplerAddressMode mode = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE);

    /// Records with `record`, submits, waits; everything before and after it is visible.
    void run(const std::function<void(VkCommandBuffer)>& record);
    /// A command buffer from the world's pool, freed at the test's end.
    VkCommandBuffer command_buffer(VkCommandBufferLevel level = VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    /// Everything before becomes visible to everything after, the host included.
    static void barrier(VkCommandBuffer commands);
    /// Moves the whole image between layouts with a full barrier.
    static void transition(VkCommandBuffer commands, const Image& image, VkImageLayout from,
                           VkImageLayout to);

    /// Bytes of one level and layer range, tightly packed.
    std::vector<uint8_t> read_bytes(const Image& image, uint32_t level = 0, uint32_t layer = 0,
                                    VkImageAspectFlags aspect = 0);
    template <typename T>
    std::vector<T> read(const Image& image, uint32_t level = 0, uint32_t layer = 0,
                        VkImageAspectFlags aspect = 0) {
        const auto bytes = read_bytes(image, level, layer, aspect);
        std::vector<T> values(bytes.size() / sizeof(T));
        std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
        return values;
    }
    /// Fills one level of one layer from tightly packed texels.
    void write_bytes(const Image& image, std::span<const uint8_t> bytes, uint32_t level = 0,
                     uint32_t layer = 0, VkImageAspectFlags aspect = 0);
    template <typename T>
    void write(const Image& image, const std::vector<T>& texels, uint32_t level = 0,
               uint32_t layer = 0, VkImageAspectFlags aspect = 0) {
        write_bytes(image,
                    {reinterpret_cast<const uint8_t*>(texels.data()), texels.size() * sizeof(T)},
                    level, layer, aspect);
    }

    VkShaderModule module(Spirv spirv);
    Descriptors descriptors(const std::vector<Bind>& binds);
    VkPipeline compute_pipeline(Spirv spirv, VkPipelineLayout layout,
                                const Specials& specials = {});
    /// Binds, pushes and dispatches one compute shader and waits.
    void compute(Spirv spirv, const std::vector<Bind>& binds, std::array<uint32_t, 3> groups,
                 std::span<const uint32_t> push = {}, const Specials& specials = {});

    World& world;
    VkDevice device;

private:
    std::vector<std::function<void()>> deferred_;
};

} // namespace kite::vktest
