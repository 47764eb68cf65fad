// SPDX-License-Identifier: MIT
#include "runtime/pipeline/library.hpp"

#include "runtime/object/object.hpp"

#include <algorithm>

namespace kite::rt {
namespace {

constexpr Parts kVertexInput = VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT;
constexpr Parts kPreRaster = VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT;
constexpr Parts kFragment = VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT;
constexpr Parts kOutput = VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT;

/// The part that a dynamic piece belongs to.
Parts part_of(Dyn d) {
    switch (d) {
    case Dyn::topology:
    case Dyn::vertex_stride:
    case Dyn::primitive_restart:
    case Dyn::vertex_input:
        return kVertexInput;
    case Dyn::depth_bounds:
    case Dyn::stencil_compare_mask:
    case Dyn::stencil_write_mask:
    case Dyn::stencil_reference:
    case Dyn::depth_test:
    case Dyn::depth_write:
    case Dyn::depth_compare:
    case Dyn::depth_bounds_test:
    case Dyn::stencil_test:
    case Dyn::stencil_op:
        return kFragment;
    case Dyn::blend_constants:
    case Dyn::logic_op:
    case Dyn::color_write:
    case Dyn::samples:
    case Dyn::sample_mask:
    case Dyn::alpha_to_coverage:
    case Dyn::alpha_to_one:
    case Dyn::logic_op_enable:
    case Dyn::blend_enable:
    case Dyn::blend_equation:
    case Dyn::write_mask:
        return kOutput;
    default:
        return kPreRaster;
    }
}

} // namespace

bool StageSource::same_dynamic(std::span<const cc::Binding> layout) const {
    return std::all_of(bindings.begin(), bindings.end(), [&](const cc::Binding& b) {
        if (!b.dynamic)
            return true;
        auto it = std::find_if(layout.begin(), layout.end(), [&](const cc::Binding& other) {
            return other.set == b.set && other.binding == b.binding;
        });
        return it != layout.end() && it->dynamic_index == b.dynamic_index;
    });
}

Parts own_parts(const VkGraphicsPipelineCreateInfo& info, VkPipelineCreateFlags2 flags) {
    if (auto* own = find<VkGraphicsPipelineLibraryCreateInfoEXT>(
            info.pNext, VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_LIBRARY_CREATE_INFO_EXT))
        return own->flags;
    auto* libraries = find<VkPipelineLibraryCreateInfoKHR>(
        info.pNext, VK_STRUCTURE_TYPE_PIPELINE_LIBRARY_CREATE_INFO_KHR);
    const bool linked = libraries && libraries->libraryCount != 0;
    return linked || (flags & VK_PIPELINE_CREATE_2_LIBRARY_BIT_KHR) ? 0 : kAllParts;
}

Parts part_of(VkShaderStageFlagBits stage) {
    return stage == VK_SHADER_STAGE_FRAGMENT_BIT ? kFragment : kPreRaster;
}

VkGraphicsPipelineCreateInfo only(const VkGraphicsPipelineCreateInfo& info, Parts parts,
                                  bool discard) {
    VkGraphicsPipelineCreateInfo own = info;
    if (!(parts & kVertexInput)) {
        own.pVertexInputState = nullptr;
        own.pInputAssemblyState = nullptr;
    }
    if (!(parts & kPreRaster)) {
        own.pViewportState = nullptr;
        own.pRasterizationState = nullptr;
        own.pTessellationState = nullptr;
    }
    if (!(parts & kFragment) || discard)
        own.pDepthStencilState = nullptr;
    if (!(parts & kOutput) || discard) {
        own.pMultisampleState = nullptr;
        own.pColorBlendState = nullptr;
    }
    return own;
}

void take_parts(const GraphicsState& from, const DynMask& from_dynamic, Parts parts,
                GraphicsState& to, DynMask& dynamic) {
    for (size_t i = 0; i < dynamic.size(); ++i)
        if (part_of(static_cast<Dyn>(i)) & parts)
            dynamic.set(i, from_dynamic.test(i));
    if (parts & kVertexInput) {
        to.attributes = from.attributes;
        to.attribute_count = from.attribute_count;
        to.strides = from.strides;
        to.divisors = from.divisors;
        to.assembly.topology = from.assembly.topology;
        to.assembly.primitive_restart = from.assembly.primitive_restart;
    }
    if (parts & kPreRaster) {
        to.raster = from.raster;
        to.raster_stream = from.raster_stream;
        to.clip_follows_clamp = from.clip_follows_clamp;
        to.tessellation = from.tessellation;
        to.viewports = from.viewports;
        to.viewport_count = from.viewport_count;
        to.negative_one_to_one = from.negative_one_to_one;
        to.scissors = from.scissors;
        to.scissor_count = from.scissor_count;
        to.assembly.provoking_last = from.assembly.provoking_last;
    }
    if (parts & kFragment)
        to.depth = from.depth;
    if (parts & kOutput) {
        to.multisample = from.multisample;
        to.blend = from.blend;
        to.blend_attachments = from.blend_attachments;
        to.color_write_off = from.color_write_off;
        to.blend_count = from.blend_count;
    }
}

} // namespace kite::rt
