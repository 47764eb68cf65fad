// SPDX-License-Identifier: MIT
#include "runtime/pipeline/graphics_state.hpp"

#include "runtime/object/object.hpp"
#include "runtime/resource/format.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

void set(DynMask& m, Dyn d) {
    m.set(static_cast<size_t>(d));
}
bool has(const DynMask& m, Dyn d) {
    return m.test(static_cast<size_t>(d));
}

void gather_dynamic(const VkPipelineDynamicStateCreateInfo* info, DynMask& m) {
    for (uint32_t i = 0; info && i < info->dynamicStateCount; ++i) {
        switch (info->pDynamicStates[i]) {
        case VK_DYNAMIC_STATE_VIEWPORT:
            set(m, Dyn::viewport);
            break;
        case VK_DYNAMIC_STATE_SCISSOR:
            set(m, Dyn::scissor);
            break;
        case VK_DYNAMIC_STATE_LINE_WIDTH:
            set(m, Dyn::line_width);
            break;
        case VK_DYNAMIC_STATE_DEPTH_BIAS:
            set(m, Dyn::depth_bias);
            break;
        case VK_DYNAMIC_STATE_BLEND_CONSTANTS:
            set(m, Dyn::blend_constants);
            break;
        case VK_DYNAMIC_STATE_DEPTH_BOUNDS:
            set(m, Dyn::depth_bounds);
            break;
        case VK_DYNAMIC_STATE_STENCIL_COMPARE_MASK:
            set(m, Dyn::stencil_compare_mask);
            break;
        case VK_DYNAMIC_STATE_STENCIL_WRITE_MASK:
            set(m, Dyn::stencil_write_mask);
            break;
        case VK_DYNAMIC_STATE_STENCIL_REFERENCE:
            set(m, Dyn::stencil_reference);
            break;
        case VK_DYNAMIC_STATE_CULL_MODE:
            set(m, Dyn::cull_mode);
            break;
        case VK_DYNAMIC_STATE_FRONT_FACE:
            set(m, Dyn::front_face);
            break;
        case VK_DYNAMIC_STATE_PRIMITIVE_TOPOLOGY:
            set(m, Dyn::topology);
            break;
        case VK_DYNAMIC_STATE_PATCH_CONTROL_POINTS_EXT:
            set(m, Dyn::patch_vertices);
            break;
        case VK_DYNAMIC_STATE_TESSELLATION_DOMAIN_ORIGIN_EXT:
            set(m, Dyn::tess_origin);
            break;
        case VK_DYNAMIC_STATE_VIEWPORT_WITH_COUNT:
            set(m, Dyn::viewport);
            set(m, Dyn::viewport_count);
            break;
        case VK_DYNAMIC_STATE_SCISSOR_WITH_COUNT:
            set(m, Dyn::scissor);
            set(m, Dyn::scissor_count);
            break;
        case VK_DYNAMIC_STATE_VERTEX_INPUT_BINDING_STRIDE:
            set(m, Dyn::vertex_stride);
            break;
        case VK_DYNAMIC_STATE_DEPTH_TEST_ENABLE:
            set(m, Dyn::depth_test);
            break;
        case VK_DYNAMIC_STATE_DEPTH_WRITE_ENABLE:
            set(m, Dyn::depth_write);
            break;
        case VK_DYNAMIC_STATE_DEPTH_COMPARE_OP:
            set(m, Dyn::depth_compare);
            break;
        case VK_DYNAMIC_STATE_DEPTH_BOUNDS_TEST_ENABLE:
            set(m, Dyn::depth_bounds_test);
            break;
        case VK_DYNAMIC_STATE_STENCIL_TEST_ENABLE:
            set(m, Dyn::stencil_test);
            break;
        case VK_DYNAMIC_STATE_STENCIL_OP:
            set(m, Dyn::stencil_op);
            break;
        case VK_DYNAMIC_STATE_RASTERIZER_DISCARD_ENABLE:
            set(m, Dyn::discard);
            break;
        case VK_DYNAMIC_STATE_DEPTH_BIAS_ENABLE:
            set(m, Dyn::depth_bias_enable);
            break;
        case VK_DYNAMIC_STATE_PRIMITIVE_RESTART_ENABLE:
            set(m, Dyn::primitive_restart);
            break;
        case VK_DYNAMIC_STATE_LOGIC_OP_EXT:
            set(m, Dyn::logic_op);
            break;
        case VK_DYNAMIC_STATE_VERTEX_INPUT_EXT:
            set(m, Dyn::vertex_input);
            set(m, Dyn::vertex_stride);
            break;
        case VK_DYNAMIC_STATE_COLOR_WRITE_ENABLE_EXT:
            set(m, Dyn::color_write);
            break;
        case VK_DYNAMIC_STATE_DEPTH_CLAMP_ENABLE_EXT:
            set(m, Dyn::depth_clamp);
            break;
        case VK_DYNAMIC_STATE_DEPTH_CLIP_ENABLE_EXT:
            set(m, Dyn::depth_clip);
            break;
        case VK_DYNAMIC_STATE_POLYGON_MODE_EXT:
            set(m, Dyn::polygon_mode);
            break;
        case VK_DYNAMIC_STATE_RASTERIZATION_SAMPLES_EXT:
            set(m, Dyn::samples);
            break;
        case VK_DYNAMIC_STATE_SAMPLE_MASK_EXT:
            set(m, Dyn::sample_mask);
            break;
        case VK_DYNAMIC_STATE_ALPHA_TO_COVERAGE_ENABLE_EXT:
            set(m, Dyn::alpha_to_coverage);
            break;
        case VK_DYNAMIC_STATE_ALPHA_TO_ONE_ENABLE_EXT:
            set(m, Dyn::alpha_to_one);
            break;
        case VK_DYNAMIC_STATE_LOGIC_OP_ENABLE_EXT:
            set(m, Dyn::logic_op_enable);
            break;
        case VK_DYNAMIC_STATE_COLOR_BLEND_ENABLE_EXT:
            set(m, Dyn::blend_enable);
            break;
        case VK_DYNAMIC_STATE_COLOR_BLEND_EQUATION_EXT:
        case VK_DYNAMIC_STATE_COLOR_BLEND_ADVANCED_EXT: // the last command of either kind counts
            set(m, Dyn::blend_equation);
            break;
        case VK_DYNAMIC_STATE_COLOR_WRITE_MASK_EXT:
            set(m, Dyn::write_mask);
            break;
        case VK_DYNAMIC_STATE_PROVOKING_VERTEX_MODE_EXT:
            set(m, Dyn::provoking);
            break;
        case VK_DYNAMIC_STATE_DEPTH_CLIP_NEGATIVE_ONE_TO_ONE_EXT:
            set(m, Dyn::negative_one);
            break;
        case VK_DYNAMIC_STATE_RASTERIZATION_STREAM_EXT:
            set(m, Dyn::raster_stream);
            break;
        case VK_DYNAMIC_STATE_LINE_RASTERIZATION_MODE_EXT:
            set(m, Dyn::line_mode);
            break;
        default:
            break;
        }
    }
}

