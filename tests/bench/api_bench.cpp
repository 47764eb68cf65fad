// SPDX-License-Identifier: MIT
//
// kite_bench_api: what the API costs on the first Vulkan device - fills, copies and blits, pipeline
// creation cold and warm, and the latency of an empty submission. Argument: copy, pipeline or
// submit (all without one). One line of JSON a result on stdout.
#include "vulkan_bench.hpp"

#include "special_comp.h"
#include "special_frag.h"
#include "special_vert.h"

#include <cstdio>
#include <memory>
#include <string_view>

namespace kite::bench {
namespace {

constexpr VkFormat kFormat = VK_FORMAT_R8G8B8A8_UNORM;

/// A 2D colour image in device memory.
struct Image {
    Image(World& w, uint32_t width, uint32_t height, VkImageUsageFlags usage) : world(w) {
        const VkImageCreateInfo info{.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                     .imageType = VK_IMAGE_TYPE_2D,
                                     .format = kFormat,
                                     .extent = {width, height, 1},
                                     .mipLevels = 1,
                                     .arrayLayers = 1,
                                     .samples = VK_SAMPLE_COUNT_1_BIT,
                                     .tiling = VK_IMAGE_TILING_OPTIMAL,
                                     .usage = usage};
        check(vkCreateImage(w.device, &info, nullptr, &image), "vkCreateImage");
        VkMemoryRequirements needs{};
        vkGetImageMemoryRequirements(w.device, image, &needs);
        const VkMemoryAllocateInfo allocate{
            .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
            .allocationSize = needs.size,
            .memoryTypeIndex =
                w.memory_type(needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)};
        check(vkAllocateMemory(w.device, &allocate, nullptr, &memory), "vkAllocateMemory");
        check(vkBindImageMemory(w.device, image, memory, 0), "vkBindImageMemory");
    }
    ~Image() {
        vkDestroyImage(world.device, image, nullptr);
        vkFreeMemory(world.device, memory, nullptr);
    }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;

