// SPDX-License-Identifier: MIT
// Out-of-bounds accesses, null descriptors, damaged pipeline caches, endless shaders.
#include "tests/vulkan/harness/graphics.hpp"

#include "robust_shaders.hpp"

#include <algorithm>
#include <chrono>

using namespace kite::vktest;

namespace {

class Robust : public GraphicsTest {};

/*glsl bounds.comp
layout(local_size_x = 32) in;
layout(push_constant) uniform P { uint far; };
layout(set = 0, binding = 0) buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer R { uint r[]; };
void main() {
    uint i = gl_LocalInvocationIndex;
    r[i] = a[i * far];
    a[64 + i * far] = 0xBADu;
    atomicAdd(a[64 + i * far], 1);
    if (i == 0) r[32] = a.length();
}
*/
TEST_F(Robust, BufferAccess) {
    if (!world.features.core.robustBufferAccess) {
        GTEST_SKIP() << "no robustBufferAccess";
    }
    // The descriptor shows 256 bytes in the middle of a buffer; all around must stay as it is.
    // Without robustBufferAccess2 the specification lets writes go anywhere in the buffer.
    const bool strict = world.is_kite || world.features.robustness2.robustBufferAccess2 != 0;
    const Buffer data = buffer(4096), out = buffer(256);
    for (const uint32_t far : {1U, 7U, 1000U, 0x1000000U, 0x3FFFFFF1U}) {
        if (!strict && far > 1) {
            continue; // SwiftShader crashes on far offsets
        }
        std::memset(data.data, 0, data.size_bytes);
        for (uint32_t i = 0; i < 64; ++i) {
            data.as<uint32_t>()[256 + i] = i + 1;
        }
        compute(
            glsl::bounds_comp,
            {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, {{data.handle, 1024, 256}}, {}, {}}, storage(out)},
            {1, 1, 1}, {{far}});
        for (uint32_t i = 0; i < 32; ++i) {
            const uint64_t at = (uint64_t{i} * far) & 0xFFFFFFFF;
            if (at < 64) {
                ASSERT_EQ(out.as<uint32_t>()[i], at + 1) << far << " lane " << i;
            }
        }
        EXPECT_EQ(out.as<uint32_t>()[32], 64U);
        for (uint32_t i = 0; strict && i < 256; ++i) {
            ASSERT_EQ(data.as<uint32_t>()[i], 0U) << "before, " << far;
            ASSERT_EQ(data.as<uint32_t>()[320 + i], 0U) << "after, " << far;
        }
    }
}

/*glsl tails.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform A { vec4 a[64]; };
layout(set = 0, binding = 1) buffer R { vec4 r[]; };
layout(push_constant) uniform P { int at; };
void main() { r[0] = a[at]; r[1] = a[0]; }
*/
TEST_F(Robust, UniformBufferShorterThanTheBlock) {
    if (!world.features.core.robustBufferAccess) {
        GTEST_SKIP() << "no robustBufferAccess";
    }
    const Buffer data = buffer(1024), out = buffer(32);
    std::ranges::fill(data.as<float>(), 5.0F);
    compute(glsl::tails_comp,
            {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, {{data.handle, 0, 1024}}, {}, {}}, storage(out)},
            {1, 1, 1}, {{0x7FFFFFFFU}});
    EXPECT_EQ(out.as<float>()[4], 5.0F);
}

TEST_F(Robust, VertexAndIndexBuffers) {
    if (!world.features.core.robustBufferAccess) {
        GTEST_SKIP() << "no robustBufferAccess";
    }
    const Target t = target({});
    const Buffer vertices = buffer_of(rectangle(t, 0, 0, 16, 16));
    const Buffer indices = buffer_of(std::vector<uint32_t>{0, 1, 2, 0xFFFFFFF0, 0x10000000, 7000});
    const VkPipeline made = pipeline(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag});
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &vertices.handle, &zero);
        vkCmdBindIndexBuffer(c, indices.handle, 0, VK_INDEX_TYPE_UINT32);
        vkCmdDrawIndexed(c, 6, 1, 0, 0, 0);
    });
    EXPECT_EQ(read<uint32_t>(t.result())[15], 0xFFFFFFFFU); // the first triangle is whole
}