void gather_vertex_input(const VkPipelineVertexInputStateCreateInfo* vi, GraphicsState& s) {
    if (!vi)
        return;
    for (uint32_t i = 0; i < vi->vertexBindingDescriptionCount; ++i) {
        const auto& b = vi->pVertexBindingDescriptions[i];
        if (b.binding >= s.strides.size())
            continue;
        s.strides[b.binding] = b.stride;
        s.divisors[b.binding] = b.inputRate == VK_VERTEX_INPUT_RATE_INSTANCE ? 1 : 0;
    }
    if (auto* div = find<VkPipelineVertexInputDivisorStateCreateInfoEXT>(
            vi->pNext, VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_DIVISOR_STATE_CREATE_INFO_EXT)) {
        for (uint32_t i = 0; i < div->vertexBindingDivisorCount; ++i) {
            const auto& d = div->pVertexBindingDivisors[i];
            if (d.binding < s.divisors.size())
                s.divisors[d.binding] = d.divisor == 0 ? 0xffffffffu : d.divisor;
        }
    }
    for (uint32_t i = 0;
         i < vi->vertexAttributeDescriptionCount && s.attribute_count < s.attributes.size(); ++i) {
        const auto& a = vi->pVertexAttributeDescriptions[i];
        const hw::FormatInfo* f = format_of(a.format);
        s.attributes[s.attribute_count++] = {a.location, a.binding, f ? uint32_t{f->id} : 0u,
                                             a.offset};
    }
}

