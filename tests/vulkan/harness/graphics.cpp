// SPDX-License-Identifier: MIT
#include "tests/vulkan/harness/graphics.hpp"

#include "tests/vulkan/harness/format.hpp"

namespace kite::vktest {
namespace {

VkAttachmentDescription attachment(VkFormat format, VkSampleCountFlagBits samples,
                                   VkAttachmentLoadOp load) {
    return {.format = format,
            .samples = samples,
            .loadOp = load,
            .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
            .stencilLoadOp = load,
            .stencilStoreOp = VK_ATTACHMENT_STORE_OP_STORE,
            .initialLayout = VK_IMAGE_LAYOUT_GENERAL,
            .finalLayout = VK_IMAGE_LAYOUT_GENERAL};
}

VkSubpassDependency full_dependency(uint32_t from, uint32_t to) {
    const auto stages = [](uint32_t subpass) -> VkPipelineStageFlags {
        return subpass == VK_SUBPASS_EXTERNAL ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT
                                              : VK_PIPELINE_STAGE_ALL_GRAPHICS_BIT;
    };
    return {.srcSubpass = from,
            .dstSubpass = to,
            .srcStageMask = stages(from),
            .dstStageMask = stages(to),
            .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
            .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
}

template <typename T>
uint32_t count_of(const T& items) {
    return static_cast<uint32_t>(items.size());
}

} // namespace

VkPipelineColorBlendAttachmentState opaque() {
    return {.colorWriteMask = 0xF};
}

VkStencilOpState stencil_keep() {
    return {.compareOp = VK_COMPARE_OP_ALWAYS, .compareMask = 0xFF, .writeMask = 0xFF};
}

Target GraphicsTest::target(TargetInfo info) {
    Target made;
    made.info = info;
    std::vector<VkAttachmentDescription> attachments;
    std::vector<VkAttachmentReference> colors, resolves;
    std::vector<VkImageView> views;
    const auto add = [&](VkFormat format, VkSampleCountFlagBits samples, VkImageUsageFlags usage,
                         VkAttachmentLoadOp load) {
        attachments.push_back(attachment(format, samples, load));
        const Image made_image = image({.format = format,
                                        .width = info.width,
                                        .height = info.height,
                                        .layers = info.layers,
                                        .samples = samples,
                                        .usage = usage});
        views.push_back(made_image.view);
        return made_image;
    };
    for (const VkFormat format : info.colors) {
        colors.push_back({count_of(attachments), VK_IMAGE_LAYOUT_GENERAL});
        made.colors.push_back(add(format, info.samples,
                                  VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT |
                                      VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT,
                                  info.load));
        made.clears.push_back({});
    }
    VkAttachmentReference depth{VK_ATTACHMENT_UNUSED, VK_IMAGE_LAYOUT_GENERAL};
    if (info.depth != VK_FORMAT_UNDEFINED) {
        depth.attachment = count_of(attachments);
        made.depth =
            add(info.depth, info.samples, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT, info.load);
        made.clears.push_back({.depthStencil = {1.0F, 0}});
    }
    if (info.samples != VK_SAMPLE_COUNT_1_BIT) {
        for (const VkFormat format : info.colors) {
            resolves.push_back({count_of(attachments), VK_IMAGE_LAYOUT_GENERAL});
            made.resolved.push_back(add(format, VK_SAMPLE_COUNT_1_BIT,
                                        VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
                                        VK_ATTACHMENT_LOAD_OP_DONT_CARE));
            made.clears.push_back({});
        }
    }
    const VkSubpassDescription subpass{.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
                                       .colorAttachmentCount = count_of(colors),
                                       .pColorAttachments = colors.data(),
                                       .pResolveAttachments =
                                           resolves.empty() ? nullptr : resolves.data(),
                                       .pDepthStencilAttachment = &depth};
    const VkSubpassDependency dependencies[] = {full_dependency(VK_SUBPASS_EXTERNAL, 0),
                                                full_dependency(0, VK_SUBPASS_EXTERNAL)};
    const VkRenderPassMultiviewCreateInfo multiview{
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_MULTIVIEW_CREATE_INFO,
        .subpassCount = 1,
        .pViewMasks = &info.view_mask};
    const VkRenderPassCreateInfo pass_info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
                                           .pNext = info.view_mask != 0 ? &multiview : nullptr,
                                           .attachmentCount = count_of(attachments),
                                           .pAttachments = attachments.data(),
                                           .subpassCount = 1,
                                           .pSubpasses = &subpass,
                                           .dependencyCount = 2,
                                           .pDependencies = dependencies};
    must(vkCreateRenderPass(device, &pass_info, nullptr, &made.pass));
    defer([this, pass = made.pass] { vkDestroyRenderPass(device, pass, nullptr); });
    const VkFramebufferCreateInfo framebuffer_info{.sType =
                                                       VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
                                                   .renderPass = made.pass,
                                                   .attachmentCount = count_of(views),
                                                   .pAttachments = views.data(),
                                                   .width = info.width,
                                                   .height = info.height,
                                                   .layers = info.view_mask != 0 ? 1 : info.layers};
    must(vkCreateFramebuffer(device, &framebuffer_info, nullptr, &made.framebuffer));
    defer([this, framebuffer = made.framebuffer] {
        vkDestroyFramebuffer(device, framebuffer, nullptr);
    });
    return made;
}

VkPipelineLayout GraphicsTest::plain_layout() {
    return descriptors({}).layout;
}

VkPipeline GraphicsTest::pipeline(const Target& target, DrawState state) {
    std::vector<VkSpecializationMapEntry> entries;
    for (uint32_t i = 0; i < state.specials.size(); ++i) {
        entries.push_back({i, i * 4, 4});
    }
    const VkSpecializationInfo special{count_of(entries), entries.data(), state.specials.size() * 4,
                                       state.specials.data()};
    std::vector<VkPipelineShaderStageCreateInfo> stages;
    for (const auto& [spirv, stage] :
         {std::pair(state.vert, VK_SHADER_STAGE_VERTEX_BIT),
          std::pair(state.tesc, VK_SHADER_STAGE_TESSELLATION_CONTROL_BIT),
          std::pair(state.tese, VK_SHADER_STAGE_TESSELLATION_EVALUATION_BIT),
          std::pair(state.geom, VK_SHADER_STAGE_GEOMETRY_BIT),
          std::pair(state.frag, VK_SHADER_STAGE_FRAGMENT_BIT)}) {
        if (!spirv.empty()) {
            stages.push_back({.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                              .stage = stage,
                              .module = module(spirv),
                              .pName = "main",
                              .pSpecializationInfo = &special});
        }
    }
    if (!state.bindings) {
        state.bindings = {{0, sizeof(Vertex), VK_VERTEX_INPUT_RATE_VERTEX}};
        state.attributes = {{0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, 0},
                            {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, 16}};
    }
    if (state.viewports.empty()) {
        state.viewports = {{0, 0, static_cast<float>(target.info.width),
                            static_cast<float>(target.info.height), 0, 1}};
    }
    while (state.scissors.size() < state.viewports.size()) {
        state.scissors.push_back(target.area());
    }
    while (state.blend.size() < target.info.colors.size()) {
        state.blend.push_back(opaque());
    }
    const VkPipelineVertexInputStateCreateInfo vertex{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
        .pNext = state.vertex_next,
        .vertexBindingDescriptionCount = count_of(*state.bindings),
        .pVertexBindingDescriptions = state.bindings->data(),
        .vertexAttributeDescriptionCount = count_of(state.attributes),
        .pVertexAttributeDescriptions = state.attributes.data()};
    const VkPipelineInputAssemblyStateCreateInfo assembly{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = state.topology,
        .primitiveRestartEnable = state.restart};
    const VkPipelineTessellationDomainOriginStateCreateInfo origin{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_TESSELLATION_DOMAIN_ORIGIN_STATE_CREATE_INFO,
        .domainOrigin = state.domain_origin};
    const VkPipelineTessellationStateCreateInfo tessellation{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_TESSELLATION_STATE_CREATE_INFO,
        .pNext = &origin,
        .patchControlPoints = state.patch_vertices};
    const VkPipelineViewportStateCreateInfo viewport{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
        .viewportCount = count_of(state.viewports),
        .pViewports = state.viewports.data(),
        .scissorCount = count_of(state.scissors),
        .pScissors = state.scissors.data()};
    const VkSampleMask mask = state.sample_mask.value_or(~0U);
    const VkPipelineMultisampleStateCreateInfo multisample{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
        .rasterizationSamples = target.info.samples,
        .sampleShadingEnable = state.sample_shading,
        .minSampleShading = state.min_sample_shading,
        .pSampleMask = state.sample_mask ? &mask : nullptr,
        .alphaToCoverageEnable = state.alpha_to_coverage,
        .alphaToOneEnable = state.alpha_to_one};
    VkPipelineColorBlendStateCreateInfo blend{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
        .logicOpEnable = state.logic_op.has_value(),
        .logicOp = state.logic_op.value_or(VK_LOGIC_OP_CLEAR),
        .attachmentCount = count_of(state.blend),
        .pAttachments = state.blend.data()};
    std::copy_n(state.blend_constants.data(), 4, blend.blendConstants);
    const VkPipelineDynamicStateCreateInfo dynamic{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
        .dynamicStateCount = count_of(state.dynamic),
        .pDynamicStates = state.dynamic.data()};
    const VkGraphicsPipelineCreateInfo info{.sType =
                                                VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                            .pNext = state.next,
                                            .stageCount = count_of(stages),
                                            .pStages = stages.data(),
                                            .pVertexInputState = &vertex,
                                            .pInputAssemblyState = &assembly,
                                            .pTessellationState = &tessellation,
                                            .pViewportState = &viewport,
                                            .pRasterizationState = &state.raster,
                                            .pMultisampleState = &multisample,
                                            .pDepthStencilState = &state.depth,
                                            .pColorBlendState = &blend,
                                            .pDynamicState = &dynamic,
                                            .layout = state.layout ? state.layout : plain_layout(),
                                            .renderPass = state.pass ? state.pass : target.pass,
                                            .subpass = state.subpass};
    if (state.libraries) {
        return linked(info, state);
    }
    VkPipeline made = VK_NULL_HANDLE;
    must(vkCreateGraphicsPipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &made));
    defer([this, made] { vkDestroyPipeline(device, made, nullptr); });
    return made;
}

