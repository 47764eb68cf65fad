// SPDX-License-Identifier: MIT
// VkBuffer and VkBufferView: a range of a memory object, and texel views of it.
//
// Ownership: the application. Threading: immutable after binding. Failure: out of memory only;
// sizes are checked against maxBufferSize.
#pragma once

#include "kite_hw/descriptors.hpp"
#include "runtime/memory/device_memory.hpp"

namespace kite::rt {

/// The buffer.
struct Buffer : Object<Buffer, VkBuffer> {
    uint64_t size_bytes = 0;      ///< size
    VkBufferUsageFlags usage = 0; ///< usage
    uint64_t address = 0;         ///< GPU address once bound
    /// Bytes from offset, resolving VK_WHOLE_SIZE.
    [[nodiscard]] uint64_t range(uint64_t offset, uint64_t range) const {
        uint64_t rest = offset < size_bytes ? size_bytes - offset : 0;
        return range == VK_WHOLE_SIZE || range > rest ? rest : range;
    }
};

/// The texel view.
struct BufferView : Object<BufferView, VkBufferView> {
    hw::ImageDescriptor desc; ///< dim = buffer
};

/// 16-byte descriptor of a buffer range; a null buffer gives the null descriptor.
[[nodiscard]] hw::BufferDescriptor describe_buffer(const Buffer* b, uint64_t offset,
                                                   uint64_t range);

/// Requirements of a buffer of this size.
[[nodiscard]] VkMemoryRequirements buffer_requirements(const Device& d, uint64_t size);

} // namespace kite::rt