void gather_raster(const VkPipelineRasterizationStateCreateInfo& r, GraphicsState& s) {
    s.raster.polygon_mode = static_cast<hw::PolygonMode>(r.polygonMode);
    s.raster.cull_front = (r.cullMode & VK_CULL_MODE_FRONT_BIT) != 0;
    s.raster.cull_back = (r.cullMode & VK_CULL_MODE_BACK_BIT) != 0;
    s.raster.front_clockwise = r.frontFace == VK_FRONT_FACE_CLOCKWISE;
    s.raster.depth_clamp = r.depthClampEnable != VK_FALSE;
    s.raster.depth_clip = r.depthClampEnable == VK_FALSE;
    s.raster.rasterizer_discard = r.rasterizerDiscardEnable != VK_FALSE;
    s.raster.depth_bias = r.depthBiasEnable != VK_FALSE;
    set_depth_bias(s.raster, r.depthBiasConstantFactor, r.depthBiasClamp, r.depthBiasSlopeFactor,
                   r.pNext);
    s.raster.line_width = r.lineWidth;
    if (auto* clip = find<VkPipelineRasterizationDepthClipStateCreateInfoEXT>(
            r.pNext, VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_DEPTH_CLIP_STATE_CREATE_INFO_EXT)) {
        s.raster.depth_clip = clip->depthClipEnable != VK_FALSE;
        s.clip_follows_clamp = false;
    }
    if (auto* line = find<VkPipelineRasterizationLineStateCreateInfo>(
            r.pNext, VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_LINE_STATE_CREATE_INFO))
        s.raster.line_bresenham =
            line->lineRasterizationMode == VK_LINE_RASTERIZATION_MODE_BRESENHAM;
    if (auto* stream = find<VkPipelineRasterizationStateStreamCreateInfoEXT>(
            r.pNext, VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_STREAM_CREATE_INFO_EXT))
        s.raster_stream = std::min(stream->rasterizationStream, hw::limits::kMaxStreams - 1);
    if (auto* pv = find<VkPipelineRasterizationProvokingVertexStateCreateInfoEXT>(
            r.pNext,
            VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_PROVOKING_VERTEX_STATE_CREATE_INFO_EXT))
        s.assembly.provoking_last =
            pv->provokingVertexMode == VK_PROVOKING_VERTEX_MODE_LAST_VERTEX_EXT ? 1 : 0;
}

hw::StencilFace face(const VkStencilOpState& f) {
    hw::StencilFace o;
    o.fail_op = static_cast<hw::StencilOp>(f.failOp);
    o.pass_op = static_cast<hw::StencilOp>(f.passOp);
    o.depth_fail_op = static_cast<hw::StencilOp>(f.depthFailOp);
    o.compare_op = static_cast<hw::CompareOp>(f.compareOp);
    o.compare_mask = f.compareMask;
    o.write_mask = f.writeMask;
    o.reference = f.reference;
    return o;
}

void gather_depth(const VkPipelineDepthStencilStateCreateInfo* d, GraphicsState& s) {
    if (!d)
        return;
    s.depth.depth_test = d->depthTestEnable != VK_FALSE;
    s.depth.depth_write = d->depthWriteEnable != VK_FALSE;
    s.depth.depth_compare = static_cast<hw::CompareOp>(d->depthCompareOp);
    s.depth.depth_bounds_test = d->depthBoundsTestEnable != VK_FALSE;
    s.depth.stencil_test = d->stencilTestEnable != VK_FALSE;
    s.depth.min_bounds = d->minDepthBounds;
    s.depth.max_bounds = d->maxDepthBounds;
    s.depth.front = face(d->front);
    s.depth.back = face(d->back);
}

