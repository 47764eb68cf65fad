// SPDX-License-Identifier: MIT
// Maps base::Error to VkResult at the edge of the API.
//
// Ownership: none. Threading: pure. Failure: none; unknown codes become VK_ERROR_UNKNOWN. Errors
// were logged where they were made (base::fail), so KITE_LOG=info explains each failing call.
#pragma once

#include "base/result.hpp"

#include <vulkan/vulkan_core.h>

namespace kite::rt {

/// VkResult of an error.
[[nodiscard]] VkResult to_vk(const base::Error& error);

/// VK_SUCCESS or the mapped error.
template <class T>
[[nodiscard]] VkResult to_vk(const base::Result<T>& r) {
    return r ? VK_SUCCESS : to_vk(r.error());
}

} // namespace kite::rt