VkPipeline GraphicsTest::linked(const VkGraphicsPipelineCreateInfo& info, const DrawState& state) {
    std::vector<VkPipeline> libraries;
    for (const VkGraphicsPipelineLibraryFlagBitsEXT part :
         {VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT,
          VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT,
          VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT,
          VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT}) {
        const bool vertices = part == VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT;
        const bool shaders = part == VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT;
        const bool fragments = part == VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT;
        const bool outputs = !vertices && !shaders && !fragments;
        const VkGraphicsPipelineLibraryCreateInfoEXT what{
            .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT, .flags = part};
        std::vector<VkPipelineShaderStageCreateInfo> stages;
        for (uint32_t i = 0; i < info.stageCount; ++i) {
            const bool fragment = info.pStages[i].stage == VK_SHADER_STAGE_FRAGMENT_BIT;
            if ((fragment && fragments) || (!fragment && shaders)) {
                stages.push_back(info.pStages[i]);
            }
        }
        VkGraphicsPipelineCreateInfo library = info;
        library.pNext = &what;
        library.flags = VK_PIPELINE_CREATE_LIBRARY_BIT_KHR;
        library.stageCount = count_of(stages);
        library.pStages = stages.data();
        library.pVertexInputState = vertices ? info.pVertexInputState : nullptr;
        library.pInputAssemblyState = vertices ? info.pInputAssemblyState : nullptr;
        library.pTessellationState = shaders ? info.pTessellationState : nullptr;
        library.pViewportState = shaders ? info.pViewportState : nullptr;
        library.pRasterizationState = shaders ? info.pRasterizationState : nullptr;
        library.pDepthStencilState = fragments ? info.pDepthStencilState : nullptr;
        library.pMultisampleState = fragments || outputs ? info.pMultisampleState : nullptr;
        library.pColorBlendState = outputs ? info.pColorBlendState : nullptr;
        library.layout = shaders && state.vertex_layout       ? state.vertex_layout
                         : fragments && state.fragment_layout ? state.fragment_layout
                                                              : info.layout;
        libraries.emplace_back();
        must(vkCreateGraphicsPipelines(device, VK_NULL_HANDLE, 1, &library, nullptr,
                                       &libraries.back()));
    }
    const VkPipelineLibraryCreateInfoKHR parts{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR,
        .libraryCount = count_of(libraries),
        .pLibraries = libraries.data()};
    const VkGraphicsPipelineCreateInfo whole{.sType =
                                                 VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
                                             .pNext = &parts,
                                             .layout = info.layout};
    VkPipeline made = VK_NULL_HANDLE;
    must(vkCreateGraphicsPipelines(device, VK_NULL_HANDLE, 1, &whole, nullptr, &made));
    libraries.push_back(made);
    defer([this, libraries] {
        for (const VkPipeline one : libraries) {
            vkDestroyPipeline(device, one, nullptr);
        }
    });
    return made;
}

