// SPDX-License-Identifier: MIT
//
// GraphicsTest: render targets and graphics pipelines for the API tests.
//
// A Target is a render pass with one subpass, its attachments and a framebuffer; a DrawState is a
// graphics pipeline's whole state with defaults that draw opaque triangles over the target. Both
// live as long as the test. render() runs one render pass and waits. Failure: see VulkanTest.
//
//     Target t = target({.width = 8, .height = 8});
//     draw(t, {.vert = glsl::pass_vert, .frag = glsl::color_frag}, triangle, 3);
//     auto pixels = read<uint32_t>(t.result(0));
#pragma once

#include "tests/vulkan/harness/fixture.hpp"

#include <optional>

namespace kite::vktest {

/// What a target is made of. With more than one sample every colour attachment is resolved.
struct TargetInfo {
    std::vector<VkFormat> colors{VK_FORMAT_R8G8B8A8_UNORM};
    VkFormat depth = VK_FORMAT_UNDEFINED;
    uint32_t width = 16, height = 16;
    VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT;
    uint32_t layers = 1;
    uint32_t view_mask = 0;
    VkAttachmentLoadOp load = VK_ATTACHMENT_LOAD_OP_CLEAR;
};

/// See TargetInfo.
struct Target {
    TargetInfo info;
    std::vector<Image> colors;
    std::vector<Image> resolved;
    Image depth;
    VkRenderPass pass = VK_NULL_HANDLE;
    VkFramebuffer framebuffer = VK_NULL_HANDLE;
    /// One per attachment: colours (black, transparent), then depth (1, stencil 0).
    std::vector<VkClearValue> clears;
    /// The single-sampled image of a colour attachment.
    const Image& result(size_t index = 0) const {
        return resolved.empty() ? colors[index] : resolved[index];
    }
    VkRect2D area() const { return {{0, 0}, {info.width, info.height}}; }
};

/// The vertex that the common shaders read: location 0 and 1.
struct Vertex {
    float x = 0, y = 0, z = 0, w = 1;
    std::array<float, 4> color{1, 1, 1, 1};
};

/// Opaque writes to all channels.
VkPipelineColorBlendAttachmentState opaque();
/// A face that never changes the stencil.
VkStencilOpState stencil_keep();

/// State of a graphics pipeline; empty vectors stand for a sensible default.
struct DrawState {
    Spirv vert, frag;
    Spirv tesc, tese, geom; ///< empty = without
    uint32_t patch_vertices = 3;
    VkTessellationDomainOrigin domain_origin = VK_TESSELLATION_DOMAIN_ORIGIN_UPPER_LEFT;
    Specials specials;
    VkPrimitiveTopology topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST;
    bool restart = false;
    /// Without bindings the pipeline reads Vertex at binding 0.
    std::optional<std::vector<VkVertexInputBindingDescription>> bindings;
    std::vector<VkVertexInputAttributeDescription> attributes;
    const void* vertex_next = nullptr;
    VkPipelineRasterizationStateCreateInfo raster{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO, .lineWidth = 1.0F};
    VkPipelineDepthStencilStateCreateInfo depth{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
        .depthCompareOp = VK_COMPARE_OP_ALWAYS,
        .front = stencil_keep(),
        .back = stencil_keep(),
        .maxDepthBounds = 1.0F};
    bool sample_shading = false, alpha_to_coverage = false, alpha_to_one = false;
    float min_sample_shading = 1.0F;
    std::optional<VkSampleMask> sample_mask;
    std::vector<VkPipelineColorBlendAttachmentState> blend;
    std::optional<VkLogicOp> logic_op;
    std::array<float, 4> blend_constants{};
    std::vector<VkViewport> viewports;
    std::vector<VkRect2D> scissors;
    std::vector<VkDynamicState> dynamic;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkRenderPass pass = VK_NULL_HANDLE;
    uint32_t subpass = 0;
    /// Put together from a library per part (VK_EXT_graphics_pipeline_library).
    bool libraries = false;
    /// Layouts of the shaders' libraries if they are not `layout`.
    VkPipelineLayout vertex_layout = VK_NULL_HANDLE, fragment_layout = VK_NULL_HANDLE;
    const void* next = nullptr;
};

/// See the head of this file.
class GraphicsTest : public VulkanTest {
protected:
    Target target(TargetInfo info);
    /// A pipeline for `target`, or for `state.pass` if that is set.
    VkPipeline pipeline(const Target& target, DrawState state);
    /// One render pass over the whole target in one submission.
    void render(const Target& target, const std::function<void(VkCommandBuffer)>& record);
    /// The begin of that render pass, for tests that record it themselves.
    static void begin(VkCommandBuffer commands, const Target& target,
                      VkSubpassContents contents = VK_SUBPASS_CONTENTS_INLINE);
    /// Renders one draw of these vertices.
    void draw(const Target& target, const DrawState& state, const std::vector<Vertex>& vertices,
              const Descriptors* bound = nullptr);
    /// Renders one draw of `count` vertices that the shader makes itself.
    void draw(const Target& target, DrawState state, uint32_t count,
              const Descriptors* bound = nullptr);
    /// Two triangles over a rectangle given in pixels of the target.
    static std::vector<Vertex> rectangle(const Target& target, float x0, float y0, float x1,
                                         float y1, float z = 0,
                                         std::array<float, 4> color = {1, 1, 1, 1});
    /// A pixel position in clip space.
    static Vertex at(const Target& target, float x, float y, float z = 0,
                     std::array<float, 4> color = {1, 1, 1, 1});
    /// The same pipeline from four libraries.
    VkPipeline linked(const VkGraphicsPipelineCreateInfo& info, const DrawState& state);
    /// An empty pipeline layout with push constants.
    VkPipelineLayout plain_layout();
};

} // namespace kite::vktest