    World& world;
    VkImage image = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
};

void to_general(VkCommandBuffer cmd, VkImage image) {
    const VkImageMemoryBarrier barrier{.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                       .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT |
                                                        VK_ACCESS_TRANSFER_WRITE_BIT,
                                       .oldLayout = VK_IMAGE_LAYOUT_UNDEFINED,
                                       .newLayout = VK_IMAGE_LAYOUT_GENERAL,
                                       .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                       .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                       .image = image,
                                       .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    vkCmdPipelineBarrier(cmd, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                         0, nullptr, 0, nullptr, 1, &barrier);
}

void copy_suite(World& world) {
    const VkDeviceSize bytes = VkDeviceSize{64} << 20;
    Buffer from(world, bytes);
    Buffer to(world, bytes);
    const auto measure = [&](const char* name, const char* unit, double amount, auto body) {
        const VkCommandBuffer commands = world.record(body);
        const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
        report({"copy", name, unit, "higher", amount / seconds / 1e9});
        world.release(commands);
    };
    const auto size = static_cast<double>(bytes);
    measure("fill", "GB/s", size, [&](VkCommandBuffer cmd) {
        vkCmdFillBuffer(cmd, from.handle(), 0, VK_WHOLE_SIZE, 0x12345678);
    });
    measure("copy", "GB/s", 2 * size, [&](VkCommandBuffer cmd) {
        const VkBufferCopy region{0, 0, bytes};
        vkCmdCopyBuffer(cmd, from.handle(), to.handle(), 1, &region);
    });
    if (to.as<uint32_t>().back() != 0x12345678) {
        fail("copy: the last word did not arrive");
    }
    const VkImageUsageFlags usage =
        VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    const Image source(world, 2048, 2048, usage);
    const Image target(world, 1600, 1200, usage);
    world.submit_and_wait(world.record([&](VkCommandBuffer cmd) {
        to_general(cmd, source.image);
        to_general(cmd, target.image);
        const VkClearColorValue color{.float32 = {0.2f, 0.4f, 0.6f, 1.0f}};
        const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        vkCmdClearColorImage(cmd, source.image, VK_IMAGE_LAYOUT_GENERAL, &color, 1, &range);
    }));
    const VkImageSubresourceLayers layers{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    measure("image_to_buffer", "GB/s", 2.0 * 2048 * 2048 * 4, [&](VkCommandBuffer cmd) {
        const VkBufferImageCopy region{0, 0, 0, layers, {}, {2048, 2048, 1}};
        vkCmdCopyImageToBuffer(cmd, source.image, VK_IMAGE_LAYOUT_GENERAL, to.handle(), 1, &region);
    });
    if (to.as<uint32_t>()[12345] != 0xff996633u) {
        fail("image_to_buffer: wrong colour");
    }
    measure("buffer_to_image", "GB/s", 2.0 * 2048 * 2048 * 4, [&](VkCommandBuffer cmd) {
        const VkBufferImageCopy region{0, 0, 0, layers, {}, {2048, 2048, 1}};
        vkCmdCopyBufferToImage(cmd, from.handle(), source.image, VK_IMAGE_LAYOUT_GENERAL, 1,
                               &region);
    });
    measure("blit_linear", "Gpixel/s", 1600.0 * 1200, [&](VkCommandBuffer cmd) {
        const VkImageBlit region{
            layers, {{0, 0, 0}, {2048, 2048, 1}}, layers, {{0, 0, 0}, {1600, 1200, 1}}};
        vkCmdBlitImage(cmd, source.image, VK_IMAGE_LAYOUT_GENERAL, target.image,
                       VK_IMAGE_LAYOUT_GENERAL, 1, &region, VK_FILTER_LINEAR);
    });
}

/// A render pass and layout that graphics pipelines of this bench are made for.
class GraphicsSetup {
public:
    explicit GraphicsSetup(World& world)
        : world_(world), vertex_(world, special_vert), fragment_(world, special_frag) {
        const VkAttachmentDescription attachment{.format = kFormat,
                                                 .samples = VK_SAMPLE_COUNT_1_BIT,
                                                 .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                                 .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
                                                 .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
                                                 .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
                                                 .finalLayout =
                                                     VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
        const VkAttachmentReference reference{0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
        const VkSubpassDescription subpass{.colorAttachmentCount = 1,
                                           .pColorAttachments = &reference};
        const VkRenderPassCreateInfo pass{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                          .attachmentCount = 1,
                                          .pAttachments = &attachment,
                                          .subpassCount = 1,
                                          .pSubpasses = &subpass};
        check(vkCreateRenderPass(world.device, &pass, nullptr, &pass_), "vkCreateRenderPass");
        const VkPipelineLayoutCreateInfo layout{.sType =
                                                    VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
        check(vkCreatePipelineLayout(world.device, &layout, nullptr, &layout_),
              "vkCreatePipelineLayout");
    }
    ~GraphicsSetup() {
        vkDestroyPipelineLayout(world_.device, layout_, nullptr);
        vkDestroyRenderPass(world_.device, pass_, nullptr);
    }
    GraphicsSetup(const GraphicsSetup&) = delete;
    GraphicsSetup& operator=(const GraphicsSetup&) = delete;

    /// Creates and destroys one pipeline; returns the seconds the creation took.
    double create(uint32_t seed, VkPipelineCache cache) {
        const VkSpecializationMapEntry entry{0, 0, sizeof seed};
        const VkSpecializationInfo special{1, &entry, sizeof seed, &seed};
        const auto stage = [&](VkShaderStageFlagBits bit, const Module& module) {
            return VkPipelineShaderStageCreateInfo{
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = bit,
                .module = module.handle(),
                .pName = "main",
                .pSpecializationInfo = &special};
        };
        const VkPipelineShaderStageCreateInfo stages[] = {
            stage(VK_SHADER_STAGE_VERTEX_BIT, vertex_),
            stage(VK_SHADER_STAGE_FRAGMENT_BIT, fragment_)};
        const VkPipelineVertexInputStateCreateInfo input{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO};
        const VkPipelineInputAssemblyStateCreateInfo assembly{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
            .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST};
        const VkViewport area{0, 0, 64, 64, 0, 1};
        const VkRect2D scissor{{0, 0}, {64, 64}};
        const VkPipelineViewportStateCreateInfo viewport{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
            .viewportCount = 1,
            .pViewports = &area,
            .scissorCount = 1,
            .pScissors = &scissor};
        const VkPipelineRasterizationStateCreateInfo raster{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
            .cullMode = VK_CULL_MODE_NONE,
            .lineWidth = 1.0f};
        const VkPipelineMultisampleStateCreateInfo samples{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
            .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT};
        const VkPipelineColorBlendAttachmentState mask{.colorWriteMask = 0xf};
        const VkPipelineColorBlendStateCreateInfo blend{
            .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
            .attachmentCount = 1,
            .pAttachments = &mask};
        const VkGraphicsPipelineCreateInfo info{.sType =
                                                    VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                                .stageCount = 2,
                                                .pStages = stages,
                                                .pVertexInputState = &input,
                                                .pInputAssemblyState = &assembly,
                                                .pViewportState = &viewport,
                                                .pRasterizationState = &raster,
                                                .pMultisampleState = &samples,
                                                .pColorBlendState = &blend,
                                                .layout = layout_,
                                                .renderPass = pass_};
        VkPipeline pipeline = VK_NULL_HANDLE;
        const double start = now_seconds();
        check(vkCreateGraphicsPipelines(world_.device, cache, 1, &info, nullptr, &pipeline),
              "vkCreateGraphicsPipelines");
        const double seconds = now_seconds() - start;
        vkDestroyPipeline(world_.device, pipeline, nullptr);
        return seconds;
    }

private:
    World& world_;
    Module vertex_;
    Module fragment_;
    VkRenderPass pass_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
};

/// Sixteen different pipelines of each kind, first with an empty cache and then with a full one.
/// Compute times include the first dispatch, so a driver that compiles late gains nothing.
void pipeline_suite(World& world) {
    constexpr uint32_t kPipelines = 16;
    const VkPipelineCacheCreateInfo info{.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    VkPipelineCache cache = VK_NULL_HANDLE;
    check(vkCreatePipelineCache(world.device, &info, nullptr, &cache), "vkCreatePipelineCache");
    Buffer data(world, 4096);
    GraphicsSetup graphics(world);
    for (const char* state : {"cold", "warm"}) {
        double compute_seconds = 0;
        double graphics_seconds = 0;
        for (uint32_t seed = 1; seed <= kPipelines; ++seed) {
            const double start = now_seconds();
            {
                const Kernel kernel(world, special_comp, {&data}, seed, cache);
                const VkCommandBuffer commands =
                    world.record([&](VkCommandBuffer cmd) { kernel.dispatch(cmd, nullptr, 0, 1); });
                world.submit_and_wait(commands);
                compute_seconds += now_seconds() - start;
                world.release(commands);
            }
            graphics_seconds += graphics.create(seed, cache);
        }
        const std::string prefix(state);
        report({"pipeline", prefix + "_compute_and_first_use", "ms", "lower",
                compute_seconds / kPipelines * 1e3});
        report(
            {"pipeline", prefix + "_graphics", "ms", "lower", graphics_seconds / kPipelines * 1e3});
    }
    vkDestroyPipelineCache(world.device, cache, nullptr);
}

void submit_suite(World& world) {
    constexpr int kSubmissions = 200;
    const double seconds = median_seconds([&] {
        const double start = now_seconds();
        for (int i = 0; i < kSubmissions; ++i) {
            world.submit_and_wait(VK_NULL_HANDLE);
        }
        return now_seconds() - start;
    });
    report({"submit", "empty_latency", "us", "lower", seconds / kSubmissions * 1e6});
    const VkCommandBuffer commands = world.record([](VkCommandBuffer) {});
    const double with_buffer = median_seconds([&] {
        const double start = now_seconds();
        for (int i = 0; i < kSubmissions; ++i) {
            world.submit_and_wait(commands);
        }
        return now_seconds() - start;
    });
    report({"submit", "empty_commands_latency", "us", "lower", with_buffer / kSubmissions * 1e6});
}

int run(int argc, char** argv) {
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    World world;
    std::fprintf(stderr, "device: %s\n", world.properties.deviceName);
    bool any = false;
    const auto suite = [&](const char* name, void (*body)(World&)) {
        if (wanted.empty() || wanted == name) {
            body(world);
            any = true;
        }
    };
    suite("pipeline", pipeline_suite);
    suite("copy", copy_suite);
    suite("submit", submit_suite);
    if (!any) {
        fail("no suite " + std::string(wanted));
    }
    return 0;
}

} // namespace
} // namespace kite::bench

int main(int argc, char** argv) {
    return kite::bench::run(argc, argv);
}
