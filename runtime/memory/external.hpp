// SPDX-License-Identifier: MIT
// Memory as file descriptors: which handle types there are and what they can do.
//
// Opaque fds exist on both back ends (a memfd or a dma-buf of our own), dma-bufs on drm. Static
// facts, pure functions; nothing fails.
#pragma once

#include "runtime/device/instance.hpp"

namespace kite::rt {

/// Handle types of this device.
[[nodiscard]] VkExternalMemoryHandleTypeFlags memory_handle_types(const kmd::DeviceFacts& facts);
/// What one handle type can do; all zero when it is not among them.
[[nodiscard]] VkExternalMemoryProperties memory_handle(const kmd::DeviceFacts& facts,
                                                       VkExternalMemoryHandleTypeFlagBits type);

} // namespace kite::rt
