// SPDX-License-Identifier: MIT
// Pipeline libraries (VK_EXT_graphics_pipeline_library): parts of a graphics pipeline and how they
// are put together.
//
// Every stage is a program of its own, so linking takes over the programs and the part of the state
// that a library stands for. A stage is compiled again at link time only where the whole pipeline
// changes what it means: another place of its dynamic buffers (independent sets), another mapping
// of colour outputs, tessellation modes. For that a library keeps its shaders' sources. Ownership:
// the pipeline. Threading: immutable after creation. Failure: none here.
#pragma once

#include "kite_cc/compiler.hpp"
#include "runtime/pipeline/graphics_state.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kite::rt {

struct Pipeline;

/// Parts of a pipeline.
using Parts = VkGraphicsPipelineLibraryFlagsEXT;

/// All parts.
inline constexpr Parts kAllParts = VK_GRAPHICS_PIPELINE_LIBRARY_VERTEX_INPUT_INTERFACE_BIT_EXT |
                                   VK_GRAPHICS_PIPELINE_LIBRARY_PRE_RASTERIZATION_SHADERS_BIT_EXT |
                                   VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_SHADER_BIT_EXT |
                                   VK_GRAPHICS_PIPELINE_LIBRARY_FRAGMENT_OUTPUT_INTERFACE_BIT_EXT;

/// A library's shader as it was given, for compiling it again.
struct StageSource {
    std::vector<uint32_t> words;                   ///< SPIR-V
    std::string entry;                             ///< entry point
    std::vector<VkSpecializationMapEntry> entries; ///< specialization
    std::vector<std::byte> data;                   ///< its values
    std::vector<cc::Binding> bindings;             ///< of the layout it was compiled for
    std::array<uint8_t, 8> color_target{};         ///< as cc::Options
    VkShaderStageFlagBits stage{};                 ///< stage

    /// True if this layout's dynamic buffers lie where those of `bindings` do.
    [[nodiscard]] bool same_dynamic(std::span<const cc::Binding> layout) const;
};

/// The parts that a create info itself describes.
[[nodiscard]] Parts own_parts(const VkGraphicsPipelineCreateInfo& info,
                              VkPipelineCreateFlags2 flags);
/// The part that a stage belongs to.
[[nodiscard]] Parts part_of(VkShaderStageFlagBits stage);
/// The create info without pointers that have no meaning for these parts; `discard`: a library says
/// that nothing is rasterized.
[[nodiscard]] VkGraphicsPipelineCreateInfo only(const VkGraphicsPipelineCreateInfo& info,
                                                Parts parts, bool discard);
/// Takes over the state of some parts.
void take_parts(const GraphicsState& from, const DynMask& from_dynamic, Parts parts,
                GraphicsState& to, DynMask& dynamic);

} // namespace kite::rt