/*glsl images.comp
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, r32ui) uniform uimage2D image;
layout(set = 0, binding = 1) buffer R { uint r[]; };
void main() {
    ivec2 p = (ivec2(gl_LocalInvocationID.xy) - 4) * 100000;
    if (p != ivec2(0)) { imageStore(image, p, uvec4(99)); imageAtomicAdd(image, p, 1u); }
    r[gl_LocalInvocationIndex] = imageLoad(image, p).x;
}
*/
TEST_F(Robust, ImageAccess) {
    const Image target_image =
        image({.format = VK_FORMAT_R32_UINT, .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    write(target_image, std::vector<uint32_t>(256, 1));
    const Buffer out = buffer(256);
    compute(glsl::images_comp, {storage_image(target_image.view), storage(out)}, {1, 1, 1});
    EXPECT_EQ(read<uint32_t>(target_image), std::vector<uint32_t>(256, 1));
    EXPECT_EQ(out.as<uint32_t>()[4 * 8 + 4], 1U);
}

/*glsl nulls.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer A { uint a[]; };
layout(set = 0, binding = 1) uniform sampler2D image;
layout(set = 0, binding = 2) buffer R { uint r[]; };
void main() {
    a[3] = 4;
    r[0] = a[5];
    r[1] = floatBitsToUint(textureLod(image, vec2(0.5), 0.0).x);
    r[2] = 7;
}
*/
TEST_F(Robust, NullDescriptors) {
    if (!world.features.robustness2.nullDescriptor) {
        GTEST_SKIP() << "no nullDescriptor";
    }
    const Buffer out = buffer(16);
    out.as<uint32_t>()[0] = out.as<uint32_t>()[1] = 5;
    compute(glsl::nulls_comp,
            {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, {{VK_NULL_HANDLE, 0, VK_WHOLE_SIZE}}, {}, {}},
             sampled(VK_NULL_HANDLE, sampler(nearest())),
             storage(out)},
            {1, 1, 1});
    EXPECT_EQ(out.as<uint32_t>()[0], 0U);
    EXPECT_EQ(out.as<uint32_t>()[1], 0U);
    EXPECT_EQ(out.as<uint32_t>()[2], 7U);
}

/*glsl work.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() { r[gl_WorkGroupID.x] = gl_WorkGroupID.x * 3; }
*/
class RobustCache : public Robust {
protected:
    VkPipelineCache cache(std::span<const uint8_t> data) {
        const VkPipelineCacheCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                             .initialDataSize = data.size(),
                                             .pInitialData = data.data()};
        VkPipelineCache made = VK_NULL_HANDLE;
        must(vkCreatePipelineCache(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyPipelineCache(device, made, nullptr); });
        return made;
    }
    std::vector<uint8_t> data_of(VkPipelineCache which) {
        size_t size = 0;
        must(vkGetPipelineCacheData(device, which, &size, nullptr));
        std::vector<uint8_t> data(size);
        must(vkGetPipelineCacheData(device, which, &size, data.data()));
        data.resize(size);
        return data;
    }
    /// Creates the pipeline through the cache and runs it.
    void use(VkPipelineCache which) {
        const Buffer out = buffer(64);
        const auto bound = descriptors({storage(out)});
        const VkComputePipelineCreateInfo info{
            .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                      .module = module(glsl::work_comp),
                      .pName = "main"},
            .layout = bound.layout};
        VkPipeline made = VK_NULL_HANDLE;
        must(vkCreateComputePipelines(device, which, 1, &info, nullptr, &made));
        run([&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, made);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                                    &bound.set, 0, nullptr);
            vkCmdDispatch(c, 16, 1, 1);
        });
        for (uint32_t i = 0; i < 16; ++i) {
            ASSERT_EQ(out.as<uint32_t>()[i], i * 3);
        }
        vkDestroyPipeline(device, made, nullptr);
    }
};