void gather_blend(const VkPipelineColorBlendStateCreateInfo* b, const DynMask& dynamic,
                  GraphicsState& s) {
    if (!b)
        return;
    s.blend.logic_op_enable = b->logicOpEnable != VK_FALSE ? 1 : 0;
    s.blend.logic_op = b->logicOpEnable || has(dynamic, Dyn::logic_op_enable)
                           ? static_cast<hw::LogicOp>(b->logicOp)
                           : hw::LogicOp::copy;
    for (uint32_t i = 0; i < 4; ++i)
        s.blend.constants[i] = b->blendConstants[i];
    s.blend_count = std::min<uint32_t>(b->attachmentCount, hw::limits::kMaxRenderTargets);
    if (auto* w = find<VkPipelineColorWriteCreateInfoEXT>(
            b->pNext, VK_STRUCTURE_TYPE_PIPELINE_COLOR_WRITE_CREATE_INFO_EXT))
        for (uint32_t i = 0; i < w->attachmentCount && i < 32; ++i)
            s.color_write_off |= w->pColorWriteEnables[i] ? 0 : 1u << i;
    auto* straight = find<VkPipelineColorBlendAdvancedStateCreateInfoEXT>(
        b->pNext, VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_ADVANCED_STATE_CREATE_INFO_EXT);
    for (uint32_t i = 0; i < s.blend_count; ++i) {
        // Null where all of it is dynamic.
        const auto a = b->pAttachments ? b->pAttachments[i] : VkPipelineColorBlendAttachmentState{};
        hw::BlendAttachment& o = s.blend_attachments[i];
        o.write_mask = a.colorWriteMask & 15u;
        o.enable = a.blendEnable != VK_FALSE;
        // Without blending the equation may hold anything.
        if ((!o.enable && !has(dynamic, Dyn::blend_enable)) || has(dynamic, Dyn::blend_equation))
            continue;
        if (a.colorBlendOp >= VK_BLEND_OP_ZERO_EXT)
            set_equation(o, {a.colorBlendOp, straight ? straight->srcPremultiplied : VK_TRUE,
                             straight ? straight->dstPremultiplied : VK_TRUE,
                             straight ? straight->blendOverlap : VK_BLEND_OVERLAP_UNCORRELATED_EXT,
                             VK_FALSE});
        else
            set_equation(o, {a.srcColorBlendFactor, a.dstColorBlendFactor, a.colorBlendOp,
                             a.srcAlphaBlendFactor, a.dstAlphaBlendFactor, a.alphaBlendOp});
    }
}

void gather_multisample(const VkPipelineMultisampleStateCreateInfo* m, GraphicsState& s) {
    s.multisample.samples = 1;
    s.multisample.sample_mask = 0xffffffffu;
    if (!m)
        return;
    s.multisample.samples = static_cast<uint32_t>(m->rasterizationSamples);
    if (m->pSampleMask)
        s.multisample.sample_mask = m->pSampleMask[0];
    s.multisample.sample_shading = m->sampleShadingEnable != VK_FALSE;
    s.multisample.alpha_to_coverage = m->alphaToCoverageEnable != VK_FALSE;
    s.multisample.alpha_to_one = m->alphaToOneEnable != VK_FALSE;
    s.multisample.min_sample_shading = m->minSampleShading;
}

} // namespace

void set_depth_bias(hw::SetRasterStatePacket& raster, float constant, float clamp, float slope,
                    const void* chain) {
    raster.bias_constant = constant;
    raster.bias_clamp = clamp;
    raster.bias_slope = slope;
    raster.bias_unit = hw::BiasUnit::format;
    auto* r = find<VkDepthBiasRepresentationInfoEXT>(
        chain, VK_STRUCTURE_TYPE_DEPTH_BIAS_REPRESENTATION_INFO_EXT);
    if (!r)
        return;
    if (r->depthBiasRepresentation == VK_DEPTH_BIAS_REPRESENTATION_FLOAT_EXT)
        raster.bias_unit = hw::BiasUnit::one;
    else if (r->depthBiasRepresentation ==
             VK_DEPTH_BIAS_REPRESENTATION_LEAST_REPRESENTABLE_VALUE_FORCE_UNORM_EXT)
        raster.bias_unit = hw::BiasUnit::unorm;
}

