// SPDX-License-Identifier: MIT
// Descriptor pools, sets, updates and update templates.
//
// A set is a piece of host-visible GPU memory that updates write directly; the GPU reads it when a
// command executes, so updates after binding need nothing else. Dynamic buffers also keep their
// descriptor on the host, to which bind-time offsets are added. Ownership: the pool owns its sets
// and their memory. Threading: the pool is externally synchronised. Failure: out of pool memory
// when maxSets is reached.
#pragma once

#include "runtime/descriptor/layout.hpp"

#include <span>

namespace kite::rt {

struct DescriptorPool;

/// Memory of a set (in a pool, or pushed into a command buffer) that updates write.
struct SetStorage {
    const SetLayoutData* layout = nullptr;   ///< layout
    std::byte* host = nullptr;               ///< memory
    hw::BufferDescriptor* dynamic = nullptr; ///< layout->dynamic_count entries
};

/// VkDescriptorSet.
struct DescriptorSet : Object<DescriptorSet, VkDescriptorSet> {
    DescriptorPool* pool = nullptr;              ///< owner
    std::shared_ptr<const SetLayoutData> layout; ///< layout
    uint64_t address = 0;                        ///< GPU address, 0 for an empty layout
    std::byte* host = nullptr;                   ///< host pointer
    uint64_t size_bytes = 0;                     ///< bytes taken from the pool
    GpuPiece own;                                ///< memory outside the pool's block
    size_t index = 0;                            ///< in the pool's list
    std::vector<hw::BufferDescriptor> dynamic;   ///< dynamic buffers
    /// What updates need.
    SetStorage storage() { return {layout.get(), host, dynamic.data()}; }
};

/// VkDescriptorPool.
struct DescriptorPool : Object<DescriptorPool, VkDescriptorPool> {
    Device* device = nullptr;                         ///< owner
    uint32_t max_sets = 0;                            ///< maxSets
    GpuPiece memory;                                  ///< the block
    uint64_t used = 0;                                ///< bump position
    std::vector<std::unique_ptr<DescriptorSet>> sets; ///< alive
    std::vector<std::pair<uint64_t, uint64_t>> holes; ///< freed ranges: offset, bytes
    /// Frees all sets.
    void reset();
    /// Makes a set.
    VkResult allocate(std::shared_ptr<const SetLayoutData> layout, uint32_t variable_count,
                      DescriptorSet** out);
    /// Frees one set.
    void free_set(DescriptorSet* set);
};

/// VkDescriptorUpdateTemplate.
struct DescriptorUpdateTemplate : Object<DescriptorUpdateTemplate, VkDescriptorUpdateTemplate> {
    std::vector<VkDescriptorUpdateTemplateEntry> entries; ///< what to read
    VkPipelineBindPoint bind_point{};                     ///< push templates
    uint32_t set = 0;                                     ///< push templates
};

/// Writes the immutable samplers of a layout into set memory.
void write_immutable_samplers(const SetStorage& s);
/// Performs one write (dstSet is ignored: `s` is the destination).
void write_descriptors(const SetStorage& s, const VkWriteDescriptorSet& w);
/// Performs a template update.
void write_template(const SetStorage& s, const DescriptorUpdateTemplate& t, const void* data);

} // namespace kite::rt