void GraphicsTest::begin(VkCommandBuffer commands, const Target& target,
                         VkSubpassContents contents) {
    const VkRenderPassBeginInfo info{.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
                                     .renderPass = target.pass,
                                     .framebuffer = target.framebuffer,
                                     .renderArea = target.area(),
                                     .clearValueCount = count_of(target.clears),
                                     .pClearValues = target.clears.data()};
    vkCmdBeginRenderPass(commands, &info, contents);
}

void GraphicsTest::render(const Target& target,
                          const std::function<void(VkCommandBuffer)>& record) {
    run([&](VkCommandBuffer c) {
        begin(c, target);
        record(c);
        vkCmdEndRenderPass(c);
    });
}

void GraphicsTest::draw(const Target& target, const DrawState& state,
                        const std::vector<Vertex>& vertices, const Descriptors* bound) {
    const Buffer data = buffer_of(vertices);
    DrawState full = state;
    if (bound) {
        full.layout = bound->layout;
    }
    const VkPipeline made = pipeline(target, full);
    render(target, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        if (bound && bound->set) {
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound->layout, 0, 1,
                                    &bound->set, 0, nullptr);
        }
        const VkDeviceSize zero = 0;
        vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
        vkCmdDraw(c, count_of(vertices), 1, 0, 0);
    });
}

void GraphicsTest::draw(const Target& target, DrawState state, uint32_t count,
                        const Descriptors* bound) {
    state.bindings.emplace();
    state.attributes.clear();
    if (bound) {
        state.layout = bound->layout;
    }
    const VkPipeline made = pipeline(target, state);
    render(target, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        if (bound && bound->set) {
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound->layout, 0, 1,
                                    &bound->set, 0, nullptr);
        }
        vkCmdDraw(c, count, 1, 0, 0);
    });
}

Vertex GraphicsTest::at(const Target& target, float x, float y, float z,
                        std::array<float, 4> color) {
    return {x / static_cast<float>(target.info.width) * 2 - 1,
            y / static_cast<float>(target.info.height) * 2 - 1, z, 1, color};
}

std::vector<Vertex> GraphicsTest::rectangle(const Target& target, float x0, float y0, float x1,
                                            float y1, float z, std::array<float, 4> color) {
    const Vertex a = at(target, x0, y0, z, color), b = at(target, x1, y0, z, color),
                 c = at(target, x1, y1, z, color), d = at(target, x0, y1, z, color);
    return {a, b, c, a, c, d};
}

} // namespace kite::vktest