void set_equation(hw::BlendAttachment& out, const VkColorBlendEquationEXT& e) {
    out.advanced = 0;
    out.src_color = static_cast<hw::BlendFactor>(e.srcColorBlendFactor);
    out.dst_color = static_cast<hw::BlendFactor>(e.dstColorBlendFactor);
    out.color_op = static_cast<hw::BlendOp>(e.colorBlendOp);
    out.src_alpha = static_cast<hw::BlendFactor>(e.srcAlphaBlendFactor);
    out.dst_alpha = static_cast<hw::BlendFactor>(e.dstAlphaBlendFactor);
    out.alpha_op = static_cast<hw::BlendOp>(e.alphaBlendOp);
}

void set_equation(hw::BlendAttachment& out, const VkColorBlendAdvancedEXT& e) {
    // Programs set this state to no advanced operation where they use the plain equation.
    if (e.advancedBlendOp < VK_BLEND_OP_ZERO_EXT || e.advancedBlendOp > VK_BLEND_OP_BLUE_EXT)
        return;
    out.advanced = 1;
    out.advanced_op = static_cast<hw::AdvancedBlendOp>(e.advancedBlendOp - VK_BLEND_OP_ZERO_EXT);
    out.overlap = static_cast<hw::BlendOverlap>(e.blendOverlap);
    out.src_straight = e.srcPremultiplied == VK_FALSE;
    out.dst_straight = e.dstPremultiplied == VK_FALSE;
    out.clamp_results = e.clampResults != VK_FALSE;
}

void set_vertex_input(const VertexInput& in, GraphicsState& state) {
    for (const auto& b : in.bindings) {
        if (b.binding >= state.strides.size())
            continue;
        state.strides[b.binding] = b.stride;
        state.divisors[b.binding] = b.inputRate == VK_VERTEX_INPUT_RATE_VERTEX ? 0
                                    : b.divisor == 0                           ? 0xffffffffu
                                                                               : b.divisor;
    }
    state.attribute_count = 0;
    for (const auto& a : in.attributes) {
        if (state.attribute_count == state.attributes.size())
            break;
        const hw::FormatInfo* f = format_of(a.format);
        state.attributes[state.attribute_count++] = {a.location, a.binding,
                                                     f ? uint32_t{f->id} : 0u, a.offset};
    }
}

hw::BlendAttachment blend_of(const GraphicsState& state, uint32_t attachment) {
    hw::BlendAttachment b = state.blend_attachments[attachment];
    if (state.color_write_off >> attachment & 1)
        b.write_mask = 0;
    return b;
}

hw::Viewport to_hw(const VkViewport& v) {
    return {v.x, v.y, v.width, v.height, v.minDepth, v.maxDepth};
}

hw::Rect to_hw(const VkRect2D& r) {
    return {r.offset.x, r.offset.y, r.extent.width, r.extent.height};
}

void gather(const VkGraphicsPipelineCreateInfo& info, GraphicsState& s, DynMask& dynamic) {
    gather_dynamic(info.pDynamicState, dynamic);
    gather_vertex_input(info.pVertexInputState, s);
    if (info.pInputAssemblyState) {
        s.assembly.topology = static_cast<hw::Topology>(info.pInputAssemblyState->topology);
        s.assembly.primitive_restart = info.pInputAssemblyState->primitiveRestartEnable ? 1 : 0;
    }
    if (const auto* tess = info.pTessellationState) {
        s.tessellation.patch_vertices = tess->patchControlPoints;
        if (auto* origin = find<VkPipelineTessellationDomainOriginStateCreateInfo>(
                tess->pNext,
                VK_STRUCTURE_TYPE_PIPELINE_TESSELLATION_DOMAIN_ORIGIN_STATE_CREATE_INFO))
            s.tessellation.lower_left =
                origin->domainOrigin == VK_TESSELLATION_DOMAIN_ORIGIN_LOWER_LEFT ? 1 : 0;
    }
    if (info.pRasterizationState)
        gather_raster(*info.pRasterizationState, s);
    bool raster = !s.raster.rasterizer_discard || has(dynamic, Dyn::discard);
    if (raster && info.pViewportState) {
        const auto& v = *info.pViewportState;
        if (auto* z = find<VkPipelineViewportDepthClipControlCreateInfoEXT>(
                v.pNext, VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_DEPTH_CLIP_CONTROL_CREATE_INFO_EXT))
            s.negative_one_to_one = z->negativeOneToOne != VK_FALSE;
        s.viewport_count = std::min<uint32_t>(v.viewportCount, hw::limits::kMaxViewports);
        s.scissor_count = std::min<uint32_t>(v.scissorCount, hw::limits::kMaxViewports);
        for (uint32_t i = 0; i < s.viewport_count && v.pViewports && !has(dynamic, Dyn::viewport);
             ++i)
            s.viewports[i] = to_hw(v.pViewports[i]);
        for (uint32_t i = 0; i < s.scissor_count && v.pScissors && !has(dynamic, Dyn::scissor); ++i)
            s.scissors[i] = to_hw(v.pScissors[i]);
    }
    gather_multisample(raster ? info.pMultisampleState : nullptr, s);
    gather_depth(raster ? info.pDepthStencilState : nullptr, s);
    gather_blend(raster ? info.pColorBlendState : nullptr, dynamic, s);
}