TEST_F(RobustCache, RoundTripAndMerge) {
    const VkPipelineCache first = cache({});
    use(first);
    const auto data = data_of(first);
    ASSERT_GE(data.size(), sizeof(VkPipelineCacheHeaderVersionOne));
    VkPipelineCacheHeaderVersionOne header;
    std::memcpy(&header, data.data(), sizeof(header));
    EXPECT_EQ(header.headerSize, 32U);
    EXPECT_EQ(header.headerVersion, VK_PIPELINE_CACHE_HEADER_VERSION_ONE);
    EXPECT_EQ(header.vendorID, world.properties.vendorID);
    EXPECT_EQ(header.deviceID, world.properties.deviceID);
    EXPECT_EQ(std::memcmp(header.pipelineCacheUUID, world.properties.pipelineCacheUUID, 16), 0);
    const VkPipelineCache second = cache(data);
    use(second);
    EXPECT_GE(data_of(second).size(), data.size());
    const VkPipelineCache sources[] = {first, second};
    const VkPipelineCache merged = cache({});
    EXPECT_EQ(vkMergePipelineCaches(device, merged, 2, sources), VK_SUCCESS);
    use(merged);
    // A buffer that is too small is filled with whole entries and says so.
    size_t size = data.size() - 1;
    std::vector<uint8_t> part(size + 16, 0xAB);
    EXPECT_EQ(vkGetPipelineCacheData(device, first, &size, part.data()), VK_INCOMPLETE);
    EXPECT_LE(size, data.size() - 1);
    EXPECT_EQ(part[data.size() - 1], 0xAB);
}

TEST_F(RobustCache, TruncatedAndDamagedData) {
    if (!world.is_kite) {
        GTEST_SKIP() << "damaged data is invalid use; only Kite promises to survive it";
    }
    const VkPipelineCache good = cache({});
    use(good);
    const auto data = data_of(good);
    for (size_t size = 0; size < data.size(); size += 1 + size / 8) {
        use(cache(std::span(data).first(size)));
    }
    for (size_t at = 0; at < data.size(); at += 1 + data.size() / 40) {
        auto bad = data;
        bad[at] ^= 0x41;
        use(cache(bad));
    }
    std::vector<uint8_t> noise(4096);
    for (size_t i = 0; i < noise.size(); ++i) {
        noise[i] = static_cast<uint8_t>(i * i * 31 + i);
    }
    use(cache(noise));
    std::copy_n(data.begin(), 32, noise.begin()); // a good header before garbage
    use(cache(noise));
    world.take_messages(); // the layer complains about headers that don't match
}

