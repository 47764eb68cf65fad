// SPDX-License-Identifier: MIT
// Descriptor set layouts and pipeline layouts: where each binding lies in a set's memory.
//
// The layout maths is pure: buffers are 16 bytes, samplers 32, image descriptors 128 on 64-byte
// boundaries, combined image samplers 192 (image, sampler at 128), 448 where an immutable sampler
// has a Y'CbCr conversion (further planes at 192 and 320). Bindings lie in order of their numbers;
// dynamic-offset buffers have an index into the dynamic array instead (and a slot in the set too,
// so that copies are uniform). Ownership: the data is shared: pipeline layouts and sets keep it
// alive after the application destroyed the layout. Threading: immutable. Failure: out of host
// memory.
#pragma once

#include "kite_cc/compiler.hpp"
#include "runtime/resource/sampler.hpp"

#include <memory>
#include <vector>

namespace kite::rt {

/// One binding of a set.
struct BindingLayout {
    uint32_t binding = 0;       ///< number
    VkDescriptorType type{};    ///< type
    uint32_t count = 0;         ///< array elements (bytes for inline uniform blocks)
    uint32_t offset = 0;        ///< bytes from the set's start
    uint32_t stride = 0;        ///< bytes between elements
    uint32_t align = 16;        ///< of the first element, bytes
    uint32_t dynamic_index = 0; ///< first index among the set's dynamic buffers
    bool variable = false;      ///< variable descriptor count
    std::vector<std::array<uint32_t, hw::SamplerDescriptor::kDwords>>
        immutable;                          ///< packed samplers, or empty
    std::vector<cc::YcbcrConversion> ycbcr; ///< of the immutable samplers, or empty
};

/// A set's layout.
struct SetLayoutData {
    std::vector<BindingLayout> bindings; ///< sorted by number
    uint32_t size_bytes = 0;             ///< bytes of a set
    uint32_t dynamic_count = 0;          ///< dynamic buffers
    bool push = false;                   ///< push descriptors
    /// The binding with this number, or null.
    [[nodiscard]] const BindingLayout* find(uint32_t binding) const;
};

/// Bytes of a descriptor, and its alignment.
struct DescriptorSize {
    uint32_t stride; ///< bytes
    uint32_t align;  ///< bytes
};
/// Size of a type.
[[nodiscard]] DescriptorSize descriptor_size(VkDescriptorType type);
/// True for the two dynamic-offset types.
[[nodiscard]] bool is_dynamic(VkDescriptorType type);
/// Computes offsets from a create info.
[[nodiscard]] SetLayoutData compute_layout(const VkDescriptorSetLayoutCreateInfo& info);

/// VkDescriptorSetLayout.
struct DescriptorSetLayout : Object<DescriptorSetLayout, VkDescriptorSetLayout> {
    std::shared_ptr<const SetLayoutData> data; ///< the layout
};

/// VkPipelineLayout.
struct PipelineLayout : Object<PipelineLayout, VkPipelineLayout> {
    std::vector<std::shared_ptr<const SetLayoutData>> sets; ///< may hold null
    std::vector<uint32_t> dynamic_base;                     ///< first dynamic index of each set
    std::vector<cc::Binding> bindings;                      ///< for the compiler
};

/// Fills a pipeline layout from set layouts; null handles are allowed.
void fill_pipeline_layout(PipelineLayout& out, std::span<const VkDescriptorSetLayout> sets);

} // namespace kite::rt