uint32_t apply_static(const GraphicsState& from, const DynMask& dynamic, GraphicsState& to) {
    GraphicsState old = to;
    to = from;
    auto keep = [&](Dyn d, auto&& restore) {
        if (has(dynamic, d))
            restore();
    };
    keep(Dyn::viewport, [&] { to.viewports = old.viewports; });
    keep(Dyn::viewport_count, [&] { to.viewport_count = old.viewport_count; });
    keep(Dyn::scissor, [&] { to.scissors = old.scissors; });
    keep(Dyn::scissor_count, [&] { to.scissor_count = old.scissor_count; });
    keep(Dyn::line_width, [&] { to.raster.line_width = old.raster.line_width; });
    keep(Dyn::depth_bias, [&] {
        to.raster.bias_constant = old.raster.bias_constant;
        to.raster.bias_clamp = old.raster.bias_clamp;
        to.raster.bias_slope = old.raster.bias_slope;
        to.raster.bias_unit = old.raster.bias_unit;
    });
    keep(Dyn::blend_constants, [&] { to.blend.constants = old.blend.constants; });
    keep(Dyn::depth_bounds, [&] {
        to.depth.min_bounds = old.depth.min_bounds;
        to.depth.max_bounds = old.depth.max_bounds;
    });
    auto both = [&](auto member) {
        to.depth.front.*member = old.depth.front.*member;
        to.depth.back.*member = old.depth.back.*member;
    };
    keep(Dyn::stencil_compare_mask, [&] { both(&hw::StencilFace::compare_mask); });
    keep(Dyn::stencil_write_mask, [&] { both(&hw::StencilFace::write_mask); });
    keep(Dyn::stencil_reference, [&] { both(&hw::StencilFace::reference); });
    keep(Dyn::stencil_op, [&] {
        both(&hw::StencilFace::fail_op);
        both(&hw::StencilFace::pass_op);
        both(&hw::StencilFace::depth_fail_op);
        both(&hw::StencilFace::compare_op);
    });
    keep(Dyn::cull_mode, [&] {
        to.raster.cull_front = old.raster.cull_front;
        to.raster.cull_back = old.raster.cull_back;
    });
    keep(Dyn::front_face, [&] { to.raster.front_clockwise = old.raster.front_clockwise; });
    keep(Dyn::topology, [&] { to.assembly.topology = old.assembly.topology; });
    keep(Dyn::patch_vertices,
         [&] { to.tessellation.patch_vertices = old.tessellation.patch_vertices; });
    keep(Dyn::tess_origin, [&] { to.tessellation.lower_left = old.tessellation.lower_left; });
    keep(Dyn::raster_stream, [&] { to.raster_stream = old.raster_stream; });
    keep(Dyn::vertex_stride, [&] { to.strides = old.strides; });
    keep(Dyn::vertex_input, [&] {
        to.attributes = old.attributes;
        to.attribute_count = old.attribute_count;
        to.divisors = old.divisors;
    });
    keep(Dyn::depth_clamp, [&] { to.raster.depth_clamp = old.raster.depth_clamp; });
    keep(Dyn::depth_clip, [&] {
        to.raster.depth_clip = old.raster.depth_clip;
        to.clip_follows_clamp = false;
    });
    keep(Dyn::polygon_mode, [&] { to.raster.polygon_mode = old.raster.polygon_mode; });
    keep(Dyn::line_mode, [&] { to.raster.line_bresenham = old.raster.line_bresenham; });
    keep(Dyn::samples, [&] { to.multisample.samples = old.multisample.samples; });
    keep(Dyn::sample_mask, [&] { to.multisample.sample_mask = old.multisample.sample_mask; });
    keep(Dyn::alpha_to_coverage,
         [&] { to.multisample.alpha_to_coverage = old.multisample.alpha_to_coverage; });
    keep(Dyn::alpha_to_one, [&] { to.multisample.alpha_to_one = old.multisample.alpha_to_one; });
    keep(Dyn::logic_op_enable, [&] { to.blend.logic_op_enable = old.blend.logic_op_enable; });
    keep(Dyn::provoking, [&] { to.assembly.provoking_last = old.assembly.provoking_last; });
    keep(Dyn::negative_one, [&] { to.negative_one_to_one = old.negative_one_to_one; });
    for (size_t i = 0; i < to.blend_attachments.size(); ++i) {
        hw::BlendAttachment& b = to.blend_attachments[i];
        const hw::BlendAttachment fixed = b;
        const hw::BlendAttachment& was = old.blend_attachments[i];
        keep(Dyn::blend_equation, [&] {
            b = was;
            b.enable = fixed.enable;
            b.write_mask = fixed.write_mask;
        });
        keep(Dyn::blend_enable, [&] { b.enable = was.enable; });
        keep(Dyn::write_mask, [&] { b.write_mask = was.write_mask; });
    }
    if (has(dynamic, Dyn::blend_equation) && has(dynamic, Dyn::blend_enable) &&
        has(dynamic, Dyn::write_mask))
        to.blend_count = std::max(to.blend_count, old.blend_count);
    keep(Dyn::color_write, [&] { to.color_write_off = old.color_write_off; });
    keep(Dyn::depth_test, [&] { to.depth.depth_test = old.depth.depth_test; });
    keep(Dyn::depth_write, [&] { to.depth.depth_write = old.depth.depth_write; });
    keep(Dyn::depth_compare, [&] { to.depth.depth_compare = old.depth.depth_compare; });
    keep(Dyn::depth_bounds_test, [&] { to.depth.depth_bounds_test = old.depth.depth_bounds_test; });
    keep(Dyn::stencil_test, [&] { to.depth.stencil_test = old.depth.stencil_test; });
    keep(Dyn::discard, [&] { to.raster.rasterizer_discard = old.raster.rasterizer_discard; });
    keep(Dyn::depth_bias_enable, [&] { to.raster.depth_bias = old.raster.depth_bias; });
    keep(Dyn::primitive_restart,
         [&] { to.assembly.primitive_restart = old.assembly.primitive_restart; });
    keep(Dyn::logic_op, [&] { to.blend.logic_op = old.blend.logic_op; });

    uint32_t groups = 0;
    auto changed = [&](bool same, uint32_t g) { groups |= same ? 0 : g; };
    changed(to.viewports == old.viewports && to.viewport_count == old.viewport_count &&
                to.negative_one_to_one == old.negative_one_to_one,
            kGroupViewports);
    changed(to.scissors == old.scissors && to.scissor_count == old.scissor_count, kGroupScissors);
    changed(to.raster == old.raster && to.clip_follows_clamp == old.clip_follows_clamp,
            kGroupRaster);
    changed(to.multisample == old.multisample, kGroupMultisample);
    changed(to.depth == old.depth, kGroupDepthStencil);
    changed(to.blend == old.blend && to.blend_count == old.blend_count &&
                to.color_write_off == old.color_write_off &&
                to.blend_attachments == old.blend_attachments,
            kGroupBlend);
    changed(to.assembly == old.assembly, kGroupAssembly);
    changed(to.raster_stream == old.raster_stream, kGroupPrograms);
    changed(to.tessellation == old.tessellation, kGroupTessellation);
    changed(to.attribute_count == old.attribute_count && to.attributes == old.attributes,
            kGroupAttributes);
    changed(to.strides == old.strides && to.divisors == old.divisors, kGroupVertexBuffers);
    return groups;
}

} // namespace kite::rt