/*glsl endless.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() { while (r[1] == 0) { atomicAdd(r[0], 1); } }
*/
TEST_F(Robust, EndlessLoopLosesTheDeviceAndTheProcessLives) {
    if (!world.is_kite) {
        GTEST_SKIP() << "only Kite ends endless shaders";
    }
    World own;
    const VkShaderModuleCreateInfo module_info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                               .codeSize = sizeof(glsl::endless_comp),
                                               .pCode = glsl::endless_comp};
    VkShaderModule shader = VK_NULL_HANDLE;
    must(vkCreateShaderModule(own.device, &module_info, nullptr, &shader));
    const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                               VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    const VkDescriptorSetLayoutCreateInfo set_info{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 1,
        .pBindings = &binding};
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    must(vkCreateDescriptorSetLayout(own.device, &set_info, nullptr, &set_layout));
    const VkPipelineLayoutCreateInfo layout_info{.sType =
                                                     VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                 .setLayoutCount = 1,
                                                 .pSetLayouts = &set_layout};
    VkPipelineLayout layout = VK_NULL_HANDLE;
    must(vkCreatePipelineLayout(own.device, &layout_info, nullptr, &layout));
    const VkComputePipelineCreateInfo info{
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = shader,
                  .pName = "main"},
        .layout = layout};
    VkPipeline made = VK_NULL_HANDLE;
    must(vkCreateComputePipelines(own.device, VK_NULL_HANDLE, 1, &info, nullptr, &made));
    const VkBufferCreateInfo buffer_info{.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                         .size = 64,
                                         .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    VkBuffer data = VK_NULL_HANDLE;
    must(vkCreateBuffer(own.device, &buffer_info, nullptr, &data));
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(own.device, data, &needs);
    const VkMemoryAllocateInfo allocate{.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                        .allocationSize = needs.size,
                                        .memoryTypeIndex =
                                            own.memory_type(needs.memoryTypeBits, 0)};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    must(vkAllocateMemory(own.device, &allocate, nullptr, &memory));
    must(vkBindBufferMemory(own.device, data, memory, 0));
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
    const VkDescriptorPoolCreateInfo pool_info{.sType =
                                                   VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                               .maxSets = 1,
                                               .poolSizeCount = 1,
                                               .pPoolSizes = &size};
    VkDescriptorPool pool = VK_NULL_HANDLE;
    must(vkCreateDescriptorPool(own.device, &pool_info, nullptr, &pool));
    const VkDescriptorSetAllocateInfo set_allocate{
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &set_layout};
    VkDescriptorSet set = VK_NULL_HANDLE;
    must(vkAllocateDescriptorSets(own.device, &set_allocate, &set));
    const VkDescriptorBufferInfo whole{data, 0, VK_WHOLE_SIZE};
    const VkWriteDescriptorSet update{.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                      .dstSet = set,
                                      .descriptorCount = 1,
                                      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                      .pBufferInfo = &whole};
    vkUpdateDescriptorSets(own.device, 1, &update, 0, nullptr);
    const VkCommandBufferAllocateInfo commands_info{
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = own.pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    must(vkAllocateCommandBuffers(own.device, &commands_info, &commands));
    const VkCommandBufferBeginInfo begin_info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    must(vkBeginCommandBuffer(commands, &begin_info));
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, made);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0,
                            nullptr);
    vkCmdDispatch(commands, 1, 1, 1);
    must(vkEndCommandBuffer(commands));
    const VkSubmitInfo submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                              .commandBufferCount = 1,
                              .pCommandBuffers = &commands};
    const auto start = std::chrono::steady_clock::now();
    VkResult result = vkQueueSubmit(own.queue, 1, &submit, VK_NULL_HANDLE);
    if (result == VK_SUCCESS) {
        result = vkDeviceWaitIdle(own.device);
    }
    EXPECT_EQ(result, VK_ERROR_DEVICE_LOST);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
    EXPECT_EQ(vkQueueSubmit(own.queue, 1, &submit, VK_NULL_HANDLE), VK_ERROR_DEVICE_LOST);
    vkDestroyDescriptorPool(own.device, pool, nullptr);
    vkDestroyBuffer(own.device, data, nullptr);
    vkFreeMemory(own.device, memory, nullptr);
    vkDestroyPipeline(own.device, made, nullptr);
    vkDestroyPipelineLayout(own.device, layout, nullptr);
    vkDestroyDescriptorSetLayout(own.device, set_layout, nullptr);
    vkDestroyShaderModule(own.device, shader, nullptr);
    // The other device of the process still works.
    const Buffer alive = buffer(16);
    run([&](VkCommandBuffer c) { vkCmdFillBuffer(c, alive.handle, 0, 16, 1); });
    EXPECT_EQ(alive.as<uint32_t>()[3], 1U);
}

} // namespace
